"""What is known of extension modules, from made ones: string tables, Cython sources, stubs."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from pickleball_generate.facts import Environment, extensions
from pickleball_generate.inference import Options, infer
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from pickleball_generate.joern import Joern

    Tree = Callable[[dict[str, str]], Path]
    Opener = Callable[..., Environment]


def machine_code(*names: str) -> str:
    """Write what stands in an extension module, as far as the facts look at it."""
    return "\0".join(["\x7fELF", *names, "os.system"])


def test_extension_modules_tell_classes_by_their_cython_source(tree: Tree, environment_of: Opener) -> None:
    """Callees come from `__reduce__` in the `.pyx` beside it, inherited, imported, registered or made by Cython."""
    root = tree({
        "t/__init__.py": "", "t/_c.pyx": (
            "from ._other cimport make as maker\nimport copyreg as copy_reg\n"
            'cdef class Node(Base):\n    """\n    class Fake:\n    """\n    cdef int f(self):\n        return 1, 2\n'
            "    def __reduce__(self):\n        if self:\n            return (\n"
            "                rebuild, (1,), self.__getstate__())\n"
            "        return maker, ()\n\nclass Plain:\n    pass\ncdef class Leaf(Node):\n    pass\n"
            "cdef class Own:\n    def __reduce__(self):\n        return type(self), (1,)\n"
            "cdef class Auto:\n    cdef int x\ncdef class Vocab:\n    pass\n"
            "def pickle_vocab(Vocab vocab):\n    x = 1\n    return (unpickle_vocab, (x,))\n"
            "def unpickle_vocab(x):\n    return Vocab()\ncopy_reg.pickle(Vocab, pickle_vocab, unpickle_vocab)\n"
        ),
        "t/_c.cpython-311-x86_64-linux-gnu.so": machine_code("t._c.Node", "__pyx_unpickle_Auto", "__pyx_unpickle_Leaf"),
    })  # fmt: skip
    extension = environment_of(root).extension("t._c")
    assert extension is not None
    assert extension.source == "t/_c.pyx"
    assert {name: extension.callees(name) for name in ("Node", "Leaf", "Own", "Auto", "Vocab", "Plain")} == {
        "Node": ("t._c.rebuild", "t._other.make"), "Leaf": ("t._c.__pyx_unpickle_Leaf",), "Own": ("t._c.Own",),
        "Auto": ("t._c.__pyx_unpickle_Auto",), "Vocab": ("t._c.unpickle_vocab",), "Plain": (),
    }  # fmt: skip
    assert not extension.has_class("Fake")
    assert "os.system" not in extension.names


def test_what_is_known_of_an_extension_module_is_kept_until_its_package_changes(
    tree: Tree, joern: Joern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machine code and Cython sources are read once; an edit of a source is seen."""
    source = "from a cimport b\nimport c\ncdef class N(B):\n    def __reduce__(self):\n        return make, ()\n"
    files = {"t/__init__.py": "", "t/_c.pyx": source, "t/_c.pyi": "class S: ...\n", "t/_c.so": machine_code("t._c.N")}
    root = tree(files)

    def read() -> extensions.Extension | None:
        environment = Environment(Library([root]), joern, tmp_path / "cache")
        found = environment.extension("t._c")
        environment.close()
        return found

    first = read()
    assert first is not None
    assert (first.callees("N"), first.stubbed, first.names) == (("t._c.make",), {"S": "t._c"}, {"t._c.N"})
    with monkeypatch.context() as patch:
        patch.setattr(extensions, "read_extension", None)
        assert read() == first
    tree({"t/_c.pyx": source.replace("make", "other")})
    assert (second := read()) is not None
    assert second.callees("N") == ("t._c.other",)


def test_templates_and_included_files_are_cython_sources_too(tree: Tree, environment_of: Opener) -> None:
    """The holes of a template's names are filled by the names that the module has."""
    root = tree({
        "t/__init__.py": "", "t/_c.pyx.tp": (
            'include "_tree.pxi"\n{{for suffix in ["32", "64"]}}\n'
            "cdef class Node{{suffix}}(Tree{{suffix}}):\n    pass\n{{endfor}}\n"
        ),
        "t/_tree.pxi.in": (
            "def newObj(obj):\n    return obj.__new__(obj)\n"
            "cdef class Tree{{suffix}}:\n    def __reduce__(self):\n        return (newObj, (type(self),))\n"
        ),
        "t/_c.abi3.so": machine_code("t._c.Node64"),
    })  # fmt: skip
    extension = environment_of(root).extension("t._c")
    assert extension is not None
    assert extension.callees("Node64") == ("t._c.newObj",)
    assert extension.has_class("Tree32")
    assert not extension.has_class("Leaf64")


