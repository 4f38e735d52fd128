"""An HTTPS server of the standard library: one thread for each connection, POST /inject and GET /readyz."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from pickleball_operator.errors import ReviewFormError

if TYPE_CHECKING:
    import ssl

    from .certificate import Certificate

Answer = Callable[[bytes], bytes]
LOG = logging.getLogger("pickleball.webhook")
PATH = "/inject"
LARGEST = 8 << 20
"""Bytes of a request; the API server's own limit on objects is 3 MiB."""
PATIENCE = 30.0
"""Seconds that a connection may say nothing."""


class Server(ThreadingHTTPServer):
    """Serves until `shutdown`; `draining` asks clients to go elsewhere first."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, certificate: Certificate, answer: Answer, host: str = "") -> None:
        self.certificate = certificate
        self.answer = answer
        self.draining = False
        super().__init__((host, port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that a slow client keeps nobody waiting."""
        request.settimeout(PATIENCE)
        with self.certificate.context().wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)
            _close(secured)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class gives it
        """Clients that go away or speak no TLS are no errors of ours."""
        LOG.debug("a connection from %s ended early", client_address[0], exc_info=True)


def _close(secured: ssl.SSLSocket) -> None:
    try:
        secured.shutdown(socket.SHUT_WR)
    except OSError:
        LOG.debug("a connection was closed by the other side")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer goes out as a whole
    server_version = "pickleball"
    sys_version = ""
    server: Server

    def do_GET(self) -> None:
        """Whether it can answer."""
        if self.path != "/readyz":
            self._send(404, b"There are POST /inject and GET /readyz.\n", "text/plain")
        elif self.server.draining:
            self._send(503, b"It is about to end.\n", "text/plain")
        else:
            self._send(200, b"ok\n", "text/plain")

    def do_POST(self) -> None:
        """Answer a review."""
        length = self.headers.get("Content-Length", "")
        if self.path.partition("?")[0] != PATH:
            self._send(404, b"There are POST /inject and GET /readyz.\n", "text/plain")
        elif not length.isascii() or not length.isdigit():
            self._refuse(411, "Say in Content-Length how long the review is.")
        elif int(length) > LARGEST:
            self._refuse(413, f"A review of {length} bytes is not read; the limit is {LARGEST}.")
        else:
            self._answer(self.rfile.read(int(length)))

    def _answer(self, content: bytes) -> None:
        try:
            self._send(200, self.server.answer(content), "application/json")
        except ReviewFormError as error:
            self._refuse(400, str(error))
        except Exception:
            LOG.exception("a review could not be answered; the API server refuses the pod")
            self._refuse(500, "The webhook failed in an unforeseen way; its log says more.")

    def _refuse(self, code: int, sentence: str) -> None:
        self.close_connection = True
        self._send(code, f"{sentence}\n".encode(), "text/plain")

    def _send(self, code: int, content: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.server.draining or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
        """Each decision is logged; requests are not."""
