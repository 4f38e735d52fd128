"""What the records of violations say that a refused load lacked. Used in a library's own environment too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def lacking(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Give the entries, as list and name, without which records say that a load was refused.

    A stub ends nothing by itself: its entry counts where nothing else was refused.
    """
    found = [record for record in map(json.loads, lines) if record["allow"]]
    ended = [record for record in found if record["rule"] != "import-not-allowed"]
    return sorted({(record["allow"]["list"], record["allow"]["entry"]) for record in ended or found})
