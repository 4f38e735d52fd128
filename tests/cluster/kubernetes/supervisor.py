"""Process 1 of the namespaces: starts the components in order, reaps, starts again what ended, stops all."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any

from . import components, node
from .programs import ClusterError, NotInTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from .record import Record

RESTARTS = 3
GRACE = 1.0


def request(record: Record, path: str) -> bytes:
    """Ask the API server as administrator, whatever proxy the environment names."""
    context = ssl.create_default_context(cafile=str(record.pki / "ca.crt"))
    context.load_cert_chain(record.pki / "admin.crt", record.pki / "admin.key")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with direct.open(record.server + path, timeout=3) as answer:
        body: bytes = answer.read()
    return body


def answers(record: Record) -> bool:
    """Tell whether the API server is ready."""
    return request(record, "/readyz") == b"ok"


def described(record: Record, path: str) -> Any:
    """Read one object of the API server: whatever JSON is there."""
    return json.loads(request(record, path))


def listens(path: str) -> bool:
    """Tell whether somebody listens on a Unix socket."""
    with closing(socket.socket(socket.AF_UNIX)) as client:
        return client.connect_ex(path) == 0


def wait(record: Record, what: str, test: Callable[[], bool], seconds: float) -> None:
    """Wait until a test holds; a component that keeps ending, or the deadline, ends the wait with an error."""
    deadline = time.monotonic() + seconds
    reason = ""
    while time.monotonic() < deadline and not record.ended.exists():
        try:
            if test():
                return
        except (OSError, ClusterError, KeyError, IndexError) as problem:
            reason = f": {problem}"
        time.sleep(0.1)
    ended = record.ended.read_text() if record.ended.exists() else f"waited {seconds:.0f} s{reason}"
    raise NotInTime(f"no sign of {what}: {ended.strip()}; the logs are in {record.folder}/log")


def supervise(record: Record) -> None:
    """Run the cluster until a signal asks for its end."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    node.enter(record)
    node.write_configuration(record)
    (record.folder / "log").mkdir(exist_ok=True)
    commands = components.commands(record)
    running: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
    for name in commands:
        start(record, commands, name, running)
        if name == "kube-apiserver":
            wait(record, "the API server", lambda: bool(stopping) or answers(record), 180)
        elif name == "containerd":  # the kubelet does not wait for it, it gives up
            wait(record, "containerd", lambda: bool(stopping) or listens(node.SOCKET), 60)
    restarts = dict.fromkeys(commands, 0)
    while running and not stopping:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            time.sleep(0.2)
        elif pid in running:
            name, _ = running.pop(pid)
            restarts[name] += 1
            print(f"{name} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
            if restarts[name] > RESTARTS:
                record.ended.write_text(f"{name} ended {restarts[name]} times\n")
            else:
                start(record, commands, name, running)
    stop(running)


def start(
    record: Record, commands: dict[str, list[str]], name: str, running: dict[int, tuple[str, subprocess.Popen[bytes]]]
) -> None:
    """Start one component; its output goes to log/NAME.log. The Popen is kept, or Python would reap the process."""
    path = os.pathsep.join([record.binaries, os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    with (record.folder / "log" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            commands[name],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=record.folder,
            env={**os.environ, "PATH": path},
        )
    running[process.pid] = (name, process)


def stop(running: dict[int, tuple[str, subprocess.Popen[bytes]]]) -> None:
    """End the components, last started first. They are our children and not yet waited for: no number is reused."""
    for pid in reversed(running):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while running and time.monotonic() < deadline:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid:
            running.pop(pid, None)
        else:
            time.sleep(0.05)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
