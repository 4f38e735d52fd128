"""The time, as the API server writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc() -> str:
    """Now, by this machine's clock."""
    return written(datetime.now(UTC))


def written(time: datetime) -> str:
    """A time in the form of the API server."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def read(time: str) -> datetime:
    """A time that was written so."""
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
