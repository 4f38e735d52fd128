"""Attacks on rule 8 by partials: what they call, what they give to it, and what is changed once they are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attacks.assembly import (
    BUILD,
    EMPTY_DICT,
    EMPTY_TUPLE,
    NONE,
    POP,
    PROTO2,
    SETITEM,
    STOP,
    call,
    dict_of,
    get,
    list_of,
    name,
    new,
    number,
    put,
    text,
    tuple_of,
)
from tests.attacks.attack import TOUCH, Attack

from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    import random

PARTIAL, TABLE, JOIN = name("functools", "partial"), name("collections", "defaultdict"), name("victims", "join")
STARTING = name("victims", "Starting")
REDUCES = ("collections.defaultdict", "functools.partial", "victims.join")


def partial(called: bytes, *given: bytes, named: bytes = EMPTY_DICT, first: bytes = JOIN) -> bytes:
    """Make a partial as pickle writes it: a call that gets a function, and a state that says everything again."""
    return call(PARTIAL, first) + tuple_of(called, tuple_of(*given), named, NONE) + BUILD


def _hands_on(what: str, stream: bytes, use: str, *reduces: str, found: str = "calls-argument", late: bool = True,
              referenced: tuple[str, ...] = ("victims.touch",)) -> Attack:  # fmt: skip
    check = f"{use} == 'touched'" if use else ""
    return Attack(what, 8, found, PROTO2 + stream + STOP, globals=referenced, reduces=(*REDUCES, *reduces),
                  check=check, at_load=late, allowed=True)  # fmt: skip


ATTACKS = (
    _hands_on("a partial of a default dict gives it its factory", partial(TABLE, TOUCH), "result()['x']"),
    _hands_on("a call that makes a partial of a default dict gives it its factory",
              call(PARTIAL, TABLE, TOUCH), "result()['x']"),
    _hands_on("a default dict of default dicts, by a partial", call(TABLE, partial(TABLE, TOUCH)), "result['x']['y']"),
    _hands_on("a default dict of default dicts of default dicts, by partials",
              call(TABLE, partial(TABLE, partial(TABLE, TOUCH))), "result['x']['y']['z']"),
    _hands_on("a partial that makes a partial that makes a default dict",
              partial(PARTIAL, TABLE, TOUCH), "result()()['x']"),
    _hands_on("a partial whose function is a partial of a default dict",
              call(PARTIAL, partial(TABLE), TOUCH), "result()['x']", late=False),
    _hands_on("a partial whose state names a partial of a default dict",
              partial(partial(TABLE), TOUCH), "result()['x']", late=False),
    _hands_on("a partial of map under another name",
              partial(name("victims", "mapper"), TOUCH, list_of(number(1))), "[*result()][0]", "victims.mapper"),
    _hands_on("a partial of sorted under another name, by a keyword",
              partial(name("victims", "order"), list_of(number(1)), named=dict_of(text("key"), TOUCH)),
              "result() and 'touched'", "victims.order"),
    _hands_on("a partial of sorted under another name, by keywords that a call gives",
              partial(name("victims", "order"), list_of(number(1)),
                      named=call(name("builtins", "dict"), list_of(tuple_of(text("key"), TOUCH)))),
              "result() and 'touched'", "victims.order", "builtins.dict", found="arguments-not-literal", late=False),
    _hands_on("keywords of a partial that change afterwards",
              call(PARTIAL, JOIN) + put(1) + POP + EMPTY_DICT + put(2) + POP
              + get(1) + tuple_of(name("victims", "order"), tuple_of(list_of(number(1))), get(2), NONE) + BUILD + POP
              + get(2) + text("key") + TOUCH + SETITEM + POP + get(1),
              "result() and 'touched'", "victims.order", found="state-frozen", late=False),
    _hands_on("a partial whose arguments a call gives",
              call(PARTIAL, JOIN) + tuple_of(TABLE, call(name("builtins", "tuple"), list_of(TOUCH)), EMPTY_DICT, NONE)
              + BUILD, "result()['x']", "builtins.tuple", found="arguments-not-literal", late=False),
    _hands_on("a partial whose state a call gives",
              call(PARTIAL, JOIN)
              + call(name("builtins", "tuple"), list_of(TOUCH, EMPTY_TUPLE, EMPTY_DICT, NONE)) + BUILD,
              "result()", "builtins.tuple", late=False),
    _hands_on("a partial that is set, held, and set again",
              partial(TABLE) + put(1) + POP + call(TABLE, get(1)) + put(2) + POP
              + get(1) + tuple_of(TOUCH, EMPTY_TUPLE, EMPTY_DICT, NONE) + BUILD + POP + get(2),
              "result['x']", found="build-twice", late=False),
    _hands_on("a partial of a class that may be referenced, in a default dict in a default dict",
              call(TABLE, partial(TABLE, partial(STARTING, number(1)))), "result['x']['y'] and 'touched'",
              referenced=("victims.Starting",), late=False),
    _hands_on("a partial by another name gives a default dict its factory",
              new(name("victims", "Waiting"), JOIN) + tuple_of(TABLE, tuple_of(TOUCH), EMPTY_DICT, NONE) + BUILD,
              "result()['x']", referenced=("victims.Waiting", "victims.touch")),
    _hands_on("a partial by another name whose state a call gives",
              new(name("victims", "Waiting"), JOIN)
              + call(name("builtins", "tuple"), list_of(TOUCH, EMPTY_TUPLE, EMPTY_DICT, NONE)) + BUILD,
              "result()", "builtins.tuple", referenced=("victims.Waiting", "victims.touch")),
)  # fmt: skip

_LISTED = (*REDUCES, "builtins.tuple", "builtins.dict", "functools.partialmethod", "victims.Waiting")
POLICIES = (
    Policy({"m": Entry(("victims.touch", "victims.Starting"), _LISTED)}),
    Policy({"m": Entry(("victims.touch", "functools.partial", "victims.Waiting"), ("collections.defaultdict",))}),
    Policy({"m": Entry(("victims.Starting",), ("functools.partial", "victims.join", "victims.touch"))}),
    None,
)
_MAKERS = (PARTIAL, PARTIAL, PARTIAL, TABLE, name("functools", "partialmethod"), name("victims", "Waiting"))
_HELD = (
    TOUCH, JOIN, JOIN, STARTING, TABLE, PARTIAL, NONE, number(1), get(1), get(2), new(STARTING), list_of(TOUCH),
    name("builtins", "map"), call(name("builtins", "getattr"), new(STARTING), text("x")), tuple_of(TOUCH),
    dict_of(text("x"), TOUCH), name("builtins", "dict"),
)  # fmt: skip
_NAMED = (
    EMPTY_DICT, EMPTY_DICT, NONE, dict_of(text("x"), TOUCH), dict_of(text("x"), JOIN), dict_of(number(1), JOIN),
    call(name("builtins", "dict")), get(2), tuple_of(),
)  # fmt: skip


def _held(chance: random.Random, depth: int) -> bytes:
    return _made(chance, depth - 1) if depth and chance.random() < 0.4 else chance.choice(_HELD)


def _made(chance: random.Random, depth: int) -> bytes:
    """Call or instantiate a partial or a default dict, with or without a state."""
    given = [_held(chance, depth) for _ in range(chance.randrange(3))]
    make = chance.choice((call, call, call, new))
    whole = make(chance.choice(_MAKERS), *given) + (put(chance.randrange(1, 3)) if chance.random() < 0.3 else b"")
    if chance.random() < 0.3:
        return whole
    inner = [_held(chance, depth) for _ in range(chance.randrange(3))]
    arguments = tuple_of(*inner) if chance.random() < 0.9 else call(name("builtins", "tuple"), list_of(*inner))
    parts = [_held(chance, depth), arguments, chance.choice(_NAMED), NONE]
    state = tuple_of(*parts[: chance.choice((4, 4, 4, 4, 4, 3))])
    return whole + (state if chance.random() < 0.9 else call(name("builtins", "tuple"), state)) + BUILD


def stream(chance: random.Random) -> bytes:
    """Make a stream of partials, with two memo entries that everything may name."""
    begin = PROTO2 + partial(chance.choice(_HELD[:7])) + put(1) + POP + EMPTY_DICT + put(2) + POP
    return begin + tuple_of(_made(chance, 5), _held(chance, 2)) + STOP
