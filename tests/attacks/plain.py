"""Random streams of plain data: mostly in order, with what picklers write, and with what only a hand writes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_FLOATS = (0.0, -0.0, 1.5, float("inf"), float("-inf"))
_CHANGES = b"(]})Nhaeust0123lKq\x94\x85\x86\x8f\x90\x91\x00"
_ENCODED = ("", "a", "abc", "\xff", "\u20ac", "a" * 40, "\xff\x80a" * 30, "a" * 50 + "\ud800", "a" * 90 + "\xe9" * 9)
_TEXTS = ("", "a", "é", "name", "__class__", "x" * 70, "\ud800", "日本", "\U0001f600", "a\x00b")


def atom(chance: random.Random) -> bytes:
    """Write one value that holds no others."""
    kind = chance.randrange(13)
    if kind < 3:
        number = chance.choice((0, 1, 255, 256, 257, 65535, -1, -5, -6, 1 << 30, -(1 << 31)))
        if 0 <= number < 256 and chance.random() < 0.7:
            return b"K" + bytes([number])
        if 0 <= number < 65536 and chance.random() < 0.7:
            return b"M" + struct.pack("<H", number)
        return b"J" + struct.pack("<i", number)
    if kind < 4:
        return b"G" + struct.pack(">d", chance.choice(_FLOATS))  # a NaN's hash tells where it lies
    if kind < 5:
        return chance.choice((b"N", b"\x88", b"\x89", b")"))
    if kind < 8:
        text = chance.choice(_TEXTS).encode("utf-8", "surrogatepass")
        if chance.random() < 0.02:
            text += b"\xff"
        if len(text) < 256 and chance.random() < 0.7:
            return b"\x8c" + bytes([len(text)]) + text
        wide = chance.random() < 0.3
        return (b"\x8d" + struct.pack("<Q", len(text)) if wide else b"X" + struct.pack("<I", len(text))) + text
    if kind < 10:
        content = chance.choice((b"", b"a", b"abc" * 30))
        opcode, form = chance.choice(((b"C", "<B"), (b"B", "<I"), (b"\x8e", "<Q"), (b"\x96", "<Q")))
        return opcode + struct.pack(form, len(content)) + content
    size = chance.choice((0, 1, 2, 7, 8, 9, 30))
    content = bytes(chance.choice((0, 0, 1, 5, 127, 128, 251, 255)) for _ in range(size))
    return b"\x8a" + bytes([size]) + content if chance.random() < 0.8 else b"\x8b" + struct.pack("<i", size) + content


class _Writer:
    """Writes values, and remembers what the memo holds."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.parts: list[bytes] = []
        self.entries = 0
        self.odd = chance.random() < 0.1  # whether puts may go anywhere

    def put(self) -> None:
        chance = self.chance
        if chance.random() > 0.6:
            return
        index = chance.randrange(self.entries + 3) if self.odd and chance.random() < 0.3 else self.entries
        if chance.random() < 0.5:
            self.parts.append(b"\x94")
        elif index < 256:
            self.parts.append(b"q" + bytes([index]))
        else:
            self.parts.append(b"r" + struct.pack("<I", index))
        self.entries += 1

    def get(self) -> bool:
        if not self.entries:
            return False
        index = self.chance.randrange(self.entries)
        short = index < 256 and self.chance.random() < 0.8
        self.parts.append(b"h" + bytes([index]) if short else b"j" + struct.pack("<I", index))
        return True

    def value(self, depth: int) -> None:
        """Write one value."""
        chance = self.chance
        if chance.random() < 0.05:
            self.encoded()
            return
        kind = chance.randrange(20 if depth < 5 else 6)
        if kind < 5 or (kind < 8 and not self.get()):
            self.parts.append(atom(chance))
            self.put()
        elif kind >= 8:
            self.container(kind, depth)

    def encoded(self) -> None:
        """Write bytes as old protocols do; now and then in another way."""
        chance = self.chance
        self.parts.append(b"c_codecs\nencode\n")
        self.put()
        if chance.random() < 0.05:
            return
        text = chance.choice(_ENCODED).encode("utf-8", "surrogatepass")
        self.parts.append(b"X" + struct.pack("<I", len(text)) + text)
        self.put()
        self.parts.append(b"X\x06\x00\x00\x00latin1" if chance.random() < 0.95 else b"X\x05\x00\x00\x00ascii")
        self.put()
        self.parts.append(b"\x86")
        self.put()
        self.parts.append(b"R")
        self.put()

    def key(self) -> None:
        chance = self.chance
        kind = chance.random()
        if kind < 0.85:
            self.parts.append(atom(chance))
            self.put()
        elif kind < 0.9:
            self.get() or self.parts.append(b"N")
        else:
            self.parts.append(b"".join(atom(chance) for _ in range(2)) + b"\x86")
            self.put()

    def container(self, kind: int, depth: int) -> None:
        chance, write = self.chance, self.parts.append
        many = chance.choice((0, 1, 2, 3, 8))
        if kind < 12:
            write(b"]")
            self.put()
            for _ in range(chance.choice((0, 1, 1, 2, 3))):
                write(b"(")
                for _ in range(many):
                    self.value(depth + 1)
                write(b"e")
            if chance.random() < 0.2:
                self.value(depth + 1)
                write(b"a")
        elif kind < 14:
            write(b"}")
            self.put()
            write(b"(")
            for _ in range(many):
                self.key()
                self.value(depth + 1)
            write(b"u")
            if chance.random() < 0.3:
                self.key()
                self.value(depth + 1)
                write(b"s")
        elif kind < 16:
            count = chance.randrange(1, 4)
            for _ in range(count):
                self.value(depth + 1)
            write(bytes([0x84 + count]))
            self.put()
        elif kind < 18:
            end = chance.choice((b"t", b"l", b"\x91", b"d"))
            write(b"(")
            for _ in range(many - many % 2 if end == b"d" else many):
                (self.key if end in b"\x91d" else self.value)(*(() if end in b"\x91d" else (depth + 1,)))
            write(end)
            self.put()
        elif kind < 19:
            write(b"\x8f")
            self.put()
            write(b"(")
            for _ in range(many):
                self.key()
            write(b"\x90")
        else:
            self.thrown_away(depth)

    def thrown_away(self, depth: int) -> None:
        """Write a value with others that do not stay."""
        kind, write = self.chance.randrange(4), self.parts.append
        self.value(depth + 1)
        if kind == 0:
            self.value(depth + 1)
            write(b"0")
        elif kind == 1:
            write(b"(")
            self.value(depth + 1)
            write(b"1")
        elif kind == 2:
            write(b"2\x86")
        else:
            write(b"]((NeK\x01t0")  # a list that is filled while another mark is open, or is not
            if self.chance.random() < 0.5:
                write(b"0")


def plain(chance: random.Random) -> bytes:
    """Make a stream of plain data."""
    writer = _Writer(chance)
    writer.value(0)
    parts = [*writer.parts, b"."]
    out, at = [b"\x80\x04"], 0
    while at < len(parts):
        length = chance.choice((1, 5, 20, 100))
        piece = b"".join(parts[at : at + length])
        framed = chance.random() < 0.3
        out.append((b"\x95" + struct.pack("<Q", len(piece)) if framed else b"") + piece)
        at += length
    data = bytearray(b"".join(out))
    if chance.random() < 0.25:
        place = chance.randrange(len(data))
        data[place : place + chance.randrange(2)] = bytes(
            [chance.choice(b"(]})Nhaeust0123lKq\x94\x85\x86\x8f\x90\x91\x00")]
        )
    return bytes(data)
