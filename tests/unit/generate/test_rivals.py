"""Methods that a class binds more than once: each may be the one that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pickleball_generate import packs
from pickleball_generate.inference.clashes import Member
from pickleball_generate.inference.closedworld import apart
from pickleball_generate.inference.effects import Grader
from pickleball_generate.inference.names import definitions
from pickleball_generate.inference.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.effects import Grade

    Tree = Callable[[dict[str, str]], Path]
    Environments = Callable[..., Environment]

EVIL = "def __setstate__(self, s): os.system(s)"
GOOD = "def __setstate__(self, s): self.x = 1"
DOUBTFUL = {
    "in both branches": f"if os:\n  {GOOD}\n else:\n  {EVIL}",
    "in both branches, the other way": f"if os:\n  {EVIL}\n else:\n  {GOOD}",
    "in a try": f"try:\n  os.x\n  {GOOD}\n except AttributeError:\n  {EVIL}",
    "one after the other": f"{GOOD}\n {EVIL}",
    "of three": f"if os:\n  {GOOD}\n elif sys:\n  {GOOD}\n else:\n  {EVIL}",
    "an alias": f"def _load(self, s): os.system(s)\n if os:\n  {GOOD}\n else:\n  __setstate__ = _load",
    "an alias before": f"def _load(self, s): self.x = 1\n if os:\n  __setstate__ = _load\n else:\n  {EVIL}",
    "an alias of two": "if os:\n  def _load(self, s): self.x = 1\n else:\n  def _load(self, s): os.system(s)\n"
    " __setstate__ = _load",
    "a name without source": f"if os:\n  {GOOD}\n else:\n  __setstate__ = os.system",
    "an attribute": f"{GOOD}\n __setstate__ = other.loads",
    "wrapped": f"{GOOD}\n __setstate__ = wrapped(__setstate__)",
    "a loop": f"{GOOD}\n for __setstate__ in LOADERS: pass",
    "an import": f"{GOOD}\n from os import system as __setstate__",
    "a class": f"{GOOD}\n class __setstate__:\n  def __init__(self, s): os.system(s)",
    "another in a method": f"{GOOD}\n def go(self): self.y = 1\n def go(self): os.system('x')\n"
    " def __setstate__(self, s): self.go()",
}  # fmt: skip
HARMLESS = {
    "two that do nothing": f"if os:\n  {GOOD}\n else:\n  {GOOD}",
    "an alias of itself": f"{GOOD}\n _load = __setstate__",
    "a declaration": f"__setstate__: object\n {GOOD}",
    "overloads": f"@typing.overload\n def __setstate__(self, s): os.system(s)\n {GOOD}",
    "parts of a property": "@property\n def x(self): return 1\n @x.setter\n def x(self, v): os.system(v)\n"
    " def __setstate__(self, s): self.y = self.x",
    "None before": f"__setstate__ = None\n {GOOD}",
}  # fmt: skip


def _grade(body: str, tree: Tree, environment_of: Environments) -> Grade:
    text = f"import os, sys, typing\nfrom . import other\nclass A:\n {body}\n"
    files = {"lib/__init__.py": "", "lib/a.py": text, "lib/other.py": "import os\nloads = os.system\n"}
    grader = Grader(Program(environment_of(tree(files))), packs.load())
    ((_, scope),) = definitions(grader.program, "lib.a.A")
    return grader.grade(scope, called=False)


@pytest.mark.parametrize("body", DOUBTFUL.values(), ids=DOUBTFUL)
def test_each_of_several_definitions_counts(body: str, tree: Tree, environment_of: Environments) -> None:
    """The module alone does not say which of them the class has in the end."""
    assert not _grade(body, tree, environment_of).inert


@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS)
def test_several_definitions_may_all_be_harmless(body: str, tree: Tree, environment_of: Environments) -> None:
    """So are those that never are the method: declarations, overloads, other parts of a property."""
    assert _grade(body, tree, environment_of).inert


def test_a_call_may_reach_the_definition_that_takes_its_arguments(tree: Tree, environment_of: Environments) -> None:
    """Where another one of the name would be refused by Python."""
    text = """
import os
class Asking:
    def __setstate__(self, state):
        state.append(1)
class Asked:
    if os.name:
        def append(self): pass
    else:
        def append(self, x): os.system(x)
"""
    grader = Grader(Program(environment_of(tree({"lib/__init__.py": "", "lib/a.py": text}))), packs.load())
    scopes = [definitions(grader.program, f"lib.a.{name}")[0][1] for name in ("Asking", "Asked")]
    assert apart(grader, [Member(scope) for scope in scopes])
