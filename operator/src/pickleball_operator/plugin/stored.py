"""Policies as the plugin reads them: from the cluster, checked against the digest in their names, or from files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pickleball_enforce.policy import LIMIT
from pickleball_operator import names
from pickleball_operator.decide import result
from pickleball_operator.decide.policy import is_intact
from pickleball_operator.errors import ResultError, ReviewError
from pickleball_operator.kube import Kube, Ref
from pickleball_operator.model import parse

if TYPE_CHECKING:
    from pathlib import Path

    from pickleball_operator.decide.result import Content
    from pickleball_operator.kube import Manifest
    from pickleball_operator.model import ModelDeployment


@dataclass(frozen=True)
class Stored:
    """A policy and the name that its content gives it."""

    name: str
    content: Content


def deployment(kube: Kube, namespace: str, name: str) -> tuple[ModelDeployment, Manifest]:
    """The ModelDeployment of this name, read and as it stands."""
    manifest = kube.get(Ref("ModelDeployment", namespace, name))
    if manifest is None:
        known = ", ".join(one["metadata"]["name"] for one in kube.list("ModelDeployment", namespace)) or "none"
        raise ReviewError(f"There is no ModelDeployment {name} in namespace {namespace}; there are: {known}.")
    return parse(manifest), manifest


def policy(kube: Kube, namespace: str, name: str) -> Stored:
    """A policy of the cluster; one that does not hold what its name says is an error."""
    found = kube.get(Ref("ConfigMap", namespace, name))
    if found is None:
        raise ReviewError(f"There is no ConfigMap {name} in namespace {namespace}.")
    if not is_intact(found, name):
        raise ReviewError(
            f"ConfigMap {name} does not hold what its name says: somebody replaced it, and nothing in it is to be"
            " believed. The controller makes it again when you delete it."
        )
    return Stored(name, result.read(found))


def files(path: Path, provenance: Path | None) -> Stored:
    """A policy.json and the provenance.json beside it, which has to be that of this policy."""
    beside = provenance or path.with_name(names.PROVENANCE_FILE)
    try:
        with path.open("rb") as file:
            text = file.read(LIMIT)
        recorded = beside.read_bytes() if provenance is not None or beside.exists() else b"{}"
        content = result.check(text, recorded)
    except (OSError, ResultError) as error:
        raise ReviewError(f"{path}: {error}") from error
    if content.provenance.get("policy", content.policy.digest) != content.policy.digest:
        raise ReviewError(f"{beside} belongs to another policy than {path}. Name the right one with --provenance-file.")
    return Stored(path.name, content)


def in_force(kube: Kube, found: ModelDeployment) -> Stored | None:
    """The policy in force, as the status names it."""
    status = found.status.policy
    return policy(kube, found.namespace, status.name) if status is not None else None


def candidate(kube: Kube, found: ModelDeployment) -> Stored | None:
    """The policy that waits, as the status names it."""
    status = found.status.candidate
    return policy(kube, found.namespace, status.name) if status is not None else None
