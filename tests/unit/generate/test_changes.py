"""Changes of attributes in the closed world of a policy: what assigning, deleting and filling can reach."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from pickleball_generate import packs
from pickleball_generate.inference.clashes import Member
from pickleball_generate.inference.closedworld import answered
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

class AssigningWithoutHook:
    def __setstate__(self, state):
        object.__setattr__(state["part"], "name", "x")

class AssigningAnyName:
    def __setstate__(self, state):
        setattr(state["part"], state["name"], "x")

class Naming:
    @property
    def name(self):
        return 1

    @name.setter
    def name(self, value):
        os.system(value)

class NamingBelow(Naming):
    pass

class NamingOther:
    @property
    def other(self):
        return 1

    @other.setter
    def other(self, value):
        os.system(value)

class Looking:
    def __setattr__(self, key, value):
        self.table.place_of(key)

class Placing:
    def place_of(self, key):
        os.system(key)

class AssigningAndStoring:
    def __setstate__(self, state):
        state["part"].table = state["table"]
        state["part"].name = "x"

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
"""


SETTER = "@property\ndef part(self): return 1\n@part.setter\ndef part(self, v): os.system(v)"
PUT = "def put(self, v): os.system(v)"
KEPT = "class Kept:\n def __set__(self, obj, v): os.system(v)\n @classmethod\n def make(cls): return cls()"
HOOK = "def __setattr__(self, k, v): super().__setattr__(k, v)"
THING = "class Thing:\n @property\n def part(self): return 1\n @part.setter\n def part(self, v): os.system(v)"
BASE = THING.replace("Thing", "Base")
META = "class Meta(type):\n def __setattr__(cls, k, v): os.system(v)\nclass Base(metaclass=Meta): pass"
META_SETTER = f"{THING.replace('Thing:', 'Meta(type):')}\nclass Base(metaclass=Meta): pass"
ASSIGN, BY_SUPER = "self.part = state", "super().__setattr__('part', state)"

