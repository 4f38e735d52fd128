"""Models that hold functions, bound methods and parts in Cython: what enters, and what must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate import packs
from pickleball_generate.inference import Options, infer
from pickleball_generate.inference.effects import Grader
from pickleball_generate.inference.program import Program
from pickleball_generate.judging import Judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment
    from pickleball_generate.inference import Result

    Tree = Callable[[dict[str, str]], Path]
    Opener = Callable[..., Environment]

MACHINE = "\x7fELF"


def inferred(environment_of: Opener, root: Path, *classes: str) -> Result:
    """Infer the policy of classes below a folder."""
    return infer(environment_of(root), list(classes), Options())


# ---- functions in partials ------------------------------------------------------------------------------------------


PARTIALS = """
import os
from functools import partial

def scale(factor, x):
    return x * factor

def apply(function, x):
    return function(x)

def shell(command, x):
    return run(command)

def run(command):
    return os.system(command)

def wrapped(x):
    return partial(scale, x)

class Model:
    def __init__(self):
        self.harmless = partial(scale, 2)
        self.open = partial(apply, scale)
        self.sink = partial(os.system, "true")
        self.shell = partial(shell, "true")
"""


def test_a_function_in_a_partial_is_called_unless_it_has_an_effect(tree: Tree, environment_of: Opener) -> None:
    """Attack: a file fills `partial(f, ...)` with arguments of its own. Wrappers of sinks stay out, with their path."""
    root = tree({"lib/__init__.py": "", "lib/model.py": PARTIALS})
    result = inferred(environment_of, root, "lib.model.Model")
    assert result.policy.reduces == {"functools.partial", "lib.model.scale", "lib.model.apply"}
    found = result.provenance["classes"]["lib.model.Model"]
    assert found["reduces"]["lib.model.scale"]["grade"] == "resolved"
    assert found["reduces"]["lib.model.apply"]["grade"] == "unknown"
    assert "it can reach process" in found["refused"]["lib.model.shell"]["effect"]
    assert not any(name.endswith(("system", "shell")) for name in (*result.policy.globals, *result.policy.reduces))


WIDENED = """
from functools import partial
from lib.base import Base, outside

def apply(function, x):
    return function(x)

def scale(factor, x):
    return x * factor

class Open(Base):
    def fit(self, x):
        self.f = partial(apply, scale)

class Closed(Base):
    def fit(self, x):
        self.f = partial(scale, 2)
"""


def test_what_a_bound_lets_in_brings_no_function_to_call(tree: Tree, environment_of: Opener) -> None:
    """Attack: a class of any package shares a base with the model and holds a partial of a function that calls."""
    root = tree({
        "lib/__init__.py": "", "lib/base.py": "def outside():\n    pass\n\nclass Base:\n    pass\n",
        "lib/model.py": "from lib.base import Base\n\nclass Model(Base):\n    def __init__(self, part):\n"
        "        self.part = part\n    def fit(self, x):\n        self.part.fit(x)\n",
        "other/__init__.py": "", "other/parts.py": WIDENED,
    })  # fmt: skip
    policy = inferred(environment_of, root, "lib.model.Model").policy
    assert {"other.parts.Open", "other.parts.Closed"} <= policy.globals
    assert "other.parts.apply" not in policy.reduces


# ---- bound methods --------------------------------------------------------------------------------------------------


BOUND = """
import re
from pathlib import PosixPath

PATTERN = re.compile("a+")

class Model:
    def __init__(self, text):
        self.search = re.compile(text).search
        self.find = PATTERN.finditer
        self.pattern = PATTERN.pattern
        self.remove = PosixPath(text).unlink
        self.first = re.compile(text).match("a")
"""


def test_a_bound_method_of_a_described_type_is_an_attribute_of_what_rebuilds_it(
    tree: Tree, environment_of: Opener
) -> None:
    """Attack: `PosixPath(x).unlink` in an attribute runs when the attribute is called; it stays out, and is named."""
    root = tree({"lib/__init__.py": "", "lib/model.py": BOUND})
    result = inferred(environment_of, root, "lib.model.Model")
    assert {"re._compile.search", "re._compile.finditer"} <= result.policy.globals
    assert "re._compile" in result.policy.reduces
    assert not any("unlink" in name or name.endswith((".pattern", ".match")) for name in result.policy.globals)
    refused = result.provenance["classes"]["lib.model.Model"]["refused"]
    assert [refused[name]["effect"] for name in refused if name.endswith("unlink")] == ["file"]


# ---- functions that a user gives by their name ----------------------------------------------------------------------


NAMESAKE = """
import os

