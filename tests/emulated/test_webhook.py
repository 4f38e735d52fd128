"""The webhook as the API server meets it: reviews over real TLS, certificates that change under it."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonpatch
import pytest
import yaml
from tests.admission.cases import CASES, Case, golden, stored
from tests.emulated.world import SETTINGS

from pickleball_operator import authority
from pickleball_operator.errors import UnavailableError
from pickleball_operator.kube import Ref
from pickleball_operator.kube.memory import Memory
from pickleball_operator.webhook.certificate import Certificate
from pickleball_operator.webhook.run import await_certificate, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pickleball_operator.webhook.server import Server

HOST = "pickleball-webhook.pickleball-system.svc"
DAY = timedelta(days=1)


def write(folder: Path, pair: authority.Pair) -> None:
    """Put a certificate where the webhook reads it."""
    for name, content in (("tls.crt", pair.certificate), ("tls.key", pair.key)):
        (folder / name).write_bytes(content)


@dataclass
class Running:
    """A webhook that serves, the API server that it asks, and whom clients trust."""

    server: Server
    kube: Memory
    folder: Path
    trusted: bytes

    def connect(self) -> ssl.SSLSocket:
        """Shake hands as the API server does: by the Service's name and the configuration's caBundle."""
        context = ssl.create_default_context(cadata=self.trusted.decode())
        raw = socket.create_connection(("127.0.0.1", self.server.server_port), timeout=20)
        return context.wrap_socket(raw, server_hostname=HOST)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send one request; give status and body."""
        connection = http.client.HTTPConnection(HOST)
        connection.sock = self.connect()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def review(self, pod: Any, namespace: str = "team") -> Any:
        """Have a pod reviewed; give the response."""
        status, body = self.ask("POST", "/inject?timeout=10s", json.dumps(request(pod, namespace)).encode())
        assert status == 200, body
        whole = json.loads(body)
        assert (whole["kind"], whole["response"]["uid"]) == ("AdmissionReview", "uid-of-review")
        return whole["response"]


def request(pod: Any, namespace: str = "team") -> dict[str, Any]:
    """An AdmissionReview, as the API server writes it."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "uid-of-review",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "namespace": namespace,
            "operation": "CREATE",
            "object": pod,
        },
    }


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Serve on a free port."""
    pair = authority.mint(HOST, datetime.now(UTC), DAY)
    write(folder, pair)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kube = Memory()
    certificate = Certificate(folder)
    assert await_certificate(certificate, lambda _: True)
    server = serve(SETTINGS.model_copy(update={"webhook_port": port}), certificate, kube, "127.0.0.1")
    yield Running(server, kube, folder, pair.authority)
    server.shutdown()
    server.server_close()


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Running]:
    """A webhook that serves."""
    with running(tmp_path) as found:
        yield found


