"""How manifests are merged: JSON merge patches (RFC 7396) and server-side apply, for the in-memory port."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

KEYS = {
    "ownerReferences": "uid",
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
}
"""Lists that the API server merges by a key of their items; all others are replaced whole."""


def merge_patch(target: Any, patch: Any) -> Any:
    """A target with a JSON merge patch applied: null removes, objects merge, anything else replaces."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(dict(target)) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def apply(current: Manifest, before: Manifest, wanted: Manifest) -> Manifest:
    """`current` with what a manager applies now (`wanted`); what it applied `before` and dropped since is removed."""
    merged: Manifest = _apply(current, before, wanted, "")
    return merged


def _apply(current: Any, before: Any, wanted: Any, field: str) -> Any:
    if isinstance(wanted, Mapping) and isinstance(current, Mapping):
        old = before if isinstance(before, Mapping) else {}
        merged = {key: copy.deepcopy(value) for key, value in current.items() if key in wanted or key not in old}
        for key, value in wanted.items():
            merged[key] = _apply(current.get(key), old.get(key), value, key)
        return merged
    if isinstance(wanted, list) and isinstance(current, list) and field in KEYS:
        return _apply_keyed(current, before if isinstance(before, list) else [], wanted, KEYS[field])
    return copy.deepcopy(wanted)


def _apply_keyed(current: list[Any], before: list[Any], wanted: list[Any], key: str) -> list[Any]:
    there = {item.get(key): item for item in current}
    old = {item.get(key): item for item in before}
    named = {item.get(key) for item in wanted}
    merged = [
        _apply(there[item.get(key)], old.get(item.get(key)), item, "")
        if item.get(key) in there
        else copy.deepcopy(item)
        for item in wanted
    ]
    return merged + [copy.deepcopy(item) for item in current if item.get(key) not in named and item.get(key) not in old]
