"""Plain data is built by the compiled builder: what stock makes, nothing else, and nothing is held or lost."""

from __future__ import annotations

import _compat_pickle
import gc
import io
import pickle
import random
import struct
import sys
import threading
import time
import tracemalloc
from typing import Any

import pytest
from tests.attacks import assembly as asm
from tests.attacks.comparison import native
from tests.attacks.ledger import ATTACKS, Attack
from tests.attacks.likeness import likeness, shared
from tests.attacks.plain import plain
from tests.attacks.requirement import COMPILED

from pickleball_enforce import stock
from pickleball_enforce.drivers import quick
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier

pytestmark = COMPILED
PLAIN = Settings(buffers=False)
DEEP = 200_000


def build(data: bytes, start: int = 0, settings: Settings = PLAIN) -> tuple[Any, int] | None:
    """Build a pickle."""
    found: tuple[Any, int] | None = native.Builder(settings, quick.encodes).build(data, start)
    return found


def same(data: bytes) -> Any:
    """Give what is built, which is what stock makes."""
    found = build(data)
    assert found is not None, "it was not built"
    one, other = stock.loads(data), stock.loads(data)
    assert likeness(found[0]) == likeness(one)
    assert shared(found[0], one) == shared(other, one)
    return found[0]


def recursive() -> Any:
    """Make containers that hold themselves, one through the other."""
    top: list[Any] = []
    table: dict[Any, Any] = {"top": top}
    table["self"] = table
    top.extend([table, (top, table), top])
    return top


ENCODE, TEXT, LATIN1 = b"c_codecs\nencode\n", b"\x8c\x02ab", b"\x8c\x06latin1"
VALUES = [
    None, True, 0, -1, 256, 257, 1 << 31, -(1 << 31) - 1, (1 << 63) - 1, -(1 << 63), 1 << 63, 1 << 5000,
    -(1 << 4001), 0.0, -0.0, float("inf"), 1e-310, "", "a", "ÿ", "Ā", "\ud800x", "\U0010ffff", "x" * 300,
    "é" * 70000, b"", b"a", b"x" * 300, b"y" * 70000, (), ((),), (1, 2, 3, 4), [], [[]], [[], [[]]], {}, {"a": {}},
    {(1, ("x",)): [1]}, set(), {1, "a", (2,)}, frozenset(), frozenset({frozenset({1}), 2}), list(range(5000)),
    [[number] for number in range(3000)], [{"name": str(number % 7)} for number in range(3000)],
    dict.fromkeys(range(2500), "x"), set(range(2500)), recursive(),
]  # fmt: skip


MORE_OR_ODD = [
    ENCODE + b".", b"}N" + ENCODE + b"sNNs.", b"](" + ENCODE + b"e0N.", ENCODE + b"\x850N.",
    ENCODE + b"\x85.", b"](" + ENCODE + b"e.", b"}" + ENCODE + b"Ns.", b"}(N" + ENCODE + b"u.",
    b"\x8f(" + ENCODE + b"\x90.", b"(" + ENCODE + b"\x91.", ENCODE + b"\x94" + TEXT + LATIN1 + b"\x86R\x94h\x00\x86.",
    b"]\x94" + ENCODE + b"ah\x00a.", ENCODE + b"K\x01a.", ENCODE + b"}b.", ENCODE + b")R.", ENCODE + TEXT + b"\x85R.",
    ENCODE + TEXT + TEXT + b"\x86R.", ENCODE + TEXT + b"\x8c\x05utf-8\x86R.", ENCODE + b"C\x01a" + LATIN1 + b"\x86R.",
    ENCODE + TEXT + b"N\x86R.", ENCODE + TEXT + LATIN1 + b"N\x87R.", ENCODE + TEXT + LATIN1 + b"]R.", b"NN\x86R.",
    ENCODE + b"\x8c\x03\xe2\x82\xac" + LATIN1 + b"\x86R.", ENCODE + ENCODE + TEXT + LATIN1 + b"\x86R\x86.",
    ENCODE + ENCODE + LATIN1 + b"\x86R.", b"c_codecs\ndecode\n.", b"c_codecs\nencodeN.",
    b"\x8c\x07_codecs\x8c\x06encode\x93.",
    b"](Ne(" + ENCODE + b"e(N.", b"](" + ENCODE + b"(N.", ENCODE + b"N.",  # it lies below the result
    b"cos\nsystem\n.", b"(ios\nsystem\n.", b"\x8c\x02os\x8c\x06system\x93.", b"N)R.", b"N)\x81.", b"N)}\x92.",
    b"NNb.", b"(No.", b"\x82\x01.", b"\x83\x01\x00.", b"\x84\x01\x00\x00\x00.", b"NQ.", b"Px\n.", b"\x97.",
    b"C\x01a\x98.", b"I1\n.", b"L1L\n.", b"F1.5\n.", b"S'a'\n.", b"Va\n.", b"T\x01\x00\x00\x00a.", b"U\x01a.",
    b"Np0\n.", b"Np0\ng0\n.", b"\x80\x06N.", b"", b"N", b".", b"(.", b"e.", b"]e.", b"](N", b"Ne.", b"N(Ne.",
    b"}(Ne.", b"](NNu.", b"}(Nu.", b"]NNs.", b"NNs.", b"N(N\x90.", b"]K\x01\x86h\x00.", b"h\x00.", b"0.", b"1.",
    b"2.", b"(2.", b"N(\x85.", b"(a.", b"](\x94.", b"\x94.", b"(q\x00.", b"}]Ns.", b"}](Ne\x85Ns.", b"(]\x91.",
    b"\x8f(}\x90.", b"\x8f(]\x85\x90.", b"\x8c\x02\xff\xfe.", b"\x8c\x05a.", b"X\xff\xff\xff\xffa.",
    b"\x8d" + b"\xff" * 8 + b"a.", b"\x8e" + b"\xff" * 8, b"\x8d\xf7" + b"\xff" * 7, b"\x8e\xf7" + b"\xff" * 7,
    b"\x96\xf7" + b"\xff" * 7 + b".", b"\x8b\xff\xff\xff\xffa.", b"\x8b\xff\xff\xff\x7fa.",
    b"K.", b"J\x00\x00.", b"G\x00.", b"r\x00\x00.", b"\x95\x00.", b"Nr\xff\xff\xff\x7f.", asm.frame(b"N.N"),
    b"\x95\x01" + b"\0" * 7 + b"K\x01.", b"\xff.",
]  # fmt: skip


