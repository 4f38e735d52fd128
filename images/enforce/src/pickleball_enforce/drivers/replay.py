"""What the C unpickler reads: the bytes that were judged, and of files the long literals between them.

Stock looks ahead by `peek` and takes over what that gives without a copy; `read` then says how much of it was used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .tape import Gap


class Replay:
    """A file of bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __len__(self) -> int:
        return len(self._data)

    @property
    def finished(self) -> bool:
        """Whether everything was read."""
        return self._at >= len(self._data)

    def peek(self, size: int) -> bytes:  # noqa: ARG002 - as much as there is
        """Give what follows and stay before it."""
        return self._data[self._at :] if self._at else self._data

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes."""
        start = self._at
        self._at = len(self._data) if size < 0 else min(start + size, len(self._data))
        return self._data[start : self._at]

    def readline(self) -> bytes:
        """Read up to the next newline."""
        end = self._data.find(b"\n", self._at) + 1
        return self.read(end - self._at if end else -1)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Gaps:
    """Long literals that lie in a file while the bytes around them are in memory: the compiled module reads them."""

    def __init__(self, gaps: Sequence[Gap], file: Any) -> None:
        self.places = [(gap.place, len(gap)) for gap in gaps]
        self._gaps = gaps
        self._file = file

    def readinto(self, number: int, buffer: Any) -> int:
        """Fill a buffer with one of them, and leave the file where it was; say how many bytes were there."""
        position = self._file.tell()
        with buffer:  # a traceback would hold it longer than the object whose memory it is
            count = _fill(self._file, self._gaps[number].offset, buffer)
        self._file.seek(position)
        return count


class SplicedReplay:
    """Bytes in memory, and between them long literals that still lie in a file.

    The bytes in memory are those that were judged. Those in the file are the content of literals, which no rule looks
    at: whatever stands there now, it is data.
    """

    def __init__(self, data: bytes, gaps: Sequence[Gap], file: Any) -> None:
        self._file = file
        self._parts: list[bytes | Gap] = []
        before = 0
        for gap in gaps:
            self._parts += [data[before : gap.place], gap]
            before = gap.place
        self._parts.append(data[before:])
        self._at = 0  # within the first part

    @property
    def finished(self) -> bool:
        """Whether everything was read."""
        return not self.peek(1) and not self._parts

    def _drop_empty(self) -> None:
        while self._parts and self._at >= len(self._parts[0]):
            del self._parts[0]
            self._at = 0

    def peek(self, size: int) -> bytes:
        """Give what follows in memory and stay before it."""
        self._drop_empty()
        part = self._parts[0] if self._parts else b""
        if isinstance(part, bytes):
            return part[self._at :]
        return self._from_file(part, min(size, len(part) - self._at))

    def _from_file(self, part: Gap, size: int) -> bytes:
        self._file.seek(part.offset + self._at)
        data: bytes = self._file.read(size)
        return data

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes."""
        pieces = []
        while size:
            self._drop_empty()
            if not self._parts:
                break
            part = self._parts[0]
            count = len(part) - self._at if size < 0 else min(size, len(part) - self._at)
            piece = part[self._at : self._at + count] if isinstance(part, bytes) else self._from_file(part, count)
            if not piece:
                break  # the file has become shorter
            pieces.append(piece)
            self._at += len(piece)
            size -= len(piece) if size > 0 else 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self) -> bytes:
        """Read up to the next newline."""
        pieces: list[bytes] = []
        while not pieces or not pieces[-1].endswith(b"\n"):
            ahead = self.peek(1 << 16)
            if not ahead:
                break
            pieces.append(self.read(ahead.find(b"\n") + 1 or len(ahead)))
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, straight from the file where the bytes lie there."""
        self._drop_empty()
        part = self._parts[0] if self._parts else b""
        if isinstance(part, bytes) or len(buffer) > len(part) - self._at:
            data = self.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        filled = _fill(self._file, part.offset + self._at, buffer)
        self._at += filled
        return filled


def _fill(file: Any, offset: int, buffer: Any) -> int:
    """Fill a buffer from a place in a file on; say how many bytes were there."""
    file.seek(offset)
    filled = 0
    while filled < len(buffer):
        count = file.readinto(buffer[filled:] if filled else buffer)
        if not count:
            break
        filled += count
    return filled
