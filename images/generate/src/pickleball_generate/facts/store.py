"""What the cache holds: facts by the content that they were made from, and digests of files that have not changed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
import zlib
from typing import TYPE_CHECKING

from pickleball_generate.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

RACY = 2.0  # seconds: a file that changed this recently may change again within the same time stamp
WAIT = 120.0  # seconds to wait for another process that writes

_TABLES = """
create table if not exists facts (key text primary key, content blob not null) without rowid;
create table if not exists files (path text primary key, stamp text not null, digest text not null) without rowid;
"""


class Store:
    """A database file of facts. One that is cut, altered or no database is made again, with a note.

    Content is kept zlib-compressed, whose checksum is verified when it is read. Several processes may share a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._database: sqlite3.Connection | None = None

    def get(self, key: str) -> bytes | None:
        """Give what is kept under a key; None where nothing is, or nothing readable."""
        try:
            row = self._open().execute("select content from facts where key = ?", (key,)).fetchone()
            return zlib.decompress(row[0]) if row else None
        except zlib.error as error:
            self.notes.append(f"broken cache entry made again: {key} of {self.path}: {error}")
        except sqlite3.DatabaseError as error:
            self._renew(error)
        return None

    def put(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep zlib-compressed contents by their keys."""
        self._write("insert or replace into facts values (?, ?)", list(rows))

    def digests(self, root: Path, top: str, files: Iterable[str]) -> dict[str, str]:
        """Give the sha256 of a package's files; those whose size, times and inode are as before are not read.

        The files lie below a folder, and the path of each begins with the name of the package.
        """
        prefix = f"{os.path.realpath(root)}/"
        found: dict[str, str] = {}
        changed: list[tuple[str, ...]] = []
        known = self._known(prefix + top)
        for file in files:
            path = prefix + file
            told = os.stat(path)  # noqa: PTH116 - ten thousand Path objects cost more than the calls
            stamp = f"{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns} {told.st_ino} {told.st_dev}"
            before = known.get(path)
            if before is not None and before[0] == stamp:
                found[file] = before[1]
                continue
            found[file] = digest_of(path)
            if time.time() - max(told.st_mtime, told.st_ctime) > RACY:
                changed.append((path, stamp, found[file]))
        self._write("insert or replace into files values (?, ?, ?)", changed)
        return found

    def _known(self, prefix: str) -> dict[str, tuple[str, str]]:
        """Give the stamps and digests of the files whose path begins so."""
        query = "select path, stamp, digest from files where path >= ? and path < ?"
        try:
            rows = self._open().execute(query, (prefix, f"{prefix}\U0010ffff"))
            return {path: (stamp, digest) for path, stamp, digest in rows}
        except sqlite3.DatabaseError as error:
            self._renew(error)
        return {}

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
                self._database.execute("pragma synchronous = off")
                self._database.executescript(_TABLES)
            except (OSError, sqlite3.OperationalError) as error:
                raise self._unusable(error) from error
        return self._database

    def _write(self, statement: str, rows: Sequence[tuple[str, ...]] | Sequence[tuple[str, bytes]]) -> None:
        if not rows:
            return
        for last in (False, True):
            try:
                database = self._open()
                with database:
                    database.execute("begin immediate")
                    database.executemany(statement, rows)
            except sqlite3.OperationalError as error:
                raise self._unusable(error) from error
            except sqlite3.DatabaseError as error:
                self._renew(error)
                if last:
                    raise self._unusable(error) from error
            else:
                return

    def _renew(self, error: sqlite3.DatabaseError) -> None:
        """Put a database that cannot be read out of the way."""
        if isinstance(error, sqlite3.OperationalError):
            raise self._unusable(error) from error
        self.notes.append(f"broken cache entry made again: {self.path}: {error}")
        self.close()
        for name in ("", "-journal"):
            self.path.with_name(self.path.name + name).unlink(missing_ok=True)

    def _unusable(self, error: Exception) -> BadInput:
        why = getattr(error, "strerror", None) or error
        return BadInput(
            f"The cache {self.path.parent.parent} cannot be used: {why}. Name another with --cache-path.",
            reason="broken-cache",
        )


def digest_of(path: str | Path) -> str:
    """Give the sha256 of a file."""
    with open(path, "rb") as content:  # noqa: PTH123 - as in Store.digests
        return hashlib.file_digest(content, "sha256").hexdigest()
