"""Root file systems of other Debians, each with its own Python, entered by chroot in namespaces of their own."""

from __future__ import annotations

import os
import subprocess
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools import cache
from tools.images import bases, requirements
from tools.images.catalogue import ROOT, ImageError
from tools.images.commands import run

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ("3.9", "3.11", "3.13", "3.14")
PYTHON = "/usr/bin/python3"
TESTER = "/venv/bin/python"  # knows pytest and the enforcer's sources, as the environment of `make setup` does
# The sources cannot be written to, and nothing of a run stays but what lies in /results.
_ENTER = """
root=$1 sources=$2 results=$3; shift 3
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev/shm"
mount --bind "$sources" "$root/repo" && mount -o remount,bind,ro "$root/repo"
mount --bind "$results" "$root/results"
exec chroot "$root" /usr/bin/env --chdir=/repo "$@"
"""


@dataclass(frozen=True)
class Debian:
    """One root file system, and the folder that is /results in it."""

    version: str
    root: Path
    results: Path

    def run(self, *command: str, timeout: float = 900, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, in the folder of the sources."""
        settings = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **environment}
        assignments = [f"{name}={value}" for name, value in settings.items()]
        enter = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
        return subprocess.run(
            [*enter, "sh", "-ec", _ENTER, "enter", self.root, ROOT, self.results, "-i", *assignments, *command],
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip


def prepare(version: str, results: Path) -> Debian:
    """Give the Debian of a Python; makes it when it is not in the cache."""
    if os.geteuid():
        raise ImageError("the Pythons of other Debians are entered by chroot, which needs root")
    base = bases.root_file_system(f"tests-{version}")
    wheels, _ = requirements.wheels("pythons", version)
    kept = cache.folder() / "pythons" / f"{base.stem}-{wheels.name}"
    if not kept.exists():
        draft = kept.with_name("new-" + kept.name)
        run("rm", "-rf", draft)
        draft.mkdir(parents=True)
        run("tar", "--extract", "--numeric-owner", f"--file={base}", f"--directory={draft}")
        for wheel in wheels.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(draft / "packages")
        for folder in ("repo", "results", "dev/shm"):
            (draft / folder).mkdir(exist_ok=True)
        run("chroot", draft, PYTHON, "-m", "venv", "--without-pip", "--system-site-packages", "/venv")
        paths = draft / f"venv/lib/python{version}/site-packages/tests.pth"
        paths.write_text("/packages\n/repo/images/enforce/src\n")
        draft.replace(kept)
    return Debian(version, kept, results)
