"""Which single import of an unpickler is sanctioned right now, in this thread; whether an exempt load runs there.

The audit hook on `pickle.find_class` lets exactly that one pass, once. It imports nothing but `_thread`.
"""

from __future__ import annotations

import _thread


class _Sanction(_thread._local):  # noqa: SLF001 - threading.local without threading
    pair: tuple[object, object] | None = None
    exempt: int = 0


_current = _Sanction()


def grant(module: object, name: object) -> None:
    """Sanction one import."""
    _current.pair = (module, name)


def revoke() -> None:
    """Take back what was not used."""
    _current.pair = None


def consume(module: object, name: object) -> bool:
    """Whether this import is sanctioned; a sanction is used up by it."""
    pair, _current.pair = _current.pair, None
    return pair == (module, name)


def enter_exempt() -> None:
    """Note that an exempt load begins in this thread."""
    _current.exempt += 1


def leave_exempt() -> None:
    """Note that it ends."""
    _current.exempt -= 1


def is_in_exempt() -> bool:
    """Whether an exempt load runs in this thread."""
    return _current.exempt > 0
