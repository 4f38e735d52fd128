"""Which model deployments an object concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pickleball_operator import names
from pickleball_operator.kube import Kube, Ref

Manifest = Mapping[str, Any]
Key = tuple[str, str]


def concerned(manifest: Manifest, kube: Kube) -> set[Key]:
    """Names and namespaces of the model deployments whose state an object is part of."""
    metadata = manifest["metadata"]
    namespace = metadata["namespace"]
    found = {(namespace, name) for name in _owners(manifest)}
    labels = metadata.get("labels") or {}
    if labels.get(names.PART) == "workload" and names.MODEL_DEPLOYMENT in labels:
        found.add((namespace, labels[names.MODEL_DEPLOYMENT]))
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("kind") == "Job" and labels.get(names.PART) == "analysis":
            job = kube.get(Ref("Job", namespace, owner["name"]))
            found |= {(namespace, name) for name in _owners(job or {"metadata": {}})}
    return found


def _owners(manifest: Manifest) -> Iterator[str]:
    for owner in manifest["metadata"].get("ownerReferences") or ():
        if owner.get("kind") == names.KIND and str(owner.get("apiVersion", "")).startswith(f"{names.GROUP}/"):
            yield owner["name"]
