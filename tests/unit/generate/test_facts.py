"""Facts of small source trees, made by the real extractor."""

from __future__ import annotations

import os
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_generate.facts import Environment
from pickleball_generate.facts.closure import absolute, closure
from pickleball_generate.facts.environment import silent
from pickleball_generate.facts.parts import imports
from pickleball_generate.facts.store import digest_of
from pickleball_generate.inference.program import Program
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.inference.scopes import Scope

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


def test_sources_that_are_indented_by_tabs_are_read(tree: Tree, environment_of: Opener) -> None:
    """Blocks that are indented by tabs are read at any depth."""
    text = (
        "class A:\n\tdef f(self):\n\t\ttry:\n\t\t\tself.x()\n\t\texcept Error:\n\t\t\tif 1:\n\t\t\t\tpass\n"
        "\tdef g(self):\n\t\tpass\nclass B:\n\tpass\n"
    )
    environment = environment_of(tree({"lib/__init__.py": text}))
    facts = environment.module("lib") or {}
    assert [cls["name"] for cls in facts["classes"]] == ["A", "B"]
    assert [method["name"] for method in facts["classes"][0]["functions"]] == ["f", "g"]
    assert list(environment.unread(["lib"])) == []


def test_the_same_sources_give_the_same_bytes(tree: Tree, joern: Any) -> None:
    """Two extractions of one tree are equal, byte by byte."""
    root = tree({f"p/m{n}.py": f"class C{n}:\n    x = f({n})\n" for n in range(100)})
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    first, second = (dict(joern.extract("ast", root, files, silent)) for _ in range(2))
    assert sorted(first) == files
    assert first == second


def test_a_changed_source_is_read_again(tree: Tree, environment_of: Opener) -> None:
    """The cache is keyed by content: no stale facts after an edit."""
    root = tree({"q/__init__.py": "", "q/m.py": "class Old: pass\n"})
    assert environment_of(root).module("q.m")["classes"][0]["name"] == "Old"
    (root / "q/m.py").write_text("class New: pass\n")
    assert environment_of(root).module("q.m")["classes"][0]["name"] == "New"


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\0" * 60 + data[60:]]
)
def test_a_broken_cache_is_made_again_and_named(
    damage: Callable[[bytes], bytes], tree: Tree, joern: Any, tmp_path: Path
) -> None:
    """A cut, empty or altered cache is noticed, replaced, and noted."""
    root, cache = tree({"r/__init__.py": "", "r/m.py": "class C: pass\n"}), tmp_path / "cache"
    first = Environment(Library([root]), joern, cache)
    assert first.module("r.m")
    first.close()
    (entry,) = (cache / "facts").glob("*.sqlite")
    broken = damage(entry.read_bytes())
    entry.write_bytes(broken)
    again = Environment(Library([root]), joern, cache)
    assert [c["name"] for c in again.module("r.m")["classes"]] == ["C"]
    again.module("r")
    again.close()
    assert any("broken cache entry" in note for note in again.notes) == bool(broken)


def test_an_altered_entry_of_the_cache_is_made_again_and_named(tree: Tree, joern: Any, tmp_path: Path) -> None:
    """Facts whose checksum is wrong are not used."""
    root, cache = tree({"r/__init__.py": "", "r/m.py": "class C: pass\n"}), tmp_path / "cache"
    first = Environment(Library([root]), joern, cache)
    assert first.module("r.m")
    key, content = first.store.path, first.store.get(digest_of(root / "r/m.py"))
    assert content is not None
    altered = bytearray(zlib.compress(content))
    altered[-1] ^= 1
    first.store.put([(digest_of(root / "r/m.py"), bytes(altered))])
    first.close()
    again = Environment(Library([root]), joern, cache)
    assert [c["name"] for c in again.module("r.m")["classes"]] == ["C"]
    again.close()
    assert any(str(key) in note for note in again.notes)


