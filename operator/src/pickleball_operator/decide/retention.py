"""What is kept of earlier analyses and policies, and what is let go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pickleball_operator import names

from .observed import is_owned

Manifest = Mapping[str, Any]

SPARE = {"analysis": 0, "result": 2, "policy": 2}
"""How many superseded objects of each part are kept beside those that the status names: results save an analysis when
a change is taken back, policies are what people who compare still read, and a superseded Job is ended."""


def surplus(found: Iterable[Manifest], uid: str, needed: set[str]) -> list[Manifest]:
    """The objects of one owner that are neither needed nor among the newest of their part."""
    let_go = []
    left = dict(SPARE)
    mine = [one for one in found if is_owned(one, uid) and one["metadata"]["name"] not in needed]
    for one in sorted(mine, key=_made, reverse=True):
        part = (one["metadata"].get("labels") or {}).get(names.PART)
        if part not in left:
            continue
        left[part] -= 1
        if left[part] < 0:
            let_go.append(one)
    return let_go


def owners_left(manifest: Manifest, uid: str) -> list[Mapping[str, Any]]:
    """The owners that an object has without this one."""
    return [owner for owner in manifest["metadata"].get("ownerReferences") or () if owner.get("uid") != uid]


def _made(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return str(metadata.get("creationTimestamp") or ""), str(metadata["name"])
