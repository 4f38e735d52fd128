"""The contents of immutable ConfigMaps, so that each is fetched once: policies and results are large, and read often.

What has the same uid and is immutable holds the same data; its metadata is asked for each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .port import Manifest, Ref

LIMIT = 24 * 1024 * 1024
"""Bytes of text that are kept."""


class Contents:
    """ConfigMaps without metadata, by name, with their uid; the one that was used last goes last."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Ref, tuple[str, Manifest, int]] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, ref: Ref) -> bool:
        """Whether there is something for an object of this name."""
        return ref in self._kept

    def keep(self, ref: Ref, manifest: Manifest) -> None:
        """Take an object as it was read; only what cannot change is kept."""
        if ref.kind != "ConfigMap" or manifest.get("immutable") is not True:
            return
        rest = {key: value for key, value in manifest.items() if key != "metadata"}
        size = sum(len(value) for key in ("data", "binaryData") for value in (rest.get(key) or {}).values())
        with self._lock:
            self._kept[ref] = (manifest["metadata"]["uid"], rest, size)
            self._kept.move_to_end(ref)
            while sum(size for _, _, size in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)

    def whole(self, ref: Ref, partial: Manifest) -> Manifest | None:
        """An object of which the metadata was read; None when it is not the one that is known."""
        with self._lock:
            uid, rest, _ = self._kept.get(ref, ("", {}, 0))
            if not uid or uid != partial["metadata"].get("uid"):
                self._kept.pop(ref, None)
                return None
            self._kept.move_to_end(ref)
        return {**rest, "metadata": partial["metadata"]}

    def forget(self, ref: Ref) -> None:
        """There is no such object."""
        with self._lock:
            self._kept.pop(ref, None)
