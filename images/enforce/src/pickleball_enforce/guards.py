"""Guards: callees whose results are checked before the stream changes them."""

from __future__ import annotations

import sys

from . import engine, sharing
from .obligations import check_result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._verifier import Result
    from .report import Import, Violation

_getrefcount = sys.getrefcount


def needs_guard(obj: object, prediction: Import) -> bool:
    """Whether find_class has to return a ResultGuard around the object (call after `discharge` found nothing)."""
    if isinstance(obj, type) and not sharing.may_return_shared(obj):
        return False
    return prediction.guarded and "data" not in prediction.uses and "instance" not in prediction.uses


def _call(callee: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, int]:
    """Call, and count the references to the result."""
    result = callee(*args)
    references = _getrefcount(result)
    return result, references


_OWN_REFERENCES = _call(object, ())[1]  # of a result that nobody else holds: one less from Python 3.14 on


def guarded(
    callee: Callable[..., Any], prediction: Import, refuse: Callable[[list[Violation]], None]
) -> Callable[..., Any]:
    """Give a callee whose results are checked before the stream changes them.

    `refuse` is called with the violations and is expected to raise; what is given never leaves the load that it was
    made for other than in the memo.
    """
    guard = ResultGuard(callee, prediction, refuse)
    return guard if engine.native is None else engine.native.Guard(callee, guard.check)


class ResultGuard:
    """Calls a callee and checks its results; the compiled module does the calling by itself where it can."""

    __slots__ = ("_callee", "_passed", "_prediction", "_refuse")

    def __init__(
        self, callee: Callable[..., Any], prediction: Import, refuse: Callable[[list[Violation]], None]
    ) -> None:
        self._callee = callee
        self._prediction = prediction
        self._refuse = refuse
        self._passed: set[type] = set()  # of new objects, only the class is looked at: once for each

    def __call__(self, *args: Any) -> Any:
        """Call the callee and check its result."""
        result = self._callee(*args)
        fresh = _getrefcount(result) <= _OWN_REFERENCES  # as `_call` counts them
        if (not fresh or type(result) not in self._passed) and self._passes(result, fresh=fresh) and fresh:
            self._passed.add(type(result))
        return result

    def check(self, held: Result) -> int:
        """Check a result; 1 where all new objects of its class pass in this load, 2 where they do in others too."""
        result = held.take()
        if not self._passes(result, fresh=held.fresh):
            return 0
        cls = type(result)
        kept = sharing.is_fixed(cls) and sharing.by_bases_alone(cls) and not sharing.may_return_shared(cls)
        return 2 if kept else 1

    def _passes(self, result: object, *, fresh: bool) -> bool:
        found: list[Violation] = []
        for obligation in self._prediction.obligations:
            if obligation.kind.startswith("result-"):
                found += check_result(result, self._callee, self._prediction, obligation, fresh=fresh)
        if found:
            self._refuse(found)
        return not found
