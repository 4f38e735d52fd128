"""What a judged pickle calls is called by the compiled module as stock would, and nothing of it before its check."""

from __future__ import annotations

import collections
import gc
import io
import pickle
import random
import sys
import types
from typing import Any

import pytest
from tests.attacks import assembly as asm
from tests.attacks.calling import calling
from tests.attacks.comparison import native
from tests.attacks.execution import Left, check
from tests.attacks.requirement import COMPILED
from tests.attacks.test_quick import hooked

from pickleball_enforce import stock
from pickleball_enforce.drivers import quick
from pickleball_enforce.settings import Settings

pytestmark = COMPILED
PRELUDE = """
def call(*args):
    return name("shelf", "make") + b"(" + b"".join(args) + b"tR"
LONG = b"\\x80\\x04" + b"N0" * 40_000
ran = []
"""


def find(module: str, name: str) -> Any:
    """Find an import, as an unpickler of protocol 4 does."""
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def made(data: bytes, finder: Any = find) -> Any:
    """Give what the compiled module makes of a pickle."""
    found = native.Builder(Settings(buffers=False), quick.encodes).load(data, 0, len(data), finder)
    if found is None:
        raise Left
    return found[0]


def test_random_streams_call_what_was_predicted() -> None:
    """Random streams call, give states and fill containers as stock's unpicklers do, and end alike."""
    for seed in range(1500):
        check(calling(random.Random(seed)))


@pytest.mark.parametrize(
    "data",
    [
        asm.name("recorder", "called") + b")\x81.",
        b"(irecorder\ncalled\n.",
        asm.name("recorder", "called") + b")}\x92.",
        b"(" + asm.name("recorder", "called") + b"o.",
        asm.call(asm.name("recorder", "called")) + b"Q.",
        b"\x82\x01.",
        asm.call(asm.name("recorder", "called")) + b"I1\n\x86.",
        asm.call(asm.name("recorder", "called")) + b"\x80\x02\x85.",
        asm.call(asm.name("recorder", "called")) + b"\x97\x85.",
        asm.call(asm.name("recorder", "called")) + b"p0\n.",
        asm.call(asm.name("recorder", "called")) + b"K\x01",
    ],
)
def test_what_is_left_to_stock_has_not_begun(data: bytes) -> None:
    """A pickle with opcodes that stock has to run imports and calls nothing here."""
    asked: list[str] = []
    with pytest.raises(Left):
        made(b"\x80\x04" + data, lambda module, name: asked.append(module))
    assert not asked


def test_items_and_states_go_where_stock_puts_them() -> None:
    """Containers that are no list, dict or set, objects without __setstate__ and arrays are filled as by stock."""
    value = [
        collections.OrderedDict(a=1, b=[2]), collections.deque([1, 2]), collections.Counter("aab"),
        collections.defaultdict(list, a=[1]), types.SimpleNamespace(a=1), ValueError("x", 1), 1 + 2j, slice(1, 2),
        bytearray(b"x"), range(3),
    ]  # fmt: skip
    value[5].note = "kept"  # type: ignore[attr-defined]
    data = pickle.dumps(value, 4)
    one, other = made(data), stock.loads(data)
    assert [type(item) for item in one] == [type(item) for item in other]
    assert pickle.dumps(one, 4) == pickle.dumps(other, 4)
    assert one[5].note == "kept"


