"""Third-party wheels for an image's Python, downloaded once against the hashes of a lock file."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
from typing import TYPE_CHECKING

from packaging.markers import Marker
from tools import cache

from .catalogue import PYTHON, ROOT
from .commands import run

if TYPE_CHECKING:
    from pathlib import Path

GLIBC = (5, 12, 17, 24, 26, 27, 28, 31, 34, 35, 36)  # the minor versions that wheels name, up to the suite's
ENTRY = re.compile(
    r"^(?P<pin>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*(?P<hashes>(?:\\\n\s+--hash=\S+\s*)+)", re.MULTILINE
)


def selected(lock: str, python: str = PYTHON) -> str:
    """Keep a lock file's entries that an image's Python needs, without their conditions."""
    target = {"python_version": python, "python_full_version": f"{python}.2", "implementation_name": "cpython"}
    lines = []
    for entry in ENTRY.finditer(lock):
        marker = entry["marker"]
        if marker is None or Marker(marker).evaluate({**target, "sys_platform": "linux"}):
            lines.append(f"{entry['pin']} {entry['hashes'].rstrip()}\n")
    return "".join(lines)


def wheels(name: str, python: str = PYTHON) -> tuple[Path, str]:
    """Give the folder of the wheels of requirements/NAME.txt and the lock file that they were checked against."""
    machine = platform.machine()
    lock = selected((ROOT / "requirements" / f"{name}.txt").read_text(), python)
    key = hashlib.sha256(f"{lock} {python} {machine}".encode()).hexdigest()[:12]
    kept = cache.folder() / "wheels" / f"{name}-{key}"
    if not kept.exists():
        draft = kept.with_name("new-" + kept.name)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        (draft / "requirements.txt").write_text(lock)
        download(draft, python, machine)
        draft.replace(kept)
    return kept, lock


def download(folder: Path, python: str, machine: str) -> None:
    """Download the wheels of a folder's requirements.txt for a Python into it."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}", f"linux_{machine}"]
    tag = "cp" + python.replace(".", "")
    run(
        *pip(),
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        *(f"--platform={name}" for name in platforms),
        f"--python-version={python}",
        "--implementation=cp",
        *(f"--abi={abi}" for abi in (tag, "abi3", "none")),
        f"--dest={folder}",
        f"--requirement={folder}/requirements.txt",
    )


def pip() -> list[str]:
    """Give a pip: that of the environment which installs ours, or the one of this Python."""
    found = sorted(cache.folder().glob("uv-*/bin/pip"))
    return [str(found[-1])] if found else [sys.executable, "-m", "pip"]
