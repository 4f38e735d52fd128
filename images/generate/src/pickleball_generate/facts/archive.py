"""One package's facts on disk: a zip archive with a member per module."""

from __future__ import annotations

import json
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 2


class BrokenArchive(Exception):
    """An archive that is cut short, altered or of another schema."""


class Archive:
    """Reads the facts of single modules; each member's checksum is verified as it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        try:
            self._zip = zipfile.ZipFile(path)
            self.package = self._read("package.json")
            self.extraction = self._read("extraction.json")
            self.index: dict[str, list[tuple[str, list[str], int]]] = self._read("index.json")
        except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError, zlib.error) as error:
            self.close()
            raise BrokenArchive(f"{path}: {error}") from error
        if self.package.get("schema") != SCHEMA:
            self.close()
            raise BrokenArchive(f"{path}: schema {self.package.get('schema')}, {SCHEMA} is wanted")

    def module(self, file: str) -> dict[str, Any]:
        """Give the facts of one module by its file."""
        try:
            return self._read(f"{file}.json")
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, zlib.error) as error:
            raise BrokenArchive(f"{self.path}: {file}: {error}") from error

    def has(self, file: str) -> bool:
        """Tell whether the archive holds a module."""
        return self._zip is not None and f"{file}.json" in self._zip.NameToInfo

    def close(self) -> None:
        """Close the file."""
        if self._zip is not None:
            self._zip.close()

    def _read(self, member: str) -> dict[str, Any]:
        if self._zip is None:
            raise KeyError(member)
        loaded = json.loads(self._zip.read(member))
        if not isinstance(loaded, dict):
            raise TypeError(f"{member} is no object")
        return loaded
