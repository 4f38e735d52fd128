"""Give up the network: after that neither this process nor one that it starts gets a socket other than a local one.

A seccomp filter does it, which needs no privilege and cannot be taken off again. It holds whatever the network plugin
of a cluster enforces, and also where an earlier step of the same pod needs the network.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from pickleball_generate.errors import MissingTool

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
X32 = 0x40000000
IO_URING_SETUP = 425  # a ring makes sockets without the call
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
AF_UNIX = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def leave_network() -> None:
    """Refuse sockets from now on; MissingTool where the kernel does not let it."""
    if platform.machine() not in MACHINES or platform.system() != "Linux":
        raise MissingTool(f"--no-network is for Linux on {' or '.join(MACHINES)}.", reason="no-isolation")
    code = instructions(*MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or library.prctl(
        PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0
    )
    if failed:
        raise MissingTool(
            f"The kernel takes no seccomp filter (error {ctypes.get_errno()}), which --no-network needs.",
            reason="no-isolation",
        )


def instructions(architecture: int, socket: int) -> bytes:
    """The filter: `socket` of a local family and everything that makes no socket is allowed."""
    lines = (
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, 6, architecture),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 4, 0, X32),
        (EQUAL, 3, 0, IO_URING_SETUP),
        (EQUAL, 0, 3, socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 1, 0, AF_UNIX),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    )
    return b"".join(struct.pack("HBBI", *line) for line in lines)
