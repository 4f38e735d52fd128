"""Changes of attributes in the closed world of a policy: what assigning, deleting and filling can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pickleball_generate import packs
from pickleball_generate.inference.closedworld import Member, clashes
from pickleball_generate.inference.effects import Grader
from pickleball_generate.inference.names import definitions
from pickleball_generate.inference.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

LIBRARY = """
import os

HOOKS = {}

class Assigning:
    def __setstate__(self, state):
        state["part"].name = "x"

class AssigningByName:
    def __setstate__(self, state):
        setattr(state["part"], "name", "x")

class Deleting:
    def __setstate__(self, state):
        del state["part"].name

class Keeping:
    def __setattr__(self, key, value):
        os.system(key)
    def __setstate__(self, state):
        pass

class Dropping:
    def __delattr__(self, key):
        os.remove(key)

class Calling:
    def __setstate__(self, state):
        for hook in HOOKS.values():
            hook(self)

class CallingByAsking:
    def __setstate__(self, state):
        state["part"].get("x")

class Answering:
    def get(self, name):
        for hook in HOOKS.values():
            hook(self)

def fill(hook):
    HOOKS[hook] = hook

def hand_on(hook):
    return list((HOOKS, hook))

def look(hook):
    return len(HOOKS) and hook in HOOKS

class Filling:
    def __setstate__(self, state):
        fill(state)

class FillingLater:
    def later(self):
        HOOKS.clear()

class FillingWhenAsked:
    def get(self, name):
        fill(name)

class Testing:
    def __setstate__(self, state):
        if isinstance(state, Part):
            state.run()

class Part:
    def run(self):
        return 1

class Below(Part):
    def run(self):
        os.remove("x")

class Beside:
    def run(self):
        os.remove("x")
"""


@pytest.mark.parametrize(
    ("asking", "asked", "kept", "clash"),
    [
        ("Assigning", "Keeping", False, True),
        ("AssigningByName", "Keeping", False, True),
        ("Assigning", "Dropping", False, False),
        ("Deleting", "Dropping", False, True),
        ("Deleting", "Keeping", False, False),
        ("Calling", "fill", True, True),
        ("Calling", "hand_on", True, True),
        ("Calling", "look", True, False),
        ("Calling", "Filling", False, True),
        ("Calling", "FillingLater", False, False),
        ("Calling", "FillingWhenAsked", False, False),
        ("CallingByAsking", "FillingWhenAsked", False, False),
        ("Testing", "Below", False, True),
        ("Testing", "Beside", False, False),
    ],
)
def test_two_definitions_are_judged_together(
    asking: str,
    asked: str,
    kept: bool,
    clash: bool,
    tree: Callable[[dict[str, str]], Path],
    environment_of: Callable[..., Environment],
) -> None:
    """Code that changes what a file gives, beside what has an effect then; what calls hooks, beside what fills them."""
    found = _clashes(tree, environment_of, (asking, False), (asked, kept))
    assert bool(found) == clash, found
    assert not clash or any(f"lib.parts.{asking}" in sentence for sentence in found)


def test_an_answer_may_call_what_another_one_fills(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """What answers a question counts as code that runs."""
    names = [("CallingByAsking", False), ("Answering", False), ("FillingWhenAsked", False)]
    assert any("HOOKS" in sentence for sentence in _clashes(tree, environment_of, *names))


CALLING = """
HOOKS = {}
def put(hook):
    HOOKS[1] = hook
class Registry:
    def add(self, hook):
        HOOKS[1] = hook
class Adding(Registry):
    def __init__(self, hook):
        self.add(hook)
class Calling:
    def __setstate__(self, state):
        for hook in HOOKS.values():
            hook(state)
