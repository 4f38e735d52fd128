"""What is read of a file before its pickle is judged."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from pickleball_enforce.drivers.tape import FileTape

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_of_holes_is_not_read_into_memory(tmp_path: Path) -> None:
    """Frames that nobody has written cost no space: the first that is no pickle ends the reading."""
    path, size = tmp_path / "holes", 1 << 20
    with path.open("wb") as file:
        file.write(b"\x80\x04")
        for _ in range(1000):
            file.write(b"\x95" + size.to_bytes(8, "little") + b"N")
            file.seek(size - 1, io.SEEK_CUR)
        file.truncate()
    with path.open("rb") as file:
        found = FileTape(file, file.read, file.readline).whole()
        assert found is not None
        assert len(found[0]) < 32 * size


def test_what_the_system_gives_in_parts_is_read_to_its_end(tmp_path: Path) -> None:
    """Linux gives two gigabytes at once; a file that gives less than it was asked for has not ended."""
    path = tmp_path / "long"
    data = b"\x80\x04(" + b"N" * 1_000_000 + b"t."
    path.write_bytes(data)
    with path.open("rb", buffering=0) as file:
        tape = FileTape(file, lambda size: file.read(min(size, 300_000)) or b"", file.readline)
        assert tape.whole() == (data, 0)
