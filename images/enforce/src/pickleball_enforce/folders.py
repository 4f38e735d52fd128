"""Files to judge: those that are named, and in folders those whose name or content shows a pickle."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from . import engine
from .errors import SourceError
from .opcodes import scan
from .settings import Settings
from .static import PICKLED, begins_as_pickle, is_pickle

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".xz", ".bz2", ".z", ".lzma", ".lz4", ".7z", ".whl", ".egg")
_HEAD = 1 << 16  # bytes of a file that are looked at where its name says nothing


@dataclass
class Listing:
    """What was named, and what of it is to be judged."""

    files: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)  # of them, those that nobody named: they lie in folders
    passed: int = 0  # files in folders that are no pickles


def find(patterns: Iterable[str]) -> Listing:
    """Give the files that arguments name: paths, folders, or patterns where no such path exists."""
    listing = Listing()
    for pattern in patterns:
        matches = [pattern] if Path(pattern).exists() else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns
        if not matches and glob.has_magic(pattern):
            raise SourceError(pattern, "no file matches this pattern")
        for match in matches or [pattern]:
            if Path(match).is_dir():
                _walk(match, listing)
            else:
                listing.files.append(match)
    return listing


def _walk(folder: str, listing: Listing) -> None:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(place) / name
            if not path.is_file():
                continue
            if name.lower().endswith(PICKLED) or _shows_pickle(path, name):
                listing.files.append(str(path))
                listing.found.add(str(path))
            else:
                listing.passed += 1


def _shows_pickle(path: Path, name: str) -> bool:
    """Whether the content is a pickle or an archive, or cannot be read."""
    if name.lower().endswith(_ARCHIVES):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return True  # the judgement says why
    return is_pickle(head) or (len(head) == _HEAD and begins_as_pickle(head)) or _reads_as_pickle(head)


def _reads_as_pickle(head: bytes) -> bool:
    """Whether a short file without a mark of its own, as protocols 0 and 1 write, reads as a pickle that imports."""
    end, stopped = scan(head, 0)
    if not stopped or len(head) == _HEAD or head[:end].isspace():
        return False
    verdict = engine.make(None, Settings()).verify(head[:end])
    return verdict.error is None and bool(verdict.imports)