def fill(kube: Memory, case: Case) -> None:
    """Put a case's ModelDeployments into the API server."""
    for one in case.deployments:
        kept = stored(one, None)
        ref = Ref("ModelDeployment", "team", one["metadata"]["name"])
        kube.create({key: value for key, value in kept.items() if key != "status"})
        if case.name != "denied-waiting":
            kube.set_status(ref, stored(one)["status"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_review_is_answered_as_agreed(webhook: Running, case: Case) -> None:
    """Over TLS: the patch, applied by another implementation, gives the golden pod; a denial has reason and remedy."""
    fill(webhook.kube, case)
    response = webhook.review(case.pod)
    wanted = yaml.safe_load(golden(case).read_text())
    if case.denied:
        assert response["allowed"] is False
        assert response["status"]["code"] == 403
        assert response["status"]["message"] == f"PickleBall ({wanted['reason']}): {wanted['sentence']}"
        return
    once = jsonpatch.apply_patch(case.pod, json.loads(base64.b64decode(response["patch"])))
    assert once == wanted
    again = webhook.review(once)
    assert again["allowed"] is True
    assert "patch" not in again


def test_a_judgement_is_logged_with_the_policy(webhook: Running, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each pod, with the ModelDeployment and its policy where something is injected."""
    (case,) = [one for one in CASES if one.name == "deployment"]
    fill(webhook.kube, case)
    caplog.set_level("INFO", "pickleball.webhook")
    webhook.review(case.pod)
    (record,) = [vars(one) for one in caplog.records if one.message == "a pod was judged"]
    deployment = case.deployments[0]["metadata"]["name"]
    assert (record["decision"], record["namespace"], record["modeldeployment"]) == ("Injected", "team", deployment)
    assert record["policy"].startswith("pickleball-policy-")


def test_pods_of_other_namespaces_and_labels_pass(webhook: Running) -> None:
    """A ModelDeployment speaks for its own namespace."""
    (case,) = [one for one in CASES if one.name == "deployment"]
    fill(webhook.kube, case)
    assert webhook.review(case.pod, "elsewhere") == {
        "uid": "uid-of-review",
        "allowed": True,
        "auditAnnotations": {"decision": "NotSelected"},
    }


def test_without_an_api_server_pods_are_refused(webhook: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be judged is not let through."""

    def unavailable(*_: object) -> Any:
        raise UnavailableError("Listing ModelDeployments", "no answer")

    monkeypatch.setattr(webhook.kube, "list", unavailable)
    response = webhook.review(CASES[0].pod)
    assert (response["allowed"], response["status"]["code"]) == (False, 503)
    assert "Try again" in response["status"]["message"]


def test_a_pod_that_is_known_needs_no_question(webhook: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is injected follows from what was heard; whatever would let a pod pass or deny it is asked for first."""
    (case,) = [one for one in CASES if one.name == "deployment"]
    asked: list[object] = []
    original = webhook.kube.list
    fill(webhook.kube, case)

    def counted(*words: Any) -> Any:
        asked.append(words)
        return original(*words)

    monkeypatch.setattr(webhook.kube, "list", counted)
    deadline = time.monotonic() + 10
    while "patch" not in webhook.review(case.pod) or asked:  # until it has heard of it
        assert time.monotonic() < deadline
        asked.clear()
    assert "patch" not in webhook.review({**case.pod, "metadata": {"name": "other"}})
    assert len(asked) == 1
    webhook.kube.delete(Ref("ModelDeployment", "team", case.deployments[0]["metadata"]["name"]))
    while "patch" in webhook.review(case.pod):
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/inject", b"{", 400),
        ("POST", "/inject", b"[]", 400),
        ("POST", "/inject", b'{"request": null}', 400),
        ("POST", "/inject", json.dumps({**request({}), "apiVersion": "admission.k8s.io/v1beta1"}).encode(), 400),
        ("POST", "/inject", json.dumps(request([])).encode(), 400),
        ("POST", "/elsewhere", b"{}", 404),
        ("GET", "/inject", b"", 404),
        ("GET", "/readyz", b"", 200),
        ("PUT", "/inject", b"{}", 501),
    ],
)
def test_what_is_no_review_is_refused(webhook: Running, method: str, path: str, body: bytes, status: int) -> None:
    """With an HTTP error, which the API server counts as a failure: the pod is refused."""
    assert webhook.ask(method, path, body)[0] == status


@pytest.mark.parametrize(("length", "status"), [("99999999999", 413), ("-1", 411), ("many", 411), ("²", 411)])
def test_a_length_that_cannot_be_meant_is_refused_unread(webhook: Running, length: str, status: int) -> None:
    """Nothing is read for it."""
    with webhook.connect() as connection:
        connection.sendall(b"POST /inject HTTP/1.1\r\nHost: x\r\nContent-Length: " + length.encode() + b"\r\n\r\n")
        assert connection.recv(12).split()[1] == str(status).encode()


@pytest.mark.parametrize("pod", [{}, {"spec": []}, {"spec": {"containers": [1]}}, {"metadata": [], "spec": {}}])
def test_a_pod_that_is_none_is_denied(webhook: Running, pod: Any) -> None:
    """The API server would not send one; if it does, nothing runs."""
    assert webhook.review(pod)["allowed"] is False


def test_slow_and_rude_clients_keep_nobody_waiting(webhook: Running) -> None:
    """Connections that say nothing, or speak no TLS, stand beside those that are served."""
    silent = [socket.create_connection(("127.0.0.1", webhook.server.server_port)) for _ in range(20)]
    silent[0].sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert webhook.ask("GET", "/readyz")[0] == 200
    for one in silent:
        one.close()


def test_a_renewed_certificate_is_served_without_a_restart(webhook: Running) -> None:
    """New connections get it; while the files do not fit together, the last good one is served."""
    renewed = authority.mint(HOST, datetime.now(UTC), DAY)
    (webhook.folder / "tls.crt").write_bytes(renewed.certificate)
    assert webhook.ask("GET", "/readyz")[0] == 200
    (webhook.folder / "tls.key").write_bytes(renewed.key)
    with pytest.raises(ssl.SSLCertVerificationError):
        webhook.connect()
    webhook.trusted = renewed.authority
    assert webhook.ask("GET", "/readyz")[0] == 200


def test_it_ends_without_losing_a_request(webhook: Running) -> None:
    """Told to end it is no longer ready, still answers, and asks its clients to go elsewhere."""
    webhook.server.draining = True
    assert webhook.ask("GET", "/readyz")[0] == 503
    connection = http.client.HTTPConnection(HOST)
    connection.sock = webhook.connect()
    connection.request("POST", "/inject", json.dumps(request(CASES[0].pod)))
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (200, "close")
    answer.read()
    connection.close()


def test_it_waits_for_its_first_certificate(tmp_path: Path) -> None:
    """The controller may make it later; being told to end ends the wait."""
    certificate, ending = Certificate(tmp_path), threading.Event()
    threading.Timer(0.2, write, (tmp_path, authority.mint(HOST, datetime.now(UTC), DAY))).start()
    assert await_certificate(certificate, ending.wait)
    ending.set()
    assert not await_certificate(Certificate(tmp_path / "none"), ending.wait)
