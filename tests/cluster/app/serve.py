"""Serve predictions of a model: POST /predict with a JSON list of rows, GET /healthz.

The model is the joblib file that MODEL names, read at start.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import joblib


class Predictions(BaseHTTPRequestHandler):
    """Answers with what the model predicts."""

    model: Any = None

    def do_GET(self) -> None:
        """Say that the model is loaded."""
        self.answer({"model": type(self.model).__name__, "uid": os.getuid()})

    def do_POST(self) -> None:
        """Predict the rows of the request."""
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer({"predictions": self.model.predict(rows).tolist()})

    def answer(self, content: dict[str, object]) -> None:
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Predictions.model = joblib.load(os.environ["MODEL"])
    ThreadingHTTPServer(("", 8080), Predictions).serve_forever()
