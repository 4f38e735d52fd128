"""Where the model files lie that the spec names, and how the analysis gets at them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_operator import names

if TYPE_CHECKING:
    from pickleball_operator.model import Spec

SHARED = ("persistentVolumeClaim", "configMap", "nfs", "image")
"""Volumes that another pod of the namespace can mount and find the same files on."""
READ_ONLY = ("persistentVolumeClaim", "nfs")
STEP = re.compile(rf"^{re.escape(names.MODELS)}/[0-9]+(?=/)")


@dataclass(frozen=True)
class Place:
    """A volume of the template, where the application mounts it."""

    volume: Mapping[str, Any]
    """Its source, by kind."""
    mount_path: str
    sub_path: str | None


@dataclass(frozen=True)
class ModelFiles:
    """The files that an analysis scans for proposals."""

    in_image: tuple[str, ...] = ()
    """Patterns of files that the workload's image holds."""
    places: tuple[Place, ...] = ()
    on_places: tuple[tuple[str, int], ...] = ()
    """Patterns of files on a volume, with the number of its place."""
    unreachable: tuple[tuple[str, str], ...] = ()
    """Patterns that no other pod can read, and why."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The files as the analysis finds them."""
        return (
            *(f"{folder(0)}{pattern}" for pattern in self.in_image),
            *(f"{folder(number + 1)}{pattern}" for pattern, number in self.on_places),
        )

    @property
    def note(self) -> str:
        """What is not scanned, and why."""
        return " ".join(f"{pattern} is not scanned for proposals: {why}." for pattern, why in self.unreachable)

    def asked(self) -> list[Any]:
        """What the request key says of them."""
        return [list(self.in_image), [vars(one) for one in self.places], list(self.on_places)]


def folder(number: int) -> str:
    """Where a place is mounted in the analysis; files of the image have number 0."""
    return f"{names.MODELS}/{number}"


def in_pod(path: str) -> str:
    """The path of a file in the application's pod, for one of the analysis."""
    return STEP.sub("", path)


def model_files(spec: Spec, *, image: bool) -> ModelFiles:
    """Sort the spec's patterns by where they lie; `image` when sources are collected in the workload's image."""
    pod = (spec.template or {}).get("spec")
    if not spec.model.files or not isinstance(pod, Mapping):
        return ModelFiles()
    mounts = list(_mounts(spec, pod))
    volumes = {one.get("name"): one for one in _objects(pod.get("volumes"))}
    in_image, places, on_places, unreachable = [], [], [], []
    for pattern in sorted(spec.model.files):
        mount = _mount(pattern, mounts)
        if mount is None:
            if image:
                in_image.append(pattern)
            else:
                unreachable.append((pattern, "no volume of the template holds it, and the image is not opened"))
            continue
        place = _place(mount, volumes.get(mount.get("name")) or {})
        if isinstance(place, str):
            unreachable.append((pattern, place))
            continue
        if place not in places:
            places.append(place)
        on_places.append((pattern, places.index(place)))
    return ModelFiles(tuple(in_image), tuple(places), tuple(on_places), tuple(unreachable))


def _mounts(spec: Spec, pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The mounts of the container that loads the files: the first one that is protected."""
    containers = [*_objects(pod.get("initContainers")), *_objects(pod.get("containers"))]
    first = next(iter(_objects(pod.get("containers"))), {}).get("name")
    wanted = spec.enforcement.containers[0] if spec.enforcement.containers else first
    found = next((one for one in containers if one.get("name") == wanted), {})
    return _objects(found.get("volumeMounts"))


def _mount(pattern: str, mounts: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    fixed = re.split(r"[*?\[]", pattern)[0]
    paths = {posixpath.normpath(str(one.get("mountPath") or "")): one for one in mounts}
    holding = [path for path in paths if pattern == path or fixed.startswith(path.rstrip("/") + "/")]
    return paths[max(holding, key=len)] if holding else None


def _place(mount: Mapping[str, Any], volume: Mapping[str, Any]) -> Place | str:
    """The place of a mount, or why another pod cannot have it."""
    kind = next((one for one in SHARED if isinstance(volume.get(one), Mapping)), None)
    if kind is None:
        kinds = ", ".join(key for key in volume if key != "name") or "of no known kind"
        return f"its volume {mount.get('name')} ({kinds}) is the pod's own; scanned are files on {', '.join(SHARED)}"
    if mount.get("subPathExpr"):
        return "it is mounted with subPathExpr, which only the pod can work out"
    source = {**volume[kind], "readOnly": True} if kind in READ_ONLY else dict(volume[kind])
    sub_path = mount.get("subPath")
    return Place({kind: source}, posixpath.normpath(str(mount["mountPath"])), str(sub_path) if sub_path else None)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