@pytest.mark.parametrize("protocol", range(2, 6))
def test_what_picklers_write_is_built_as_stock_makes_it(protocol: int) -> None:
    """Values, types, order, and which objects are one, of every kind of plain data that these protocols write."""
    for value in VALUES:
        data = pickle.dumps(value, protocol)
        if b"builtin" in data:
            assert build(data) is None  # sets and empty bytes are calls in old protocols
        else:
            same(data)


def test_bytes_of_floats_stay() -> None:
    """What a NaN carries, and its sign, come through."""
    for pattern in (0x7FF8000000000007, 0xFFF8000000000001, 0x7FF0000000000001, 0x8000000000000000):
        found = build(b"G" + struct.pack(">Q", pattern) + b".")
        assert found is not None
        assert struct.pack(">d", found[0]) == struct.pack(">d", stock.loads(b"G" + struct.pack(">Q", pattern) + b"."))


@pytest.mark.parametrize(
    "stream",
    [
        b"]((NeK\x01t.",  # a mark inside of a list that is being filled
        b"](NeK\x010](K\x02e\x86.",
        b"](Ne(Ne(K\x01l\x86.",  # items of three batches; the last is another list
        b"](Ne(1.",
        b"](Ne(0.",
        b"](0.",
        b"](1.",
        b"](NN0e.",
        b"]q\x00(h\x00e(h\x00\x85e.",
        b"]\x94(N]\x94(Ne(Nee.",
        b"](Ne" + asm.frame(b"(N") + b"e.",
        b"](Ne" + asm.frame(b"(K\x01e"),
        b"(](Nel.",
        b"K\x01]q\x05(h\x05e\x86.",  # the memo in another order
        b"Nq\x01K\x01\x94h\x01\x86.",
        b"K\x01\x94K\x02q\x00h\x00\x86.",  # an entry that is written over
        b"}(K\x01N\x88Nu.",  # 1 and True are one key
        b"}K\x01Ns\x88K\x05s.",
        b"(K\x01N\x88K\x02d.",
        b"(K\x01\x88\x91.",
        b"\x8f(\x88K\x01\x90.",
        b"N2\x86.",
        b"(N(NNt1.",
        b"\x8a\x00.",
        b"\x8b\x00\x00\x00\x00.",
        b"\x8a\x01\x05\x8a\x02\x05\x00\x86.",
        b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a2\x86.",
        ENCODE + b"X\x02\x00\x00\x00\xc3\xbfX\x06\x00\x00\x00latin1\x86R.",
        ENCODE + b"0N.",
        b"](" + ENCODE + b"\x940" + TEXT + b"\x940h\x00h\x01" + LATIN1 + b"\x94\x86R\x94h\x00(h\x01h\x02tRe.",
    ],
)
def test_what_only_a_hand_writes_is_built_as_stock_makes_it(stream: bytes) -> None:
    """Marks, batches, memo entries and throwing away in orders that no pickler writes."""
    try:
        stock.loads(stream)
    except Exception:  # noqa: BLE001 - whatever stock says
        assert build(stream) is None
    else:
        same(stream)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_attack_is_built(attack: Attack) -> None:
    """What imports, calls, or changes anything is none of the builder's."""
    assert build(attack.stream) is None


