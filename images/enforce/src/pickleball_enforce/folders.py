"""Files to judge: those that are named, and in folders those whose name or content shows a pickle."""

from __future__ import annotations

import os

from . import engine
from .errors import SourceError
from .opcodes import scan
from .settings import Settings
from .static import PICKLED, begins_as_pickle, is_pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".xz", ".bz2", ".z", ".lzma", ".lz4", ".7z", ".whl", ".egg")
_HEAD = 1 << 16  # bytes of a file that are looked at where its name says nothing


class Listing:
    """What was named, and what of it is to be judged."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.found: set[str] = set()  # of them, those that nobody named: they lie in folders
        self.passed = 0  # files in folders that are no pickles


def find(patterns: Iterable[str]) -> Listing:
    """Give the files that arguments name: paths, folders, or patterns where no such path exists."""
    listing = Listing()
    for pattern in patterns:
        for match in _matches(pattern):
            if os.path.isdir(match):  # noqa: PTH112
                _walk(match, listing)
            else:
                listing.files.append(match)
    return listing


def _matches(pattern: str) -> list[str]:
    """Give the paths that an argument means: itself, where it exists or is no pattern."""
    if os.path.lexists(pattern):
        return [pattern]
    import glob  # noqa: PLC0415 - paths, mostly

    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns
    if not found and glob.has_magic(pattern):
        raise SourceError(pattern, "no file matches this pattern")
    return found or [pattern]


def _walk(folder: str, listing: Listing) -> None:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)  # noqa: PTH118
            if not os.path.isfile(path):  # noqa: PTH113
                continue
            if name.lower().endswith(PICKLED) or _shows_pickle(path, name):
                listing.files.append(path)
                listing.found.add(path)
            else:
                listing.passed += 1


def _shows_pickle(path: str, name: str) -> bool:
    """Whether the content is a pickle or an archive, or cannot be read."""
    if name.lower().endswith(_ARCHIVES):
        return True
    try:
        with open(path, "rb") as file:  # noqa: PTH123
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
