"""Which packages of an environment build on another one, by the metadata of installed distributions."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pickleball_generate.sources import Library

TOP = re.compile(r"^[^,/.\n]*", re.MULTILINE)
REQUIRED = re.compile(r"^Requires-Dist: *([A-Za-z0-9._-]+)", re.MULTILINE)


def dependents(library: Library, package: str) -> set[str]:
    """Name the packages whose distribution requires that of a package, also indirectly or as an extra, and itself.

    A package without metadata may build on anything, and is named too.
    """
    requires: dict[str, set[str]] = {}
    homes: dict[str, str] = {}
    for root in library.roots:
        for name, tops, required in distributions(root):
            requires[name] = set(required)
            homes |= dict.fromkeys(tops, name)
    wanted = homes.get(package, normal(package))
    reached = {wanted}
    while more := {name for name, required in requires.items() if name not in reached and required & reached}:
        reached |= more
    return {name for name in library.names if name == package or homes.get(name) in reached or name not in homes}


@cache
def distributions(root: Path) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Read each distribution of a folder: its name, top-level packages, and what it requires."""
    found = []
    for info in sorted(root.glob("*.dist-info")):
        name = normal(info.name.removesuffix(".dist-info").rpartition("-")[0])
        metadata, record = info / "METADATA", info / "RECORD"
        text = metadata.read_text(errors="replace") if metadata.is_file() else ""
        tops = set(TOP.findall(record.read_text(errors="replace"))) if record.is_file() else set()
        found.append((name, tuple(sorted(tops - {""})), tuple(sorted(map(normal, REQUIRED.findall(text))))))
    return tuple(found)


def normal(name: str) -> str:
    """Write the name of a distribution in its one form (PEP 503)."""
    return re.sub(r"[-_.]+", "_", name).lower()
