"""Give up the network, or programs: what this process cannot do then, those that it starts cannot do either.

A seccomp filter does it, which needs no privilege and cannot be taken off again. It holds whatever the network plugin
of a cluster enforces, and also where an earlier step of the same pod needs the network. Local sockets stay.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from pickleball_generate.errors import MissingTool

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
X32 = 0x40000000
IO_URING_SETUP = 425  # a ring makes sockets without the call


@dataclass(frozen=True)
class Machine:
    """How the kernel calls an architecture, and its numbers of system calls."""

    architecture: int
    socket: int
    programs: tuple[int, int]
    """execve and execveat."""


MACHINES = {
    "x86_64": Machine(0xC000003E, 41, (59, 322)),
    "aarch64": Machine(0xC00000B7, 198, (221, 281)),
}
AF_UNIX = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def leave_network() -> None:
    """Refuse sockets from now on; MissingTool where the kernel does not let it."""
    _install(without_network(_machine()))


def leave_programs() -> None:
    """Refuse to start a program from now on; MissingTool where the kernel does not let it."""
    _install(without_programs(_machine()))


def without_network(machine: Machine) -> bytes:
    """The filter: `socket` of a local family and everything that makes no socket is allowed."""
    return _packed(
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, 6, machine.architecture),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 4, 0, X32),
        (EQUAL, 3, 0, IO_URING_SETUP),
        (EQUAL, 0, 3, machine.socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 1, 0, AF_UNIX),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    )


def without_programs(machine: Machine) -> bytes:
    """The filter: everything but the calls that start a program is allowed."""
    return _packed(
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, 4, machine.architecture),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 2, 0, X32),
        (EQUAL, 1, 0, machine.programs[0]),
        (EQUAL, 0, 1, machine.programs[1]),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    )


def _machine() -> Machine:
    found = MACHINES.get(platform.machine())
    if found is None or platform.system() != "Linux":
        raise MissingTool(f"This needs a seccomp filter, on Linux on {' or '.join(MACHINES)}.", reason="no-isolation")
    return found


def _packed(*lines: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _install(code: bytes) -> None:
    program = _Program(len(code) // 8, code)
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or library.prctl(
        PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0
    )
    if failed:
        raise MissingTool(f"The kernel takes no seccomp filter (error {ctypes.get_errno()}).", reason="no-isolation")
