"""Which imports of an unpickler are sanctioned right now, in this thread; whether an exempt load runs there.

The audit hook on `pickle.find_class` lets exactly one pass, once, or those that a judged load expects, one after the
other. This imports nothing but `_thread`.
"""

from __future__ import annotations

import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

watched = False  # whether the audit hook is there: another one may have kept it out


class _Sanction(_thread._local):  # noqa: SLF001 - threading.local without threading
    pair: tuple[object, object] | None = None
    exempt: bool = False
    admit: Callable[[object, object], bool] | None = None


_current = _Sanction()


def grant(module: object, name: object) -> None:
    """Sanction one import."""
    _current.pair = (module, name)


def revoke() -> None:
    """Take back what was not used."""
    _current.pair = None


def consume(module: object, name: object) -> bool:
    """Whether this import is sanctioned; a sanction is used up by it."""
    pair = _current.pair
    if pair is None:
        return False
    _current.pair = None
    return pair == (module, name)


def expect(admit: Callable[[object, object], bool] | None) -> Callable[[object, object], bool] | None:
    """Let the hook ask about each import of the load that begins; give what it asked before."""
    before, _current.admit = _current.admit, admit
    return before


def is_expected(module: object, name: object) -> bool:
    """Whether the load that runs expects this import now, and its object is what the policy allows."""
    admit = _current.admit
    return admit is not None and admit(module, name)


def set_exempt(exempt: bool) -> None:  # noqa: FBT001 - as it was, too
    """Note whether an exempt load runs in this thread."""
    _current.exempt = exempt


def is_in_exempt() -> bool:
    """Whether an exempt load runs in this thread."""
    return _current.exempt