"""
FILLED = {
    "a row of several names": ("", "from .parts import (\n    os, HOOKS,\n)\nHOOKS[1] = os.system"),
    "the last row": ("", "from .parts import (os,\n    HOOKS)\nHOOKS[1] = os.system"),
    "renamed in a row": ("", "from .parts import (HOOKS\n    as H)\nH[1] = print"),
    "renamed below": ("", "from .parts import HOOKS \\\n    as H\nH[1] = print"),
    "all that it has": ("", "from .parts import *\nHOOKS[1] = os.system"),
    "all that another one has": ("from .testing import *", "HOOKS = {1: print}"),
    "in a text": ("exec('''\nHOOKS[1] = print\n''')", ""),
    "below a test of it": ("if (1 in HOOKS\n    .setdefault(1, [])): pass", ""),
    "as a default": ("def later(\n    hook=HOOKS.setdefault(1, print),\n): pass", ""),
    "by a caller": ("def setup():\n    put(print)\nsetup()", ""),
    "by three callers": (
        "def one():\n    put(print)\ndef two():\n    one()",
        "from . import parts\ndef three():\n    parts.two()\nthree()",
    ),
    "by a constructor": ("Adding(print)", ""),
    "by a constructor below": ("class Below(Adding): pass\nBelow(print)", ""),
    "by a constructor of a caller": ("", "from .parts import Adding\ndef make():\n    return Adding(print)\nmake()"),
    "by a method of a name": ("getattr(Registry(), 'add')(print)", ""),
    "by an alias": ("", "from .parts import put as register\nregister(print)"),
    "by names that it asks for": ("for name in [*globals()]:\n    globals()[name][1] = print", ""),
    "what cannot be read": ("", "print HOOKS"),
}
NOT_FILLED = {
    "another one of the name": ("", "HOOKS = {}\nHOOKS[1] = print"),
    "listed": ("__all__ = ['HOOKS', 'put']", "from .parts import (\n    HOOKS, put,\n)\n__all__ = ['put']"),
    "read": ("", "from .parts import HOOKS\nif not HOOKS: pass\n[x for x in HOOKS if x in HOOKS]\nlen(HOOKS)"),
    "by a caller that nobody calls": ("def setup():\n    put(print)", "def setup(): pass\nsetup()"),
    "said": ("def setup():\n    '''Fill HOOKS by put.'''  # HOOKS", "# HOOKS[1] = print"),
}


@pytest.mark.parametrize("case", [*FILLED, *NOT_FILLED])
def test_who_fills_a_variable_when_its_package_is_imported(
    case: str, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Whatever module of it does, one for tests too, in whichever way the name or a function gets there."""
    below, fill = (FILLED | NOT_FILLED)[case]
    text = f"import os\n{CALLING}{below}\n"
    library = {"lib/__init__.py": "", "lib/parts.py": text, "lib/testing.py": f"import os\n{fill}\n"}
    grader = Grader(Program(environment_of(tree(library))), packs.load())
    [(_, scope, *_)] = definitions(grader.program, "lib.parts.Calling")
    grade = grader.grade(scope, called=False)
    assert grade.word == ("unknown" if case in FILLED else "resolved"), grade


@pytest.mark.parametrize(
    ("code", "effect"),
    [
        ("vars(sys.modules[__name__])[state][1] = print", "vars"),
        ("vars(other)[state][1] = print", "vars"),
        ("other.__dict__[state].update(x=print)", "__dict__"),
        ("other.run.__globals__[state][1] = print", "__globals__"),
        ("self.__dict__[state] = vars(self)", ""),
        ("self.__dict__.update(type(self).__dict__)", ""),
    ],
)
def test_the_namespace_of_a_module_gives_any_variable(
    code: str, effect: str, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Taking it as a dict is an effect as `globals()` is; the one of an object is its state."""
    text = f"import sys\nfrom . import other\nclass Filling:\n    def __setstate__(self, state):\n        {code}\n"
    library = {"lib/__init__.py": "", "lib/other.py": "def run():\n    pass\n", "lib/parts.py": text}
    grader = Grader(Program(environment_of(tree(library))), packs.load())
    [(_, scope, *_)] = definitions(grader.program, "lib.parts.Filling")
    grade = grader.grade(scope, called=False)
    assert [*grade.effects] == ([f"reflection: {effect}"] if effect else []), grade


def test_code_at_load_may_fill_a_variable_of_another_package(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """A name counts in whatever runs, wherever it comes from."""
    text = "from lib import parts\nclass Filling:\n    def __setstate__(self, state):\n        parts.HOOKS[1] = print\n"
    library = {"lib/__init__.py": "", "lib/parts.py": CALLING, "other/__init__.py": "", "other/parts.py": text}
    grader = Grader(Program(environment_of(tree(library))), packs.load())
    found = [definitions(grader.program, name)[0][1] for name in ("lib.parts.Calling", "other.parts.Filling")]
    assert all(grader.grade(scope, called=False).inert for scope in found)
    assert [clash.filled for clash in clashes(grader, [*map(Member, found)])] == ["lib.parts.HOOKS"]


def _clashes(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment], *names: tuple[str, bool]
) -> list[str]:
    """Say which of some definitions are not harmless together."""
    grader = Grader(Program(environment_of(tree({"lib/__init__.py": "", "lib/parts.py": LIBRARY}))), packs.load())
    members = []
    for name, kept in names:
        [(_, scope, *_)] = definitions(grader.program, f"lib.parts.{name}")
        members.append(Member(scope, kept=kept))
    return [clash.sentence(clash.asked) for clash in clashes(grader, members)]
