"""A line to the API server that can be cut: it passes everything on, and tells of each write before its answer goes on.

What kills a controller "after a write" has to stand here: the write has taken effect, and the controller never hears
of it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.kubernetes.record import Record

WRITES = ("POST", "PATCH", "DELETE")
PATH = re.compile(r"/namespaces/[^/]+/(?P<plural>[a-z]+)(/(?P<name>[^/?]+))?(/(?P<sub>status|eviction))?(\?.*)?$")
HOP = ("connection", "transfer-encoding", "keep-alive", "content-length")


class Tap(ThreadingHTTPServer):
    """Listens on this machine without TLS; `wrote` may return True, and then the answer is kept back."""

    daemon_threads = True

    def __init__(self, record: Record, wrote: Callable[[str], bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.record = record
        self.wrote = wrote

    @property
    def address(self) -> str:
        """What a kubeconfig calls the API server by."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that ended early is nothing to speak of."""


class _Line(BaseHTTPRequestHandler):
    server: Tap

    def do_GET(self) -> None:
        """Pass on a read, or a watch with all that it says."""
        self._pass_on()

    do_POST = do_PATCH = do_DELETE = do_GET

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        record = self.server.record
        context = ssl.create_default_context(cafile=str(record.pki / "ca.crt"))
        host, _, port = record.server.removeprefix("https://").partition(":")
        with contextlib.closing(http.client.HTTPSConnection(host, int(port), context=context)) as upstream:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in (*HOP, "host")}
            upstream.request(self.command, self.path, body or None, {**headers, "Accept-Encoding": "identity"})
            answer = upstream.getresponse()
            if self.command in WRITES:
                content = answer.read()
                if answer.status < 300 and self.server.wrote(step(self.command, self.path, body)):
                    self.close_connection = True
                    return
                self._head(answer)
                self.wfile.write(content)
                return
            self._head(answer)
            while piece := answer.read1(65536):
                self.wfile.write(piece)
                self.wfile.flush()

    def _head(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in HOP:
                self.send_header(key, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def step(method: str, path: str, body: bytes) -> str:
    """What a write does, in words that are the same whenever that step of the pipeline is done."""
    found = PATH.search(path)
    parts = found.groupdict() if found else {}
    name = re.sub("[0-9a-f]{20,32}$", "KEY", parts.get("name") or "")
    words = [method, parts.get("plural") or path, name, parts.get("sub") or "", *_says(body)]
    return " ".join(filter(None, words))


def _says(body: bytes) -> Iterator[str]:
    """What tells steps apart that write the same object."""
    try:
        content: dict[str, Any] = json.loads(body)
    except ValueError:
        return
    if content.get("kind") == "Event":
        yield str(content.get("reason"))
    if content.get("kind") == "ConfigMap":
        yield str(content["metadata"]["labels"]["pickleball.dev/part"])
    conditions = (content.get("status") or {}).get("conditions")
    if conditions:
        yield from (f"{one['type']}={one['reason']}" for one in conditions)
    elif "status" in content:
        yield ",".join(sorted(content["status"]))
    if "kind" not in content:  # a patch, and no manifest
        yield ",".join(sorted(content.get("spec") or ()))


@contextlib.contextmanager
def listening(record: Record, wrote: Callable[[str], bool] = lambda _step: False) -> Iterator[Tap]:
    """Pass on, in threads."""
    with Tap(record, wrote) as tap:
        thread = threading.Thread(target=tap.serve_forever, daemon=True)
        thread.start()
        yield tap
        tap.shutdown()
        thread.join()
