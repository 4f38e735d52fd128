"""The witness' port: /ready, /metrics."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .exposition import TYPE, expose

if TYPE_CHECKING:
    from .watch import Watch

AT_ONCE = 16
SECONDS = 5


class Endpoint:
    """Serves in threads of its own, as long as it is entered."""

    def __init__(self, watch: Watch, port: int) -> None:
        self._server = _listen(port, watch)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.server_address[1]
        return port

    def __enter__(self) -> Endpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _listen(port: int, watch: Watch) -> _Server:
    """On all addresses, of both families where the pod has both."""
    try:
        return _Server6(("::", port), watch)
    except OSError:
        return _Server(("", port), watch)


class _Server(ThreadingHTTPServer):
    """Answers a few at a time: who floods the port must not take the witness' memory."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], watch: Watch) -> None:
        self.watch = watch
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server for the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread, or close the connection when there are enough."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is no event."""


class _Server6(_Server):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        watch = self.server.watch
        if self.path == "/metrics":
            self._answer(200, TYPE, expose(watch.accounts, watch.policy))
        elif self.path == "/ready":
            told = {account.container: account.sentence for account in watch.accounts}
            self._answer(200 if watch.ready else 503, "application/json", json.dumps(told) + "\n")
        else:
            self._answer(404, "text/plain", "There are /ready and /metrics.\n")

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: probes come every few seconds."""