def test_what_functions_say_is_parsed_when_somebody_asks(tree: Tree, joern: Any, tmp_path: Path) -> None:
    """Facts that are kept are as they were made; of a function only its name, decorators and calls are at hand."""
    text = (
        "import a\nclass C:\n    @d(1)\n    def f(self, x=1):\n        import b\n"
        "        def g():\n            import c\n            return h\n"
        "        self.y = [z for z in k(x)]\n        return g()\ndef plain(): pass\n"
    )
    root = tree({"s/__init__.py": "", "s/m.py": text})

    def read() -> tuple[Any, Scope]:
        environment = Environment(Library([root]), joern, tmp_path / "cache")
        facts, scope = environment.module("s.m"), Program(environment).scope("s.m")
        assert scope is not None
        environment.close()
        return facts, scope

    made, before = read()
    kept, after = read()
    assert kept == made
    assert "part" not in before.classes[0].functions[0].head
    (method,) = after.classes[0].functions
    assert (method.head["part"], after.functions[0].head["part"]) == (0, 1)
    assert [*imports(after.facts)] == [*imports(before.facts)]
    assert (method.called, method.decorated_by("d"), after.functions[0].functions) == ({"k", "g"}, True, [])
    assert "facts" not in vars(method)
    assert [function.name for function in method.functions] == ["g"]
    assert method.facts == before.classes[0].functions[0].facts


def test_the_digest_of_a_package_follows_its_contents(tree: Tree, joern: Any, tmp_path: Path) -> None:
    """A file of the same size and time with other contents changes the digest; unchanged files are not read again."""
    root = tree({"d/__init__.py": "", "d/m.py": "x = 1\n"})
    past = time.time() - 60
    os.utime(root / "d/m.py", (past, past))

    def digest() -> str:
        environment = Environment(Library([root]), joern, tmp_path / "cache")
        package = environment.library.package("d")
        assert package is not None
        found = environment.digest(package)
        environment.close()
        return found

    first = digest()
    assert digest() == first
    (root / "d/m.py").write_text("x = 2\n")
    os.utime(root / "d/m.py", (past, past))
    assert digest() != first


def test_only_modules_that_are_asked_for_are_read(tree: Tree, joern: Any, tmp_path: Path) -> None:
    """A package's other modules cost nothing until they are named; many can be asked for at once."""
    root = tree({"o/__init__.py": "", "o/a.py": "class A: pass\n", "o/b.py": "class B: pass\n", "o/c.py": "x = 1\n"})
    environment = Environment(Library([root]), joern, tmp_path / "cache")
    before = joern.extracted
    assert environment.module("o.a")["classes"][0]["name"] == "A"
    assert joern.extracted == before + 1
    environment.prepare(["o.a", "o.b", "o.c", "o.missing"])
    assert joern.extracted == before + 3
    assert environment.module("o.missing") is None
    environment.close()


def test_all_modules_of_an_environment_go_into_the_cache_and_not_into_memory(
    tree: Tree, joern: Any, tmp_path: Path
) -> None:
    """Read once in all, the modules need no extractor afterwards."""
    library = Library([tree({"p/__init__.py": "", "p/a.py": "a = 1\n", "p/b.py": "b = 2\n"})])
    first = Environment(library, joern, tmp_path / "cache")
    extracted = joern.extracted
    assert (first.prepare_all(), first.read, joern.extracted - extracted) == (3, 0, 3)
    first.close()
    second = Environment(library, joern, tmp_path / "cache")
    assert second.module("p.b") is not None
    second.close()
    assert joern.extracted - extracted == 3


def test_class_headers_tell_where_a_class_stands(tree: Tree, environment_of: Opener) -> None:
    """Names, nesting and bases are those of the source; strings and comments define nothing."""
    environment = environment_of(tree({"h/__init__.py": "", "h/m.py": (
        '"""\nclass InDoc(Base): pass\n"""\n# class InComment: pass\n@decorated\n'
        "class A(b.Base, Generic[T], metaclass=M):\n"
        "    class Inner: pass\n    def f(self):\n        class Local(A): pass\n"
        "if x:\n    class B[T](A, \"Forward\", **kw): pass\nclass C(with_metaclass(Meta, A)): pass\n"
    )}))  # fmt: skip
    package = environment.library.package("h")
    assert package is not None
    assert environment.classes(package) == {"h/m.py": [
        ("A", ("b.Base", "Generic"), 6), ("A.Inner", (), 7), ("A.f.Local", ("A",), 9), ("B", ("A", "kw"), 11),
        ("C", ("with_metaclass", "Meta", "A"), 12),
    ]}  # fmt: skip


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
