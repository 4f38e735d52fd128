"""The folder that keeps expensive things, each under a name made from its content."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """Give the folder that PICKLEBALL_CACHE names, else the user's cache folder."""
    kept = os.environ.get("PICKLEBALL_CACHE")
    if kept:
        return Path(kept)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pickleball"
