"""What lies below a library path: packages of all kinds, and what cannot be read is named."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from pickleball_generate.cli import main
from pickleball_generate.errors import BadInput
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

    Tree = Callable[[dict[str, str]], Path]
    Opener = Callable[..., Environment]


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


def site(folder: Path, files: dict[str, str]) -> Path:
    """Write a site-packages folder."""
    for name, text in files.items():
        path = folder / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "site"


@pytest.mark.parametrize("kind", ["setuptools", "editables", "egg-link", "egg folder"])
def test_editable_installs_of_every_kind_are_found(
    kind: str, tree: Tree, environment_of: Opener, tmp_path: Path
) -> None:
    """Finders are read, not run: a mapping of setuptools, calls of `editables`, a link of old setuptools, an egg."""
    source = tree({"elsewhere/v/__init__.py": "", "elsewhere/v/m.py": "class C: pass\n"}) / "elsewhere"
    trap = "raise SystemExit\n"
    found = site(tmp_path, {
        "setuptools": {
            "__editable__.v-1.pth": "import __editable___v_1_finder; __editable___v_1_finder.install()\n",
            "__editable___v_1_finder.py": f"{trap}MAPPING: dict[str, str] = {{'v': {str(source / 'v')!r}}}\n",
        },
        "editables": {
            "_editable_impl_v.pth": "import _editable_impl_v\n",
            "_editable_impl_v.py": (
                f"{trap}from editables.redirector import RedirectingFinder as F\n"
                f"F.map_module('v', {str(source / 'v/__init__.py')!r})\n"
            ),
        },
        "egg-link": {"v.egg-link": f"{source}\n."},
        "egg folder": {"v-1-py3.egg/v/__init__.py": "", "v-1-py3.egg/v/m.py": "class C: pass\n"},
    }[kind])  # fmt: skip
    environment = environment_of(found)
    facts = environment.module("v.m")
    assert facts is not None
    assert facts["classes"][0]["name"] == "C"
    assert environment.library.unread == []


def test_what_an_install_hides_is_named(tmp_path: Path) -> None:
    """Zipped eggs, finders of an unknown kind and folders under another name stand in what is unread."""
    found = site(tmp_path, {
        "a.py": "", "easy-install.pth": "./w-1-py3.egg\n", "_editable_skbc_x.pth": "import _editable_skbc_x\n",
        "_editable_skbc_x.py": "install({})\n", "y.pth": "import y_finder\n", "gone.egg-link": "/nowhere\n",
        "y_finder.py": f"MAPPING = {{'y': {str(tmp_path / 'src')!r}}}\n", "other.pth": "import sys; sys.path\n",
    })  # fmt: skip
    with zipfile.ZipFile(found / "w-1-py3.egg", "w") as egg:
        egg.writestr("w/__init__.py", "")
    unread = sorted(Library([found]).unread)
    assert [any(word in line for line in unread) for word in ("w-1-py3.egg: a zipped egg", "not known; name it",
            "no folder of that name", "not there")] == [True] * 4  # fmt: skip
    assert len(unread) == 4


def test_the_parts_of_a_namespace_package_are_one_package(environment_of: Opener, tmp_path: Path) -> None:
    """Folders without `__init__` of several library paths come together; one with it hides the others."""
    first = site(tmp_path / "1", {"ns/a/__init__.py": "", "p/__init__.py": "", "p/old.py": ""})
    second = site(tmp_path / "2", {"ns/b/__init__.py": "class B: pass\n", "p/__init__.py": "", "p/new.py": ""})
    environment = environment_of(first, second)
    package = environment.library.package("ns")
    assert package is not None
    assert sorted(package.modules) == ["ns.a", "ns.b"]
    facts = environment.module("ns.b")
    assert facts is not None
    assert facts["classes"][0]["name"] == "B"
    assert environment.classes(package) == {"ns/b/__init__.py": [("B", (), 1)]}
    assert len(environment.digest(package)) == 64
    assert not environment.has_module("p.new")


def test_packages_of_stubs_only_are_modules_without_source(environment_of: Opener, tmp_path: Path) -> None:
    """A stub stands where there is no `.py`; a `-stubs` folder is no package of its own."""
    found = site(tmp_path, {"q/__init__.pyi": "class Q: ...\n", "r-stubs/__init__.pyi": "", "r.py": "class R: pass\n"})
    environment = environment_of(found)
    assert environment.library.names == ["q", "r"]
    facts = environment.module("q")
    assert facts is not None
    assert (facts["file"], facts["classes"][0]["name"]) == ("q/__init__.pyi", "Q")


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    """A dangling link and a device are passed over; a file that must not be read is named."""
    found = site(tmp_path, {"q/__init__.py": "", "q/secret.py": ""})
    (found / "q/dangling.py").symlink_to(found / "nothing")
    (found / "q/zero.py").symlink_to("/dev/zero")
    package = Library([found]).package("q")
    assert package is not None
    assert package.files == ("q/__init__.py", "q/secret.py")


DEEP = "x = " + "(" * 4000 + "1" + ")" * 4000 + "\n"
ODD = {
    "python2": "class A(object):\n    def f(self):\n        print 'x'\n        exec code in {}\nclass B:\n    pass\n",
    "python2 only": "try:\n    x = 0777L\nexcept E, e:\n    raise A, `x`\nclass B:\n    pass\n",
    "stray": "class A:\n    x = 1 $ 2\n    def f(self): self.y = 1\nclass B: pass\n",
    "pages": "class A: pass\n\x0c\n\x0cclass B: pass\n",
    "broken": "class A:\n    def f(self:\n        return\nclass B:\n    pass\n",
    "deep": f"class A: pass\n{DEEP}class B: pass\n",
    "long": "x = [" + "1, " * 100_000 + "]\nclass B: pass\n",
    "marked": "\ufeff# coding: utf-8\r\nclass B:\r\n    x = '\u00e4'\r\n\x0c\r\n",
    "empty": "",
    "no newline": "class B: pass",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_sources_cost_what_cannot_be_read_and_nothing_else(kind: str, tree: Tree, environment_of: Opener) -> None:
    """The module beside it is whole; what is missing of the odd one is named with its line."""
    environment = environment_of(tree({"o/__init__.py": "", "o/odd.py": ODD[kind], "o/even.py": "class E: pass\n"}))
    environment.prepare(["o.odd", "o.even"])
    even, odd = environment.module("o.even"), environment.module("o.odd")
    assert even is not None
    assert odd is not None
    assert even["classes"][0]["name"] == "E"
    whole = kind in {"python2", "pages", "long", "marked", "empty", "no newline"}
    unread, names = list(environment.unread(["o.odd"])), [found["name"] for found in odd.get("classes", ())]
    if kind == "deep":  # how deep Java's stack goes differs from one to the next
        assert unread or "B" in names
        return
    assert (unread == []) == whole
    if kind not in {"broken", "empty"}:
        assert "B" in names


def test_an_init_file_among_installed_packages_makes_them_no_package(tmp_path: Path, environment_of: Opener) -> None:
    """Some distributions leave one there; the library path is a package's own folder only when its name can be one."""
    for name in ("site-packages", "packages"):
        path = tmp_path / name
        for file in ("__init__.py", "p/__init__.py", "p-1.dist-info/RECORD"):
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_text("")
        assert "p" in environment_of(path).library.names
    assert environment_of(tmp_path / "packages" / "p").library.names == ["p"]


def test_latin_1_sources_are_read(tmp_path: Path, environment_of: Opener) -> None:
    """A declared encoding changes text, not names."""
    found = site(tmp_path, {"l.py": ""})
    (found / "l.py").write_bytes("# -*- coding: latin-1 -*-\nclass C:\n    x = '\xe4'\n".encode("latin-1"))
    facts = environment_of(found).module("l")
    assert facts is not None
    assert facts["classes"][0]["name"] == "C"


def test_what_was_not_read_stands_in_the_provenance_and_the_exit_message(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A policy from sources of which a line was lost says which line."""
    root = tree({"z/__init__.py": "", "z/m.py": "class C:\n    def f(self):\n        with (a / b).open() as f: pass\n"})
    out = tmp_path / "policy.json"
    words = ["--library-path", str(root), "--model-class", "z.m.C", "--policy-path", str(out), "--json",
             "--cache-path", str(tmp_path / "cache")]  # fmt: skip
    assert main(words) == 0
    outcome = json.loads(capsys.readouterr().out)
    provenance = json.loads(out.with_name("provenance.json").read_text())
    assert provenance["unread"] == outcome["unread"] == ["z/m.py:3: with (a / b).open() as f: pass"]
