"""Random streams that do the same again and again: what was judged before is judged by the same rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_NAMES = (
    b"called", b"CalledClass", b"ReferencedClass", b"ReferencedDict", b"ReferencedList", b"refused", b"referenced",
)  # fmt: skip
_ARGUMENTS = (
    b"K\x01",
    b"\x8c\x01a",
    b"N",
    b"G" + bytes(8),
    b"]",
    b"}",
    b"]K\x01a",
    b"crecorder\nreferenced\n",
    b"C\x01x",
    b"h\x00",
    b"h\x01",
    b"h\x02",
    b"h\x02)R",
    b"h\x02)\x81",
    b"K\x01\x85",
    b"}\x8c\x07__add__h\x01s\x85",
    b"\x96" + bytes(8),
)
_VALUES = (b"K\x01", b"\x8c\x01a", b"G" + bytes(8), b"]", b"crecorder\nreferenced\n", b"h\x01", b"N\x85")
_KEYS = (
    b"\x8c\x01a", b"\x8c\x01b", b"\x8c\x06method", b"\x8c\x0c__setstate__", b"U\x01a", b"K\x01", b"N\x85",
    b"\x8c\x05__x__",
)  # fmt: skip


def _arguments(chance: random.Random) -> bytes:
    count = chance.randrange(4)
    return b"".join(chance.choice(_ARGUMENTS) for _ in range(count)) + (b")", b"\x85", b"\x86", b"\x87")[count]


def _values(chance: random.Random) -> bytes:
    return b"".join(chance.choice(_VALUES) for _ in range(chance.randrange(4)))


def _entries(chance: random.Random) -> bytes:
    return b"".join(chance.choice(_KEYS) + chance.choice(_VALUES) for _ in range(chance.randrange(4)))


def _change(chance: random.Random) -> bytes:
    """Change what lies on top: items, states, slot states, arguments of `__setstate__`, itself as its state."""
    kind = chance.randrange(10)
    if kind < 3:
        return (b"(%bu", b"}(%bub", b"N}(%bu\x86b")[kind] % _entries(chance)
    if kind < 6:
        one, entry = chance.choice(_VALUES), chance.choice(_KEYS) + chance.choice(_VALUES)
        return (b"(" + _values(chance) + b"e", one + b"a", entry + b"s")[kind - 3]
    return (b"", b"\x94", b"2b", _arguments(chance) + b"b")[kind - 6]


def _object(chance: random.Random) -> bytes:
    """Call or instantiate one of three names; change the result."""
    made = b"h" + bytes((chance.randrange(3),)) + _arguments(chance) + chance.choice((b"R", b"\x81"))
    return made + b"".join(_change(chance) for _ in range(chance.randrange(3)))


def stream(chance: random.Random) -> bytes:
    """Write a list of objects of three names, and of data between them."""
    parts = [b"\x80\x04", *(b"crecorder\n" + chance.choice(_NAMES) + b"\n\x94" for _ in range(3)), b"]\x94"]
    for _ in range(chance.randrange(2, 14)):
        made, value, key = _object(chance), chance.choice(_VALUES), chance.choice(_KEYS)
        items = (
            made + b"a",
            value + b"a",
            b"(%b%be" % (made, value),
            b"](%b%bea" % (value, made),
            b"}(%b%bua" % (key, made),
        )
        parts.append(chance.choice(items))
    return b"".join((*parts, b"."))
