"""The errors of the enforcer.

PickleBallError
├── PolicyError          a policy cannot be read: nothing may load
├── SourceError          a file cannot be judged: unreadable, unknown format, inconsistent archive
├── SettingsError        the enforcer was started with settings that make no sense
└── (pickle.UnpicklingError)
    ├── PolicyViolation  a stream does what the policy does not allow
    └── MalformedStream  the bytes are no pickle that C and Python read alike
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .report import Violation


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


class SettingsError(PickleBallError, ValueError):
    """A setting of the enforcer that makes no sense."""


class PolicyViolation(PickleBallError, pickle.UnpicklingError):
    """A stream that leaves its policy; carries every violation that was found."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        more = f" (and {len(self.violations) - 1} more)" if len(self.violations) > 1 else ""
        first = self.violations[0].sentence if self.violations else "The stream leaves its policy."
        super().__init__(first + more)


class MalformedStream(PickleBallError, pickle.UnpicklingError):
    """Bytes that the C and the Python unpickler do not both read, and alike."""

    def __init__(self, offset: int, sentence: str) -> None:
        super().__init__(f"offset {offset}: {sentence}")
        self.offset = offset
        self.sentence = sentence
