"""Base images: Debian root file systems made with mmdebstrap, anew each month for its security updates."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from tools import cache

from .catalogue import BASES
from .commands import run

if TYPE_CHECKING:
    from pathlib import Path


def root_file_system(name: str) -> Path:
    """Give the tar of a base's root file system; makes it when there is none of this month."""
    base = BASES[name]
    packages = ",".join(base.packages)
    month = time.strftime("%Y-%m", time.gmtime())
    key = hashlib.sha256(f"{base.suite} {packages} {month}".encode()).hexdigest()[:12]
    kept = cache.folder() / "bases" / f"{name}-{key}.tar"
    if not kept.exists():
        start = time.monotonic()
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_name("new-" + kept.name)
        checks = () if base.dated else ('--aptopt=Acquire::Check-Valid-Until "false"',)
        run("mmdebstrap", "--quiet", *checks, "--variant=minbase", f"--include={packages}", base.suite, draft)
        draft.replace(kept)
        print(f"base {name}: made in {time.monotonic() - start:.0f} s", flush=True)
    return kept
