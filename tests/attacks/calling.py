"""Random streams that import, call, give states and fill containers, without the opcodes that are left to stock."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.attacks import assembly as asm

if TYPE_CHECKING:
    import random

_ATOMS = (b"N", b"\x88", b"K\x01", b")", b"]", b"}", b"\x8f", b"C\x01a", b"G@\x09!\xfbTD-\x18", b"\x8a\x01\x05")
_LITERALS = (b"B\x02\0\0\0ab", b"\x8e\x01\0\0\0\0\0\0\0a", b"\x96\x02\0\0\0\0\0\0\0ab")  # long ones stay in files
_NAMES = ("called", "referenced", "CalledClass", "ReferencedClass")
_KEYS = ("x", "y", "method", "__class__")
_CONTAINERS = (
    asm.call(asm.name("builtins", "list")),
    asm.call(asm.name("builtins", "set")),
    *(
        asm.call(asm.name("copyreg", "_reconstructor"), asm.name("recorder", f"Referenced{of}"), base, empty)
        for of, base, empty in (
            ("List", asm.name("builtins", "list"), b"]"),
            ("Dict", asm.name("builtins", "dict"), b"}"),
            ("Class", asm.name("builtins", "object"), b"N"),
        )
    ),
)


class _Writer:
    """Writes values, and remembers how many entries the memo has."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.entries = 0
        self.codec: int | None = None  # where the memo has "latin1"

    def put(self, value: bytes) -> bytes:
        """Put a value into the memo, now and then."""
        if self.chance.random() < 0.5:
            return value
        self.entries += 1
        return value + (b"\x94" if self.chance.random() < 0.7 or self.entries > 255 else b"q%c" % (self.entries - 1))

    def value(self, depth: int = 0) -> bytes:
        """Write what leaves one value."""
        chance = self.chance
        kind = chance.randrange(17 if depth < 4 else 6)
        if kind < 3 or (kind < 5 and not self.entries):
            return self.put(chance.choice((*_ATOMS, *_LITERALS, asm.text(chance.choice(_KEYS)))))
        if kind < 5:
            return b"h" + bytes([chance.randrange(min(self.entries, 255))])
        if kind < 6:
            return self.put(asm.name("recorder", chance.choice(_NAMES)))
        if kind < 10:
            return self.put(self.called(depth))
        if kind < 12:
            return self.filled(depth)
        if kind < 13:
            return self.put(b"".join(self.value(depth + 1) for _ in range(2)) + b"\x86")
        if kind < 14:
            return self.encoded()
        opened, closed = chance.choice(((b"](", b"e"), (b"(", b"t"), (b"(", b"l"), (b"}(", b"u"), (b"(", b"\x91")))
        return opened + self.items(depth, pairs=closed == b"u") + closed

    def encoded(self) -> bytes:
        """Write bytes as old protocols do; now and then something of that is got from the memo."""
        chance = self.chance
        text = "".join(chance.choices("ab\x80\xe9\xff", k=chance.randrange(90))).encode()
        callee = self.put(b"c_codecs\nencode\n")
        written = self.put(b"X" + struct.pack("<I", len(text)) + text)
        before = self.entries
        codec = self.put(b"X\x06\x00\x00\x00latin1")
        if self.codec is not None and chance.random() < 0.5:
            codec, self.entries = asm.get(self.codec), before
        elif self.entries > before:
            self.codec = before
        return self.put(callee + written + codec + self.put(b"\x86") + b"R")

    def items(self, depth: int, *, pairs: bool) -> bytes:
        """Write some values; with texts before them, as keys."""
        values = [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
        return b"".join((asm.text(self.chance.choice(_KEYS)) if pairs else b"") + value for value in values)

    def called(self, depth: int) -> bytes:
        """Write a call, and now and then a state for its result."""
        chance = self.chance
        callee = asm.name("recorder", chance.choice(("called", "CalledClass")))
        if chance.random() < 0.2:
            callee = b"c" + chance.choice((b"recorder\ncalled\n", b"recorder\nCalledClass\n"))
        made = self.put(callee) + b"(" + self.items(depth, pairs=False) + b"tR"
        return made + self.state(depth) if chance.random() < 0.4 else made

    def state(self, depth: int) -> bytes:
        """Write a state that is given to what lies below."""
        kind = self.chance.randrange(5)
        state = b"}(" + self.items(depth, pairs=True) + b"u"
        return (state, state, state, b"N" + state + b"\x86", b"N")[kind] + b"b"

    def filled(self, depth: int) -> bytes:
        """Write a container that a call makes, and its items."""
        chance = self.chance
        made = self.put(chance.choice(_CONTAINERS))
        for _ in range(chance.randrange(3)):
            end = chance.choice((b"e", b"e", b"\x90", b"u", b"a", b"s", b"b"))
            if end == b"b":
                made += self.state(depth)
            elif end in b"as":
                made += (asm.text("x") if end == b"s" else b"") + self.value(depth + 1) + end
            else:
                made += b"(" + self.items(depth, pairs=end == b"u") + end
        return made


def calling(chance: random.Random) -> bytes:
    """Write a stream; a few are changed in one byte."""
    writer = _Writer(chance)
    start = b"\x80" + bytes([chance.choice((2, 3, 4, 5))])
    data = bytearray(start + writer.called(0) + b"(" + writer.value() + b"t\x86.")
    if chance.random() < 0.2:
        data[chance.randrange(len(data))] = chance.choice(b"NRbeatuR)]}0(h\x85\x94")
    return bytes(data)
