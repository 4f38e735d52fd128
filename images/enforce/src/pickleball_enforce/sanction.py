"""Which imports of an unpickler are sanctioned right now, in this thread; whether an exempt load runs there.

The audit hook on `pickle.find_class` lets exactly one pass, once. (The compiled one also those that a judged load
expects, one after the other.)
"""

from __future__ import annotations

import _thread

from . import engine

watched = False  # whether the audit hook is there: another one may have kept it out


class _Sanction(_thread._local):  # noqa: SLF001 - threading.local without threading
    pair: tuple[object, object] | None = None
    exempt: bool = False


current = _Sanction() if engine.native is None else engine.native.Sanction()


def grant(module: object, name: object) -> None:
    """Sanction one import."""
    current.pair = (module, name)


def revoke() -> None:
    """Take back what was not used."""
    current.pair = None


def consume(module: object, name: object) -> bool:
    """Whether this import is sanctioned, by these very texts; a sanction is used up by any import."""
    pair = current.pair
    if pair is None:
        return False
    current.pair = None
    return pair[0] is module and pair[1] is name


def set_exempt(exempt: bool) -> None:  # noqa: FBT001 - as it was, too
    """Note whether an exempt load runs in this thread."""
    current.exempt = exempt


def is_in_exempt() -> bool:
    """Whether an exempt load runs in this thread."""
    return current.exempt
