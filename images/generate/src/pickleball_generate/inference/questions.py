"""Answers to questions that ask others in turn, and may come back to themselves.

A question that comes back gets nothing the second time: what it leads to is in the first answer already. The answers
in between lack that. They are good for as long as the first question is open, and are forgotten with its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Answer = TypeVar("Answer")
Question = tuple[str, ...]
WHOLE = 1 << 30  # more than there are open questions


class Questions(Generic[Answer]):
    """Finds the answers to questions, each in one order and without repetitions, and keeps those that lack nothing."""

    def __init__(self, find: Callable[..., Iterable[Answer]]) -> None:
        self._find = find
        self._known: dict[Question, list[Answer]] = {}
        self._open: dict[Question, int] = {}  # numbered from the first
        self._lacking: dict[Question, int] = {}  # of the known: the first open question that they came back to
        self._back = WHOLE  # the same, of the question that is being answered

    def __call__(self, *question: str) -> list[Answer]:
        """Give the answer to a question."""
        known = self._known.get(question)
        if known is not None:
            if question in self._lacking:
                self._back = min(self._back, self._lacking[question])
            return known
        if question in self._open:
            self._back = min(self._back, self._open[question])
            return []
        number, outer, before = len(self._open), self._back, len(self._lacking)
        self._open[question], self._back = number, WHOLE
        try:
            found = self._known[question] = list(dict.fromkeys(self._find(*question)))
        finally:
            del self._open[question]
        if self._back < number:
            self._lacking[question] = self._back
            self._back = min(self._back, outer)
        else:
            self._forget(before)
            self._back = outer
        return found

    def _forget(self, before: int) -> None:
        """Forget the answers that lack something, but for the first ones."""
        for question in list(self._lacking)[before:]:
            del self._lacking[question], self._known[question]