def test_a_method_of_one_class_is_not_taken_for_that_of_another() -> None:
    """Instances of C classes, of their subclasses and of others get their states by turns, each by its own method."""
    numpy = pytest.importorskip("numpy")
    seen: list[tuple[str, object]] = []

    class Own(numpy.ndarray):  # type: ignore[misc]
        def __setstate__(self, state: Any) -> None:
            seen.append(("own", state[1]))
            super().__setstate__(state)

    class Plain(numpy.ndarray):  # type: ignore[misc]
        pass

    class Shadowing(ValueError):
        pass

    shadowing = Shadowing("x")
    shadowing.__setstate__ = "data"  # type: ignore[assignment]
    halfway = iter([1, 2, 3])
    next(halfway)
    array = numpy.arange(3.0)
    value = [array + 1, array.view(Own), array + 2, halfway, array.view(Plain), ValueError("y"), shadowing, array + 3]
    value[5].note = "kept"
    here = types.ModuleType("here")
    for kind in (Own, Plain, Shadowing):
        kind.__module__, kind.__qualname__ = "here", kind.__name__
        setattr(here, kind.__name__, kind)
    sys.modules["here"] = here
    try:
        data = pickle.dumps(value, 4)
        one, other = made(data), stock.loads(data)
    finally:
        del sys.modules["here"]
    assert [type(item) for item in one] == [type(item) for item in other] == [type(item) for item in value]
    assert [seen.pop(), *seen] == [("own", (3,))] * 2
    for place in (0, 1, 2, 4, 7):
        assert one[place].tobytes() == value[place].tobytes()
    assert list(one[3]) == list(other[3]) == [2, 3]
    assert (one[5].note, one[6].__setstate__) == ("kept", "data")


@pytest.mark.parametrize("size", range(10))
def test_tuples_of_each_length_hold_what_they_should_and_nothing_else_does(size: int) -> None:
    """A tuple has the items that lay on the stack, and they live as long as it does."""
    items = [asm.call(asm.name("builtins", "list"), asm.call(asm.name("builtins", "str"))) for _ in range(size)]
    loaded = made(b"\x80\x04N(" + b"".join(items) + b"t\x86.")
    assert loaded[0] is None
    expected: tuple[list[object], ...] = tuple([] for _ in range(size))
    assert loaded[1] == expected
    assert [sys.getrefcount(item) for item in loaded[1]] == [sys.getrefcount(item) for item in expected]
    if 1 <= size <= 3:
        assert made(b"\x80\x04N" + b"".join(items) + bytes([0x84 + size]) + b"\x86.") == loaded


def test_what_a_call_raises_comes_through() -> None:
    """An exception of a callee, of a state and of a lookup is the one that stock gives."""
    for call in (
        asm.call(asm.name("builtins", "int"), asm.text("x")),
        asm.call(asm.name("builtins", "list")) + b"Nb",
        asm.call(asm.name("builtins", "list"), b"(NNl") + b"K\x01b",
        asm.call(asm.name("types", "SimpleNamespace")) + b"K\x01b",
        asm.call(asm.name("builtins", "iter"), b"]") + asm.text("x") + b"b",
        asm.call(asm.name("builtins", "iter"), b"]") + b"K\x01b" + asm.call(asm.name("builtins", "iter"), b"]") + b"Nb",
        asm.call(asm.name("types", "SimpleNamespace")) + b"N]\x86b",
        asm.call(asm.name("types", "SimpleNamespace")) + b"N}K\x05K\x01s\x86b",
        asm.call(asm.name("types", "SimpleNamespace")) + b"N}]K\x01s\x86b",
        asm.call(asm.name("types", "SimpleNamespace")) + b"(K\x01e",
        asm.call(asm.name("types", "SimpleNamespace")) + b"K\x01a",
        asm.call(asm.name("types", "SimpleNamespace")) + b"(K\x01\x90",
        asm.call(asm.name("types", "SimpleNamespace")) + b"NNs",
        asm.name("builtins", "int") + b"NR",
        b"NN\x93",
    ):
        data = b"\x80\x04" + call + b"."
        errors = []
        for load in (made, stock.loads):
            try:
                load(data)
            except Exception as error:  # noqa: BLE001 - compared below
                errors.append((type(error), str(error)))
            else:
                errors.append((None, ""))
        assert errors[0] == errors[1], data


