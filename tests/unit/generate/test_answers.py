"""What the generator answers about policies: --explain, --diff, and the parts that extension types hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_generate import cli, distributions
from pickleball_generate.inference import Options, infer
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

    Tree = Callable[[dict[str, str]], Path]
    Capture = pytest.CaptureFixture[str]

MODEL = """
import os

class Part:
    pass

class Model:
    def __init__(self):
        self.part = Part()
        self.run = os.system

class Cleaner:
    def __setstate__(self, state):
        os.remove(state)
"""
LATER = MODEL.replace("self.part = Part()", "self.part = Part()\n        self.late = Cleaner()")


@pytest.fixture
def library(tree: Tree) -> Path:
    """A small library."""
    return tree({"lib/__init__.py": "", "lib/model.py": MODEL})


def run(capsys: Capture, *words: object) -> tuple[int, str]:
    """Run the command; give its exit code and what it printed."""
    code = cli.main(list(map(str, words)))
    return code, capsys.readouterr().out


def asked(library: Path, *words: object) -> list[object]:
    """Write a command line about the model."""
    return ["--library-path", library, "--model-class", "lib.model.Model", *words]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lib.model.Part", ["in instances of lib.model.Model", "lib/model.py:9", "an instance of lib.model.Model"]),
        ("posix.system", ["is not in the policy"]),
        ("os.system", ["is refused for lib.model.Model", "process", "lib/model.py:10"]),
        ("lib.model.Cleaner", ["is not in the policy", "grade effects", "can reach file: os.remove",
                               "lib/model.py:14 lib.model.Cleaner.__setstate__", "--for-model"]),
        ("lib.model.Prat", ["is not in the policy", "Near it: lib.model.Part", "nothing is known of it"]),
    ],
)  # fmt: skip
def test_a_name_is_explained_on_one_screen(name: str, parts: list[str], library: Path, capsys: Capture) -> None:
    """Why it is in, by file and line; or why not, and what its code can do."""
    code, said = run(capsys, *asked(library, "--explain", name))
    assert code == 0
    assert [part for part in parts if part not in said] == []
    assert len(said.splitlines()) <= 24
    code, said = run(capsys, *asked(library, "--explain", name, "--json"))
    explanation = json.loads(said)["explanation"]
    assert (explanation["name"], bool(explanation["found"])) == (name, "is not in" not in parts[0])


def test_changes_are_shown_with_their_grades(library: Path, tmp_path: Path, capsys: Capture) -> None:
    """A run against an older policy, and two policies, give the same answer: entries, grades, versions of sources."""
    old, new = tmp_path / "old" / "policy.json", tmp_path / "new" / "policy.json"
    assert run(capsys, *asked(library, "--policy-path", old))[0] == 0
    (library / "lib" / "model.py").write_text(LATER)
    _, said = run(capsys, *asked(library, "--policy-path", new, "--diff", old))
    for shown in (said, run(capsys, "diff", old, new)[1]):
        assert "added to instances: 1" in shown
        assert "lib.model: Cleaner [effects]" in shown
        assert "lib.model.Cleaner can reach file: os.remove" in shown
        assert "  lib: unknown (" in shown
    code, said = run(capsys, "diff", new, old, "--json")
    changes: dict[str, Any] = json.loads(said)["changes"]
    assert code == 0
    assert changes["removed"]["instances"]["lib.model.Cleaner"]["grade"] == "effects"
    assert changes["old"]["sources"]["lib"]["digest"] != changes["new"]["sources"]["lib"]["digest"]
    assert "the same entries" in run(capsys, "diff", old, old)[1]


def test_a_class_that_may_be_kept_now_is_shown_as_added(tmp_path: Path, capsys: Capture) -> None:
    """Both ways: what could only be instantiated before is more, what can only be instantiated now is less."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text('{"m.M": {"globals": [], "reduces": [], "instances": ["a.Gone", "a.Part"]}}')
    new.write_text('{"m.M": {"globals": ["a.Part"], "reduces": [], "instances": ["a.New"]}}')
    said = run(capsys, "diff", old, new)[1]
    assert "added to globals: 1\n  a: Part (before only instances of it)" in said
    assert "added to instances: 1\n  a: New" in said
    assert "removed from instances: 1\n  a: Gone" in said
    back = run(capsys, "diff", new, old)[1]
    assert "removed from globals: 1\n  a: Part (instances of it stay allowed)" in back
    assert "added to instances: 1\n  a: Gone" in back


