"""What every log line carries while a ModelDeployment is handled: which one, and its policy with its key."""

from __future__ import annotations

import logging
from contextvars import ContextVar

FIELDS = ("namespace", "modeldeployment", "policy", "policy_key")
about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)
"""The fields of what is being handled in this task; its threads share the dict."""


class About(logging.Filter):
    """Adds the fields to every record; with JSON they stand in the line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        for name, value in (about.get() or {}).items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


def carry() -> None:
    """Let every handler of the process add them."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(About())
