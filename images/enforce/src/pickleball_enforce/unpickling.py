"""The errors of the enforcer that programs catch as pickle's own (reached through errors.py, which imports pickle)."""

from __future__ import annotations

import pickle

from .errors import PickleBallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .report import Violation


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
