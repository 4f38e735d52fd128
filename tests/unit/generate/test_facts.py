"""Facts of small source trees, made by the real extractor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pickleball_generate.errors import BadInput
from pickleball_generate.facts import Environment
from pickleball_generate.facts.closure import absolute, closure
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tree = Callable[[dict[str, str]], Path]
    Opener = Callable[..., Environment]


def facts_of(tree: Any, environment_of: Any, text: str) -> dict[str, Any]:
    """Extract the facts of one module."""
    facts: dict[str, Any] = environment_of(tree({"p/__init__.py": "", "p/m.py": text})).module("p.m")
    return facts


def test_a_class_tells_its_bases_keywords_decorators_members_and_methods(tree: Tree, environment_of: Opener) -> None:
    """A class's header and body stand in its facts, nested as in the source."""
    facts = facts_of(tree, environment_of, (
        "@decorated('pkg')\nclass C(Base, other.Mixin, metaclass=Meta):\n    kind: int = 3\n    __module__ = 'p'\n"
        "    def m(self, a, /, b: 'B' = None, *rest, c=1, **more) -> 'C':\n        self.x = a or Default()\n"
        "        return self\n"
    ))  # fmt: skip
    (found,) = facts["classes"]
    assert (found["name"], found["line"], found["bases"], found["kw"]) == (
        "C", 2, ["Base", "other.Mixin"], {"metaclass": "Meta"},
    )  # fmt: skip
    assert found["decorators"] == [{"call": "decorated", "args": [{"str": "pkg"}]}]
    assert [(a["to"], a["v"]) for a in found["assigns"]] == [
        ("kind", {"lit": "int", "v": "3"}),
        ("__module__", {"str": "p"}),
    ]
    assert found["assigns"][0]["ann"] == "int"
    (method,) = found["functions"]
    assert [(p["n"], p.get("k")) for p in method["params"]] == [
        ("self", None), ("a", None), ("b", None), ("rest", "*"), ("c", "kw"), ("more", "**"),
    ]  # fmt: skip
    assert method["assigns"] == [{"to": "self.x", "line": 6, "v": {"or": ["a", {"call": "Default"}]}}]
    assert method["returns"] == [{"v": "self", "line": 7}]


def test_every_call_of_a_body_is_listed_wherever_it_stands(tree: Tree, environment_of: Opener) -> None:
    """Calls in conditions, raises, arguments and lambdas are in `reach`; nested functions have their own."""
    facts = facts_of(tree, environment_of, (
        "def f(x):\n    if a(): raise E(b(x))\n    for i in c(): pass\n    with d() as y: assert e()\n"
        "    g(lambda: h())\n    def inner(z=k()): l()\n    return [m(i) for i in x if n(i)]\n"
    ))  # fmt: skip
    (function,) = facts["functions"]
    assert {call["f"] for call in function["reach"]} == {"a", "E", "b", "c", "d", "e", "g", "h", "k", "m", "n"}
    assert [call["f"] for call in function["functions"][0]["reach"]] == ["l"]


def test_imports_inside_functions_and_try_blocks_are_kept(tree: Tree, environment_of: Opener) -> None:
    """An import is a fact of the scope in which it stands."""
    facts = facts_of(tree, environment_of, (
        "try:\n    import fast as impl\nexcept ImportError:\n    from . import slow as impl\n"
        "def f():\n    from ..x import y\n"
    ))  # fmt: skip
    assert [(i.get("import"), i.get("from"), i.get("name"), i["as"]) for i in facts["imports"]] == [
        ("fast", None, None, "impl"),
        (None, ".", "slow", "impl"),
    ]
    assert facts["functions"][0]["imports"] == [{"from": "..x", "name": "y", "line": 6}]


def test_a_line_that_the_parser_refuses_costs_that_line_only(tree: Tree, environment_of: Opener) -> None:
    """What follows a refused line keeps its place, and the line is named."""
    facts = facts_of(tree, environment_of, (
        "class A:\n    def f(self, a, b):\n        with (a / b).open() as f:\n            self.x = f.read()\n"
        "class B:\n    def g(self): self.y = 1\n"
    ))  # fmt: skip
    assert [c["name"] for c in facts["classes"]] == ["A", "B"]
    assert facts["lost"] == [{"line": 3, "text": "with (a / b).open() as f:"}]
    assert facts["classes"][0]["functions"][0]["assigns"][0]["to"] == "self.x"


