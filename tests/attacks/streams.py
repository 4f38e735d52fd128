"""Random streams: built so that their stack is mostly in order, or made from such ones by changing bytes."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import functools
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attacks import assembly as asm

from pickleball_enforce.opcodes import TABLE
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    import random

sys.path.insert(0, str(Path(__file__).parent / "library"))
import recorder

CORPUS = Path(__file__).parent / "corpus"  # streams that were found once: regressions, and what coverage grew from
ALLOWED_CALLS = {"called", "CalledClass"}
ALLOWED_NEW = {"CalledClass", "ReferencedClass", "MadeClass", "ReferencedList", "ReferencedDict"}
POLICY = Policy(
    {
        "recorder.Model": Entry(
            tuple(f"recorder.{name}" for name in ("referenced", "ReferencedClass", "ReferencedList", "ReferencedDict")),
            (*(f"recorder.{name}" for name in sorted(ALLOWED_CALLS)), "builtins.map", "builtins.list", "builtins.set"),
            ("recorder.MadeClass",),
        )
    }
)
FUNCTIONS = ("called", "referenced", "refused")
CLASSES = ("CalledClass", "ReferencedClass", "MadeClass", "RefusedClass", "ReferencedList", "ReferencedDict")
HELPERS = (
    "copyreg _reconstructor",
    "copyreg __newobj__",
    "copyreg __newobj_ex__",
    "builtins getattr",
    "builtins type",
    "builtins map",
    "builtins list",
    "builtins set",
    "builtins object",
    "builtins dict",
    "functools partial",
)
KEYS = ("method", "__class__", "__setstate__", "x", "__deepcopy__")


def value(chance: random.Random, depth: int = 0) -> bytes:
    """Write an expression that leaves one value."""
    kind = chance.randrange(16 if depth < 3 else 7)
    if kind < 3:
        return chance.choice((b"N", b"\x88", b"K\x01", b")", b"]", b"}", b"\x8f", b"C\x01a", b"I01\n"))
    if kind < 4:
        return asm.text(chance.choice((*KEYS, "recorder", "called", "refused")))
    if kind < 6:
        return asm.name("recorder", chance.choice((*FUNCTIONS, *CLASSES)))
    if kind < 7:
        return asm.name(*chance.choice(HELPERS).split())
    inner = [value(chance, depth + 1) for _ in range(chance.randrange(3))]
    if kind < 9:
        return asm.call(asm.name("recorder", chance.choice((*FUNCTIONS, *CLASSES))), *inner)
    if kind < 11:
        return asm.new(asm.name("recorder", chance.choice(CLASSES)), *inner)
    if kind < 13:
        return asm.dict_of(*(part for item in inner for part in (asm.text(chance.choice(KEYS)), item)))
    if kind < 14:
        return asm.call(asm.name(*chance.choice(HELPERS).split()), *inner)
    return asm.tuple_of(*inner) if kind < 15 else asm.list_of(*inner)


# opcode bytes: how many values it takes, how many it leaves
STEPS = [
    (b"R", 2, 1), (b"R", 2, 1), (b"\x81", 2, 1), (b"\x92", 3, 1), (b"b", 2, 1), (b"b", 2, 1), (b"a", 2, 1),
    (b"s", 3, 1), (b"\x85", 1, 1), (b"\x85", 1, 1), (b"\x86", 2, 1), (b"\x87", 3, 1), (b"0", 1, 0), (b"2", 1, 2),
    (b"\x93", 2, 1), (b"Q", 1, 1),
]  # fmt: skip
ON_MARK = [
    (b"t", 1), (b"l", 1), (b"d", 1), (b"o", 1), (b"e", 0), (b"u", 0), (b"\x90", 0), (b"\x91", 1), (b"1", 0),
    (b"irecorder\ncalled\n", 1), (b"irecorder\nreferenced\n", 1), (b"irecorder\nReferencedClass\n", 1),
]  # fmt: skip


def stream(chance: random.Random) -> bytes:
    """Write a random stream that keeps its stack in order, most of the time."""
    out = [b"\x80" + bytes([chance.choice((2, 3, 4))])]
    depth, marks, memo = 0, [], 0
    for _ in range(chance.randrange(3, 20)):
        kind = chance.random()
        if kind < 0.42 or depth == 0:
            out.append(value(chance))
            depth += 1
        elif kind < 0.72:
            step, takes, gives = chance.choice(STEPS)
            if depth - (marks[-1] if marks else 0) >= takes:
                out.append(step)
                depth += gives - takes
        elif kind < 0.80:
            out.append(b"(")
            marks.append(depth)
        elif kind < 0.90 and marks:
            step, gives = chance.choice(ON_MARK)
            depth = marks.pop() + gives
            out.append(step)
        elif kind < 0.95:
            out.append(b"q" + bytes([memo]))
            memo += 1
        elif memo:
            out.append(b"h" + bytes([chance.randrange(memo)]))
            depth += 1
    return b"".join(out) + b"."


# ---- the memo -------------------------------------------------------------------------------------------------------

_VALUES = (
    b"N", b"\x88", b"K\x01", b"M\x01\x02", b"J\x01\x02\x03\x04", b"I5\n", b"L5L\n", b"F1.5\n", b"Vabc\n", b"S'q'\n",
    b"U\x02ab", b"G@\x09!\xfbTD-\x18", b"C\x02ab", b"\x8a\x01\x05", b"\x8b\x01\x00\x00\x00\x07", b"\x8c\x03abc",
    b"\x8c\x05\xc3\xa9abc", b"\x8c\x04__a_", b"X\x01\x00\x00\x00z", b"\x96\x01" + bytes(7) + b"q", b"]", b"}", b"\x8f",
    b")", b"}(\x8c\x01aK\x01\x8c\x01b]u", b"](K\x01N\x88e", b"](]\x8c\x01ae",
)  # fmt: skip


def remembered(chance: random.Random) -> bytes:
    """Write data, and a few objects, that go into the memo in every way and come again from there."""
    in_order, plain = chance.random() < 0.8, chance.random() < 0.7
    out: list[bytes] = []
    depth, marks, memo = 0, [], set[int]()
    for _ in range(chance.randrange(5, 300)):
        free = depth - (marks[-1] if marks else 0)
        kind = chance.random()
        if kind < 0.3 or not free:
            out.append(chance.choice(_VALUES) if plain or chance.random() < 0.8 else value(chance))
            depth += 1
        elif kind < 0.65:
            index = len(memo) if in_order else chance.choice((len(memo), len(memo) + 1, chance.randrange(300)))
            step, index = _put(chance, index, len(memo))
            memo.add(index)
            out.append(step)
        elif kind < 0.75 and memo:
            out.append(_get(chance, chance.choice(sorted(memo))))
            depth += 1
        elif kind < 0.8:
            out.append(b"(")
            marks.append(depth)
        elif kind < 0.86 and marks:
            step = chance.choice((b"t", b"l", b"1"))
            depth = marks.pop() + (step != b"1")
            out.append(step)
        elif kind < 0.93:
            out.append(b"0")
            depth -= 1
        else:
            out.append(chance.choice((b"\x85", b"2\x86")))
    closing = [b"t" for _ in marks]
    return b"\x80\x04" + _framed(chance, [*out, *closing, b"" if depth or marks else b"N", b"."])


def _put(chance: random.Random, index: int, entries: int) -> tuple[bytes, int]:
    """Write a put, most often a MEMOIZE; give it with the index that it takes."""
    kind = chance.random()
    if kind < 0.6:
        return b"\x94", entries
    if kind < 0.85 and index < 256:
        return b"q" + bytes([index]), index
    if kind < 0.99:
        return b"r" + index.to_bytes(4, "little"), index
    return b"p%d\n" % index, index


def _get(chance: random.Random, index: int) -> bytes:
    kind = chance.randrange(3)
    if kind and index < 256:
        return b"h" + bytes([index])
    return b"g%d\n" % index if kind == 1 else b"j" + index.to_bytes(4, "little")


def _framed(chance: random.Random, parts: list[bytes]) -> bytes:
    """Put some of the parts into frames."""
    if chance.random() < 0.4:
        return b"".join(parts)
    out, at = [], 0
    while at < len(parts):
        length = chance.randrange(1, 60)
        piece = b"".join(parts[at : at + length])
        out.append((b"\x95" + len(piece).to_bytes(8, "little") if chance.random() < 0.8 else b"") + piece)
        at += length
    return b"".join(out)


# ---- changed bytes --------------------------------------------------------------------------------------------------

_LINES = (
    b"0\n",
    b"00\n",
    b"01\n",
    b"-1\n",
    b"010\n",
    b"1L\n",
    b"1.5\n",
    b"'a'\n",
    b"\n",
    b"recorder\ncalled\n",
    b"x\ny\n",
)


@functools.lru_cache
def honest() -> tuple[bytes, ...]:
    """Give pickles as stock writes them, in every protocol."""
    recursive: list[Any] = []
    recursive.append((recursive, {"a": recursive}))
    values: list[Any] = [
        None, True, -1, 1 << 70, 1.5, "a\nb", b"x", bytearray(b"y"), (1, (2,)), [1, [2]], {"a": {1: 2}}, {1, 2},
        frozenset({3}), recursive, collections.OrderedDict(a=1), dt.date(2020, 1, 2), decimal.Decimal("1.5"),
        recorder.CalledClass, recorder.called, complex(1, 2), range(3), functools.partial(recorder.called, 1),
    ]  # fmt: skip
    return tuple(pickle.dumps(value, protocol) for value in values for protocol in range(6))


def mutated(chance: random.Random) -> bytes:
    """Change a few bytes of a stream: of an honest one, a built one, or one of the corpus."""
    kind = chance.random()
    if kind < 0.3:
        data = bytearray(chance.choice(honest()))
    elif kind < 0.5:
        data = bytearray(remembered(chance))
    elif kind < 0.9:
        data = bytearray(stream(chance))
    else:
        data = bytearray(chance.choice(kept()))
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        step = chance.randrange(7)
        if step == 0 and data:
            data[at % len(data)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif step == 1:
            data[at:at] = bytes([chance.choice(list(TABLE))])
        elif step == 2:
            del data[at : at + chance.randrange(1, 4)]
        elif step == 3:
            data[at:at] = bytes([chance.choice(b"ILFSVPgpci")]) + chance.choice(_LINES)
        elif step == 4:
            data[at:at] = value(chance)
        elif step == 5:
            data[at:at] = b"\x95" + chance.choice((0, 1, 2, 5, len(data))).to_bytes(8, "little")
        else:
            other = chance.choice(honest())
            cut = chance.randrange(len(other))
            data[at:] = other[cut:]
    return bytes(data)


@functools.lru_cache
def kept() -> tuple[bytes, ...]:
    """Give the streams of the corpus."""
    return tuple(path.read_bytes() for path in sorted(CORPUS.glob("*.pkl"))) or honest()
