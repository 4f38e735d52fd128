"""What callables and states may hold, beyond the attacks of the ledger: honest uses of the same forms stay clean."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
from tests.attacks import assembly as asm
from tests.attacks.assembly import BUILD, EMPTY_DICT, NONE, POP, PROTO2, SETITEM, STOP, TUPLE2, get, put, text

from pickleball_enforce import obligations, sharing
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.verifier import Verifier

if TYPE_CHECKING:
    from pickleball_enforce.report import Verdict

PARTIAL, CLASS, FUNCTION, OTHER = (
    asm.name(*path.split()) for path in ("functools partial", "shop Basket", "shop pay", "shop show")
)
REBUILD = asm.name("torch._tensor", "_rebuild_from_type_v2")


def judge(stream: bytes, globals_: str = "", reduces: str = "") -> Verdict:
    """Judge a stream by a policy with these names."""
    return Verifier(Policy({"m": Entry(tuple(globals_.split()), tuple(reduces.split()))})).verify(
        PROTO2 + stream + STOP
    )


def kinds(verdict: Verdict, path: str) -> set[tuple[str, str]]:
    """Give the obligations of the imports of a name."""
    return {(item.kind, item.detail) for found in verdict.imports if found.path == path for item in found.obligations}


@pytest.mark.parametrize(
    "stream",
    [
        asm.call(FUNCTION, asm.dict_of(text("__init__"), asm.number(3), text("word"), CLASS)),
        asm.call(FUNCTION, asm.list_of(asm.dict_of(text("__doc__"), CLASS))),
        asm.new(CLASS) + asm.dict_of(text("__wrapped__"), OTHER, text("__notes__"), asm.list_of()) + BUILD,
        asm.new(CLASS) + asm.dict_of(text("words"), asm.dict_of(text("__init__"), asm.new(CLASS))) + BUILD,
        asm.new(CLASS) + asm.dict_of(text("__dict__"), asm.dict_of(text("size"), asm.number(3))) + BUILD,
    ],
    ids=["numbers under special names", "harmless special names", "live harmless names", "a vocabulary in a state",
         "the namespace of a data model"],
)  # fmt: skip
def test_special_names_with_nothing_to_call_are_data(stream: bytes) -> None:
    """Words that look like special names, and names that nothing calls, break no honest file."""
    assert judge(stream, "shop.Basket shop.show", "shop.pay").clean


@pytest.mark.parametrize(
    "stream",
    [
        asm.call(FUNCTION, asm.list_of(asm.dict_of(text("__call__"), OTHER))),
        asm.call(FUNCTION, asm.list_of(asm.list_of(asm.tuple_of(asm.dict_of(text("__call__"), OTHER))))),
        EMPTY_DICT + put(1) + asm.call(FUNCTION, asm.list_of(get(1))) + POP + text("__call__") + OTHER + SETITEM,
        b"]" + put(1) + asm.call(FUNCTION, asm.list_of(get(1))) + POP + asm.dict_of(text("__call__"), OTHER) + b"a",
    ],
    ids=["in a list", "deeper", "written afterwards", "put in afterwards"],
)
def test_special_names_with_callables_are_found_however_deep(stream: bytes) -> None:
    """A dict that a call gets somewhere in its arguments has no special name with a callable value."""
    assert "state-key" in {found.rule for found in judge(stream, "shop.Basket shop.show", "shop.pay").violations}


def test_a_namespace_inside_a_state_needs_a_class_that_takes_it() -> None:
    """`__dict__` in a state is for classes with a __setstate__ of their own, and is judged as attributes."""
    space = asm.dict_of(text("close"), OTHER)
    verdict = judge(asm.new(CLASS) + asm.dict_of(text("__dict__"), space) + BUILD, "shop.Basket shop.show")
    assert {("setstate", ""), ("shadow", "close")} <= kinds(verdict, "shop.Basket")
    twice = asm.dict_of(text("__dict__"), asm.dict_of(text("__dict__"), EMPTY_DICT))
    assert not judge(asm.new(CLASS) + twice + BUILD, "shop.Basket").clean


def test_attributes_that_a_rebuilding_function_sets_are_judged_for_the_class() -> None:
    """Torch sets the state of a tensor's class by a function: methods of that class are not replaced."""
    state = asm.dict_of(text("close"), OTHER)
    stream = asm.call(REBUILD, FUNCTION, CLASS, asm.tuple_of(), state)
    verdict = judge(stream, "shop.show", "torch._tensor._rebuild_from_type_v2 shop.pay shop.Basket")
    assert verdict.clean
    assert ("shadow", "close") in kinds(verdict, "shop.Basket")


def test_a_partial_is_made_as_pickle_makes_it() -> None:
    """The state of a partial of a function of `reduces` brings nothing to check beyond its parts."""
    made = asm.call(PARTIAL, FUNCTION) + asm.tuple_of(FUNCTION, asm.tuple_of(asm.number(1)), EMPTY_DICT, NONE) + BUILD
    assert judge(made, "", "functools.partial shop.pay").clean