class Part:
    def __init__(self, model):
        self.model = model

class Fixed:
    pass

def make_part():
    def factory(model):
        return Part(model)
    return factory

def make_fixed(model):
    return Fixed()

def make_none():
    return os.system

class Model:
    def __init__(self, make_part=None, make_fixed=None, make_none=None, unasked=None):
        self.part = make_part(self)
        self.fixed = make_fixed(self)
        self.none = make_none
        self.result = make_none("true")

def unasked():
    return Unasked()

class Unasked:
    pass
"""


def test_a_parameter_that_is_called_may_be_the_function_of_its_name(tree: Tree, environment_of: Opener) -> None:
    """A registry gives `make_part` by name: the function beside the class, or what it makes. Sinks stay out."""
    root = tree({"lib/__init__.py": "", "lib/model.py": NAMESAKE})
    policy = inferred(environment_of, root, "lib.model.Model").policy
    assert {"lib.model.Model", "lib.model.Part", "lib.model.Fixed"} <= policy.globals
    assert "lib.model.Unasked" not in policy.globals
    assert not any("system" in name for name in (*policy.globals, *policy.reduces))


# ---- registered reducers --------------------------------------------------------------------------------------------


REGISTERED = """
from .compat import copy_reg

class Part:
    pass

class Bin:
    def __init__(self):
        self.part = Part()
        self.other = Other()

class Other:
    pass

class Lower(Bin):
    pass

def pickle_bin(bin):
    return (unpickle_bin, (bin.part,))

def unpickle_bin(part):
    return Bin()

copy_reg.pickle(Bin, pickle_bin, unpickle_bin)
"""
COMPAT = "try:\n    import copy_reg\nexcept ImportError:\n    import copyreg as copy_reg\ncopy_reg = copy_reg\n"


def test_a_registered_reducer_is_what_pickle_calls(tree: Tree, environment_of: Opener) -> None:
    """`copyreg.pickle(C, f)` beside the class, under any name of copyreg; it does not hold for subclasses."""
    root = tree({"lib/__init__.py": "", "lib/model.py": REGISTERED, "lib/compat.py": COMPAT})
    policy = inferred(environment_of, root, "lib.model.Bin").policy
    assert (policy.reduces, policy.globals) == ({"lib.model.unpickle_bin"}, {"lib.model.Part"})
    below = inferred(environment_of, root, "lib.model.Lower").policy
    assert not below.reduces
    assert {"lib.model.Lower", "lib.model.Part", "lib.model.Other"} == below.globals


# ---- Cython ---------------------------------------------------------------------------------------------------------


CYTHON = """
from functools import partial
from ._store cimport Store
from .attrs cimport ONE
from .parts import Table, lower, upper
from .base import Base

def create(defaults, name=None):
    getters = {**defaults.getters, ONE: partial(upper, name)}
    return Vocab(getters, chunks=defaults.iterators.get("chunks"))

cdef class Vocab:
    cdef public object table
    def __init__(self, getters, lookups=None, chunks=None, norm=lower):
        cdef Store store = Store(self)
        if lookups is None:
            lookups = Table()
        self.store = store
        self.getters = getters
        self.lookups = lookups
        self.chunks = chunks
        self.norm = norm
        self.empty = NULL
        self.work = self._work
    cdef int _work(self) nogil:
        return 1

class Pipe(Base):
    def __init__(self, scorer=upper):
        self.scorer = scorer
