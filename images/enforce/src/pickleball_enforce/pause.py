"""Pausing the cyclic collector while a pickle loads from memory.

Nothing that a load makes can be garbage before it ends, and up to Python 3.11 each young collection in between, and the
old ones that they bring, looks at all of it again. From 3.12 on collections cost so little that nothing is gained.
One lock and one saved state serve all threads: the collector is on again when the last load ends, if it was on before
the first one began. A load that waits for its source must not be run here.
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
_lock = _thread.allocate_lock()
_loading: list[int] = []  # the threads that load, once for each load
_was_on = False


def paused(load: Callable[..., Any], *arguments: Any) -> Any:
    """Run a load with the collector paused."""
    global _was_on  # noqa: PLW0603 - the state of the process's collector
    thread = _thread.get_ident()
    with _lock:
        if not _loading:
            _was_on = gc.isenabled()
            gc.disable()
        _loading.append(thread)
    try:
        return load(*arguments)
    finally:
        with _lock:
            _loading.remove(thread)
            if not _loading and _was_on:
                gc.enable()


def _forget_threads() -> None:
    """In the child of a fork only this thread goes on: what others load there will never end."""
    global _lock  # noqa: PLW0603 - another thread may have held it
    _lock = _thread.allocate_lock()
    others = [thread for thread in _loading if thread != _thread.get_ident()]
    for thread in others:
        _loading.remove(thread)
    if others and not _loading and _was_on:
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
