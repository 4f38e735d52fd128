"""A manifest with one of its values changed: what tests of exactness go through."""

from __future__ import annotations

import copy
from typing import Any

Path = tuple[Any, ...]


def leaves(value: Any, path: Path = ()) -> list[Path]:
    """The paths to all plain values."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, item in enumerate(value) for leaf in leaves(item, (*path, place))]
    return [path]


def altered(value: Any, path: Path) -> Any:
    """A copy in which the value at a path is another one of its type."""
    changed = copy.deepcopy(value)
    *way, last = path
    owner = changed
    for step in way:
        owner = owner[step]
    old = owner[last]
    owner[last] = (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x"
    return changed
