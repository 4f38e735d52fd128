"""Violation records: one JSON line each, on stderr or in the file that PICKLEBALL_VIOLATIONS names.

The first ones go, shortened, to the pod's termination message too, which holds 4096 bytes, and all of them to the
pod's witness.
"""

from __future__ import annotations

import os
import sys
import time

from . import notation
from .evidence import say_violation
from .lines import append

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .lookup import Enforcement
    from .report import Violation

TERMINATION_LOG = "/dev/termination-log"
TERMINATION_LIMIT = 4096
_SHORT = 300  # characters of a text in the termination message
_FILE = os.environ.get("PICKLEBALL_VIOLATIONS", "")


def record(violation: Violation, enforcement: Enforcement, source: str, sha256: str) -> dict[str, Any]:
    """Make the record of a violation."""
    digest = enforcement.policy.digest if enforcement.policy else ""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
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
        line = notation.write(content)
        _write_line(line)
        say_violation(line)
        append(TERMINATION_LOG, notation.write(shorten(content)), limit=TERMINATION_LIMIT)


def shorten(content: dict[str, Any]) -> dict[str, Any]:
    """Give what a termination message has room for: no time, no digests, no long texts."""
    short = {key: content[key] for key in ("mode", "rule", "name", "opcode", "offset", "allow", "sentence")}
    short["name"] = short["name"][:_SHORT]
    short["sentence"] = short["sentence"][:_SHORT]
    short["source"] = content["source"]["path"][-_SHORT:]
    return short


def _write_line(line: str) -> None:
    if (_FILE and append(_FILE, line, create=True)) or sys.stderr is None:
        return
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # closed, or its reader is gone: the load is refused all the same
