"""Runs the programs that build."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from .catalogue import BuildError, ImageError

if TYPE_CHECKING:
    from pathlib import Path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a program to its end and return what it wrote; its last words become the error's message."""
    if shutil.which(str(command[0])) is None:
        raise ImageError(f"{command[0]} is not on this machine; run `tools/host.sh image` as root, or install it")
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        said = (done.stdout.strip() + "\n" + done.stderr.strip()).strip()[-4000:]
        raise BuildError(f"{' '.join(words)} ended with {done.returncode}:\n{said}")
    return done.stdout
