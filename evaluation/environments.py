"""The environments of the libraries: one hash-pinned lock for each, made by uv and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = Path(
    os.environ.get("PICKLEBALL_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "pickleball")
)
_MAKING = threading.Lock()


class EnvironmentFailed(Exception):
    """An environment could not be made; the message is the installer's."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the packages of one lock."""

    name: str
    lock: Path
    lock_of_the_project: bool = field(default=False)

    @cached_property
    def folder(self) -> Path:
        """Where it is kept: the name says what is in it."""
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]
        return CACHE / (f"{self.name}-{digest}" if self.lock_of_the_project else f"evaluation-{self.name}-{digest}")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @cached_property
    def packages(self) -> Path:
        """Its site-packages."""
        return next(self.folder.glob("lib/python3*/site-packages"))

    def make(self) -> None:
        """Install the lock, unless that was done; EnvironmentFailed says why it cannot be."""
        complete = self.folder / ".complete"
        with _MAKING:
            if complete.exists():
                return
            print(f"making {self.folder} from {self.lock.relative_to(ROOT)}", file=sys.stderr, flush=True)
            uv = _uv()
            _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, self.folder)
            _run(uv, "pip", "sync", "--quiet", "--python", self.python, "--require-hashes", self.lock)
            complete.touch()

    @cached_property
    def versions(self) -> dict[str, str]:
        """The installed version of each distribution, by its normalised name."""
        listing = json.loads(_run(_uv(), "pip", "list", "--format", "json", "--python", self.python))
        return {row["name"].lower().replace("_", "-").replace(".", "-"): row["version"] for row in listing}

    def version(self, distribution: str) -> str:
        """The installed version of a distribution."""
        return self.versions.get(distribution.lower().replace("_", "-").replace(".", "-"), "unknown")


def _uv() -> Path:
    """The uv that the Makefile made."""
    digest = hashlib.sha256((ROOT / "requirements" / "bootstrap.txt").read_bytes()).hexdigest()[:12]
    uv = CACHE / f"uv-{digest}" / "bin" / "uv"
    if not uv.exists():
        raise EnvironmentFailed(f"{uv} is not there: run `make setup` first")
    return uv


def _run(*command: str | Path) -> str:
    settings = {"UV_CACHE_DIR": str(CACHE / "uv"), **os.environ}
    done = subprocess.run(list(map(str, command)), env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFailed(done.stderr.strip()[-2000:])
    return done.stdout


def named(name: str) -> Environment:
    """The environment of a lock of evaluation/requirements, or of the project's own (project:NAME)."""
    if name.startswith("project:"):
        own = name.removeprefix("project:")
        return Environment(own, ROOT / "requirements" / f"{own}.txt", lock_of_the_project=True)
    return Environment(name, ROOT / "evaluation" / "requirements" / f"{name}.txt")
