"""Admissions by the webhook beside those by one that does nothing: both are asked in turn, so many times a second.

Each is a process of its own with the same HTTPS server; a time counts from the moment at which the request was due.
"""

from __future__ import annotations

import argparse
import json
import ssl
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickleball_operator import authority
from pickleball_operator.webhook.certificate import Certificate
from pickleball_operator.webhook.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "localhost"
RATE = 100
SECONDS, ROUNDS = 5, 6
CONNECTIONS = 16
BOUND, RATIO = 0.050, 3.0
"""What is promised of the 99th percentile: seconds, and times that of a webhook that does nothing."""


def certify(folder: Path) -> None:
    """Write a certificate for this machine."""
    pair = authority.mint(HOST, datetime.now(UTC), timedelta(days=1))
    for name, content in (("tls.crt", pair.certificate), ("tls.key", pair.key), ("ca.crt", pair.authority)):
        (folder / name).write_bytes(content)


def nothing(content: bytes) -> bytes:
    """Let a pod pass as it is."""
    uid = json.loads(content)["request"]["uid"]
    response = {"uid": uid, "allowed": True}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()


def serve(port: int, folder: Path) -> None:
    """Be the webhook that does nothing."""
    Server(port, Certificate(folder), nothing, "127.0.0.1").serve_forever()


def review(namespace: str, labels: Mapping[str, str]) -> bytes:
    """What the API server sends about a new pod."""
    container = {"name": "app", "image": "app-0:1", "command": ["python3", "/app/serve.py"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "judged-", "labels": dict(labels)},
           "spec": {"containers": [container]}}  # fmt: skip
    request = {"uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE",
               "namespace": namespace, "object": pod}  # fmt: skip
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


@dataclass
class Asked:
    """One webhook, and how long its answers took."""

    port: int
    folder: Path
    body: bytes
    wants_patch: bool
    took: list[float] = field(default_factory=list)
    _own: threading.local = field(default_factory=threading.local)

    def ask(self, due: float) -> None:
        """Ask once, at its time."""
        time.sleep(max(0.0, due - time.monotonic()))
        answer = self.post()
        self.took.append(time.monotonic() - due)
        response = answer["response"]
        if not response["allowed"] or ("patch" in response) is not self.wants_patch:
            raise RuntimeError(f"the webhook answered {str(answer)[:500]}")

    def post(self) -> Any:
        """Ask over a connection that stays, as the API server's do."""
        if not hasattr(self._own, "connection"):
            context = ssl.create_default_context(cafile=self.folder / "ca.crt")
            self._own.connection = HTTPSConnection(HOST, self.port, context=context, timeout=30)
        self._own.connection.request("POST", "/inject", self.body, {"Content-Type": "application/json"})
        return json.loads(self._own.connection.getresponse().read())

    def percentile(self, number: int) -> float:
        """Seconds within which so many of a hundred were answered."""
        return statistics.quantiles(self.took, n=100)[number - 1]


def compare(ours: Asked, other: Asked) -> bool:
    """Ask both in turn, print what they took, and say whether it is within what is promised."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for webhook in (ours, other):  # each thread connects
            list(pool.map(lambda _, asked=webhook: asked.post(), range(4 * CONNECTIONS)))
        for _ in range(ROUNDS):
            for webhook in (ours, other):
                begun = time.monotonic() + 0.1
                list(pool.map(webhook.ask, (begun + number / RATE for number in range(SECONDS * RATE))))
    ratio = ours.percentile(99) / other.percentile(99)
    for name, webhook in (("webhook", ours), ("one that does nothing", other)):
        times = ", ".join(f"p{number} {1000 * webhook.percentile(number):.1f} ms" for number in (50, 90, 99))
        print(f"{name:24} {times} ({len(webhook.took)} admissions, {RATE} a second)")
    print(f"p99 ratio                {ratio:.1f}")
    return ours.percentile(99) <= BOUND and ratio <= RATIO


def start(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start the one that does nothing."""
    words = [sys.executable, "-m", "benchmarks.webhook", "--port", str(port), "--certificate", str(folder)]
    return subprocess.Popen(words, cwd=Path(__file__).parents[1])


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    options = parser.parse_args()
    serve(options.port, options.certificate)


if __name__ == "__main__":
    main()
