"""The time, as the API server writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc() -> str:
    """Now."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
