"""Methods of what code tested before: harmless only where the test says of which class the object is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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

    Tree = Callable[[dict[str, str]], Path]
    Environments = Callable[..., Environment]

TEST = "if isinstance(state, Part):\n state.type()"
TORCH = {"torch/__init__.py": "", "torch/_C.abi3.so": "\x7fELF\0torch._C.TensorBase.f\0"}
PART = """
import abc, copy, os, torch
class Part(torch._C.TensorBase):
    pass
"""
EVIL = """
class Evil:
    def type(self):
        os.system("x")
"""
SUB = """
class Sub(Part):
    def type(self):
        os.system("x")
"""


class Case(NamedTuple):
    """A module, the first lines of a `__setstate__`, and what a policy has beside its class."""

    top: str
    body: str
    others: tuple[str, ...] = ()


HARMLESS = {
    "a parameter": Case(PART, "if isinstance(state, Part): # one\n state.type()"),
    "a deeper line": Case(PART, "if isinstance(state, Part):\n for x in state.xs:\n  state.type()"),
    "what is no part": Case(PART + EVIL, TEST, ("Evil",)),
    "a class below": Case(PART + "class Low(Part):\n x = 1", TEST),
}
DOUBTFUL = {
    "one of the library": Case(PART + SUB + "ALL = [Sub()]", "for x in ALL:\n if isinstance(x, Part):\n  x.type()"),
    "one as an argument": Case(
        PART + SUB + "ONE = Sub()\ndef go(x):\n if isinstance(x, Part):\n  x.type()", "go(copy.copy(ONE))"
    ),
    "one by default": Case(PART + SUB + "def go(x=Sub()):\n if isinstance(x, Part):\n  x.type()", "go()"),
    "one of a table": Case(PART + SUB + "ALL = {}", "x = ALL.get(state)\nif isinstance(x, Part):\n x.type()"),
    "a walrus in the test": Case(PART, "if isinstance(state, Part) and (state := state.x):\n state.type()"),
    "a walrus below": Case(PART, "if isinstance(state, Part):\n if (state := state.x):\n  state.type()"),
    "a pattern": Case(PART, "if isinstance(state, Part):\n match state.x:\n  case [state]:\n   state.type()"),
    "a comprehension": Case(PART, "if isinstance(state, Part):\n [state.type() for state in state.x]"),
    "a lambda": Case(PART, "if isinstance(state, Part):\n (lambda state: state.type())(state.x)"),
    "an inner function": Case(
        PART, "def swap():\n nonlocal state\n state = state.x\nif isinstance(state, Part):\n swap()\n state.type()"
    ),
    "an import": Case(PART, "if isinstance(state, Part):\n from .parts import Q as state\n state.type()"),
    "another class since": Case(PART, "if isinstance(state, Part):\n state.__class__ = state.x\n state.type()"),
    "one by its name": Case(PART, "if isinstance(state, Part):\n vars(self)['__class__'] = state\n state.type()"),
    "a condition": Case(PART, "if isinstance(state, Part) and os if os else state:\n state.type()"),
    "the other branch": Case(PART, "if isinstance(state, Part):\n pass\nelse:\n state.type()"),
    "the same line": Case(PART, "if isinstance(state, Part) or state.type(): pass"),
    "a text": Case(PART, "'''\nif isinstance(state, Part):\n'''\nstate.type()"),
    "its own isinstance": Case(PART + "def isinstance(x, y):\n return 1", TEST),
    "a property": Case(
        PART + "    @property\n    def type(self):\n        pass", TEST
    ),
    "a method with source": Case(PART + "    def type(self):\n        pass", TEST),
    "with an argument": Case(PART, "if isinstance(state, Part):\n state.type(1)"),
    "a class below, by another one": Case(
        PART + EVIL + "class Sub(Evil, Part): pass\nONE = Sub()", TEST
    ),
    "a class of two": Case(PART + EVIL + "Part = (Part, Evil)", TEST),
    "a class of another type": Case(
        "class Part:\n def __init__(self):\n  pass", TEST
    ),
    "a decorated class": Case(
        PART.replace("class Part", "def put(x):\n    return x\n@put\nclass Part"),
        TEST,
    ),
    "an attribute": Case(PART + "    def a(self):\n        self.type = 1", TEST),
    "a metaclass": Case(
        PART.replace("Base)", "Base, metaclass=abc.ABCMeta)"),
        TEST,
    ),
    "what says that it is one": Case(
        PART + EVIL + "class Liar(Evil):\n __class__ = Part", TEST, ("Liar",)
    ),
    "what decides itself": Case(
        PART + EVIL + "class Liar(Evil):\n def __getattribute__(self, name):\n  return super().x",
        TEST,
        ("Liar",),
    ),
}  # fmt: skip


def _harmless(tree: Tree, environment_of: Environments, case: Case) -> bool:
    lines = "".join(f"        {line}\n" for line in case.body.splitlines())
    text = f"{case.top}\nclass Model:\n    def __setstate__(self, state):\n{lines}"
    grader = Grader(
        Program(environment_of(tree({**TORCH, "lib/__init__.py": "", "lib/parts.py": text}))),
        packs.load(),
    )
    scopes = [definitions(grader.program, f"lib.parts.{name}")[0][1] for name in ("Model", *case.others)]
    members = [Member(scope) for scope in scopes]
    grades = [grader.grade(scope, called=False) for scope in scopes]
    return all(grade.inert for grade in grades) and not apart(grader, members)


@pytest.mark.parametrize("case", HARMLESS.values(), ids=HARMLESS)
def test_a_test_says_of_which_class_an_object_is(case: Case, tree: Tree, environment_of: Environments) -> None:
    """Its method is followed."""
    assert _harmless(tree, environment_of, case)


@pytest.mark.parametrize("case", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_test_that_says_less_changes_nothing(case: Case, tree: Tree, environment_of: Environments) -> None:
    """The name may stand for something else, the object for another class, or the method for another function."""
    assert not _harmless(tree, environment_of, case)


@pytest.mark.parametrize(
    ("top", "kind", "call"),
    [
        ("import pandas as pd", "pd.DataFrame", "to_csv(self.path)"),
        ("import pandas as pd", "pd.DataFrame", "to_clipboard()"),
        ("import numpy as np", "np.float64", "tofile(self.path)"),
        ("import numpy as np\nclass P(np.matrix): pass", "P", "dump(self.path)"),
        ("import pandas as pd\nclass P(pd.DataFrame): pass", "P", "info()"),
    ],
)
def test_a_type_without_source_may_do_anything_with_its_arguments(
    top: str, kind: str, call: str, tree: Tree, environment_of: Environments
) -> None:
    """A pack says which names a package has, not what their methods do."""
    text = f"{top}\nclass Model:\n    def __setstate__(self, state):\n"
    text += f"        if isinstance(state, {kind}):\n            state.{call}\n"
    root = tree({"numpy/__init__.py": "", "pandas/__init__.py": "", "lib/__init__.py": "", "lib/parts.py": text})
    known = packs.load()
    grader = Grader(Program(environment_of(root), known.opaque), known)
    [(_, scope, *_)] = definitions(grader.program, "lib.parts.Model")
    assert not grader.grade(scope, called=False).inert


@pytest.mark.parametrize("body", ["getattr(os, self.name)(self.x)", "TABLE[self.name](self.x)"])
@pytest.mark.parametrize(
    ("ask", "asked"),
    [("if isinstance(state, Part):\n            state.type()", "type"), ("del state.x", "__delattr__")],
)
def test_what_is_proposed_later_is_judged_beside_what_asks_it(
    body: str, ask: str, asked: str, tree: Tree, environment_of: Environments
) -> None:
    """What cannot be followed counts too, whichever of the two is in the policy already."""
    text = f"{PART}TABLE = {{'x': os.system}}\nclass Model:\n    def __setstate__(self, state):\n        {ask}\n"
    text += f"class Low:\n    __class__ = Part\n    def {asked}(self, *rest):\n        {body}\n"
    files = {**TORCH, "lib/__init__.py": "", "lib/parts.py": text}
    grader = Grader(Program(environment_of(tree(files))), packs.load())
    model, low = (Member(definitions(grader.program, f"lib.parts.{name}")[0][1]) for name in ("Model", "Low"))
    assert apart(grader, [model, low])
    assert apart(grader, [low], [model])
