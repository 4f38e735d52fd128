"""Programs of the machine: where they are, and running one to its end."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ClusterError(Exception):
    """The test cluster cannot do what was asked; the message says what, where and what to do.

    ClusterError
        ProgramFailed     a program ended with another code than 0
        ProgramMissing    the machine does not have it
        NotInTime         a condition did not come true before its deadline
    """


class ProgramFailed(ClusterError):
    """A program ended with another code than 0."""


class ProgramMissing(ClusterError):
    """The machine does not have a program that is needed."""


class NotInTime(ClusterError):
    """A condition did not come true before its deadline."""


def find(name: str, *folders: Path) -> str:
    """Give the path of a program: in one of the folders, else where the machine keeps its own."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise ProgramMissing(f"{name} is not on this machine; tools/host.sh cluster names the package to install")
    return found


def run(*command: str | Path, text: str | None = None, cwd: Path | None = None, **environment: str) -> str:
    """Run a program to its end and return what it wrote; its complaints become the error's message."""
    done = subprocess.run(
        [str(part) for part in command],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    if done.returncode:
        complaint = (done.stderr.strip() or done.stdout.strip())[-4000:]
        raise ProgramFailed(f"{' '.join(str(part) for part in command)} ended with {done.returncode}: {complaint}")
    return done.stdout