"""


def test_constructors_and_functions_in_cython_are_read(tree: Tree, environment_of: Opener) -> None:
    """What `def` bodies of a `.pyx` store is held; names of C enumerations are numbers; a `.pxd` tells imports."""
    root = tree({
        "lib/__init__.py": "", "lib/vocab.pyx": CYTHON, "lib/vocab.abi3.so": MACHINE,
        "lib/attrs.pyx": "NAMES = {'ONE': ONE}\n", "lib/attrs.pxd": "cdef enum attr_t:\n    ONE\n    TWO\n",
        "lib/attrs.abi3.so": MACHINE,
        "lib/_store.pyx": "cdef class Store:\n    def __init__(self, vocab):\n        self.log = Log()\n"
        "    def __reduce__(self):\n        return unpickle_store, ()\ndef unpickle_store():\n    return Store()\n",
        "lib/_store.pxd": "from .log cimport Log\ncdef class Store:\n    cdef Log log\n",
        "lib/_store.abi3.so": MACHINE, "lib/log.abi3.so": MACHINE + "\0__pyx_unpickle_Log",
        "lib/log.pyx": "cdef class Log:\n    cdef int x\n",
        "lib/base.abi3.so": MACHINE + "\0__pyx_unpickle_Base", "lib/base.pyx": "cdef class Base:\n    pass\n",
        "lib/parts.py": "def lower(x):\n    return x\ndef upper(x, y):\n    return y\nclass Table:\n    pass\n"
        "def chunks(x):\n    return x\ndef like(x):\n    return x\n",
        "lib/model.py": "from .parts import chunks, like\nfrom .vocab import create, Pipe\n\nclass Own:\n"
        "    getters = {1: like}\n    iterators = {'chunks': chunks}\n\nclass Model:\n    Defaults = Own\n"
        "    def __init__(self):\n        self.vocab = create(self.Defaults)\n        self.pipe = Pipe()\n",
    })  # fmt: skip
    policy = inferred(environment_of, root, "lib.model.Model").policy
    assert policy.globals == {
        "lib.model.Model", "lib.vocab.Vocab", "lib.vocab.Pipe", "lib._store.Store", "lib.log.Log", "lib.parts.Table",
        "lib.parts.lower", "lib.parts.chunks", "lib.parts.like", "builtins.len",
    }  # fmt: skip
    assert policy.reduces == {
        "lib._store.unpickle_store", "lib.log.__pyx_unpickle_Log", "lib.base.__pyx_unpickle_Base", "functools.partial",
        "lib.parts.upper",
    }  # fmt: skip


def test_cython_that_hands_out_sinks_lets_none_in(tree: Tree, environment_of: Opener) -> None:
    """Attack: a `.pyx` stores os.system, a wrapper of it in a partial, and registers exec as what unpickles."""
    root = tree({
        "lib/__init__.py": "", "lib/c.abi3.so": MACHINE,
        "lib/c.pyx": "import os\nfrom functools import partial\ndef shell(x):\n    return os.system(x)\n"
        "cdef class Part:\n    def __init__(self, run=os.system):\n        self.run = run\n"
        "        self.later = partial(shell, 'true')\n    def __reduce__(self):\n        return exec, ('1',)\n",
        "lib/model.py": "from .c import Part\n\nclass Model:\n    def __init__(self):\n        self.part = Part()\n",
    })  # fmt: skip
    policy = inferred(environment_of, root, "lib.model.Model").policy
    assert policy.reduces == {"functools.partial"}
    assert not any(name.endswith(("system", "exec", "shell")) for name in policy.globals)


def test_a_function_in_cython_is_never_inert(tree: Tree, environment_of: Opener) -> None:
    """Attack: the line with the effect is one that Python's parser does not read, and is lost."""
    root = tree({
        "lib/__init__.py": "", "lib/c.abi3.so": MACHINE,
        "lib/c.pyx": "import os\ndef quiet(x):\n    y = os.system(x) ! 1\n    return x\n"
        "def loud(x):\n    os.system(x)\n",
        "lib/calls.py": "from .c import quiet\n\ndef hidden(x):\n    return quiet(x)\n",
    })  # fmt: skip
    known = packs.load()
    program = Program(environment_of(root), known.opaque)
    grader = Grader(program, known)
    grades = {
        name: grader.grade(found[1], called=True).word
        for module, name in (("lib.c", "quiet"), ("lib.c", "loud"), ("lib.calls", "hidden"))
        for found in program.attribute(module, name)
    }
    assert grades == {"quiet": "unknown", "loud": "effects", "hidden": "unknown"}


