"""Follows a file that several processes append lines to, and keeps it small."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from pickleball_enforce.lines import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINE_LIMIT = 64 << 10
CHUNK = 1 << 20
CHUNKS = 4
"""Reads of one call: who writes without end must not keep the witness from anything else."""
NONE = -1


class Tail:
    """One file of reports."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = NONE
        self._old = NONE
        self._rest = {NONE: b""}

    def prepare(self) -> None:
        """Make the file, so that every user of the container can write to it."""
        _make(self._path, os.O_APPEND)

    def lines(self) -> Iterator[str]:
        """The complete lines that came since the last call."""
        if self._old != NONE:  # a process may have opened it before it was replaced
            yield from self._read(self._old)
            self._close(self._old)
            self._old = NONE
        if self._descriptor != NONE and not self._is_current():
            yield from self._read(self._descriptor)
            self._close(self._descriptor)
            self._descriptor = NONE
        if self._descriptor == NONE:
            try:
                self._descriptor = _open(self._path, os.O_RDONLY)
            except OSError:
                return  # the container has not begun, or has put something else there
        yield from self._read(self._descriptor)

    def size(self) -> int:
        """How large the file is."""
        return os.fstat(self._descriptor).st_size if self._descriptor != NONE else 0

    def shrink(self, kept: Iterable[str]) -> None:
        """Put a file with only these lines in its place; what is being written to the old one is read by `lines`."""
        draft = f"{self._path}.new"
        descriptor = _make(draft, os.O_TRUNC, keep=True)
        data = "".join(f"{line}\n" for line in kept).encode()
        os.write(descriptor, data)
        os.rename(draft, self._path)  # noqa: PTH104 - paths are texts here
        self._old, self._descriptor = self._descriptor, descriptor
        os.lseek(descriptor, len(data), os.SEEK_SET)

    def _is_current(self) -> bool:
        try:
            now = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116
        except OSError:
            return False
        mine = os.fstat(self._descriptor)
        place = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        return (now.st_dev, now.st_ino) == (mine.st_dev, mine.st_ino) and now.st_size >= place

    def _read(self, descriptor: int) -> Iterator[str]:
        data = self._rest.get(descriptor, b"")
        for _ in range(CHUNKS):
            try:
                more = os.read(descriptor, CHUNK)
            except OSError:
                more = b""  # a pipe or a folder in the place of the file
            if not more:
                break
            *whole, data = (data + more).split(b"\n")
            for line in whole:
                if len(line) <= LINE_LIMIT:
                    yield line.decode("utf-8", "replace")
            data = data[: LINE_LIMIT + 1]
        self._rest[descriptor] = data

    def _close(self, descriptor: int) -> None:
        self._rest.pop(descriptor, None)
        os.close(descriptor)


def _open(path: str, flags: int) -> int:
    """Open a plain file of the container's folder, and nothing that blocks or leads elsewhere."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, SHARED)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", path)
    return descriptor


def _make(path: str, flags: int, *, keep: bool = False) -> int:
    descriptor = _open(path, os.O_RDWR | os.O_CREAT | flags)
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, SHARED)
    if not keep:
        os.close(descriptor)
    return descriptor