# What `__setstate__(self, state)` does, what else the class has, what stands above it.
CHANGES = {
    "given_by_a_function": (ASSIGN, "part = prop()", f"def prop():\n {PUT}\n return property(None, put)"),
    "given_as_lambda": (ASSIGN, "part = property(None, lambda self, v: os.system(v))", ""),
    "given_from_the_module": (ASSIGN, "part = property(None, put)", PUT),
    "given_from_a_class": (ASSIGN, "part = property(None, Other.put)", f"class Other:\n {PUT}"),
    "given_to_a_property": (ASSIGN, "part = property(None).setter(put)", PUT),
    "given_to_a_property_of_its_own": (ASSIGN, f"{PUT}\npart = prop(None, put)", "class prop(property): pass"),
    "given_as_a_row": (ASSIGN, "part = property(*parts())", f"{PUT}\ndef parts(): return None, put"),
    "given_as_keywords": (ASSIGN, "part = property(**parts())", f"def parts():\n {PUT}\n return {{'fset': put}}"),
    "property_with_a_set": (
        ASSIGN, "@prop\ndef part(self): return 1", "class prop(property):\n def __set__(self, obj, v): os.system(v)"),
    "property_that_gives_itself_one": (
        ASSIGN, "@prop\ndef part(self): return 1",
        f"{PUT}\nclass prop(property):\n def __init__(self, f): super().__init__(f, put)"),
    "kept_by_a_getter": (ASSIGN, "@Base.part.getter\ndef part(self): return 2", BASE),
    "kept_under_another_name": ("self.alias = state", f"{SETTER}\nalias = part", ""),
    "kept_of_another_class": (ASSIGN, "part = Thing.part", THING),
    "only_declared": (ASSIGN, "part: int", BASE),
    "set_by_a_method_of_its_own": (
        ASSIGN, "def put(self, v): os.system(v)",
        "class Base:\n def put(self, v): pass\n def _put(self, v): self.put(v)\n part = property(None, _put)"),
    "descriptor_by_a_decorator": (ASSIGN, "@Kept\ndef part(self): return 1", KEPT),
    "descriptor_by_a_function": (
        ASSIGN, "@keep\ndef part(self): return 1", f"{KEPT}\ndef keep(f): return Kept()"),
    "descriptor_by_a_decorator_that_is_made": (
        ASSIGN, "@keep(1)\ndef part(self): return 1", f"{KEPT}\ndef keep(n): return lambda f: Kept()"),
    "descriptor_by_a_part_of_a_call": (ASSIGN, "part = partial(Kept)()", f"from functools import partial\n{KEPT}"),
    "descriptor_by_a_part_of_a_decorator": (
        ASSIGN, "@partial(keep, 1)\ndef part(self): return 1",
        f"from functools import partial\n{KEPT}\ndef keep(n, f): return Kept()"),
    "descriptor_by_another_class": (
        ASSIGN, "part = Make()", f"{KEPT}\nclass Make:\n def __new__(cls): return Kept()"),
    "descriptor_of_the_module": (ASSIGN, "part = KEPT", f"{KEPT}\nKEPT = Kept()"),
    "descriptor_by_a_method": (ASSIGN, "part = Kept.make()", KEPT),
    "descriptor_of_a_type": (ASSIGN, "part = Kept[int]()", KEPT),
    "descriptor_or_nothing": (ASSIGN, "part = Kept() if os.sep else None", KEPT),
    "descriptor_in_a_list": (ASSIGN, "part = next(iter(ALL))", f"{KEPT}\nALL = [Kept()]"),
    "descriptor_by_reflection": (ASSIGN, "part = sys.modules[__name__].KEPT", f"import sys\n{KEPT}\nKEPT = Kept()"),
    "descriptor_as_a_default": (
        ASSIGN, "part = field(default=Kept())", f"from dataclasses import field\n{KEPT}"),
    "descriptor_with_a_function": (
        ASSIGN, "part = Kept()", f"{PUT.replace('self', 'self, obj')}\nclass Kept:\n __set__ = put"),
    "past_the_hook_by_super": (BY_SUPER, SETTER, ""),
    "past_the_hook_by_super_of_a_class": ("super(Model, self).__setattr__('part', state)", SETTER, ""),
    "past_the_hook_by_super_of_a_plain_base": (BY_SUPER, SETTER, "class Base: pass"),
    "past_the_hook_by_any_name": ("for k, v in state.items(): super().__setattr__(k, v)", SETTER, ""),
    "past_the_hook_of_deletion": ("super().__delattr__('part')", SETTER.replace("setter", "deleter"), ""),
    "through_its_hook": ("self.__setattr__('part', state)", f"{HOOK}\n{SETTER}", ""),
    "through_its_hook_by_any_name": ("self.__setattr__(state, 1)", f"{HOOK}\n{SETTER}", ""),
    "through_the_hook_of_a_base": (BY_SUPER, SETTER, f"class Base:\n {HOOK}"),
    "through_the_hook_of_a_class": ("Base.__setattr__(self, 'part', state)", SETTER, f"class Base:\n {HOOK}"),
    "closure": ("def inner(): self.part = state\ninner()", SETTER, ""),
    "loop": ("for me in [self]: me.part = state", SETTER, ""),
    "helper": ("fill(self, state)", SETTER, "def fill(x, v): x.part = v"),
    "helper_past_the_hook": ("fill(self, state)", SETTER, "def fill(x, v): object.__setattr__(x, 'part', v)"),
    "class_in_the_body": ("class Inner: self.part = state", SETTER, ""),
    "star": ("_, *self.part = 1, 2", SETTER, ""),
    "kept_in_an_attribute": ("self.thing = Thing()\nself.thing.part = state", "", THING),
    "made_by_a_function": ("make().part = state", "", f"{THING}\ndef make(): return Thing()"),
    "made_and_past_the_hook": ("x = Thing()\nobject.__setattr__(x, 'part', state)", "", THING),
    "type": ("type(self).part = state", "", META),
    "class_of_the_object": ("self.__class__.part = state", "", META),
    "setter_of_the_metaclass": ("type(self).part = state", "", META_SETTER),
    "hook_of_the_metaclass_by_name": (
        "Base.part = state", "",
        "def put(c, k, v): os.system(v)\nclass Meta(type): __setattr__ = put\nclass Base(metaclass=Meta): pass"),
    "method_by_a_decorator": (
        "self.run(state)", "@Run\ndef run(self, x): pass",
        "class Run:\n def __get__(self, obj, cls): return self\n def __call__(self, x): os.system(x)"),
}  # fmt: skip
HARMLESS = {
    "another_name": ("self.other = state", SETTER, ""),
    "constant": (ASSIGN, "part = None", ""),
    "computed": (ASSIGN, "part = -1 if os.sep else 2 * 3", ""),
    "function": (ASSIGN, "def part(self): pass", ""),
    "class": (ASSIGN, "class part: pass", ""),
    "field": (ASSIGN, "part: dict = field(default_factory=dict)", "from dataclasses import field"),
    "cached": (ASSIGN, "@cached_property\ndef part(self): return 1", "from functools import cached_property"),
    "type_variable": (ASSIGN, "part = T", "from typing import TypeVar\nT = TypeVar('T')"),
    "no_descriptor": (ASSIGN, "part = Thing()", "class Thing: pass"),
    "wrapped": (
        ASSIGN, "@wrap\ndef part(self): pass",
        "from functools import wraps\ndef wrap(f):\n @wraps(f)\n def inner(*a): return f(*a)\n return inner"),
    "wrapped_by_what_is_made": (
        ASSIGN, "@wrap(1)\ndef part(self): pass",
        "def wrap(n):\n def outer(f):\n  def inner(*a): return f(*a)\n  return inner\n return outer"),
    "overridden": (ASSIGN, "part = 1", BASE),
    "hook_that_hands_on": (ASSIGN, HOOK, ""),
    "of_any_name": ("for k, v in state.items(): setattr(self, k, v)", "part = 1\n@property\ndef one(self): pass", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_an_attribute_is_followed_to_what_runs(name: str, changing: Callable[[str], bool]) -> None:
    """A class whose code at load changes an attribute is not harmless where an effect comes of it."""
    assert not changing(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_runs_nothing_is_harmless(name: str, changing: Callable[[str], bool]) -> None:
    """What cannot have a setter stays harmless."""
    assert changing(name)


@pytest.fixture(scope="module")
def changing(
    tmp_path_factory: pytest.TempPathFactory, environment_of: Callable[..., Environment]
) -> Callable[[str], bool]:
    """Tell whether a class is harmless, alone in a policy."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "lib").mkdir()
    (folder / "lib/__init__.py").touch()
    for name, (body, rest, top) in (CHANGES | HARMLESS).items():
        method = f"def __setstate__(self, state):\n{indent(body, ' ')}"
        head = f"import os\n{top}\nclass Model{'(Base)' if 'class Base' in top else ''}:\n"
        (folder / f"lib/{name}.py").write_text(head + indent(f"{method}\n{rest}\n", " "))
    grader = Grader(Program(environment_of(folder)), packs.load())

    def harmless(name: str) -> bool:
        [(_, scope, *_)] = definitions(grader.program, f"lib.{name}.Model")
        return grader.grade(scope, called=False).inert and not [*answered(grader, [Member(scope)])]

    return harmless


@pytest.mark.parametrize(
    ("asking", "asked", "kept", "clash"),
    [
        ("Assigning", "Keeping", False, True),
        ("AssigningByName", "Keeping", False, True),
        ("Assigning", "Dropping", False, False),
        ("Assigning", "Looking", False, False),
        ("AssigningAndStoring", "Looking", False, True),
        ("Assigning", "Naming", False, True),
        ("Assigning", "NamingBelow", False, True),
        ("Assigning", "NamingOther", False, False),
        ("AssigningWithoutHook", "Naming", False, True),
        ("AssigningWithoutHook", "Keeping", False, False),
        ("AssigningAnyName", "NamingOther", False, True),
        ("Deleting", "Naming", False, False),
        ("Deleting", "Dropping", False, True),
        ("Deleting", "Keeping", False, False),
        ("Calling", "fill", True, True),
        ("Calling", "hand_on", True, True),
        ("Calling", "look", True, False),
        ("Calling", "Filling", False, True),
        ("Calling", "FillingLater", False, False),
        ("Calling", "FillingWhenAsked", False, False),
        ("CallingByAsking", "FillingWhenAsked", False, False),
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


def test_what_an_answer_asks_is_judged_itself(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """A `__setattr__` that only calls a method of an attribute runs what the policy has under its name."""
    found = _clashes(tree, environment_of, ("Assigning", False), ("Looking", False), ("Placing", False))
    assert any("place_of" in sentence for sentence in found), found


ASKING = """
import os
HANDLERS = {"x": os.system}
class Evil:
    def rank_of(self, x):
        os.system(x)
class Model:
    def __setstate__(self, state):
        self.__dict__.update(state)
        MORE
        self.table.place_of("x")
class Table:
    def place_of(self, x):
        self.inner.rank_of(x)
    OWN
class Deep:
    def rank_of(self, x):
        HANDLERS[self.name](x)
class Storing:
    def __setstate__(self, state):
        state.inner = ONE
ONE = Evil()
"""


@pytest.mark.parametrize(
    ("more", "own", "others", "harmless"),
    [
        ("", "", (), True),
        ("", "", ("Storing",), False),
        ("", "", ("Deep",), False),
        ("", "", ("Evil",), False),
        ("", "def __setstate__(self, state): self.inner = Evil()", (), False),
        ("", "def __new__(cls): return Evil() and object.__new__(cls)", (), False),
        ("", "def __hash__(self): self.inner = ONE", (), False),
        ("", "def __setstate__(self, state): self.__dict__.update(ONE.__dict__)", (), False),
        ("self.table.__dict__.update(inner=ONE)", "", (), False),
        ("self.table.__dict__ |= {'inner': ONE}", "", (), False),
        ("self.table.take(ONE)", "def take(self, x): self.inner = x", (), False),
    ],
)
def test_what_only_asks_is_harmless_where_nothing_is_put_where_it_asks(
    more: str,
    own: str,
    others: tuple[str, ...],
    harmless: bool,
    tree: Callable[[dict[str, str]], Path],
    environment_of: Callable[..., Environment],
) -> None:
    """Neither by code of the class, nor of another one of the policy; and an answer that cannot be followed counts."""
    text = ASKING.replace("MORE", more).replace("OWN", own)
    grader = Grader(Program(environment_of(tree({"lib/__init__.py": "", "lib/parts.py": text}))), packs.load())
    names = ("Model", "Table", *others)
    members = [Member(definitions(grader.program, f"lib.parts.{name}")[0][1]) for name in names]
    grades = [grader.grade(member.scope, called=False) for member in members]
    found = all(grade.inert or grade.asking for grade in grades) and not [*answered(grader, members)]
    assert found == harmless


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
    "by a method that another package calls": (
        (
            "import ast\nclass Visitor(ast.NodeVisitor):\n    def visit_Name(self, node):\n        put(node)\n"
            "Visitor().visit(ast.parse('x'))"
        ),
        "",
    ),
    "by what an enumeration calls": (
        (
            "import enum\nclass Kind(enum.Enum):\n    ONE = 1\n    @classmethod\n    def _missing_(cls, x):\n"
            "        put(x)\nKind(1)"
        ),
        "",
    ),
    "by its own list": ("def list(x):\n    x[1] = print\nlist(HOOKS)", ""),
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
    clashes = [clash for each in answered(grader, [*map(Member, found)]) for clash in each.clashes()]
    assert [clash.filled for clash in clashes] == ["lib.parts.HOOKS"]


def _clashes(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment], *names: tuple[str, bool]
) -> list[str]:
    """Say which of some definitions are not harmless together."""
    grader = Grader(Program(environment_of(tree({"lib/__init__.py": "", "lib/parts.py": LIBRARY}))), packs.load())
    members = []
    for name, kept in names:
        [(_, scope, *_)] = definitions(grader.program, f"lib.parts.{name}")
        members.append(Member(scope, kept=kept))
    return [clash.sentence(clash.asked) for each in answered(grader, members) for clash in each.clashes()]
