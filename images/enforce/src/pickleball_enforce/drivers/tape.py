"""The bytes of one pickle: read once to be judged, handed out again, proven the same, to be loaded.

* bytes and BytesIO: an immutable copy;
* files of the io module that can seek: read ahead in chunks into memory, but for long byte literals, which stay in the
  file: they are only data, whatever stands there when they are loaded;
* anything else: read as stock reads it, opcode by opcode, never past STOP; long byte literals go into a temporary file.
"""

from __future__ import annotations

import io
import os

from pickleball_enforce import engine
from pickleball_enforce.digest import sha256
from pickleball_enforce.opcodes import LITERALS, TABLE, literal, missing, read_argument
from pickleball_enforce.report import Malformed

from .replay import Gaps, Replay, SplicedReplay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pickleball_enforce.engine import WholeVerifier
    from pickleball_enforce.report import Verdict

_LONG = 1 << 20  # bytes of a literal that is not kept in memory
_CHUNK = 1 << 16
_HEAD = 1 << 13  # read first: what stands before a long literal is mostly short
_LARGEST_CHUNK = 1 << 26
_GROWTH = 7  # what is read next, beside what was read: a file of many pickles is read eight times at most
_FIRST = 1 << 24  # ... but for the first pickle of a file, which is mostly the only one
_HASHED = 1 << 32  # bytes of a pickle whose digest a record names: holes of a file cost who made it nothing
_FRAME = 0x95
_FRAME_HEAD = 9  # bytes before its content
_STOP = 0x2E
_SEEKABLE = (io.BufferedReader, io.BufferedRandom, io.FileIO)
_OVERRIDDEN = frozenset({"read", "readline", "peek", "readinto", "seek", "tell"})  # by attributes of a file itself


class BytesTape:
    """A pickle in bytes that nobody can change."""

    gaps: Gaps | None = None  # nothing is left out

    def __init__(self, data: bytes, start: int = 0) -> None:
        self._data = data
        self._start = start
        self._end = len(data)
        self._lean: Callable[[], bytes | None] = _nothing
        self.truncated = False

    def judge(self, verifier: WholeVerifier, *, last: bool) -> Verdict:
        """Judge the pickle; `last` says that no other load will use its memo."""
        verdict = verifier.verify(self._data, self._start, last=last)
        self._end = _end_of(verdict, self._data, start=self._start)
        self._lean = verifier.lean if last else _nothing
        self.truncated = verdict.error is not None and verdict.error.offset >= len(self._data)
        return _from_zero(verdict, self._start)

    def judged(self) -> tuple[bytes, int, int]:
        """Give the bytes that were judged, with where in them the pickle begins and ends."""
        return self._data, self._start, self._end

    def replay(self) -> Replay:
        """Give a file of exactly the bytes that were judged, or of a leaner pickle that loads alike."""
        return Replay(self._lean() or self._data[self._start : self._end])

    def replay_all(self) -> Any:
        """Give a file of these bytes and all that follow (audit)."""
        return io.BytesIO(self._data[self._start :])

    def digest(self) -> str:
        """Give the sha256 of the pickle."""
        return sha256([self._data[self._start : self._end]])

    def whole(self) -> tuple[bytes, int] | None:
        """Give bytes in which all of the pickle lies but for its gaps, and where it begins in them."""
        return self._data, self._start

    def finish(self, end: int | None = None) -> None:
        """Leave the source where stock leaves it; `end` is where the pickle ends, if it was not judged here."""


class BytesIOTape(BytesTape):
    """A pickle in a BytesIO, from its position on."""

    def __init__(self, file: io.BytesIO) -> None:
        data, self._place = file.getvalue(), file.tell()
        super().__init__(data, min(self._place, len(data)))
        self._file = file

    def judge(self, verifier: WholeVerifier, *, last: bool) -> Verdict:
        """Judge the pickle, and leave the position after it."""
        verdict = super().judge(verifier, last=last)
        self.finish()
        return verdict

    def finish(self, end: int | None = None) -> None:
        """Leave the position after the pickle."""
        self._file.seek(max(self._place, self._end if end is None else end))

    def skip(self, count: int) -> None:
        """Leave the position after what was read of `replay_all`."""
        self._file.seek(self._start + count)


