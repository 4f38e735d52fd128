"""Whether an object still holds what was applied, so that a steady state needs no writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pickleball_operator.decide.keys import digest
from pickleball_operator.names import GROUP

APPLIED = f"{GROUP}/applied"
"""Annotation: sha256 of the manifest that was applied last."""
KEYS = ("mountPath", "name", "containerPort", "uid", "key")
"""What tells items of a list apart; a volume is mounted under one name at several places."""


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """The sha256 that the annotation keeps."""
    return digest(manifest)


def holds(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether everything that is wanted stands in the object; what defaulting and others added does not matter."""
    return _holds(current, wanted)


def _holds(current: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(
            _holds(current.get(key), value) or (not value and value is not False and value != 0 and key not in current)
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(current, list) and len(current) >= len(wanted) and _list_holds(current, wanted)
    return bool(current == wanted and type(current) is type(wanted))


def _list_holds(current: list[Any], wanted: list[Any]) -> bool:
    key = next(
        (key for key in KEYS if wanted and all(isinstance(item, Mapping) and key in item for item in wanted)), None
    )
    if key is None:
        return len(current) == len(wanted) and all(map(_holds, current, wanted))
    there = {item.get(key): item for item in current if isinstance(item, Mapping)}
    return all(item[key] in there and _holds(there[item[key]], item) for item in wanted)