@pytest.mark.parametrize("stream", MORE_OR_ODD)
def test_what_is_more_or_odd_is_left_to_the_long_way(stream: bytes) -> None:
    """Imports, calls, what only old protocols write, and what no unpickler or not each reads, are not built."""
    assert build(stream) is None


def test_any_bytes_are_read_inside_their_bounds() -> None:
    """Cut and changed streams are built as stock makes them, or not at all; nothing is read behind the end."""
    for seed in range(4000):
        chance = random.Random(seed)
        data = plain(chance)
        cut = data[: chance.randrange(len(data) + 1)]
        assert build(cut) is None or cut[build(cut)[1] - 1 :][:1] == b"."  # type: ignore[index]
    assert build(b"N.", 2) is None
    assert build(b"N.", 5) is None


def test_bytes_of_old_protocols_follow_what_their_function_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `_codecs.encode` is something else, or stands under another name, stock's way is taken."""
    data = pickle.dumps([b"abc"], 2)
    assert build(data) == ([b"abc"], len(data))
    with monkeypatch.context() as changed:
        changed.setattr("_codecs.encode", lambda *_: b"other")
        assert build(data) is None
    with monkeypatch.context() as changed:
        changed.setitem(_compat_pickle.NAME_MAPPING, ("_codecs", "encode"), ("codecs", "encode"))
        assert build(data) is None
    assert build(data) is not None


def test_a_pickle_begins_and_ends_anywhere() -> None:
    """What lies before it and behind it is none of it."""
    found = build(b"junk" + pickle.dumps([1, 2]) + b"cos\nsystem\n.", 4)
    assert found == ([1, 2], 4 + len(pickle.dumps([1, 2])))


@pytest.mark.parametrize(
    ("stream", "settings"),
    [
        (b"N" * 6 + b"t.", {"max_depth": 5}),
        (b"(" * 6 + b"N" + b"t" * 6 + b".", {"max_depth": 5}),
        (b"N" + b"\x94" * 6 + b".", {"max_memo": 5}),
        (b"Nr\x40\x00\x00\x00.", {"memo_floor": 5}),
        (b"N" * 10 + b"0" * 9 + b".", {"max_length": 5}),
        (b"}N" + b"\x85" * 6 + b"Ns.", {"max_hash_depth": 5}),
        (b"}" + b"N\x85" + b"2\x86" * 12 + b"Ns.", {"max_hash_cost": 5}),
        (b"\x8f(" + b"N\x85" + b"2\x86" * 12 + b"\x90.", {"max_hash_cost": 5}),
        (b"(" + b"N\x85" + b"2\x86" * 12 + b"\x91.", {"max_hash_cost": 5}),
    ],
)
def test_the_bounds_of_the_verifier_hold(stream: bytes, settings: dict[str, int]) -> None:
    """Depth, memo, length and the cost of hashing have the bounds that the settings say."""
    bounded = PLAIN.changed(**settings)
    assert build(stream, settings=bounded) is None
    assert build(stream) is not None or Verifier(None, bounded).verify(stream).error is not None


def test_a_hash_bomb_is_not_built() -> None:
    """A key whose hash would take longer than the world is old is found out before it is hashed."""
    bomb = b"}" + b"N\x85" + b"2\x86" * 60 + b"Ns."
    begun = time.process_time()
    assert build(bomb) is None
    assert time.process_time() - begun < 0.5


def test_integers_that_take_long_to_hash_are_not_built() -> None:
    """An integer does not keep its hash: one of many digits costs as many steps each time that it is a key."""
    size, times = 1 << 20, 1 << 15
    long = b"\x8b" + struct.pack("<i", size) + b"\x01" * size + b"\x94"
    for key in (b"h\x00", b"h\x00\x85"):
        bomb = long + b"}(" + (key + b"N") * times + b"u."
        assert build(bomb) is None
        assert Verifier(None, PLAIN).verify(bomb).error is not None
        assert native.Verifier(None, PLAIN).verify(bomb).error is not None
    same(b"}(\x8a\xff" + b"\x01" * 255 + b"\x94Nh\x00Nh\x00\x85Nu.")


