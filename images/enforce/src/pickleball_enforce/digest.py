"""The sha256 of policies and pickles, for records: by the modules in C that are under `hashlib`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_MAKERS = (("_hashlib", "openssl_sha256"), ("_sha2", "sha256"), ("_sha256", "sha256"))


def sha256(pieces: Iterable[bytes], *, short: bool = False) -> str:
    """Give the sha256 of bytes that come in pieces; of short ones without loading OpenSSL, which is dear."""
    found = _new(_MAKERS[::-1] if short else _MAKERS)
    for piece in pieces:
        found.update(piece)
    return str(found.hexdigest())


def _new(makers: tuple[tuple[str, str], ...]) -> Any:
    """Start with what this Python has."""
    for module, name in makers:
        try:
            return getattr(__import__(module), name)()
        except ImportError:
            continue
    raise ImportError("this Python has no sha256")
