"""Events on the ModelDeployment."""

from __future__ import annotations

from typing import Any

from pickleball_operator.decide.keys import digest
from pickleball_operator.names import API_VERSION, KIND
from pickleball_operator.text import clip

MESSAGE_LIMIT = 1000


def event(namespace: str, name: str, uid: str, now: str, note: tuple[str, str, str]) -> dict[str, Any]:
    """One Event; `note` is its type (Normal, Warning), reason and message."""
    kind, reason, message = note
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{digest([uid, now, reason, message])[:16]}",
            "namespace": namespace,
        },
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": namespace,
            "name": name,
            "uid": uid,
        },
        "type": kind,
        "reason": reason,
        "message": clip(message, MESSAGE_LIMIT),
        "source": {"component": "pickleball-operator"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
