"""A temporary file without a name, in the folders where `tempfile` makes its own."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def open_spool() -> BinaryIO:
    """Open one, for reading and writing; OSError when no folder takes it."""
    failure: OSError | None = None
    for folder in (*filter(None, map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))), "/tmp", "/var/tmp", "/usr/tmp", "."):  # noqa: S108
        path = os.path.join(folder, f"pickleball-{os.urandom(8).hex()}")  # noqa: PTH118 - pathlib costs too much here
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            failure = failure or error
            continue
        os.unlink(path)  # noqa: PTH108
        return os.fdopen(descriptor, "w+b")
    raise failure or FileNotFoundError("there is no folder for temporary files")