def test_extension_modules_without_source_tell_classes_by_their_strings(tree: Tree, environment_of: Opener) -> None:
    """A type with a `__reduce__` of its own and no unpickling function is taken to name itself."""
    root = tree({
        "t/__init__.py": "",
        "t/_c.abi3.so": machine_code(
            "t._c.Own.__reduce__", "t._c.Held.__setstate__", "t._c.work", "__pyx_unpickle_Auto",
            "__pyx_unpickle_Auto__set_state",
        ),
    })  # fmt: skip
    extension = environment_of(root).extension("t._c")
    assert extension is not None
    assert {name: extension.callees(name) for name in ("Own", "Held", "Auto") if extension.has_class(name)} == {
        "Own": ("t._c.Own",), "Held": (), "Auto": ("t._c.__pyx_unpickle_Auto",),
    }  # fmt: skip
    assert not extension.has_class("work")


def test_stubs_tell_the_classes_of_other_extension_modules(tree: Tree, environment_of: Opener) -> None:
    """A class that the stub of the package around it declares claims to come from there."""
    root = tree({
        "t/__init__.py": "from .t import Token\n", "t/__init__.pyi": "class Token:\n    def __getstate__(self): ...\n",
        "t/models/__init__.py": "", "t/models/__init__.pyi": "class Unigram: ...\n", "t/t.abi3.so": machine_code(),
        "t/t.pyi": "from t import Token as Token\nclass Own: ...\n", "t/py.py": "", "t/py.pyi": "class Other: ...\n",
    })  # fmt: skip
    extension = environment_of(root).extension("t.t")
    assert extension is not None
    assert [extension.canonical(name) for name in ("Token", "Unigram", "Own", "Other")] == [
        "t.Token", "t.models.Unigram", "t.t.Own", "t.t.Other",
    ]  # fmt: skip
    assert extension.has_class("Token")
    assert not extension.has_class("Other")


def test_stubs_tell_the_classes_of_modules_inside_machine_code(tree: Tree, environment_of: Opener) -> None:
    """Such a module has no file: its stub says which classes it has, and which of them reduce themselves."""
    root = tree({
        "t/__init__.py": "", "t/_rust.abi3.so": machine_code(), "t/_rust/__init__.pyi": "",
        "t/_rust/maps.pyi": "class Map:\n    def __reduce__(self): ...\n    def get(self, key): ...\n",
        "t/_rust/windows.pyi": "class Window:\n    def __getstate__(self) -> bytes: ...\nclass Unused: ...\n",
        "t/alone/maps.pyi": "class Map:\n    def __reduce__(self): ...\n",
        "t/model.py": "from t._rust import windows\nfrom t._rust.maps import Map\nfrom t.alone import maps\n"
        "class Part:\n    pass\nclass Model:\n    def __init__(self):\n        self.window = windows.Window(1)\n"
        "        self.map = Map(Part())\n        self.alone = maps.Map()\n",
    })  # fmt: skip
    policy = infer(environment_of(root), ["t.model.Model"], Options()).policy
    assert policy.globals == {"t.model.Model", "t.model.Part", "t._rust.windows.Window", "t._rust.maps.Map"}
    assert policy.reduces == {"t._rust.maps.Map"}


def test_a_class_in_cython_keeps_what_its_bases_keep(tree: Tree, environment_of: Opener) -> None:
    """It descends from a class with source, and its own source imports a package that a pack describes."""
    root = tree({
        "numpy/__init__.py": "", "t/__init__.py": "", "t/_c.abi3.so": machine_code("t._c.Model.fit"),
        "t/_c.pyx": "cimport numpy as np\nfrom .base import Base\nclass Inner(Base):\n    pass\n"
        "class Model(Inner):\n    def fit(self):\n        self.x = np.zeros(1)\n",
        "t/base.py": "class Part:\n    pass\n\nclass Base:\n    def __init__(self):\n        self.part = Part()\n",
    })  # fmt: skip
    policy = infer(environment_of(root), ["t._c.Model"], Options()).policy
    assert policy.globals == {"t._c.Model", "t.base.Base", "t.base.Part", "numpy.ndarray"}


