"""The port in memory: a small API server, for tests and for runs without a cluster.

What it keeps of the real one: names and namespaces, uid, resourceVersion and generation, conflicts (create of what is
there, patch or delete with an old resourceVersion), immutable ConfigMaps, the status subresource, merge patches,
server-side apply (fields that the manager no longer names are removed, lists of objects are merged by their key),
deletion that cascades along ownerReferences, and a log of changes to watch.
What it leaves out: validation against schemas, defaulting, admission, conflicts between field managers, finalizers.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pickleball_operator.errors import ConflictError, InvalidError, NotFoundError

from .follow import BOOKMARK, LISTING, SYNCED
from .merge import apply, merge_patch
from .port import Kind, Manifest, Ref, ref_of

Clock = Callable[[], str]
SYSTEM = ("uid", "resourceVersion", "generation", "creationTimestamp")
WITH_STATUS = ("ModelDeployment", "Job", "Deployment", "Pod")


class Memory:
    """An API server of one process; safe to use from several threads."""

    def __init__(self, clock: Clock = lambda: "2026-01-01T00:00:00Z") -> None:
        self._clock = clock
        self._objects: dict[Ref, Manifest] = {}
        self._applied: dict[Ref, Manifest] = {}
        self._version = 0
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._told: list[tuple[str, Manifest]] = []
        """Every change so far, as those who follow are told."""
        self.writes: list[tuple[str, Ref]] = []
        """Every change so far: the verb and the object."""
        self.user = "somebody"
        """Who asks."""
        self.logs: dict[tuple[Ref, str], str] = {}
        """What each container of a pod has printed."""
        self.kept: set[Ref] = set()
        """Pods that a disruption budget keeps."""
        self.before: Callable[[str, Ref], None] = lambda _verb, _ref: None
        """Called before each write; it may raise, which is how tests stop a controller at any step."""

    def get(self, ref: Ref) -> Manifest | None:
        """See `Kube.get`."""
        with self._lock:
            return copy.deepcopy(self._objects.get(ref))

    def list(self, kind: Kind, namespace: str | None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        """See `Kube.list`."""
        with self._lock:
            found = [
                copy.deepcopy(manifest)
                for ref, manifest in sorted(self._objects.items(), key=lambda item: str(item[0]))
                if ref.kind == kind
                and namespace in (None, ref.namespace)
                and (labels or {}).items() <= (manifest["metadata"].get("labels") or {}).items()
            ]
        for manifest in found:
            manifest["metadata"].pop("managedFields", None)
        return found

    def changes(
        self, kind: Kind, namespace: str | None, label: str = "", *, whole: bool = True
    ) -> Iterator[tuple[str, Manifest]]:
        """See `Kube.changes`."""

        def shown(manifest: Manifest) -> bool:
            metadata = manifest["metadata"]
            here = manifest["kind"] == kind and namespace in (None, metadata.get("namespace"))
            return here and (not label or label in (metadata.get("labels") or {}))

        def plain(manifest: Manifest) -> Manifest:
            kept = manifest if whole else {key: manifest[key] for key in ("apiVersion", "kind", "metadata")}
            return copy.deepcopy(kept)

        with self._lock:
            place = len(self._told)
            there = [plain(one) for one in self._objects.values() if shown(one)]
        yield LISTING, {}
        yield from (("ADDED", one) for one in there)
        yield SYNCED, {}
        while True:
            with self._news:
                self._news.wait_for(lambda seen=place: len(self._told) > seen, timeout=1)  # type: ignore[misc]
                fresh = [(change, plain(one)) for change, one in self._told[place:] if shown(one)]
                place = len(self._told)
            yield from fresh
            yield BOOKMARK, {}

    def log(self, ref: Ref, container: str, limit: int) -> str:
        """See `Kube.log`."""
        with self._lock:
            if ref not in self._objects:
                raise NotFoundError(f"Reading the log of {ref}", "there is no such pod")
            return self.logs.get((ref, container), "")[-limit:]

    def create(self, manifest: Manifest) -> Manifest:
        """See `Kube.create`."""
        ref = ref_of(manifest)
        with self._lock:
            self.before("create", ref)
            if ref in self._objects:
                raise ConflictError(f"Making {ref}", "it exists already")
            fresh = copy.deepcopy(manifest)
            fresh["metadata"]["uid"] = f"uid-{self._version + 1}"
            fresh["metadata"]["creationTimestamp"] = self._clock()
            if ref.kind in WITH_STATUS and ref.kind != "Pod":
                fresh.pop("status", None)
            return self._store("create", ref, fresh)

    def apply(self, manifest: Manifest) -> Manifest:
        """See `Kube.apply`."""
        ref = ref_of(manifest)
        with self._lock:
            current = self._objects.get(ref)
            if current is None:
                made = self.create(manifest)
            else:
                self.before("apply", ref)
                merged = apply(current, self._applied.get(ref, {}), manifest)
                made = self._update("apply", ref, merged)
            self._applied[ref] = copy.deepcopy(manifest)
            return made

    def patch(self, ref: Ref, patch: Mapping[str, Any], *, subresource: str | None = None) -> Manifest:
        """See `Kube.patch`."""
        with self._lock:
            self.before("patch", ref)
            current = self._objects.get(ref)
            if current is None:
                raise NotFoundError(f"Patching {ref}", "there is no such object")
            wanted = (patch.get("metadata") or {}).get("resourceVersion")
            if wanted is not None and wanted != current["metadata"]["resourceVersion"]:
                raise ConflictError(f"Patching {ref}", "it has changed meanwhile")
            if subresource == "status":
                part: Mapping[str, Any] = {"status": patch.get("status", {})}
            else:
                part = {key: value for key, value in patch.items() if key != "status" or ref.kind not in WITH_STATUS}
            return self._update("patch", ref, merge_patch(current, part))

    def share(self, ref: Ref, uid: str, owner: Mapping[str, Any]) -> None:
        """See `Kube.share`."""
        with self._lock:
            metadata = (self._objects.get(ref) or {"metadata": {"uid": uid}})["metadata"]
            if metadata["uid"] != uid:
                raise ConflictError(f"Sharing {ref}", "it is another object now")
            others = [one for one in metadata.get("ownerReferences") or () if one["uid"] != owner["uid"]]
            self.patch(ref, {"metadata": {"ownerReferences": [*others, dict(owner)]}})

    def delete(self, ref: Ref, *, resource_version: str | None = None) -> None:
        """See `Kube.delete`."""
        with self._lock:
            self.before("delete", ref)
            current = self._objects.get(ref)
            if current is None:
                return
            if resource_version not in (None, current["metadata"]["resourceVersion"]):
                raise ConflictError(f"Deleting {ref}", "it has changed meanwhile")
            self._remove(ref)

    def evict(self, ref: Ref) -> bool:
        """See `Kube.evict`."""
        if ref in self.kept:
            return False
        self.delete(ref)
        return True

    def whoami(self) -> str:
        """See `Kube.whoami`."""
        return self.user

    def set_status(self, ref: Ref, status: Mapping[str, Any]) -> Manifest:
        """What another controller or a kubelet does: replace the status."""
        with self._lock:
            current = copy.deepcopy(self._objects[ref])
            current["status"] = copy.deepcopy(dict(status))
            return self._update("status", ref, current)

    def __iter__(self) -> Iterator[Ref]:
        with self._lock:
            return iter(sorted(self._objects, key=str))

    def _update(self, verb: str, ref: Ref, changed: Manifest) -> Manifest:
        current = self._objects[ref]
        for name in SYSTEM:
            if name in current["metadata"]:
                changed["metadata"][name] = current["metadata"][name]
        if changed == current:
            return copy.deepcopy(current)
        _refuse_immutable(ref, current, changed)
        if ref.kind in WITH_STATUS and changed.get("spec") != current.get("spec"):
            changed["metadata"]["generation"] = current["metadata"]["generation"] + 1
        return self._store(verb, ref, changed)

    def _store(self, verb: str, ref: Ref, manifest: Manifest) -> Manifest:
        self._version += 1
        manifest["metadata"]["resourceVersion"] = str(self._version)
        manifest["metadata"].setdefault("generation", 1)
        self._objects[ref] = manifest
        self.writes.append((verb, ref))
        self._tell("ADDED" if verb == "create" else "MODIFIED", manifest)
        return copy.deepcopy(manifest)

    def _tell(self, change: str, manifest: Manifest) -> None:
        self._told.append((change, manifest))
        self._news.notify_all()

    def _remove(self, ref: Ref) -> None:
        gone = self._objects.pop(ref)
        uid = gone["metadata"]["uid"]
        self._applied.pop(ref, None)
        self._version += 1
        self.writes.append(("delete", ref))
        self._tell("DELETED", gone)
        alive = {manifest["metadata"]["uid"] for manifest in self._objects.values()}
        for other, manifest in list(self._objects.items()):
            owners = manifest["metadata"].get("ownerReferences") or []
            if other not in self._objects or uid not in {owner["uid"] for owner in owners}:
                continue
            left = [owner for owner in owners if owner["uid"] in alive]
            if left:
                manifest["metadata"]["ownerReferences"] = left
            else:
                self._remove(other)


def _refuse_immutable(ref: Ref, current: Manifest, changed: Manifest) -> None:
    """What the API server refuses to change."""
    if ref.kind == "ConfigMap" and current.get("immutable") is True:
        for name in ("data", "binaryData", "immutable"):
            if current.get(name) != changed.get(name):
                raise InvalidError(f"Changing {ref}", f"{name}: the ConfigMap is immutable")
    if ref.kind == "Job":
        before, after = dict(current["spec"]), dict(changed["spec"])
        before.pop("suspend", None)
        after.pop("suspend", None)
        if before != after:
            raise InvalidError(f"Changing {ref}", "spec: field is immutable")
    if ref.kind == "Deployment" and current["spec"].get("selector") != changed["spec"].get("selector"):
        raise InvalidError(f"Changing {ref}", "spec.selector: field is immutable")