class Gap:
    """A long literal that stays in a file: where it belongs among the bytes in memory, and where it lies."""

    __slots__ = ("_length", "offset", "place")

    def __init__(self, place: int, length: int, offset: int) -> None:
        self.place = place
        self.offset = offset
        self._length = length

    def __len__(self) -> int:
        return self._length


class FileTape:
    """A pickle that is read from a file before it is judged."""

    def __init__(self, file: Any, read: Callable[[int], bytes], readline: Callable[[], bytes]) -> None:
        self._file = file
        self._read = read
        self._readline = readline
        self._ahead = type(file) in _SEEKABLE and _OVERRIDDEN.isdisjoint(vars(file)) and file.seekable()
        self._start = file.tell() if self._ahead else 0
        self._kept = bytearray()
        self._data = b""  # ... what of it is the pickle
        self._lean: Callable[[], bytes | None] = _nothing
        self._gaps: list[Gap] = []
        self._left_out = 0  # bytes in gaps
        self._source = file  # of the gaps
        self._buffer = b""  # of a frame that was read at once
        self._at = 0
        self._end = 0
        self.truncated = False

    # ---- first reading ----------------------------------------------------------------------------------------------

    def judge(self, verifier: WholeVerifier, *, last: bool) -> Verdict:
        """Read the pickle, ahead where that can be undone, else never past STOP; judge it."""
        if self._ahead:
            self._data = self._data or self._read_ahead()
        else:
            self._read_exactly()
            self._data = bytes(self._kept)
            self._kept.clear()
        verdict = verifier.verify(self._data, gaps=[(gap.place, len(gap)) for gap in self._gaps], last=last)
        if verdict.error is not None:
            self.truncated = verdict.error.offset >= len(self._data) + self._left_out
        else:
            self._lean = verifier.lean if last else _nothing
            self._data = self._data[: verdict.end - self._left_out]  # what was read beyond it is none of it
        self._end = _end_of(verdict, self._data, gaps=self._gaps)
        if not self._gaps:
            self._data = self._data[: self._end]
        self.finish()
        return verdict

    def whole(self) -> tuple[bytes, int] | None:
        """As that of a BytesTape, where the pickle can be read ahead."""
        if not self._ahead:
            return None
        self._data = self._data or self._read_ahead()
        return self._data, 0

    @property
    def gaps(self) -> Gaps | None:
        """The long literals of what was read, which are not in memory."""
        return Gaps(self._gaps, self._source) if self._gaps else None

    def _read_ahead(self) -> bytes:
        """Read up to STOP or the end of the file; step over long literals."""
        parts: list[bytes] = []
        kept = position = looked = 0  # bytes in the parts; within the window, which follows them
        window = self._read(_HEAD)
        while True:
            position, stopped = engine.scan(window, position, frames=True)
            if stopped:
                break
            head = self._leave_out(window, position, kept)
            if head:
                parts.append(window[:head])
                kept += head
                window, position, looked = self._read(_CHUNK), 0, 0
                continue
            if len(window) == _HEAD and (more := self._read(_CHUNK - _HEAD)):
                window += more
                continue
            if len(window) >= _FIRST:  # holes of a file cost who made it nothing: no frame is taken on trust
                looked, stopped = engine.scan(window, looked, known=True)
                if stopped:
                    break
            longer, whole = self._read_longer(window, kept, missing(window[position:]))
            if len(longer) <= len(window):
                position = len(window)
                break
            window = longer
            if whole and window[-1] == _STOP:  # who judges it finds where the first pickle of it ends
                position = len(window)
                break
        if position < len(window) and window[position - 1] == _STOP:
            window = window[:position]
        return b"".join([*parts, window]) if parts else window

    def _read_longer(self, window: bytes, kept: int, missing: int) -> tuple[bytes, bool]:
        """Read again what was read behind so many bytes, and what follows, into one place: then nothing is copied.

        Give that, and whether it is all that the file has.
        """
        start = self._start + kept + self._left_out
        more = max(missing, min(_GROWTH * len(window), _LARGEST_CHUNK), len(window), 0 if self._start else _FIRST)
        left = self._file.seek(0, io.SEEK_END) - start
        self._file.seek(start)
        if left > len(window):
            found = self._read_fully(min(len(window) + more, left))
            return found, len(found) == left
        return self._read(len(window)) + self._read(_CHUNK), False  # what has no size may go on

    def _read_fully(self, size: int) -> bytes:
        """Read so many bytes, of which the system gives two gigabytes at once."""
        pieces = [self._read(size)]
        size -= len(pieces[0])
        while size > 0 and pieces[-1]:
            pieces.append(self._read(size))
            size -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _leave_out(self, window: bytes, position: int, kept: int) -> int:
        """Leave a long literal, whose opcode is at a position of the window, in the file; give where it begins there.

        0 where there is none. `kept` is how many bytes lie in memory before the window.
        """
        start, length = literal(window, position)
        if length < _LONG or start + length <= len(window):
            return 0
        place = kept + start
        offset = self._start + place + self._left_out
        if self._file.seek(0, io.SEEK_END) < offset + length:
            self._file.seek(offset - start + len(window))
            return 0  # a false length, or a file that was cut
        self._gaps.append(Gap(place, length, offset))
        self._left_out += length
        self._file.seek(offset + length)
        return start

    def _read_exactly(self) -> None:
        """Read opcode by opcode, never past STOP; long literals go into a temporary file."""
        opcode = -1
        while opcode != _STOP:
            key = self._take(1)
            if not key or key[0] not in TABLE:
                return
            opcode = key[0]
            place = len(self._kept)
            try:
                argument = read_argument(opcode, self._take, self._take_line)
            except ValueError:
                return
            if opcode == _FRAME:
                self._prefetch(int.from_bytes(argument, "little"))
            elif len(argument) >= _LONG and opcode in LITERALS:
                self._spool(place, LITERALS[opcode], argument)

    def _spool(self, place: int, head: int, argument: bytes) -> None:
        """Move the content of a long literal into a temporary file."""
        if self._source is self._file:
            from .spool import open_spool  # noqa: PLC0415 - long literals from pipes only

            self._source = open_spool()
        offset = self._source.seek(0, io.SEEK_END)
        self._source.write(memoryview(argument)[head:])
        del self._kept[place + head :]
        self._gaps.append(Gap(place + head, len(argument) - head, offset))
        self._left_out += len(argument) - head

    def _prefetch(self, size: int) -> None:
        """Read a frame at once: all of it belongs to the pickle."""
        pieces = [self._buffer[self._at :]]
        left = size - len(pieces[0])
        while left > 0:
            piece = _bytes(self._read(min(left, 1 << 20)))
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        self._buffer, self._at = b"".join(pieces), 0

    def _take(self, size: int) -> bytes:
        if self._at < len(self._buffer):
            data = self._buffer[self._at : self._at + size]
            self._at += len(data)
        else:
            data = _bytes(self._read(size))
            if len(data) > size:  # more than was asked for: stock reads on in it
                data, self._buffer, self._at = data[:size], data, size
        self._kept += data
        return data

    def _take_line(self) -> bytes:
        if self._at < len(self._buffer):
            end = self._buffer.find(b"\n", self._at) + 1 or len(self._buffer)
            head = self._take(end - self._at)
            if head.endswith(b"\n"):
                return head
        else:
            head = b""
        line = _bytes(self._readline())
        self._kept += line
        return head + line

    # ---- second reading ---------------------------------------------------------------------------------------------

    def judged(self) -> tuple[bytes, int, int]:
        """As that of a BytesTape."""
        return self._data, 0, len(self._data)

    def replay(self) -> Replay | SplicedReplay:
        """Give a file of exactly the bytes that were judged, or of a leaner pickle that loads alike."""
        lean = self._lean()
        return self._replay_data() if lean is None else Replay(lean)

    def _replay_data(self) -> Replay | SplicedReplay:
        return SplicedReplay(self._data, self._gaps, self._source) if self._gaps else Replay(self._data)

    def replay_all(self) -> Any:
        """Give a file of the bytes that were read and all that follow (audit)."""
        if self._ahead:
            self._file.seek(self._start)
            return self._file
        rest = io.BytesIO(self._buffer[self._at :])
        return Chain([self._replay_data(), rest], self._read, self._readline)

    def digest(self) -> str:
        """Give the sha256 of what was read; nothing where that would take long."""
        if len(self._data) + self._left_out > _HASHED:
            return ""
        replay = self._replay_data()
        found = sha256(iter(lambda: replay.read(1 << 20), b""))
        self.finish()  # long literals were read from the file
        return found

    def finish(self, end: int | None = None) -> None:
        """Leave the position after the pickle, where stock leaves it; `end` does not count what its gaps leave out."""
        if self._ahead:
            self._file.seek(self._start + (self._end if end is None else end + self._left_out))


