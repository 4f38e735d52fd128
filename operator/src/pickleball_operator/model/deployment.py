"""A ModelDeployment as the cluster holds it: identity, spec, status, and what its annotations ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pickleball_operator.errors import SpecError
from pickleball_operator.names import ANALYSE_AGAIN, API_VERSION, APPROVE, APPROVED_BY, KIND, ROLL_OUT
from pickleball_operator.text import clip

from .spec import Spec
from .status import Status

Manifest = Mapping[str, Any]
NAME_LIMIT = 52
"""A Deployment's pods carry the name as a label value (63), and their own names add a hash."""


@dataclass(frozen=True)
class ModelDeployment:
    """One object; `spec` is None when it could not be read, and `problems` says why."""

    namespace: str
    name: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    spec: Spec
    status: Status
    approved_with: tuple[str, str] = ("", "")
    """Field manager that wrote the approval, and when, by `metadata.managedFields`."""

    @property
    def owner(self) -> dict[str, Any]:
        """The ownerReference of objects that this one shares with others."""
        return {"apiVersion": API_VERSION, "kind": KIND, "name": self.name, "uid": self.uid}

    @property
    def controller(self) -> dict[str, Any]:
        """The ownerReference of objects that are this one's alone."""
        return {**self.owner, "controller": True}

    @property
    def approved(self) -> str | None:
        """Name of the candidate that a person approved."""
        return self.annotations.get(APPROVE)

    @property
    def approvals(self) -> set[str]:
        """Names of the policies that were approved: those that were in force, and the one of the annotation."""
        past = {one.name for one in (*self.status.history, *filter(None, [self.status.policy]))}
        return past | ({self.approved} if self.approved is not None else set())

    @property
    def approver(self) -> str:
        """The name that was written beside the approval; empty without one."""
        return clip(self.annotations.get(APPROVED_BY, ""), 256)

    @property
    def rolled_out(self) -> str | None:
        """Name of the policy whose roll-out a person asked for (spec.policy.rollout: WithTemplate)."""
        return self.annotations.get(ROLL_OUT)

    @property
    def again(self) -> str:
        """What tells two requests for the same analysis apart."""
        return self.annotations.get(ANALYSE_AGAIN, "")


def parse(manifest: Manifest) -> ModelDeployment:
    """Read a ModelDeployment; SpecError names every field that is wrong."""
    if manifest.get("apiVersion") != API_VERSION or manifest.get("kind") != KIND:
        found = f"{manifest.get('apiVersion')} {manifest.get('kind')}"
        raise SpecError((f"This is {found}, not {API_VERSION} {KIND}.",))
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        raise SpecError(("metadata.name: give the object a name.",))
    if len(metadata["name"]) > NAME_LIMIT:
        raise SpecError((f"metadata.name: has {len(metadata['name'])} characters; at most {NAME_LIMIT} fit.",))
    try:
        spec = Spec.model_validate(manifest.get("spec", {}))
    except ValidationError as error:
        raise SpecError(problems(error, "spec")) from error
    return ModelDeployment(
        namespace=str(metadata.get("namespace") or "default"),
        name=metadata["name"],
        uid=str(metadata.get("uid") or ""),
        generation=int(metadata.get("generation") or 0),
        annotations={str(key): str(value) for key, value in (metadata.get("annotations") or {}).items()},
        spec=spec,
        status=read_status(manifest),
        approved_with=_writer(metadata.get("managedFields"), APPROVE),
    )


def _writer(fields: object, annotation: str) -> tuple[str, str]:
    """Who owns an annotation: the name that the client gave itself, and the time."""
    for one in fields if isinstance(fields, list) else ():
        owned = one.get("fieldsV1") if isinstance(one, Mapping) else None
        for key in ("f:metadata", "f:annotations"):
            owned = owned.get(key) if isinstance(owned, Mapping) else None
        if isinstance(owned, Mapping) and f"f:{annotation}" in owned:
            return clip(str(one.get("manager") or ""), 128), clip(str(one.get("time") or ""), 64)
    return "", ""


def read_status(manifest: Manifest) -> Status:
    """The status as it stands; an unreadable one (another version wrote it) counts as none."""
    try:
        return Status.model_validate(manifest.get("status") or {})
    except ValidationError:
        return Status()


def problems(error: ValidationError, root: str) -> tuple[str, ...]:
    """Each problem of a validation as one sentence that names the field."""
    found = []
    for problem in error.errors(include_url=False):
        place = root
        for step in problem["loc"]:
            place += f"[{step}]" if isinstance(step, int) else f".{step}"
        found.append(f"{place}: {_sentence(problem['type'], problem['msg'], problem.get('input'))}")
    return tuple(dict.fromkeys(found))


def _sentence(kind: str, message: str, given: object) -> str:
    if kind == "extra_forbidden":
        return "there is no such field; see docs/reference/modeldeployment.md."
    if kind == "missing":
        return "is required."
    text = re.sub(r"^Value error, ", "", message).rstrip(".")
    if isinstance(given, str | int | float | bool) and kind != "value_error":
        shown = repr(given)
        return f"{shown[:80]}: {text[:1].lower()}{text[1:]}."
    return f"{text}."
