"""A package index and a git server in one, over http: `python3 remotes.py FOLDER PORT`.

Files below FOLDER are served as they are; what lies below a folder NAME.git is served by git's own http-backend.
"""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import zipfile
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Remote(http.server.SimpleHTTPRequestHandler):
    """Answers pip and git, and prints nothing."""

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - the library's name
        """Print nothing."""

    def do_GET(self) -> None:
        """Serve a file, or ask git."""
        if ".git/" in self.path:
            self.answer_by_git()
        else:
            super().do_GET()

    def do_POST(self) -> None:
        """Ask git."""
        self.answer_by_git()

    def answer_by_git(self) -> None:
        """Run git http-backend as a web server does, by the CGI protocol."""
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": self.directory,
            "GIT_PROJECT_ROOT": self.directory,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
            "CONTENT_LENGTH": str(length),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
        }
        asked = self.rfile.read(length)
        done = subprocess.run(["git", "http-backend"], env=settings, input=asked, capture_output=True, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in {**fields, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def server(folder: str, address: str, port: int) -> http.server.ThreadingHTTPServer:
    """Listen; the caller lets it serve."""
    return http.server.ThreadingHTTPServer((address, port), partial(Remote, directory=folder))


def add_wheel(
    folder: Path, name: str, version: str, files: Mapping[str, str | bytes], needs: tuple[str, ...] = ()
) -> Path:
    """Write a wheel into the index below a folder, `simple`."""
    info = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {one}\n" for one in needs)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
    tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    place = folder / "simple" / name / f"{name}-{version}-py3-none-any.whl"
    place.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": tag}.items():
            archive.writestr(path, content)
    links = "".join(f'<a href="{one.name}">{one.name}</a>' for one in sorted(place.parent.glob("*.whl")))
    (place.parent / "index.html").write_text(f"<html><body>{links}</body></html>")
    return place


def git(folder: Path, *words: str) -> str:
    """Run git as somebody."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    server(sys.argv[1], "", int(sys.argv[2])).serve_forever()
