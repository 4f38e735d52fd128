"""Pausing the cyclic collector while a pickle loads from memory.

Nothing that a load makes can be garbage before it ends, and up to Python 3.11 each young collection in between, and the
old ones that they bring, looks at all of it again. From 3.12 on collections cost so little that nothing is gained.
One lock and one saved state serve all threads: the collector is on again when the last load ends, if it was on before
the first one began. A load that waits for its source must not be run here.

The handler of a signal runs between any two steps here, and may raise, or load a pickle itself: so each step can be
left at any place and done again.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

USEFUL = sys.version_info < (3, 12)
LEAST = 1 << 15  # bytes of a stream: below, there is hardly a collection
_lock = _thread.RLock()
_loading: list[list[int]] = []  # for each load, its thread: an object of its own
_was_on = False  # whether the collector is to be switched on again


def paused(load: Callable[..., Any], *arguments: Any) -> Any:
    """Run a load with the collector paused."""
    token = [_thread.get_ident()]
    try:
        _pause(token)
        return load(*arguments)
    finally:
        try:
            _go_on(token)
        finally:
            _go_on(token)  # a signal may have cut the first try short


def _pause(token: list[int]) -> None:
    global _was_on  # noqa: PLW0603 - the state of the process's collector
    with _lock:
        _loading.append(token)
        if gc.isenabled():
            _was_on = True
            gc.disable()


def _go_on(token: list[int]) -> None:
    with _lock:
        _loading[:] = [other for other in _loading if other is not token]
        _restore()


def _restore() -> None:
    global _was_on  # noqa: PLW0603 - see above
    if not _loading and _was_on:
        gc.enable()
        _was_on = False


def _forget_threads() -> None:
    """In the child of a fork only this thread goes on: what others load there will never end."""
    global _lock  # noqa: PLW0603 - another thread may have held it
    _lock = _thread.RLock()
    _loading[:] = [token for token in _loading if token[0] == _thread.get_ident()]
    _restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