def test_a_default_dict_takes_a_partial_of_a_function_that_reduces_lists() -> None:
    """What it calls for a missing key is what its state says: a function that the stream could call itself."""
    made = asm.call(PARTIAL, FUNCTION) + asm.tuple_of(FUNCTION, asm.tuple_of(asm.number(1)), EMPTY_DICT, NONE) + BUILD
    stream = asm.call(asm.name("collections", "defaultdict"), made)
    callables = "functools.partial collections.defaultdict"
    verdict = judge(stream, "", f"{callables} shop.pay")
    assert verdict.clean
    assert ("handed", "") in kinds(verdict, "shop.pay")
    assert not judge(stream, "shop.pay", callables).clean
    assert not judge(asm.call(asm.name("collections", "defaultdict"), asm.call(PARTIAL, FUNCTION)), "", callables).clean


TABLE = asm.name("collections", "defaultdict")
HOLDING = "functools.partial collections.defaultdict"


def partial_of(called: bytes, *given: bytes, made: bytes = b"") -> bytes:
    """Make a partial as pickle writes it; `made` follows the call that its state is for."""
    return asm.call(PARTIAL, FUNCTION) + made + asm.tuple_of(called, asm.tuple_of(*given), EMPTY_DICT, NONE) + BUILD


def test_a_default_dict_takes_a_partial_of_a_default_dict() -> None:
    """A table of tables holds a class that may be referenced, or a function that `reduces` lists, at any level."""
    for held, lists in ((CLASS, ("shop.Basket", "shop.pay")), (OTHER, ("", "shop.pay shop.show"))):
        one = asm.call(TABLE, partial_of(TABLE, held))
        two = asm.call(TABLE, partial_of(TABLE, partial_of(TABLE, held)))
        for stream in (one, two):
            assert judge(stream, lists[0], f"{HOLDING} {lists[1]}").clean
            assert not judge(stream, lists[0], "functools.partial shop.pay").clean
    verdict = judge(asm.call(TABLE, partial_of(TABLE, OTHER)), "shop.show", f"{HOLDING} shop.pay")
    assert kinds(verdict, "shop.show") == {("type", "")}


def test_partials_in_what_partials_give_nest_to_a_depth() -> None:
    """Four levels are followed, more are not: neither in arguments, nor by one partial that makes the next."""
    listed = f"{HOLDING} shop.pay"
    made = partial_of(FUNCTION)
    for level in range(8):
        assert judge(asm.call(TABLE, made), "", listed).clean == (level < 4), level
        made = partial_of(TABLE, made)
    for count in range(1, 8):
        assert judge(partial_of(*[PARTIAL] * count, FUNCTION), "", listed).clean == (count < 4), count


def test_a_partial_that_holds_itself_may_not_be_held() -> None:
    """What a state gives has to be known before it: no partial is its own argument."""
    cycle = partial_of(TABLE, get(1), made=put(1))
    assert "calls-argument" in {found.rule for found in judge(cycle, "", f"{HOLDING} shop.pay").violations}


def test_many_partials_of_partials_cost_what_they_are_long() -> None:
    """A partial of a hundred thousand names of itself is refused in a moment."""
    verdict = judge(asm.call(PARTIAL, *[PARTIAL + put(1) if not at else get(1) for at in range(100_000)]), "", HOLDING)
    assert {found.rule for found in verdict.violations} == {"calls-argument"}


def test_a_slot_state_gives_what_it_sets_to_the_class() -> None:
    """A class whose slots hold callables is asked whether it calls what it holds."""
    stream = asm.new(CLASS) + NONE + asm.dict_of(text("hook"), OTHER) + TUPLE2 + BUILD
    assert ("receives", "shop.show") in kinds(judge(stream, "shop.Basket shop.show"), "shop.Basket")


class Registered:
    """A class that keeps its instances in a table of lists."""

    table: dict[str, list[object]] = {}  # noqa: RUF012 - what this is about

    def __new__(cls) -> Registered:
        """Make an instance as any class does."""
        return super().__new__(cls)


def test_instances_are_looked_for_in_the_containers_of_a_class() -> None:
    """A table of lists in the namespace of a class is looked through; an empty one holds nothing."""
    assert sharing.may_return_shared(Registered)
    assert not sharing.holds_instance(Registered)
    Registered.table["a"] = [Registered()]
    assert sharing.holds_instance(Registered)


def test_a_class_may_stand_where_a_class_derived_from_a_holder_gets_it() -> None:
    """A default dict by another name takes `list`, and no function."""

    class Table(functools.partial):  # type: ignore[type-arg]
        """A holder by another name."""

    verdict = judge(asm.new(CLASS, asm.name("builtins", "list")), "shop.Basket builtins.list")
    found = next(item for item in verdict.imports if item.path == "shop.Basket")
    wanted = [item for item in found.obligations if item.kind == "receives"]
    assert [item.detail for item in wanted] == ["builtins.list"]
    assert obligations.discharge_one(Table, found, wanted[0]) == []
    verdict = judge(asm.new(CLASS, asm.name("builtins", "len")), "shop.Basket builtins.len")
    found = next(item for item in verdict.imports if item.path == "shop.Basket")
    wanted = [item for item in found.obligations if item.kind == "receives"]
    assert [item.rule for item in obligations.discharge_one(Table, found, wanted[0])] == ["calls-argument"]
