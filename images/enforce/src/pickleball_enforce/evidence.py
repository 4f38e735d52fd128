"""What a process says of itself, for the witness of its pod: that it is hooked, and what it refused.

PICKLEBALL_REPORTS names the folder of the container; without it nothing is said. It runs at the start of every
interpreter, so it imports nothing that is not imported already, and whatever goes wrong in it stays in it.
"""

from __future__ import annotations

import os
import sys

from . import __version__
from .digest import sha256
from .lines import append

STARTS, VIOLATIONS = "starts.jsonl", "violations.jsonl"
LIMIT = 1 << 20
"""Bytes that a file may grow to while no witness takes its lines."""
POLICY_LIMIT = 8 << 20
_GENERATIONS = 64
_TEXT = 300
_said = ("", "")


def say_start(mode: str, policy: str) -> None:
    """Report that this interpreter is hooked, in this mode and by the policy of this path: once for each of them."""
    global _said  # noqa: PLW0603 - an interpreter may be hooked by several ways
    folder = os.environ.get("PICKLEBALL_REPORTS")
    if not folder or _said == (mode, policy):
        return
    _said = (mode, policy)
    try:
        append(f"{folder}/{STARTS}", _start(mode, policy), shared=True, limit=LIMIT)
    except Exception:  # noqa: BLE001 - a report that cannot be made must not end the application
        return


def say_engine(name: str) -> None:
    """Report that this process has pickle, and which verifier judges for it."""
    folder = os.environ.get("PICKLEBALL_REPORTS")
    if folder:
        append(f"{folder}/{STARTS}", f'{{"engine": {_quote(name)}, "pid": {os.getpid()}}}', shared=True, limit=LIMIT)


def say_violation(record: str) -> None:
    """Pass on the record of a violation."""
    folder = os.environ.get("PICKLEBALL_REPORTS")
    if folder:
        append(f"{folder}/{VIOLATIONS}", record, shared=True, limit=LIMIT)


def _start(mode: str, policy: str) -> str:
    import time  # noqa: PLC0415 - built in

    texts = {
        "enforcer": __version__,
        "python": "{}.{}.{}".format(*sys.version_info),
        "executable": sys.executable or "",
        "mode": mode,
        "policy": policy,
        "sha256": _digest(policy),
        "instance": _instance(),
    }
    root = _root()
    numbers = {"time": round(time.time(), 3), "pid": os.getpid(), "root": root, "began": _began(root)}
    fields = [f'"{name}": {_quote(text)}' for name, text in texts.items()]
    return "{" + ", ".join(fields + [f'"{name}": {number}' for name, number in numbers.items()]) + "}"


def _digest(path: str) -> str:
    """The sha256 of the policy file as it is now; empty when it cannot be read."""
    try:
        data = _read(path, POLICY_LIMIT + 1)
    except OSError:
        return ""
    return "" if len(data) > POLICY_LIMIT else sha256([data], short=True)


def _root() -> int:
    """The first process of this one's line: 1 for the container's own, another for what `kubectl exec` began."""
    pid, parent = os.getpid(), os.getppid()
    for _ in range(_GENERATIONS):
        if parent == 0:
            return pid
        pid = parent
        try:
            parent = int(_stat(pid)[1])
        except (OSError, ValueError, IndexError):
            return 1 if pid == 1 else 0
    return 0


def _instance() -> str:
    """Tell one run of the container from the next: its mount namespace, and when process 1 began."""
    try:
        return "{}-{}".format(os.stat("/proc/self/ns/mnt").st_ino, _began(1))  # noqa: PTH116
    except OSError:
        return ""


def _began(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 when it cannot be seen."""
    try:
        return int(_stat(pid)[19])
    except (OSError, ValueError, IndexError):
        return 0


def _stat(pid: int) -> list[bytes]:
    """The fields of a process behind its name: state, parent, ...; the 20th is when it began (proc(5))."""
    data = _read(f"/proc/{pid}/stat", 4096)
    return data[data.rindex(b")") + 2 :].split()


def _read(path: str, limit: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = b""
        while len(data) < limit:
            more = os.read(descriptor, limit - len(data))
            if not more:
                break
            data += more
        return data
    finally:
        os.close(descriptor)


def _quote(text: str) -> str:
    """A text in JSON: importing json would be paid at every start."""
    shown = [
        character if " " <= character <= "~" and character not in '"\\' else f"\\u{min(ord(character), 0xFFFD):04x}"
        for character in text[:_TEXT]
    ]
    return '"' + "".join(shown) + '"'
