"""Findings, and chains of pure functions that each may make one; the first that does decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pickleball_operator.model import Truth

    from .reasons import Reason

Input = TypeVar("Input")


@dataclass(frozen=True)
class Finding:
    """What was decided: the status of a condition, one reason, and a sentence that says what to do."""

    status: Truth
    reason: Reason
    sentence: str


def affirm(reason: Reason, sentence: str) -> Finding:
    """A condition that holds."""
    return Finding("True", reason, sentence)


def refuse(reason: Reason, sentence: str) -> Finding:
    """A condition that does not hold."""
    return Finding("False", reason, sentence)


def wait(reason: Reason, sentence: str) -> Finding:
    """A condition that is not known yet."""
    return Finding("Unknown", reason, sentence)


def decide(chain: Iterable[Callable[[Input], Finding | None]], given: Input) -> Finding:
    """The first finding of a chain; the last link of every chain always finds."""
    for link in chain:
        finding = link(given)
        if finding is not None:
            return finding
    raise AssertionError("the chain's last link found nothing")