def test_the_same_sources_give_the_same_bytes(tree: Tree, joern: Any, environment_of: Opener, tmp_path: Path) -> None:
    """Two extractions of one tree are equal, byte by byte."""
    environment = environment_of(tree({f"p/m{n}.py": f"class C{n}:\n    x = f({n})\n" for n in range(100)}))
    package = environment.library.package("p")
    assert package is not None
    outs = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for out in outs:
        joern.extract(
            "ast", package.root, sorted(package.modules.values()), {"schema": 1}, out, lambda done, total: None
        )
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_changed_source_is_read_again(tree: Tree, environment_of: Opener) -> None:
    """The cache is keyed by content: no stale facts after an edit."""
    root = tree({"q/__init__.py": "", "q/m.py": "class Old: pass\n"})
    assert environment_of(root).module("q.m")["classes"][0]["name"] == "Old"
    (root / "q/m.py").write_text("class New: pass\n")
    assert environment_of(root).module("q.m")["classes"][0]["name"] == "New"


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:60] + b"\0" * 30 + data[90:]]
)
def test_a_broken_cache_entry_is_made_again_and_named(
    damage: Callable[[bytes], bytes], tree: Tree, joern: Any, tmp_path: Path
) -> None:
    """A cut, empty or altered entry is noticed, replaced, and noted."""
    root, cache = tree({"r/__init__.py": "", "r/m.py": "class C: pass\n"}), tmp_path / "cache"
    first = Environment(Library([root]), joern, cache)
    assert first.module("r.m")
    first.close()
    (entry,) = (cache / "facts").glob("*.zip")
    entry.write_bytes(damage(entry.read_bytes()))
    again = Environment(Library([root]), joern, cache)
    assert [c["name"] for c in again.module("r.m")["classes"]] == ["C"]
    again.module("r")
    again.close()
    assert any("broken cache entry" in note for note in again.notes)


def test_the_import_closure_follows_modules_but_not_the_inits_of_packages(tree: Tree, environment_of: Opener) -> None:
    """Imports of functions count; what a package's own `__init__` pulls in does not."""
    root = tree({
        "s/__init__.py": "from . import everything\n",
        "s/everything.py": "",
        "s/a.py": "from .b import B\nfrom s import v\n",
        "s/b.py": "def f():\n    import s.c\n", "s/c.py": "import json\n", "s/d.py": "",
    })  # fmt: skip
    assert closure(environment_of(root), "s.a") == ["s", "s.a", "s.b", "s.c"]


def test_relative_imports_are_counted_from_the_package() -> None:
    """One dot is the package that a module lies in, and an `__init__` is its package itself."""
    assert absolute(".b", "p.a", package=False) == "p.b"
    assert absolute(".b", "p", package=True) == "p.b"
    assert absolute("..b", "p.q.a", package=False) == "p.b"
    assert absolute("json", "p.a", package=False) == "json"


def test_extension_modules_tell_classes_by_their_cython_source(tree: Tree, environment_of: Opener) -> None:
    """Names come from the string table, bases and reduce callees from the `.pyx` beside it."""
    root = tree({
        "t/__init__.py": "", "t/_c.pyx": (
            "cdef class Node(Base):\n    def __cinit__(self): pass\n    def __reduce__(self):\n"
            "        return (rebuild, (1,), self.__getstate__())\n\nclass Plain:\n    pass\n"
        ),
        "t/_c.cpython-311-x86_64-linux-gnu.so": "\0t._c.Node\0t._c.__pyx_unpickle_Enum\0__pyx_unpickle_Enum\0os.system",
    })  # fmt: skip
    extension = environment_of(root).extension("t._c")
    assert extension is not None
    assert extension.classes["Node"].reduces_to == ("rebuild",)
    assert extension.classes["Node"].bases == ("Base",)
    assert set(extension.classes) == {"Node", "Plain"}
    assert "t._c.Node" in extension.types
    assert "os.system" not in extension.types
    assert extension.unpicklers == {"__pyx_unpickle_Enum"}


def test_ignored_paths_are_left_out(tree: Tree, environment_of: Opener) -> None:
    """A path below the library path, or the name of a folder at any depth, is not read."""
    root = tree({"u/__init__.py": "", "u/tests/t.py": "", "u/a/tests/t.py": "", "u/a/b.py": "", "u/c/d.py": ""})
    package = environment_of(root, ignored=("tests", "u/c")).library.package("u")
    assert package is not None
    assert sorted(package.modules) == ["u", "u.a.b"]


def test_a_library_path_without_packages_is_named(tmp_path: Path, environment_of: Opener) -> None:
    """An empty folder, a missing one and a file are refused with what would be right."""
    with pytest.raises(BadInput, match="holds no Python package"):
        environment_of(tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        environment_of(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Not a directory"):
        environment_of(tmp_path / "file")


def test_editable_installs_are_found_through_their_pth(tree: Tree, environment_of: Opener, tmp_path: Path) -> None:
    """A folder that a `.pth` adds is searched after the library path itself."""
    root = tree({"v/__init__.py": "x = 1\n"})
    site = tmp_path / "site"
    site.mkdir()
    (site / "editable.pth").write_text(f"{root}\nimport sys\n/nowhere\n")
    (site / "w.py").write_text("y = 2\n")
    assert environment_of(site).library.names == ["v", "w"]