class Chain:
    """Files one after the other, then a source that is read directly (audit)."""

    def __init__(self, files: list[Any], read: Callable[[int], bytes], readline: Callable[[], bytes]) -> None:
        self._files = files
        self._read = read
        self._readline = readline

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        data = b""
        while self._files and len(data) < size:
            data += self._files[0].read(size - len(data))
            if len(data) < size:
                self._files.pop(0)
        return data + self._read(size - len(data)) if len(data) < size else data

    def readline(self) -> bytes:
        """Read up to the next newline."""
        data = b""
        while self._files and not data.endswith(b"\n"):
            data += self._files[0].readline()
            if not data.endswith(b"\n"):
                self._files.pop(0)
        return data if data.endswith(b"\n") else data + self._readline()


def _nothing() -> None:
    """Give no other pickle."""


def name_of(file: Any) -> str:
    """Give the path of a file, where it says one."""
    name = getattr(file, "name", "")
    return os.fspath(name) if isinstance(name, (str, os.PathLike)) else ""


def _bytes(data: Any) -> bytes:
    """Take what a reader gave as bytes that nobody can change."""
    if type(data) is bytes:
        return data
    return bytes(memoryview(data))


def _end_of(verdict: Verdict, data: bytes, start: int = 0, gaps: Sequence[Gap] = ()) -> int:
    """Give where the next pickle is looked for: behind STOP, the opcode that is wrong or its frame, or at the end."""
    if verdict.error is None:
        return verdict.end
    place = verdict.error.offset
    for gap in gaps:
        if place < gap.place:
            break
        place -= len(gap)
    left_out = verdict.error.offset - place
    size = len(data) + sum(map(len, gaps))
    if engine.scan(data, place, frames=True)[0] == place:
        return size
    frame = 0 if left_out else engine.scan(data[:place], start, frames=True)[0]
    if start <= frame < place and data[frame] == _FRAME:  # it was read as a whole
        return min(frame + _FRAME_HEAD + int.from_bytes(data[frame + 1 : frame + _FRAME_HEAD], "little"), size)
    return left_out + place + 1


def _from_zero(verdict: Verdict, start: int) -> Verdict:
    """Count the offset of an error from the start of the pickle."""
    if start and verdict.error:
        verdict.error = Malformed(verdict.error.offset - start, verdict.error.sentence)
    return verdict
