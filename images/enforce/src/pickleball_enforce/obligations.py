"""Checks of real objects against what the verifier predicted about their use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .policy import Policy
    from .report import Import, Obligation, Violation


def decide(prediction: Import, module: str, name: str, policy: Policy) -> list[Violation]:
    """Judge a renamed import (`decision` "ask"): `module` and `name` are those that reach the base class, canonical."""
    raise NotImplementedError


def discharge(obj: object, prediction: Import) -> list[Violation]:
    """Check the object that find_class found against every obligation of its prediction."""
    raise NotImplementedError


def discharge_one(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    """Check one obligation (lockstep, and `Verdict.late`); for kinds `result-*` the object is the call's result."""
    raise NotImplementedError


class ResultGuard:
    """A callee whose results are checked before the stream changes them."""

    def __init__(self, callee: object, prediction: Import, refuse: Callable[[list[Violation]], None]) -> None:
        raise NotImplementedError