def test_a_packed_string_table_tells_bases_and_packages(tree: Tree, environment_of: Opener) -> None:
    """Cython packs its strings: a class without source keeps what a base of its package keeps, and data of numpy."""
    root = tree({
        "numpy/__init__.py": "", "t/__init__.py": "", "t/base.py":
        "class Part:\n    pass\n\nclass Base:\n    def __init__(self):\n        self.part = Part()\n\nclass Other:\n"
        "    pass\n", "t/far.py": "class Base:\n    pass\n", "t/plain.py": "class Plain:\n    pass\n",
    })  # fmt: skip
    table = zlib.compress(b"'t.base'MatrixBasenumpyobjModel.fitPlain\x80\x01")
    machine = machine_code("t._c.Model.__init__", "__pyx_capi__").encode() + b"\0" + table + b"\0"
    (root / "t" / "_c.abi3.so").write_bytes(machine)
    policy = infer(environment_of(root), ["t._c.Model"], Options()).policy
    assert policy.globals == {"t._c.Model", "t.base.Base", "t.base.Part", "numpy.ndarray"}
    (root / "t" / "_c.abi3.so").write_bytes(machine.replace(b"__pyx_capi__", b"__other_capi"))
    assert infer(environment_of(root), ["t._c.Model"], Options()).policy.globals == {"t._c.Model"}


def test_an_attribute_that_a_base_in_cython_stores_is_read_there(tree: Tree, environment_of: Opener) -> None:
    """A method of the base puts an object into it, and code takes it out of an instance of the class below."""
    root = tree({
        "t/__init__.py": "from ._c import *\n", "t/parts.py": "class Log:\n    pass\nclass Other:\n    pass\n",
        "t/_c.abi3.so": machine_code("t._c.Trainer.on_start"),
        "t/_c.pyx": "from t import parts\ncdef class Base:\n    pass\nclass Trainer(Base):\n    log = None\n"
        "    def on_start(self, text):\n        self.log = parts.Log()\n"
        "    def on_end(self):\n        self.other = parts.Other()\n",
        "t/model.py": "import t\nclass Quiet(t.Trainer):\n    pass\nclass Model:\n"
        "    def fit(self):\n        trainer = Quiet()\n        self.log = trainer.log\n",
    })  # fmt: skip
    assert infer(environment_of(root), ["t.model.Model"], Options()).policy.globals == {"t.model.Model", "t.parts.Log"}


def test_what_a_method_of_an_extension_type_gives_may_be_an_instance(tree: Tree, environment_of: Opener) -> None:
    """`Metric.get(name)` gives a `Metric`, or an instance of a class below it."""
    root = tree({
        "t/__init__.py": "",
        "t/_c.abi3.so": machine_code("t._c.Metric.get", "t._c.Near.dist", "t._c.Other.dist"),
        "t/_c.pyx": "def make(cls):\n    return cls()\ncdef class Metric:\n    def __reduce__(self):\n"
        "        return make, (self.__class__,)\n    @classmethod\n    def get(cls, name):\n        pass\n"
        "cdef class Near(Metric):\n    def dist(self):\n        pass\ncdef class Other:\n    def dist(self):\n"
        "        pass\n",
        "t/model.py": "from ._c import Metric\n\nclass Model:\n    def fit(self, name):\n"
        "        self.metric = Metric.get(name)\n",
    })  # fmt: skip
    policy = infer(environment_of(root), ["t.model.Model"], Options()).policy
    assert policy.globals == {"t.model.Model", "t._c.Metric", "t._c.Near"}
    assert policy.reduces == {"t._c.make"}


def test_machine_code_gives_back_the_function_beside_it(tree: Tree, environment_of: Opener) -> None:
    """A function that gets its text from machine code is held under its own name; no class, and none from elsewhere."""
    root = tree({
        "lib/__init__.py": "", "lib/_c.abi3.so": machine_code("lib._c.gelu"),
        "lib/model.py": (
            "import os\nfrom lib import _c\n"
            "gelu = _c.add_text(_c.gelu, 'text')\nrun = _c.add_text(os.system, 'x')\n"
            "kind = _c.add_text(_c.Kind, 'x')\nother = os.path.join(_c.other, 'x')\nclass Model:\n"
            "    def __init__(self):\n        self.act = gelu\n        self.run = run\n"
            "        self.kind = kind\n        self.other = other\n"
        ),
    })  # fmt: skip
    policy = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert policy.globals == {"lib.model.Model", "lib._c.gelu"}
    assert not policy.reduces
