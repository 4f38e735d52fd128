"""Pickle streams by hand: one short function for each thing that an attacker writes."""

from __future__ import annotations

import struct

PROTO2, PROTO4 = b"\x80\x02", b"\x80\x04"
MARK, STOP, REDUCE, BUILD, NEWOBJ, NEWOBJ_EX, OBJ = b"(", b".", b"R", b"b", b"\x81", b"\x92", b"o"
NONE, EMPTY_TUPLE, EMPTY_LIST, EMPTY_DICT, EMPTY_SET = b"N", b")", b"]", b"}", b"\x8f"
APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS = b"a", b"e", b"s", b"u", b"\x90"
POP, DUP, TUPLE, TUPLE1, TUPLE2, TUPLE3, STACK_GLOBAL = b"0", b"2", b"t", b"\x85", b"\x86", b"\x87", b"\x93"


def name(module: str, qualname: str) -> bytes:
    """Import by GLOBAL."""
    return f"c{module}\n{qualname}\n".encode()


def text(value: str) -> bytes:
    """Push a text."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """Push a number."""
    return b"J" + struct.pack("<i", value)


def stack_name(module: str, qualname: str) -> bytes:
    """Import by STACK_GLOBAL."""
    return text(module) + text(qualname) + STACK_GLOBAL


def put(index: int) -> bytes:
    """Store the top in the memo."""
    return b"q" + bytes([index])


def get(index: int) -> bytes:
    """Push what the memo holds."""
    return b"h" + bytes([index])


def tuple_of(*items: bytes) -> bytes:
    """Push a tuple."""
    return MARK + b"".join(items) + TUPLE


def list_of(*items: bytes) -> bytes:
    """Push a list."""
    return EMPTY_LIST + MARK + b"".join(items) + APPENDS


def dict_of(*items: bytes) -> bytes:
    """Push a dict from keys and values."""
    return EMPTY_DICT + MARK + b"".join(items) + SETITEMS


def call(callee: bytes, *args: bytes) -> bytes:
    """Call with positional arguments."""
    return callee + tuple_of(*args) + REDUCE


def new(cls: bytes, *args: bytes) -> bytes:
    """Instantiate by cls.__new__."""
    return cls + tuple_of(*args) + NEWOBJ


def frame(body: bytes, length: int | None = None) -> bytes:
    """Put a frame around opcodes."""
    return b"\x95" + struct.pack("<Q", len(body) if length is None else length) + body
