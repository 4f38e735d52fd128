"""The controller as a process of this machine, with the settings and the rights of the installed one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import testbed
from tests.cluster.kubernetes.programs import find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Testbed

CONTROLLER = "pickleball"


@dataclass
class Outside:
    """One such controller. It may be started again and again; its log has all of them."""

    bed: Testbed
    name: str
    address: str
    changes: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.bed.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it, under a host name of its own: that is what the Lease knows it by."""
        named = [find("unshare"), "--uts", "/bin/sh", "-c", f'hostname {self.name}; exec "$@"', "sh"]
        program = str(Path(sys.executable).with_name("pickleball-operator"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*named, program, "run"], env=self._environment(), stdout=log, stderr=log)

    def runs(self) -> bool:
        """Whether it does."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a kubelet does."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None and self.runs():
            self.process.send_signal(number)
            self.process.wait(30)

    def _environment(self) -> dict[str, str]:
        deployment = self.bed.get(testbed.SYSTEM, "deployment", CONTROLLER)
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        given = {one["name"]: one.get("value", "") for one in container["env"]}
        ports = {"PICKLEBALL_HEALTH_PORT": str(free_port()), "PICKLEBALL_METRICS_PORT": "0"}
        kubeconfig = self.bed.folder / f"{self.name}.kubeconfig"
        kubeconfig.write_text(self._kubeconfig())
        return {**given, **ports, **self.changes, "KUBECONFIG": str(kubeconfig), "NO_PROXY": "*",
                "PATH": os.environ["PATH"], "HOME": str(self.bed.folder)}  # fmt: skip

    def _kubeconfig(self) -> str:
        token = self.bed.kubectl("create", "token", CONTROLLER, "--namespace", testbed.SYSTEM, "--duration=2h").strip()
        cluster: dict[str, str] = {"server": self.address}
        if self.address.startswith("https"):
            cluster["certificate-authority"] = str(self.bed.record.pki / "ca.crt")
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "it",
                "clusters": [{"name": "it", "cluster": cluster}],
                "users": [{"name": "it", "user": {"token": token}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            }
        )


@contextlib.contextmanager
def instead(bed: Testbed, *controllers: Outside) -> Iterator[None]:
    """Let these work instead of the installed controller, which comes back afterwards."""
    scale(bed, 0)
    try:
        yield
    finally:
        for one in controllers:
            one.stop()
        scale(bed, 1)


def scale(bed: Testbed, replicas: int) -> None:
    """Have so many pods of the installed controller."""
    here = ("--namespace", testbed.SYSTEM)
    bed.kubectl("scale", "deployment", CONTROLLER, f"--replicas={replicas}", *here)
    if replicas:
        bed.kubectl("rollout", "status", "deployment", CONTROLLER, "--timeout=120s", *here)
    else:
        labels = "app.kubernetes.io/name=pickleball,app.kubernetes.io/component=controller"
        bed.wait("the end of the controller", lambda: not bed.items(testbed.SYSTEM, "pods", labels), 60)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_line(controller: Outside, text: str, seconds: float) -> None:
    """Wait for a line of its log."""
    deadline = time.monotonic() + seconds
    while text not in controller.log.read_text():
        assert time.monotonic() < deadline, controller.log.read_text()[-4000:]
        time.sleep(0.2)
