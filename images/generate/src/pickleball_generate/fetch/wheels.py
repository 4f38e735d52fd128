"""Sources in a wheel, unpacked as from a hostile archive."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pickleball_generate.collect import EXTENSIONS, LARGEST_EXTENSION, LARGEST_SOURCE, METADATA, SOURCES
from pickleball_generate.errors import AnalysisFailed, BadInput

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_NAME, LONGEST_PART = 1024, 200
BLOCK = 2**20
BROKEN = (
    FileExistsError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


@dataclass
class Budget:
    """How many entries and bytes may still come, over all wheels."""

    files: int
    bytes: int

    def take(self, place: str, *, files: int = 0, size: int = 0) -> None:
        """Use some of it up; an error names the place."""
        self.files -= files
        self.bytes -= size
        if self.files < 0 or self.bytes < 0:
            what = "entries than are read" if self.files < 0 else "bytes than an analysis may use, unpacked"
            raise AnalysisFailed(f"{place} has more {what}. Name fewer packages.", reason="too-large")


def unpack(wheel: Path, folder: Path, budget: Budget) -> None:
    """Write the Python sources, the extension modules and the metadata of a wheel below a folder."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                budget.take(wheel.name, files=1)
                target = _target(entry, wheel.name)
                if target is not None:
                    _write(archive, entry, folder / target, f"{wheel.name}: {entry.filename}", budget)
    except BROKEN as error:
        raise BadInput(f"{wheel.name} cannot be read: {error}.", reason="bad-wheel") from error


def _target(entry: zipfile.ZipInfo, wheel: str) -> str | None:
    """The path of an entry that is wanted; one that leads out, or that no file can have, is refused."""
    name = entry.filename
    parts = name.rstrip("/").split("/")
    if (
        any(part in ("", ".", "..") or len(part.encode(errors="replace")) > LONGEST_PART for part in parts)
        or len(name) > LONGEST_NAME
        or not name.isprintable()
        or "\\" in name
        or ":" in parts[0]
    ):
        raise BadInput(f"{wheel} has an entry with the name {name[:200]!r}, which is refused.", reason="bad-wheel")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in (0, stat.S_IFREG):
        return None
    wanted = name.endswith(SOURCES + EXTENSIONS) or (parts[0].endswith(".dist-info") and parts[-1] in METADATA)
    return name if wanted else None


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, place: str, budget: Budget) -> None:
    """Copy one entry, whatever size it claims to have."""
    largest = LARGEST_EXTENSION if entry.filename.endswith(EXTENSIONS) else LARGEST_SOURCE
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(entry) as source, target.open("xb") as copy:
        while block := source.read(BLOCK):
            size += len(block)
            if size > largest:
                raise AnalysisFailed(f"{place} is larger than {largest} bytes.", reason="too-large")
            budget.take(place, size=len(block))
            copy.write(block)
