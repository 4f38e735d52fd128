"""Enforcement of pickle policies: judge a pickle before anything in it runs.

    pickleball_enforce.install(policy=None, mode="enforce")   hook this process
    pickleball_enforce.use_policy(path)                       swap the policy (tests)
    pickleball_enforce.verify(source, policy)                 judge a file without loading it -> Report

The names are imported when they are first used: the hook of a process must not import pickle before pickle is needed.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not imported: that would be paid at every start
if TYPE_CHECKING:
    from typing import Any

    from .errors import MalformedStream, PickleBallError, PolicyError, PolicyViolation, SettingsError, SourceError
    from .hook import install, use_policy
    from .policy import Entry, Policy
    from .report import Report, Violation
    from .static import verify

__version__ = "0.1.0"

_HOMES = {
    "Entry": "policy",
    "MalformedStream": "errors",
    "PickleBallError": "errors",
    "Policy": "policy",
    "PolicyError": "errors",
    "PolicyViolation": "errors",
    "Report": "report",
    "SettingsError": "errors",
    "SourceError": "errors",
    "Violation": "report",
    "install": "hook",
    "use_policy": "hook",
    "verify": "static",
}

__all__ = [
    "Entry",
    "MalformedStream",
    "PickleBallError",
    "Policy",
    "PolicyError",
    "PolicyViolation",
    "Report",
    "SettingsError",
    "SourceError",
    "Violation",
    "install",
    "use_policy",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not before it is needed

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
