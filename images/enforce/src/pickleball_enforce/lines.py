"""Lines appended to files that others read: one write each, and never an error.

It imports nothing that a starting interpreter has not imported already.
"""

from __future__ import annotations

import os
import stat

SHARED = 0o666


def append(path: str, line: str, *, create: bool = False, shared: bool = False, limit: int = 0) -> bool:
    """Append a line; whether that went well. With a limit, only what fits under it is written.

    `create` makes a file that is not there yet, `shared` one that every user may write to, whatever the umask.
    """
    data = (line + "\n").encode("utf-8", "backslashreplace")
    try:
        # Not blocking: a name may turn out to be a pipe that nobody reads.
        flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | (os.O_CREAT if create or shared else 0)
        descriptor = os.open(path, flags, SHARED if shared else 0o644)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        if limit and (not stat.S_ISREG(found.st_mode) or found.st_size + len(data) > limit):
            return False
        if shared and found.st_size == 0 and found.st_uid == os.geteuid():
            os.fchmod(descriptor, SHARED)
        os.write(descriptor, data)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
