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
