"""Which interpreter of the process this is, and of which build."""

from __future__ import annotations

import sys

_RENAMED = 0x030D0000  # the module that knows has another name from Python 3.13 on


def is_main() -> bool:
    """Whether this is the main interpreter of the process; where nothing tells, there are no others."""
    try:
        known = __import__("_interpreters" if sys.hexversion >= _RENAMED else "_xxsubinterpreters")
    except ImportError:
        return True
    current, main = known.get_current(), known.get_main()
    if isinstance(current, tuple):  # an id, and what made the interpreter
        return bool(current[0] == main[0])
    return bool(current == main)


def require_main() -> None:
    """Raise ImportError where the compiled module must not even be tried."""
    if "t" in getattr(sys, "abiflags", ""):
        raise ImportError("it is for Pythons with a global lock, and this one has none")
    if not is_main():
        raise ImportError("it belongs to the main interpreter, and this is another one")