def test_a_method_that_is_lacking_in_words_of_its_own_is_lacking() -> None:
    """A class whose `__getattr__` raises an AttributeError of its own gets its state and its items as by stock."""

    class Lacks(AttributeError):
        pass

    class Own:
        def __init__(self) -> None:
            self.items: list[object] = []

        def __getattr__(self, name: str) -> object:
            raise Lacks(name)

        def append(self, item: object) -> None:
            self.items.append(item)

    class Unpickler(stock.Unpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> object:
            return Own

    data = b"\x80\x04" + asm.call(asm.name("shelf", "Own")) + b"(K\x01K\x02eK\x03a}" + asm.text("x") + b"K\x04sb."
    one, other = made(data, lambda module, name: Own), Unpickler(io.BytesIO(data)).load()
    assert vars(one) == vars(other) == {"items": [1, 2, 3], "x": 4}


def test_nothing_is_held_or_lost() -> None:
    """Objects of a load go with its result, of one that fails with its exception."""

    class Counted:
        alive = 0

        def __init__(self, *_: object) -> None:
            type(self).alive += 1

        def __del__(self) -> None:
            type(self).alive -= 1

    shelf = {"Counted": Counted, "int": int}
    new = asm.call(asm.name("shelf", "Counted"))
    good = b"\x80\x04(" + (new + b"\x94") * 50 + b"h\x03h\x03l}" + asm.text("a") + new + b"s\x86."
    bad = b"\x80\x04(" + new * 50 + asm.call(asm.name("shelf", "int"), asm.text("x")) + b"l."
    for _ in range(20):
        result = made(good, lambda _, name: shelf[name])
        assert Counted.alive == 51
        del result
        with pytest.raises(ValueError, match="invalid literal"):
            made(bad, lambda _, name: shelf[name])
    gc.collect()
    assert Counted.alive == 0


def test_a_load_within_a_call_has_its_own_stack() -> None:
    """A callee that loads by itself, and one that raises from a collection, leave the outer load alone."""
    inner = b"\x80\x04" + asm.call(asm.name("builtins", "list"), asm.tuple_of(b"K\x01", b"K\x02")) + b"."
    data = b"\x80\x04K\x07" + asm.call(asm.name("here", "load")) + b"K\x08\x87."
    assert made(data, lambda module, name: find(module, name) if module != "here" else lambda: made(inner)) == (
        7, [1, 2], 8,
    )  # fmt: skip


def test_an_import_is_looked_at_when_its_opcode_comes(tmp_path: Any) -> None:
    """What an earlier call puts under a name is checked, not what stood there when the pickle was judged."""
    hooked(
        tmp_path,
        PRELUDE
        + """
class Enumerated(type):
    pass
def trade(*given):
    shelf.Kept = Enumerated("Kept", (type,), {})
    ran.append("trade")
shelf.make = trade
data = LONG + call() + name("shelf", "Kept") + b")\\x81\\x86."
refused(data)
assert ran == ["trade"]
def again(*given):
    ran.append("again")
shelf.make, shelf.Kept = again, Kept
assert type(pickle.loads(LONG + call() + name("shelf", "Kept") + b"\\x86.")[1]) is type
def gone(*given):
    del shelf.Kept
shelf.make = gone
try:
    pickle.loads(LONG + call() + name("shelf", "Kept") + b"\\x86.")
except (AttributeError, pickle.UnpicklingError):  # stock's, and ours where the module was there when it was judged
    pass
else:
    raise SystemExit("it was found")
""",
    )


def test_nothing_runs_of_a_pickle_that_is_refused(tmp_path: Any) -> None:
    """A violation at the end of a long pickle keeps its first call from being made."""
    hooked(
        tmp_path,
        PRELUDE
        + """
shelf.make = lambda *given: ran.append(given)
refused(LONG + call() + name("os", "system") + b"\\x8c\\x02idR\\x86.")
assert not ran
pickle.loads(LONG + call() + b".")
assert ran == [()]
""",
    )


def test_results_that_others_hold_are_not_changed(tmp_path: Any) -> None:
    """A function that returns what the program holds gets no state and no items into it."""
    hooked(
        tmp_path,
        PRELUDE
        + """
held = Kept()
shelf.make = lambda *given: held
refused(LONG + call() + b"}\\x8c\\x01xNsb.")
assert not vars(held)
table = {}
shelf.make = lambda *given: table
refused(LONG + call() + b"(\\x8c\\x01xNu.")
assert not table
""",
        called=("shelf.Kept",),
    )


def test_names_of_python_2_are_those_that_were_judged(tmp_path: Any) -> None:
    """Of protocol 2 a name goes through stock's tables, of protocol 4 it does not, whatever was loaded before."""
    hooked(
        tmp_path,
        PRELUDE
        + """
OLD = b"\\x80\\x02" + b"N0" * 40_000 + b"c__builtin__\\nrange\\n(K\\x03tR."
assert pickle.loads(OLD) == range(3)
plain = b"\\x80\\x04" + b"N0" * 40_000 + b"c__builtin__\\nrange\\n(K\\x03tR."
for _ in range(2):
    refused(plain)
    assert pickle.loads(OLD) == range(3)
""",
        called=("builtins.range",),
    )


def test_stubs_and_records_are_those_of_stock(tmp_path: Any) -> None:
    """A name outside the policy that is never used gives a stub."""
    hooked(
        tmp_path,
        PRELUDE
        + """
result = pickle.loads(LONG + call() + name("os", "system") + b"\\x86.")
assert type(result[1]).__name__ == "Stub", result
""",
    )


def test_a_guard_refuses_at_the_place_in_this_very_pickle(tmp_path: Any) -> None:
    """Predictions are kept from another pickle that uses its imports alike, with other offsets."""
    hooked(
        tmp_path,
        PRELUDE
        + """
def pair(before):
    return b"\\x80\\x04" + b"N0" * before + call() + b"}\\x8c\\x01xNsb" + b"."
shelf.make = lambda *given: Kept()
assert quickly(pair(3)).x is None
held = Kept()
shelf.make = lambda *given: held
for before in (7, 300, 40_000):
    data = pair(before)
    found = refused(data, "build-target")
    assert [item.offset for item in found.violations] == [len(data) - 2], (before, found.violations)
assert not vars(held)
""",
        called=("shelf.Kept",),
    )


def test_a_guard_passes_one_class_of_one_load_only(tmp_path: Any) -> None:
    """A class whose new instances passed is looked at again by the next load, and so is the function itself."""
    hooked(
        tmp_path,
        PRELUDE
        + """
data = b"\\x80\\x04" + call() + b"}\\x8c\\x01xNsb."
shelf.make = lambda *given: Kept()
assert quickly(data).x is None
import logging
logging.Logger = Kept
refused(data, "build-target")
logging.Logger = object
shelf.make = type("Odd", (), {"__call__": lambda self: pickle.Unpickler})()
refused(data, "build-target")
""",
        called=("shelf.Kept",),
    )


def test_a_guard_never_stays_in_what_was_loaded(tmp_path: Any) -> None:
    """What the pickle holds as data besides calling it is the object itself, checked otherwise or refused."""
    hooked(
        tmp_path,
        PRELUDE
        + """
shelf.make = lambda *given: list(given)
for data in (
    b"\\x80\\x04" + name("shelf", "make") + b"\\x94)RK\\x01ah\\x00\\x86.",
    b"\\x80\\x04" + name("shelf", "make") + b"\\x94)RK\\x01a0h\\x00.",
    b"\\x80\\x04" + name("shelf", "make") + b"\\x94(h\\x00tRK\\x01a.",
):
    try:
        result = pickle.loads(data)
    except pickle.UnpicklingError:
        continue
    assert "Guard" not in repr(result), result
assert pickle.loads(b"\\x80\\x04" + name("shelf", "make") + b"\\x94)RK\\x01a.") == [1]
""",
    )


def test_a_large_pickle_is_judged_once_and_checked_as_a_short_one(tmp_path: Any) -> None:
    """What an earlier opcode of a large pickle puts under a later name is refused, whatever was kept for the name."""
    hooked(
        tmp_path,
        PRELUDE
        + """
data = LONG + call() + call(b"N") + b"\\x86."
shelf.make = lambda *given: None
quickly(data)
def trade(*given):
    ran.append(given)
    shelf.make = functools.partial(ran.append)
import functools
shelf.make = trade
refused(data)
assert ran == [()]
""",
    )
