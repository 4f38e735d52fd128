"""The errors of the enforcer.

PickleBallError
├── PolicyError          a policy cannot be read: nothing may load
├── SourceError          a file cannot be judged: unreadable, unknown format, inconsistent archive
│   └── NoPickleError    an archive in which no member is a pickle
├── SettingsError        the enforcer was started with settings that make no sense
└── (pickle.UnpicklingError)
    ├── PolicyViolation  a stream does what the policy does not allow
    └── MalformedStream  the bytes are no pickle that C and Python read alike
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .unpickling import MalformedStream, PolicyViolation

__all__ = ["MalformedStream", "PickleBallError", "PolicyError", "PolicyViolation", "SettingsError", "SourceError"]


class PickleBallError(Exception):
    """Anything that this package refuses."""


class PolicyError(PickleBallError, ValueError):
    """A policy that cannot be used, with the place and the reason."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class SourceError(PickleBallError, ValueError):
    """A file that cannot be judged, with the place and the reason."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class NoPickleError(SourceError):
    """An archive in which no member is a pickle."""


class SettingsError(PickleBallError, ValueError):
    """A setting of the enforcer that makes no sense."""


def __getattr__(name: str) -> Any:
    """Import the errors that are UnpicklingErrors when they are asked for, pickle first.

    Importing pickle starts the hook, which imports this package: no module of it may be half made at that moment.
    """
    if name not in ("MalformedStream", "PolicyViolation"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pickle  # noqa: F401, PLC0415

    from . import unpickling  # noqa: PLC0415

    return getattr(unpickling, name)
