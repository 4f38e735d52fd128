"""Keys: what names an analysis, a policy and a policy ConfigMap."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
"""Raised when the Job changes in a way that makes its old results wrong."""


def digest(value: object) -> str:
    """Hex sha256 over the canonical JSON of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def request_key(request: Mapping[str, Any]) -> str:
    """Names the analysis Job: equal requests share one."""
    return digest({"format": FORMAT, **request})


def policy_key(provenance: Mapping[str, Any]) -> str | None:
    """Names a cached analysis: the resolved sources, classes, tools and options that the provenance lists."""
    inputs = {
        name: provenance[name]
        for name in ("sources", "classes", "tools", "packs", "options", "origin")
        if name in provenance
    }
    return digest(inputs) if inputs else None


def content_digest(policy: str, provenance: str) -> str:
    """The sha256 that a policy ConfigMap's name ends in."""
    return digest({"policy": policy, "provenance": provenance})
