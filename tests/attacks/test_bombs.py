"""Streams that are small to write and costly to judge: the verifier's time grows with their length, or it refuses."""

from __future__ import annotations

import struct
import time

import pytest
from tests.attacks import assembly as asm
from tests.attacks.assembly import (
    BUILD,
    EMPTY_DICT,
    EMPTY_TUPLE,
    MARK,
    NONE,
    POP,
    PROTO2,
    SETITEMS,
    STOP,
    TUPLE,
    get,
    put,
)

from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.verifier import Verifier

POLICY = Policy({"v.Model": Entry(("v.C",), ("v.f", "builtins.set", "builtins.getattr"))})
COUNT = 20_000
SECONDS = 5.0  # of this process; what is quadratic takes minutes
CLASS, FUNCTION = asm.name("v", "C"), asm.name("v", "f")
GETATTR = asm.name("builtins", "getattr")
FIRST = FUNCTION + put(0) + POP
NAMED = CLASS + put(0) + POP


def wide(item: bytes) -> bytes:
    """Put a tuple of many items into the memo."""
    return MARK + item * COUNT + TUPLE + put(1) + POP


def keyed(value: bytes) -> bytes:
    """Put a dict of many texts into the memo."""
    return (
        EMPTY_DICT
        + MARK
        + b"".join(asm.text(f"k{number}") + value for number in range(COUNT))
        + SETITEMS
        + put(1)
        + POP
    )


BOMBS = {
    "many arguments, many calls": FIRST + wide(NONE) + (get(0) + get(1) + b"R0") * COUNT,
    "many imports as arguments, many calls": FIRST
    + CLASS
    + put(2)
    + POP
    + wide(get(2))
    + (get(0) + get(1) + b"R0") * COUNT,
    "many keyword arguments, many instances": NAMED + keyed(get(0)) + (get(0) + b")" + get(1) + b"\x920") * COUNT,
    "one large state for many instances": NAMED + keyed(get(0)) + (get(0) + b")\x81" + get(1) + b"b0") * COUNT,
    "one large state for instances of many imports": NAMED
    + keyed(get(0))
    + (CLASS + b")\x81" + get(1) + b"b0") * COUNT,
    "one large dict for many calls": FIRST + keyed(get(0)) + (get(0) + get(1) + b"\x85R0") * COUNT,
    "one large persistent id, many times": wide(NONE) + (get(1) + b"Q0") * COUNT,
    "refused names in a persistent id, many times": asm.name("no", "no")
    + put(0)
    + POP
    + wide(get(0))
    + (get(1) + b"Q0") * COUNT,
    "a tuple that doubles as a key": EMPTY_DICT + b"N\x85" + b"2\x86" * 100 + b"Ns0",
    "a deep tuple as a key": EMPTY_DICT + NONE + b"\x85" * COUNT * 5 + b"Ns0",
    "a doubling tuple in a list that grew after it became an argument": asm.name("__builtin__", "set")
    + b"]"
    + put(1)
    + b"\x85"
    + put(2)
    + POP
    + get(1)
    + b"N\x85"
    + b"2\x86" * 100
    + b"a0"
    + get(2)
    + b"R0",
    "helpers nested in doubling tuples": asm.name("copyreg", "__newobj__")
    + b"\x85"
    + b"2\x86" * 60
    + b"\x85" * 1000
    + b"0",
    "namespaces in namespaces": CLASS
    + EMPTY_TUPLE
    + b"\x81"
    + (EMPTY_DICT + asm.text("__dict__")) * 5000
    + b"}"
    + b"s" * 5000
    + BUILD
    + b"0",
    "attributes of one class": b"".join(GETATTR + CLASS + asm.text(f"x{n}") + b"\x86R0" for n in range(COUNT // 4)),
    "a length beyond the stream": b"\x8d" + struct.pack("<Q", 1 << 62),
    "a memo index beyond the stream": NONE + b"r" + struct.pack("<I", 0xFFFFFFFF) + POP,
    "frames of one byte": b"\x80\x04" + b"\x95\x02\0\0\0\0\0\0\0N0" * COUNT,
}


@pytest.mark.parametrize("name", BOMBS)
def test_judging_takes_time_in_proportion(name: str) -> None:
    """No stream of less than a megabyte keeps the verifier busy for long."""
    data = PROTO2 + BOMBS[name] + NONE + STOP
    assert len(data) < 1 << 20
    start = time.process_time()
    verdict = Verifier(POLICY).verify(data)
    assert time.process_time() - start < SECONDS, verdict.error