def test_keys_that_take_long_to_compare_are_not_built() -> None:
    """Two frozensets that are alike are compared through all that they hold, whatever they have in common."""
    chain = b"N" + b"".join(b"q\x000(h\x00K\x01\x86h\x00K\x02\x86\x91" for _ in range(60))
    for bomb in (b"}" + chain + b"Ns" + chain + b"Ns.", b"(" + chain + chain + b"\x91."):
        begun = time.process_time()
        assert build(bomb) is None
        assert Verifier(None, PLAIN).verify(bomb).error is not None
        assert native.Verifier(None, PLAIN).verify(bomb).error is not None
        assert time.process_time() - begun < 0.5
    same(b"}" + chain[:150] + b"\x91Ns.")  # a short one


@pytest.mark.parametrize(
    "stream",
    [
        b"](" * DEEP + b"N" + b"e" * DEEP + b".",
        b"]" * DEEP + b"a" * (DEEP - 1) + b".",
        b"N" + b"\x85" * DEEP + b".",
        b"}N" * DEEP + b"}" + b"s" * DEEP + b".",
        b"(" * DEEP + b"N" + b"t" * DEEP + b".",
    ],
)
def test_deep_data_is_built_and_goes_again(stream: bytes) -> None:
    """Nesting costs no stack of C, neither for the making nor for the end of it, nor where it is left half made."""
    found = build(stream)
    assert found is not None
    del found
    assert build(stream[:-1] + b"\x8c\x01\xff0.") is None


def test_failing_half_way_gives_everything_back() -> None:
    """Whatever was made before a stream turns out odd is gone afterwards, and shared objects count as before."""
    streams = [plain(random.Random(seed)) for seed in range(200)]
    streams += [data[:-1] + b"\x8c\x01\xff." for data in streams]
    watched = [None, True, False, (), "", b"", 1, sys.intern("a"), frozenset()]

    builder = native.Builder(PLAIN, quick.encodes)

    def work(times: int) -> int:
        for data in streams * times:
            builder.build(data, 0)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    work(3)
    counts, objects = [sys.getrefcount(one) for one in watched], len(gc.get_objects())
    before = work(1)
    grown = work(20) - before
    tracemalloc.stop()
    assert abs(grown) < 2000, "memory is held"
    assert abs(len(gc.get_objects()) - objects) < 50
    assert all(abs(sys.getrefcount(one) - count) < 50 for one, count in zip(watched, counts))  # noqa: B905


def test_references_are_counted_as_stock_counts_them() -> None:
    """Each object of a result is held exactly by what holds it there."""
    for data in (
        pickle.dumps([[object_] * 3 for object_ in (1.5, "text", b"bytes", (1.5, 2.5))], 4),
        b"](G" + b"\0" * 8 + b"e.",
    ):
        mine, theirs = same(data), stock.loads(data)
        assert [sys.getrefcount(part[0]) for part in mine if type(part) is list] == [
            sys.getrefcount(part[0]) for part in theirs if type(part) is list
        ]
        assert sys.getrefcount(mine) == sys.getrefcount(theirs)


def test_the_collector_sees_what_is_built() -> None:
    """Cycles of built containers are collected, and containers are tracked."""
    made = same(pickle.dumps(recursive(), 4))
    assert gc.is_tracked(made)
    before = len(gc.get_objects())
    del made
    gc.collect()
    assert len(gc.get_objects()) < before


def test_collections_in_the_midst_are_harmless() -> None:
    """Code that a collection runs, and that looks at every object there is, meets none that is half made."""
    seen = []

    def look(*_: object) -> None:
        seen.append(sum(len(one) for one in gc.get_objects() if type(one) in (list, tuple, dict)))

    data = pickle.dumps([[number, (number, [number])] for number in range(400)], 4)
    before = gc.get_threshold()
    gc.callbacks.append(look)
    gc.set_threshold(50)
    try:
        found = build(data)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(look)
    assert found is not None
    assert found[0] == stock.loads(data)
    assert seen or sys.version_info >= (3, 12)  # there collections wait for Python to run


def test_threads_build_side_by_side() -> None:
    """Loads of several threads do not meet."""
    data = pickle.dumps([{"a": [number]} for number in range(2000)], 4)
    builder, wrong = native.Builder(PLAIN, quick.encodes), []

    def work() -> None:
        wrong.extend(1 for _ in range(20) if builder.build(data, 0)[0] != stock.loads(data))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_bytes_after_the_pickle_stay_in_their_file() -> None:
    """The verifier says where a pickle ends, and so does the builder: files are left where stock leaves them."""
    first, second = pickle.dumps({"a": [1]}, 4), pickle.dumps([2], 2)
    file = io.BytesIO(first + second)
    file.seek((build(first + second) or (None, 0))[1])
    assert build(file.read()) == ([2], len(second))
