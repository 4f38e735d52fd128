"""What the webhook knows of ModelDeployments without asking: it follows them, and reads each version once.

What was heard may be behind by a moment. So only an injection rests on it, which the API server's own policies judge
again; before a pod is let pass or denied, the ModelDeployments are asked for.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from pickleball_operator.errors import SpecError
from pickleball_operator.kube.follow import SYNCED, Follower, Store
from pickleball_operator.model import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pickleball_operator.kube import Kube, Manifest
    from pickleball_operator.model import ModelDeployment

READ_AT_MOST = 20_000


class Known:
    """The ModelDeployments of the served namespaces."""

    def __init__(self, kube: Kube, namespaces: Sequence[str]) -> None:
        self._kube = kube
        self._read: dict[tuple[str, str], ModelDeployment] = {}
        self._choosing: dict[str, tuple[int, list[Manifest]]] = {}
        """By namespace, with the version of the store: those that may choose pods."""
        self._stores = {namespace: Store() for namespace in namespaces or ("",)}
        self._followers = {namespace: self._follow(namespace) for namespace in self._stores}

    def _follow(self, namespace: str) -> Follower:
        def changes() -> Iterator[tuple[str, Manifest]]:
            return self._kube.changes("ModelDeployment", namespace or None)

        store = self._stores[namespace]

        def told(change: str, manifest: Manifest) -> None:
            store.told(change, manifest)
            if change == SYNCED:  # these stay: a collector that goes through all of them makes a pod wait
                gc.collect()
                gc.freeze()

        return Follower(changes, told, "modeldeployments").start()

    def heard(self, namespace: str, name: str) -> Sequence[Manifest] | None:
        """Those of a namespace that may claim a pod made for `name`, as they were heard of; None: nothing is heard."""
        key = namespace if namespace in self._stores else ""
        follower = self._followers.get(key)
        if follower is None or not follower.synced.is_set():
            return None
        store = self._stores[key]
        version, choosing = self._choosing.get(namespace, (-1, []))
        if version != store.version:
            version, choosing = store.version, [one for one in store.of(namespace) if self._may_choose(one)]
            self._choosing[namespace] = version, choosing
        named = store.one(namespace, name)
        return choosing if named is None or named in choosing else [*choosing, named]

    def _may_choose(self, manifest: Manifest) -> bool:
        """Whether it has a selector, or cannot be read."""
        try:
            return self.read(manifest).spec.selector is not None
        except SpecError:
            return True

    def asked(self, namespace: str) -> Sequence[Manifest]:
        """Those of a namespace as they are now."""
        return self._kube.list("ModelDeployment", namespace)

    def read(self, manifest: Mapping[str, Any]) -> ModelDeployment:
        """One as `parse` reads it, each version once."""
        metadata = manifest["metadata"]
        version = str(metadata.get("uid")), str(metadata.get("resourceVersion"))
        found = self._read.get(version)
        if found is None:
            found = parse(manifest)
            if len(self._read) >= READ_AT_MOST:
                self._read.clear()
            self._read[version] = found
        return found

    def stop(self) -> None:
        """Hear nothing more."""
        for follower in self._followers.values():
            follower.stop()
