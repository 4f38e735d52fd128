"""A JSON patch (RFC 6902) from a pod to the same pod with the injection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

DEPTH = 2
"""Fields of metadata and spec are replaced as wholes: lists of pods have no stable places to point at."""


def patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations that turn one into the other."""
    return list(_operations(before, after, "", DEPTH))


def _operations(
    before: Mapping[str, Any], after: Mapping[str, Any], place: str, depth: int
) -> Iterator[dict[str, Any]]:
    for key in sorted({*before, *after}):
        path = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
        old, new = before.get(key), after.get(key)
        if key not in after:
            yield {"op": "remove", "path": path}
        elif key not in before:
            yield {"op": "add", "path": path, "value": new}
        elif old != new and depth > 1 and isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _operations(old, new, path, depth - 1)
        elif old != new:
            yield {"op": "replace", "path": path, "value": new}
