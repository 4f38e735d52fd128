"""What the records of violations say that a refused load lacked. Used in a library's own environment too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STUBS = frozenset({"import-not-allowed", "stub-used"})  # rules: a stub stands for a name, and is used


def lacking(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Give the entries, as list and name, without which records say that a load was refused.

    Stubs end a load only when the program uses one: their entries count, all of them, where nothing else was refused.
    """
    found = [record for record in map(json.loads, lines) if record["allow"]]
    ended = [record for record in found if record["rule"] not in STUBS]
    return sorted({(record["allow"]["list"], record["allow"]["entry"]) for record in ended or found})
