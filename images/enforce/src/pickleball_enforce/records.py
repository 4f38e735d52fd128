"""Violation records: one JSON line each, on stderr or in the file that PICKLEBALL_VIOLATIONS names.

The first ones go, shortened, to the pod's termination message too, which holds 4096 bytes.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lookup import Enforcement
    from .report import Violation

TERMINATION_LOG = "/dev/termination-log"
TERMINATION_LIMIT = 4096
_SHORT = 300  # characters of a text in the termination message
_FILE = os.environ.get("PICKLEBALL_VIOLATIONS", "")


def record(violation: Violation, enforcement: Enforcement, source: str, sha256: str) -> dict[str, Any]:
    """Make the record of a violation."""
    from datetime import datetime, timezone  # noqa: PLC0415 - not at each start

    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017 - Python 3.9
    digest = enforcement.policy.digest if enforcement.policy else ""
    return {
        "time": now,
        "pid": os.getpid(),
        "mode": enforcement.mode,
        **violation.to_dict(),
        "source": {"path": source, "sha256": sha256},
        "policy": {"path": enforcement.path, "sha256": digest},
    }


def write(violations: Iterable[Violation], enforcement: Enforcement, source: str, sha256: str) -> None:
    """Write the records of violations. An output that cannot be written to never changes what is decided."""
    for violation in violations:
        content = record(violation, enforcement, source, sha256)
        _write_line(json.dumps(content))
        _append(TERMINATION_LOG, json.dumps(shorten(content)), limit=TERMINATION_LIMIT)


def shorten(content: dict[str, Any]) -> dict[str, Any]:
    """Give what a termination message has room for: no time, no digests, no long texts."""
    short = {key: content[key] for key in ("mode", "rule", "name", "opcode", "offset", "allow", "sentence")}
    short["name"] = short["name"][:_SHORT]
    short["sentence"] = short["sentence"][:_SHORT]
    short["source"] = content["source"]["path"][-_SHORT:]
    return short


def _write_line(line: str) -> None:
    if (_FILE and _append(_FILE, line, create=True)) or sys.stderr is None:
        return
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # closed, or its reader is gone: the load is refused all the same


def _append(path: str, line: str, *, create: bool = False, limit: int = 0) -> bool:
    """Append a line in one write; whether that went well. With a limit, only what fits under it is written."""
    data = (line + "\n").encode("utf-8", "backslashreplace")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | (os.O_CREAT if create else 0), 0o644)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        if limit and (not stat.S_ISREG(found.st_mode) or found.st_size + len(data) > limit):
            return False
        os.write(descriptor, data)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