def test_a_partial_that_makes_tables_calls_what_it_gives_them(tree: Tree, environment_of: Opener) -> None:
    """`defaultdict(partial(defaultdict, f))` calls f, as `partial(tuple, ...)` does a type of plain data."""
    root = tree({
        "lib/__init__.py": "",
        "lib/model.py": "import os\nfrom collections import defaultdict\nfrom functools import partial\n\n"
        "class Model:\n    def __init__(self):\n        self.tables = defaultdict(partial(defaultdict, self.fresh))\n"
        "        self.loud = defaultdict(partial(defaultdict, self.shell))\n"
        "        self.limits = defaultdict(partial(tuple, (0.0, 1.0)))\n\n"
        "    @staticmethod\n    def fresh():\n        return 1\n\n"
        "    @staticmethod\n    def shell():\n        return os.system('true')\n",
    })  # fmt: skip
    result = inferred(environment_of, root, "lib.model.Model")
    wanted = {"functools.partial", "collections.defaultdict", "builtins.tuple", "lib.model.Model.fresh"}
    assert result.policy.reduces == wanted
    assert "lib.model.Model.shell" not in result.policy.globals


def test_a_method_that_a_class_puts_in_the_place_of_another_is_called(tree: Tree, environment_of: Opener) -> None:
    """Attack: one that reaches a process is put there, too: it stays outside. Elsewhere a method is data."""
    root = tree({
        "lib/__init__.py": "",
        "lib/model.py": "import os\n\nclass Model:\n    def __init__(self):\n        self.use = self.other\n"
        "        self.end = self.shell\n        self.kept = self.third\n\n    def use(self):\n        return 1\n\n"
        "    def end(self):\n        return 1\n\n    def other(self):\n        return 2\n\n"
        "    def third(self):\n        return 3\n\n    def shell(self):\n        os.system('true')\n",
    })  # fmt: skip
    policy = inferred(environment_of, root, "lib.model.Model").policy
    assert policy.reduces == {"lib.model.Model.other"}
    assert "lib.model.Model.third" in policy.globals


def test_a_file_may_propose_a_bound_method_that_has_no_effect(tree: Tree, environment_of: Opener) -> None:
    """Attack: `PosixPath.unlink` bound to a path of the file, and `search` as something to call: both are refused."""
    root = tree({"lib/__init__.py": ""})
    judge = Judge(environment_of(root), packs.load())
    decisions = {
        (listed, name): judge.judge(name, listed, ()).decision
        for listed in ("globals", "reduces")
        for name in ("re._compile.search", "pathlib.PosixPath.unlink", "re._compile.nothing")
    }
    assert [key for key, decision in decisions.items() if decision != "refuse"] == [("globals", "re._compile.search")]
    assert decisions["globals", "re._compile.search"] == "inert"


# ---- functions that rebuild objects ---------------------------------------------------------------------------------


REBUILT = """
import marshal
import zipfile

def parsed(data):
    return Plain()

def executed(data):
    return run(marshal.loads(data))

def unzipped(data):
    return zipfile.ZipFile(data).namelist()

class Plain:
    def __reduce__(self):
        return parsed, (b"",)

class Coded:
    def __reduce__(self):
        return executed, (b"",)

class Zipped:
    def __reduce__(self):
        return unzipped, (b"",)

class Restored:
    @classmethod
    def restore(cls, data):
        return cls()
    def __reduce__(self):
        return self.restore, (b"",)

class Below(Restored):
    pass

class Model:
    def __init__(self):
        self.parts = [Plain(), Coded(), Zipped(), Below()]
"""


def test_a_function_that_rebuilds_by_code_or_files_is_left_for_a_person(tree: Tree, environment_of: Opener) -> None:
    """A reduce method names it, but whoever writes the file chooses what it runs or opens.

    A class method has its name under the class that it is taken from.
    """
    root = tree({"lib/__init__.py": "", "lib/model.py": REBUILT})
    result = inferred(environment_of, root, "lib.model.Model")
    assert result.policy.reduces == {"lib.model.parsed", "lib.model.Below.restore"}
    refused = result.provenance["classes"]["lib.model.Model"]["refused"]
    assert {name: entry["list"] for name, entry in refused.items()} == {
        "lib.model.executed": "reduces", "lib.model.unzipped": "reduces",
    }  # fmt: skip
