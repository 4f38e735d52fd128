"""The candidate: the policy that the spec leads to, made of the analysis, its proposals and a person's entries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import Policy
from pickleball_operator import names
from pickleball_operator.errors import ResultError

from . import result
from .finding import Finding, refuse
from .keys import digest
from .provenance import proposals
from .reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pickleball_operator.model import Extra, ModelDeployment

    from .observed import Manifest
    from .request import Request


@dataclass(frozen=True)
class Candidate:
    """The policy that the spec leads to, ready to be stored."""

    content: result.Content
    digest: str
    key: str | None
    request: str
    """Key of the request that it answers; of a policy written by hand, a digest of its content."""
    by_hand: bool = False

    @property
    def name(self) -> str:
        """Name of its ConfigMap."""
        return names.policy_name(self.digest)


def candidate(
    deployment: ModelDeployment, request: Request | None, stored: Manifest | None, reference: Manifest | None
) -> Candidate | Finding | None:
    """The candidate; None while there is no result; a Finding when there can be none."""
    if deployment.spec.policy.config_map_ref is not None:
        return _by_hand(deployment, reference)
    if request is None or stored is None or not stored.get("data"):
        return None
    try:
        analysed = result.analysed(stored)
        content = _with_extras(_with_proposals(analysed, deployment), deployment.spec.policy.extra)
        result.data(content.policy_text, content.provenance_text)
    except ResultError as error:
        return refuse(Reason.RESULT_REFUSED, error.sentence)
    return Candidate(
        content=content,
        digest=content.digest,
        key=analysed.key,
        request=request.key,
    )


def _with_proposals(content: result.Content, deployment: ModelDeployment) -> result.Content:
    """The analysed policy and, where the spec accepts them, the inert names that its model files keep or instantiate.

    Each is recorded with the digests of the files that asked for it; whatever else they ask for waits for a person.
    """
    if deployment.spec.policy.accept_proposals == "None":
        return content
    joining = [one for one in proposals(content.provenance) if one.list != "reduces" and one.is_inert]
    if not joining:
        return content
    accepted = [
        {
            "list": one.list,
            "name": one.name,
            "rule": one.because,
            "at": one.at,
            "grade": one.grade,
            "files": [{"path": path, "sha256": digest} for path, digest in one.files],
        }
        for one in joining
    ]
    return _joined(content, [(one.list, one.name) for one in joining], {"accepted": accepted})


def _with_extras(content: result.Content, extras: Sequence[Extra]) -> result.Content:
    """The policy and the entries that the spec adds, each with its reason in the provenance."""
    if not extras:
        return content
    listed = [one.model_dump() for one in sorted(extras, key=lambda one: (one.list, one.name))]
    return _joined(content, [(one.list, one.name) for one in extras], {"extra": listed})


def _joined(content: result.Content, joining: Sequence[tuple[str, str]], recorded: Mapping[str, Any]) -> result.Content:
    policy = Policy({name: entry.joined(joining) for name, entry in content.policy.entries.items()})
    provenance = {**content.provenance, **recorded, "policy": policy.digest}
    return result.Content(policy, policy.dumps(), provenance, _dumps(provenance))


def _by_hand(deployment: ModelDeployment, reference: Manifest | None) -> Candidate | Finding:
    choice = deployment.spec.policy.config_map_ref
    name = choice.name if choice is not None else ""
    if reference is None:
        return refuse(
            Reason.POLICY_REF_NOT_FOUND,
            f"There is no ConfigMap {name} in namespace {deployment.namespace}. Make it with the key policy.json,"
            " or correct spec.policy.configMapRef.",
        )
    text = (reference.get("data") or {}).get(names.POLICY_FILE)
    provenance = _dumps({"byHand": {"configMap": name}})
    if not isinstance(text, str):
        return refuse(Reason.POLICY_INVALID, f"ConfigMap {name} has no key {names.POLICY_FILE}. Add it.")
    try:
        content = result.check(text.encode(), provenance.encode())
    except ResultError as error:
        return refuse(Reason.POLICY_INVALID, f"ConfigMap {name}: {error.sentence} Correct it.")
    return Candidate(
        content=content,
        digest=content.digest,
        key=None,
        request=digest({"byHand": text}),
        by_hand=True,
    )


def is_intact(stored: Manifest, name: str) -> bool:
    """Whether a policy ConfigMap is immutable and holds what its name says."""
    try:
        content = result.read(stored)
    except ResultError:
        return False
    return stored.get("immutable") is True and names.policy_name(content.digest) == name


def _dumps(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
