"""Programs that reach out: a clean environment, no terminal, and their last words when they fail."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from pickleball_generate.errors import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PASSED = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "PYTHONPATH")
"""Variables that reach the program; none of them names a configuration."""
LAST = 6


def run(command: Sequence[str], home: Path, settings: Mapping[str, str]) -> str:
    """Run a program to its end and give what it printed; FetchFailed has its last lines."""
    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    environment |= {"HOME": str(home), "LC_ALL": "C.UTF-8", **settings}
    try:
        done = subprocess.run(
            command, env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise FetchFailed(f"{command[0]} cannot be started: {error.strerror}.") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode == 0:
        return said
    lines = [line.strip() for line in (said + done.stderr.decode(errors="replace")).splitlines() if line.strip()]
    raise FetchFailed(f"{' '.join(lines[-LAST:])[:1500]} (exit code {done.returncode})")
