"""An analysis that has given up the network."""

from __future__ import annotations

import subprocess
import sys

import pytest

ATTEMPT = """
import socket, sys
from pickleball_generate.isolation import leave_network
if sys.argv[1] == "without":
    leave_network()
{}
"""
DIRECT = "socket.socket({}).close()"
CHILD = "import subprocess; subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], check=True)"
RAW = "import ctypes; sys.exit(ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(256)) >= 0)"


def code(attempt: str, network: str) -> int:
    """Run an attempt with the network or without; its exit code."""
    command = [sys.executable, "-c", ATTEMPT.format(attempt), network]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    "attempt",
    [
        DIRECT.format("socket.AF_INET"),
        DIRECT.format("socket.AF_INET6, socket.SOCK_DGRAM"),
        DIRECT.format("socket.AF_NETLINK, socket.SOCK_RAW"),
        CHILD,
    ],
    ids=["tcp", "udp", "netlink", "child"],
)
def test_no_socket_leads_out(attempt: str) -> None:
    """What works before does not afterwards, in this process and in those that it starts."""
    assert code(attempt, "with") == 0
    assert code(attempt, "without") != 0


def test_a_ring_is_refused_too() -> None:
    """io_uring makes sockets without a call of that name."""
    assert code(RAW, "without") == 0


def test_everything_else_goes_on() -> None:
    """Local sockets, threads and programs work."""
    good = "socket.socketpair(); import threading; t = threading.Thread(target=print); t.start(); t.join()"
    assert code(good, "without") == 0
    assert code("import subprocess; subprocess.run(['true'], check=True)", "without") == 0
    assert code("socket.socket(socket.AF_UNIX).close()", "without") == 0


def test_it_cannot_be_taken_off() -> None:
    """A second filter only adds to the first."""
    assert code(f"leave_network(); {DIRECT.format('socket.AF_INET')}", "without") != 0


def test_without_programs_none_is_started() -> None:
    """Neither directly nor by a child."""
    left = "from pickleball_generate.isolation import leave_programs; leave_programs(); "
    run = "import subprocess; subprocess.run(['true'], check=True)"
    fork = "import os; pid = os.fork(); pid or os.execv('/bin/true', ['true']); sys.exit(os.waitpid(pid, 0)[1] != 0)"
    assert code(run, "with") == code(fork, "with") == 0
    assert code(left + run, "with") != 0
    assert code(left + fork, "with") != 0
