"""Facts that outlive an analysis, on a folder that several analyses of the same sources share.

The cache itself lies on a local disk; here it is copied from before an analysis and to after it, whole files at a time.
Nothing that goes wrong here fails an analysis. Facts cannot be checked against what they were made from: whoever may
write the folder decides what its readers believe. docs/design/0015 says who that is in a cluster.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

LARGEST = 2 * 2**30
PATTERN = "facts/*.sqlite"


def take(shared: Path, cache: Path) -> list[str]:
    """Copy what is shared into a cache that lacks it; gives notes on what could not be."""
    notes = []
    for source in sorted(shared.glob(PATTERN)):
        target = cache / source.relative_to(shared)
        if not target.exists():
            notes += _copy(source, target)
    return notes


def give(cache: Path, shared: Path) -> list[str]:
    """Copy a cache to where it is shared; gives notes on what could not be."""
    return [
        note for source in sorted(cache.glob(PATTERN)) for note in _copy(source, shared / source.relative_to(cache))
    ]


def _copy(source: Path, target: Path) -> list[str]:
    """Copy a plain file; the target is there whole or as it was."""
    draft = None
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as reading:
            told = os.fstat(handle)
            if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
                return [f"facts not shared: {source} is no plain file of at most {LARGEST} bytes"]
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as writing:
                draft = Path(writing.name)
                shutil.copyfileobj(reading, writing, 2**20)
        draft.replace(target)
    except OSError as error:
        if draft is not None:
            draft.unlink(missing_ok=True)
        return [f"facts not shared: {source}: {error.strerror}"]
    return []
