"""Loads every pickle that is posted: an application that knows nothing of PickleBall, for the tests of evidence."""

from __future__ import annotations

import os
import pickle
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Loads(BaseHTTPRequestHandler):
    """POST / loads the body, GET / answers, GET /end ends the process."""

    def do_GET(self) -> None:
        """Answer, or end."""
        self.answer(200, "ready")
        if self.path == "/end":
            os._exit(3)

    def do_POST(self) -> None:
        """Load."""
        try:
            loaded = pickle.loads(self.rfile.read(int(self.headers["Content-Length"])))
        except pickle.UnpicklingError as error:
            self.answer(400, str(error))
        else:
            self.answer(200, repr(loaded))

    def answer(self, status: int, text: str) -> None:
        """Send a text."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Loads).serve_forever()
