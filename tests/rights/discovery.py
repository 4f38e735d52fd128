"""An API server that knows our kinds and holds nothing, over HTTP: enough for kopf to begin to watch."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import yaml
from tests.rights.calls import Call, call

from pickleball_operator.kube import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"]


def described(version: str) -> dict[str, Any]:
    """What a group's version has, as discovery says it."""
    found = [
        {"name": resource.plural, "singularName": kind.lower(), "kind": kind, "namespaced": True, "verbs": VERBS}
        for kind, resource in RESOURCES.items()
        if resource.api_version == version
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def groups() -> dict[str, Any]:
    """The groups, as discovery says them."""
    versions = sorted({one.api_version for one in RESOURCES.values() if "/" in one.api_version})
    listed = [
        {"name": one.split("/")[0], "versions": [(version := {"groupVersion": one, "version": one.split("/")[1]})],
         "preferredVersion": version}
        for one in versions
    ]  # fmt: skip
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


class Empty(ThreadingHTTPServer):
    """Answers discovery and lists; a watch says nothing until the end."""

    daemon_threads = True

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ending = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    def content(self, path: str) -> dict[str, Any]:
        """The answer to a request that is no watch."""
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return groups()
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if path.startswith("/api") and version.count("/") <= (1 if path.startswith("/apis/") else 0):
            return described(version)
        return {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}


class _Handler(BaseHTTPRequestHandler):
    server: Empty

    def do_GET(self) -> None:
        made = call("GET", self.path)
        if made is not None:
            self.server.calls.append(made)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if made is not None and made.verb == "watch":
            self.end_headers()
            self.wfile.flush()
            self.server.ending.wait(30)
            return
        content = json.dumps(self.server.content(self.path.partition("?")[0])).encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
        pass


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Empty, Path]]:
    """Serve; gives the server and a kubeconfig for it."""
    server = Empty()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    file = folder / "kubeconfig"
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": address}}],
        "users": [{"name": "one", "user": {"token": "x"}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }  # fmt: skip
    file.write_text(yaml.safe_dump(content))
    try:
        yield server, file
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
