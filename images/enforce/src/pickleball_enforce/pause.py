"""Pausing the cyclic collector while a pickle loads from memory.

Nothing that a load makes can be garbage before it ends, and up to Python 3.11 each young collection in between, and the
old ones that they bring, looks at all of it again. From 3.12 on collections cost so little that nothing is gained.
One lock and one saved state serve all threads: the collector is on again when the last load ends, if it was on before
the first one began. A load that waits for its source must not be run here.
"""

from __future__ import annotations

import _thread
import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

USEFUL = sys.version_info < (3, 12)
LEAST = 1 << 15  # bytes of a stream: below, there is hardly a collection
_lock = _thread.allocate_lock()
_loads = 0
_was_on = False


def paused(load: Callable[..., Any], *arguments: Any) -> Any:
    """Run a load with the collector paused."""
    global _loads, _was_on  # noqa: PLW0603 - the state of the process's collector
    with _lock:
        if not _loads:
            _was_on = gc.isenabled()
            gc.disable()
        _loads += 1
    try:
        return load(*arguments)
    finally:
        with _lock:
            _loads -= 1
            if not _loads and _was_on:
                gc.enable()
