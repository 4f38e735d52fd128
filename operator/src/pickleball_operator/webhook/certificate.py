"""The serving certificate, read again whenever its files change, so that a renewed one needs no restart."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

from pickleball_operator.errors import CertificateError

if TYPE_CHECKING:
    from pathlib import Path

Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """`tls.crt` and `tls.key` of a folder, as a mounted Secret has them; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._files = (folder / "tls.crt", folder / "tls.key")
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """What a new connection is served with; half-written files leave the last good one in use."""
        with self._lock:
            try:
                stamp = tuple(_stamp(path) for path in self._files)
                if stamp != self._stamp:
                    self._context, self._stamp = _load(*self._files), stamp
            except (OSError, ssl.SSLError) as error:
                if self._context is None:
                    raise CertificateError(f"{self._files[0].parent} holds no certificate yet: {error}") from error
            if self._context is None:
                raise CertificateError(f"{self._files[0].parent} holds no certificate yet")
            return self._context


def _stamp(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_ino, state.st_size


def _load(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