def test_a_policy_without_provenance_can_be_compared(library: Path, tmp_path: Path, capsys: Capture) -> None:
    """A policy by hand has no grades, and the answer says that sources are not compared; a broken one is refused."""
    new = tmp_path / "new" / "policy.json"
    assert run(capsys, *asked(library, "--policy-path", new))[0] == 0
    by_hand = tmp_path / "policy.json"
    by_hand.write_text('{"lib.model.Model": {"globals": ["lib.model.Model"], "reduces": []}}')
    _, said = run(capsys, "diff", by_hand, new)
    assert "no provenance belongs to one of them" in said
    assert "lib.model: Part [trivial]" in said
    by_hand.write_text("[]")
    assert run(capsys, "diff", by_hand, new)[0] == 2


def test_an_extension_type_holds_those_that_its_source_imports(
    tree: Tree, environment_of: Callable[..., Environment]
) -> None:
    """A tree that pickles by a call may hold a metric of any class below the one that its source imports."""
    root = tree({
        "t/__init__.py": "", "t/model.py": "from t._tree import Tree\nclass Model:\n def __init__(self):\n"
        "  self.tree = Tree()\n",
        "t/_tree.pyx": "from t._metric cimport Metric\ndef make(obj):\n    return obj\n"
        "cdef class Tree:\n    cdef Metric metric\n    def __reduce__(self):\n        return (make, (1,))\n",
        "t/_metric.pyx": "cdef class Metric:\n    def __reduce__(self):\n        return (new, (type(self),))\n"
        "cdef class Near(Metric):\n    pass\ncdef class Other:\n    pass\n",
        "t/_tree.abi3.so": "\x7fELF\0t._tree.Tree.__reduce__\0",
        "t/_metric.abi3.so": "\x7fELF\0t._metric.Metric.f\0t._metric.Near.f\0t._metric.Other.f\0",
    })  # fmt: skip
    policy = infer(environment_of(root), ["t.model.Model"], Options()).policy
    assert policy.reduces == {"t._tree.make", "t._metric.new"}
    assert {"t._tree.Tree", "t._metric.Metric", "t._metric.Near"} <= policy.globals
    assert "t._metric.Other" not in policy.globals


def test_a_class_of_machine_code_can_be_the_model(tree: Tree, environment_of: Callable[..., Environment]) -> None:
    """A type of an extension module, named there or by a re-export: what its source says it pickles as."""
    root = tree({
        "t/__init__.py": "from t._tree import Tree\n", "t/_tree.pyx": "def make(obj):\n    return obj\n"
        "cdef class Tree:\n    def __reduce__(self):\n        return (make, (1,))\n",
        "t/_tree.abi3.so": "\x7fELF\0t._tree.Tree.__reduce__\0",
    })  # fmt: skip
    for name in ("t.Tree", "t._tree.Tree"):
        policy = infer(environment_of(root), [name], Options()).policy
        assert policy.entries.keys() == {"t._tree.Tree"}
        assert (policy.globals, policy.reduces) == ({"t._tree.Tree"}, {"t._tree.make"})


def test_packages_that_build_on_another_are_known_by_metadata(tree: Tree) -> None:
    """Requirements count through others, extras too; a package without metadata may build on anything."""
    root = tree({
        "base/__init__.py": "", "middle/__init__.py": "", "top/__init__.py": "", "apart/__init__.py": "",
        "loose/__init__.py": "",
        "the_base-1.dist-info/RECORD": "base/__init__.py,,\n", "middle-1.dist-info/RECORD": "middle/__init__.py,,\n",
        "middle-1.dist-info/METADATA": "Name: middle\nRequires-Dist: The.Base (>=1) ; extra == 'all'\n",
        "top-1.dist-info/RECORD": "top/__init__.py,,\n",
        "top-1.dist-info/METADATA": "Name: top\nRequires-Dist: middle>=1\n",
        "apart-1.dist-info/RECORD": "apart/__init__.py,,\n",
    })  # fmt: skip
    assert distributions.dependents(Library([root], []), "base") == {"base", "middle", "top", "loose"}
