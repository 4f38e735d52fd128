"""Says what this Python does with a good pickle and with one that calls a function; fails where the second one ran."""

from __future__ import annotations

import builtins
import importlib
import pickle
import signal
import sys
import time


def outcome(stream: bytes) -> str:
    """Load a pickle."""
    try:
        pickle.loads(stream)
    except pickle.UnpicklingError:
        return "refused"
    return "loaded"


def main(words: list[str]) -> int:
    """Load both, say it, and stay up where the words say so."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for word in words:
        if word.startswith("import="):
            importlib.import_module(word.partition("=")[2])
    if "sitecustomize" in words and not hasattr(builtins, "OF_THE_APPLICATION"):
        print("the application's sitecustomize has not run", flush=True)
        return 1
    told = "idle"
    if "idle" not in words:
        good, bad = outcome(b"\x80\x04ccollections\nOrderedDict\n)R."), outcome(b"\x80\x04cposix\ngetcwd\n)R.")
        told = f"good {good}, bad {bad}"
    print(told, flush=True)
    while {"serve", "idle"} & {*words}:
        time.sleep(1)
    return 0 if told == "good loaded, bad refused" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
