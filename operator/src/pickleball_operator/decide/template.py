"""The shape of a pod template, as far as the injection touches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
CONTAINERS = ("initContainers", "containers")


def fault(template: Template) -> str | None:
    """What makes it no pod template: the place and the problem."""
    pod = template.get("spec")
    if not isinstance(pod, Mapping):
        return "spec is missing"
    metadata = template.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        return "metadata is no object"
    for inner in ("labels", "annotations"):
        if not isinstance(metadata.get(inner) or {}, Mapping):
            return f"metadata.{inner} is no object"
    if not pod.get("containers"):
        return "spec.containers is missing or empty"
    for kind in (*CONTAINERS, "volumes"):
        if not _objects(pod.get(kind)):
            return f"spec.{kind} is no list of objects"
    return next(_faults(pod), None)


def _faults(pod: Mapping[str, Any]) -> Iterator[str]:
    seen = set()
    for kind in (*CONTAINERS, "volumes"):
        for place, one in enumerate(pod.get(kind) or ()):
            where = f"spec.{kind}[{place}]"
            if not isinstance(one.get("name"), str):
                yield f"{where}.name is missing"
            elif kind != "volumes":
                if one["name"] in seen:
                    yield f"{where}.name {one['name']} stands twice"
                seen.add(one["name"])
                yield from _container_faults(where, one)


def _container_faults(where: str, container: Mapping[str, Any]) -> Iterator[str]:
    for inner in ("env", "envFrom", "volumeMounts", "volumeDevices"):
        if not _objects(container.get(inner)):
            yield f"{where}.{inner} is no list of objects"
    for inner in ("command", "args"):
        words = container.get(inner) or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            yield f"{where}.{inner} is no list of strings"
    for inner in ("securityContext", "resources"):
        if not isinstance(container.get(inner) or {}, Mapping):
            yield f"{where}.{inner} is no object"


def _objects(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, Mapping) for one in value))


def containers(pod: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each container with the list that it stands in, init containers first."""
    for kind in CONTAINERS:
        for one in pod.get(kind) or ():
            yield kind, one
