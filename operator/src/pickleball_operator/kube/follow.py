"""Follow the objects of a kind: what is there, and then each change, in a thread that begins again after an error."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from pickleball_operator.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .port import Manifest

    Changes = Callable[[], Iterator[tuple[str, Manifest]]]

LOG = logging.getLogger("pickleball.follow")
LISTING, SYNCED, BOOKMARK = "LISTING", "SYNCED", "BOOKMARK"
"""The changes that say: what is there follows; all that was there has been told; nothing has changed."""
SHORTEST, LONGEST = 0.5, 30.0
"""Limits of the pause after an error, in seconds."""


class Follower:
    """Tells each change; `synced` while what was told is what is there, but for what is on its way."""

    def __init__(self, changes: Changes, told: Callable[[str, Manifest], None], name: str) -> None:
        self._changes = changes
        self._told = told
        self._name = name
        self._ending = threading.Event()
        self.synced = threading.Event()

    def start(self) -> Follower:
        """Begin, in a thread that ends with the process."""
        threading.Thread(target=self.run, name=f"follow-{self._name}", daemon=True).start()
        return self

    def stop(self) -> None:
        """Tell nothing more."""
        self._ending.set()

    def run(self) -> None:
        """Follow until told to stop."""
        pause = SHORTEST
        while not self._ending.is_set():
            try:
                for change, manifest in self._changes():
                    if self._ending.is_set():
                        return
                    if change != BOOKMARK:
                        self._told(change, manifest)
                    if change == SYNCED:
                        self.synced.set()
                        pause = SHORTEST
            except OperatorError as error:
                LOG.warning("%s cannot be followed, it is tried again: %s", self._name, error)
            except Exception:
                LOG.exception("following %s failed in an unforeseen way, it is tried again", self._name)
            else:
                self.synced.clear()
                continue
            self.synced.clear()
            self._ending.wait(pause)
            pause = min(LONGEST, pause * 2)


class Store:
    """What a follower was told, by namespace and name."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Manifest]] = {}
        self._target = self._objects
        self.version = 0
        """Another one after each change."""

    def told(self, change: str, manifest: Manifest) -> None:
        """Take a change; a new listing takes the place of everything at once."""
        self.version += 1
        if change == LISTING:
            self._target = {}
        elif change == SYNCED:
            self._objects = self._target
        else:
            metadata = manifest["metadata"]
            inside = self._target.setdefault(metadata.get("namespace", ""), {})
            if change == "DELETED":
                inside.pop(metadata["name"], None)
            else:
                inside[metadata["name"]] = manifest

    def of(self, namespace: str) -> list[Manifest]:
        """The objects of a namespace."""
        return list(self._objects.get(namespace, {}).values())

    def one(self, namespace: str, name: str) -> Manifest | None:
        """An object by its name."""
        return self._objects.get(namespace, {}).get(name)
