"""Which changes of objects matter: not those that the controller makes itself while many owners come to share them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator.decide.keys import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

UNTOLD = ("resourceVersion", "managedFields", "ownerReferences", "generation")


class News:
    """What was last seen of each object, as a digest."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def is_news(self, change: str | None, body: Mapping[str, Any]) -> bool:
        """Whether a change (ADDED, MODIFIED, DELETED or, of a first listing, None) is to be looked at."""
        uid = str(body["metadata"].get("uid"))
        if change == "DELETED":
            self._seen.pop(uid, None)
            return True
        told = digest(_told(body))
        known = self._seen.get(uid)
        self._seen[uid] = told
        return known != told


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object decisions rest on; the content of an immutable one is what it was."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in UNTOLD}
    kept = {"data", "binaryData"} if body.get("immutable") is True else set()
    return {**{key: value for key, value in body.items() if key not in kept}, "metadata": metadata}
