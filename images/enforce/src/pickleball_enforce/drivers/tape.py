"""The bytes of one pickle: read once to be judged, handed out again, proven the same, to be loaded.

* bytes and BytesIO: an immutable copy;
* files of the io module that can seek: read ahead in chunks; short pickles are kept, of long ones a running digest is
  kept for each chunk and the second reading is compared with it before a byte of it is handed out;
* anything else: read as stock reads it, opcode by opcode, never past STOP; kept in memory, then in a temporary file.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from typing import TYPE_CHECKING, Any

from pickleball_enforce.errors import MalformedStream
from pickleball_enforce.opcodes import read_argument, scan
from pickleball_enforce.report import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_enforce.report import Verdict
    from pickleball_enforce.verifier import Verifier

KEPT = 16 << 20  # bytes of a pickle that are kept in memory
_CHUNK = 1 << 16
_FRAME = 0x95
_SEEKABLE = (io.BufferedReader, io.BufferedRandom, io.FileIO)


class ChangedFileError(MalformedStream):
    """A file whose second reading gives other bytes than those that were judged."""


class BytesTape:
    """A pickle in bytes that nobody can change."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self._data = data
        self._start = start
        self._end = len(data)
        self.truncated = False

    def judge(self, verifier: Verifier) -> Verdict:
        """Judge the pickle."""
        verdict = verifier.verify(self._data, self._start)
        self._end = verdict.end
        self.truncated = verdict.error is not None and verdict.error.offset >= len(self._data)
        return _from_zero(verdict, self._start)

    def replay(self) -> io.BufferedReader:
        """Give a file of exactly the bytes that were judged."""
        whole = self._start == 0 and self._end == len(self._data)
        return io.BufferedReader(io.BytesIO(self._data if whole else self._data[self._start : self._end]))

    def replay_all(self) -> Any:
        """Give a file of these bytes and all that follow (audit)."""
        return io.BytesIO(self._data[self._start :])

    def digest(self) -> str:
        """Give the sha256 of the pickle."""
        return hashlib.sha256(self._data[self._start : self._end]).hexdigest()

    def finish(self) -> None:
        """Leave the source where stock leaves it."""


class BytesIOTape(BytesTape):
    """A pickle in a BytesIO, from its position on."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file.getvalue(), file.tell())
        self._file = file

    def finish(self) -> None:
        """Leave the position after the pickle."""
        self._file.seek(self._end)

    def skip(self, count: int) -> None:
        """Leave the position after what was read of `replay_all`."""
        self._file.seek(self._start + count)


class FileTape:
    """A pickle that is read from a file as it is judged."""

    def __init__(self, file: Any, read: Callable[[int], bytes], readline: Callable[[], bytes]) -> None:
        self._file = file
        self._read = read
        self._readline = readline
        self._ahead = type(file) in _SEEKABLE and file.seekable()
        self._start = file.tell() if self._ahead else 0
        self._buffer = b""
        self._at = 0
        self._kept: bytearray | None = bytearray()
        self._length = 0
        self._hash = hashlib.sha256()
        self._marks: list[tuple[int, bytes]] = []  # (length, digest up to there)
        self._spool: Any = None
        self.truncated = False

    # ---- first reading ----------------------------------------------------------------------------------------------

    def judge(self, verifier: Verifier) -> Verdict:
        """Judge the pickle: at once when it is short enough to be kept, else opcode by opcode."""
        if self._ahead:
            data, whole = self._read_ahead()
            if whole:
                verdict = verifier.verify(bytes(data))
                self._kept, self._length = data[: verdict.end], verdict.end
                self.truncated = verdict.error is not None and verdict.error.offset >= len(data)
                return verdict
            self._file.seek(self._start)
        return self._judge_stepwise(verifier)

    def _read_ahead(self) -> tuple[bytearray, bool]:
        """Read up to STOP, or to the end of the file; whether it was short enough to be kept."""
        data = bytearray()
        position = 0
        while len(data) <= KEPT:
            piece = self._read(min(max(_CHUNK, len(data)), KEPT + 1 - len(data)))
            data += piece
            position, stopped = scan(data, position)
            if stopped or not piece:
                return data, True
        return data, False

    def _judge_stepwise(self, verifier: Verifier) -> Verdict:
        saved = dict(verifier.memo)
        verifier.begin()
        error = None
        try:
            while not verifier.stopped:
                self._step(verifier)
        except MalformedStream as malformed:
            error = Malformed(malformed.offset, malformed.sentence)
        verdict = verifier.finish()
        verdict.error = error
        if not verdict.clean:
            verifier.memo = saved  # nothing of it will run
        return verdict

    def _step(self, verifier: Verifier) -> None:
        offset = self._length
        key = self._take(1)
        if not key:
            self.truncated = True
            raise MalformedStream(offset, "The stream ends without STOP.")
        opcode = key[0]
        try:
            argument = read_argument(opcode, self._take, self._take_line)
        except ValueError as error:
            self.truncated = True
            raise MalformedStream(offset, f"{error}.") from error
        verifier.step(opcode, argument, offset)
        if opcode == _FRAME:
            self._prefetch(int.from_bytes(argument, "little"))

    def _prefetch(self, size: int) -> None:
        """Read a frame at once: all of it belongs to the pickle."""
        if self._ahead:
            return
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
        if self._at + size <= len(self._buffer):
            data = self._buffer[self._at : self._at + size]
            self._at += size
        elif self._at < len(self._buffer):
            data = self._buffer[self._at :]
            self._buffer, self._at = b"", 0
        elif self._ahead and size <= _CHUNK:
            self._buffer, self._at = self._read(_CHUNK), 0
            if not self._buffer:
                return b""
            return self._take(size)
        else:
            data = _bytes(self._read(size))
        if data:
            self._record(data)
        return data

    def _take_line(self) -> bytes:
        end = self._buffer.find(b"\n", self._at)
        if end >= 0:
            return self._take(end + 1 - self._at)
        head = self._take(len(self._buffer) - self._at) if self._at < len(self._buffer) else b""
        if self._ahead:
            pieces = [head]
            while not pieces[-1].endswith(b"\n"):
                self._buffer, self._at = self._read(_CHUNK), 0
                if not self._buffer:
                    break
                end = self._buffer.find(b"\n") + 1 or len(self._buffer)
                pieces.append(self._take(end))
            return b"".join(pieces)
        line = _bytes(self._readline())
        if line:
            self._record(line)
        return head + line

    def _record(self, data: bytes) -> None:
        self._length += len(data)
        if self._kept is not None:
            self._kept += data
            if self._length > KEPT:
                self._keep_elsewhere(self._kept)
            return
        self._hash.update(data)
        if self._spool is not None:
            self._spool.write(data)
        elif self._length - self._marks[-1][0] >= 1 << 20:
            self._marks.append((self._length, self._hash.digest()))

    def _keep_elsewhere(self, kept: bytearray) -> None:
        self._hash.update(kept)
        if self._ahead:
            self._marks.append((self._length, self._hash.digest()))
        else:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the tape
            self._spool.write(kept)
        self._kept = None

    # ---- second reading ---------------------------------------------------------------------------------------------

    def replay(self) -> io.BufferedReader:
        """Give a file of exactly the bytes that were judged."""
        if self._kept is not None:
            return io.BufferedReader(io.BytesIO(bytes(self._kept)))
        if self._spool is not None:
            self._spool.seek(0)
            return io.BufferedReader(_Borrowed(self._spool))
        marks = [*self._marks, (self._length, self._hash.digest())]
        return io.BufferedReader(_Proven(self._file, self._start, marks), 1 << 18)

    def replay_all(self) -> Any:
        """Give a file of the bytes that were read and all that follow (audit)."""
        if self._ahead:
            self._file.seek(self._start)
            return self._file
        rest = io.BytesIO(self._buffer[self._at :])
        return Chain([self.replay(), rest], self._read, self._readline)

    def digest(self) -> str:
        """Give the sha256 of what was read."""
        return self._hash.hexdigest() if self._kept is None else hashlib.sha256(self._kept).hexdigest()

    def finish(self) -> None:
        """Leave the position after the pickle, where stock leaves it."""
        if self._ahead:
            self._file.seek(self._start + self._length)


class _Borrowed(io.RawIOBase):
    """A file that stays open when its reader is gone."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)
        return count


class _Proven(io.RawIOBase):
    """The second reading of a file: nothing is handed out before it is proven to be what was judged."""

    def __init__(self, file: Any, start: int, marks: list[tuple[int, bytes]]) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._marks = iter(marks)
        self._hash = hashlib.sha256()
        self._read = 0
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._chunk and not self._next():
            return 0
        count = min(len(buffer), len(self._chunk))
        buffer[:count] = self._chunk[:count]
        self._chunk = self._chunk[count:]
        return count

    def _next(self) -> bool:
        mark = next(self._marks, None)
        if mark is None or mark[0] == self._read:
            return False
        length, digest = mark
        self._file.seek(self._start + self._read)
        pieces = []
        left = length - self._read
        while left:
            piece = self._file.read(left)
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        data = b"".join(pieces)
        self._hash.update(data)
        if self._hash.digest() != digest:
            raise ChangedFileError(self._read, "The file has changed since it was judged.")
        self._read = length
        self._chunk = memoryview(data)
        return True


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


def name_of(file: Any) -> str:
    """Give the path of a file, where it says one."""
    name = getattr(file, "name", "")
    return os.fspath(name) if isinstance(name, (str, os.PathLike)) else ""


def _bytes(data: Any) -> bytes:
    """Take what a reader gave as bytes that nobody can change."""
    if type(data) is bytes:
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(memoryview(data))
    raise TypeError(f"read() returned {type(data).__name__}, not bytes")


def _from_zero(verdict: Verdict, start: int) -> Verdict:
    """Count the offset of an error from the start of the pickle."""
    if start and verdict.error:
        verdict.error = Malformed(verdict.error.offset - start, verdict.error.sentence)
    return verdict
