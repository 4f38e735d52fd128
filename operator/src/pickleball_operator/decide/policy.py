"""Which policy the spec leads to (the candidate), and which one is in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import Entry, Policy
from pickleball_operator import names
from pickleball_operator.errors import ResultError
from pickleball_operator.model import Diff
from pickleball_operator.model.status import DIFF_KEPT

from . import result
from .finding import Finding, affirm, refuse, wait
from .keys import content_digest, digest, policy_key
from .reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pickleball_operator.model import Extra, ModelDeployment

    from .observed import Manifest, Observed
    from .request import Request


@dataclass(frozen=True)
class Candidate:
    """The policy that the spec leads to, ready to be stored."""

    policy: Policy
    policy_text: str
    provenance_text: str
    digest: str
    key: str | None
    request: str
    """Key of the request that it answers; of a policy written by hand, a digest of its content."""
    by_hand: bool = False

    @property
    def name(self) -> str:
        """Name of its ConfigMap."""
        return names.policy_name(self.digest)


@dataclass(frozen=True)
class Force:
    """The policy in force after this reconcile."""

    name: str | None
    finding: Finding
    approval: Finding
    waiting: Candidate | None = None
    """A candidate that waits for approval."""
    diff: Diff | None = None
    fits: bool = False
    """Whether it answers the spec, so that the Deployment may follow the spec's template."""


def candidate(
    deployment: ModelDeployment, request: Request | None, stored: Manifest | None, reference: Manifest | None
) -> Candidate | Finding | None:
    """The candidate; None while there is no result; a Finding when there can be none."""
    if deployment.spec.policy.config_map_ref is not None:
        return _by_hand(deployment, reference)
    if request is None or stored is None or not stored.get("data"):
        return None
    try:
        content = result.read(stored)
        policy, text, provenance = _with_extras(content, deployment.spec.policy.extra)
        result.data(text, provenance)
    except ResultError as error:
        return refuse(Reason.RESULT_REFUSED, error.sentence)
    return Candidate(
        policy=policy,
        policy_text=text,
        provenance_text=provenance,
        digest=content_digest(text, provenance),
        key=policy_key(content.provenance),
        request=request.key,
    )


def _with_extras(content: result.Content, extras: Sequence[Extra]) -> tuple[Policy, str, str]:
    """The analysed policy and the entries that the spec adds, each with its reason in the provenance."""
    if not extras:
        return content.policy, content.policy_text, content.provenance_text
    added = {kind: [one.name for one in extras if one.list == kind] for kind in ("globals", "reduces")}
    entries = {
        name: Entry(
            globals=tuple(sorted({*entry.globals, *added["globals"]})),
            reduces=tuple(sorted({*entry.reduces, *added["reduces"]})),
        )
        for name, entry in content.policy.entries.items()
    }
    policy = Policy(entries=entries)
    listed = [one.model_dump() for one in sorted(extras, key=lambda one: (one.list, one.name))]
    return policy, policy.dumps(), _dumps({**content.provenance, "extra": listed})


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
        policy=content.policy,
        policy_text=text,
        provenance_text=provenance,
        digest=content_digest(text, provenance),
        key=None,
        request=digest({"byHand": text}),
        by_hand=True,
    )


def force(observed: Observed, analysed: Finding, found: Candidate | Finding | None, request: Request | None) -> Force:
    """What is in force now: the candidate when it is approved, else the last good policy, never none."""
    current = observed.in_force
    if isinstance(found, Candidate):
        approval = _approval(observed, found)
        if approval.status == "True":
            return Force(found.name, _ready(found), approval, fits=True)
        sentence = f"Policy {found.name} waits for approval. {_approve(observed, found)}"
        if current is None:
            return Force(None, wait(Reason.POLICY_PENDING, sentence), approval, found, difference(None, found))
        fits = request is not None and observed.in_force_request == request.key
        finding = _stale(current, sentence, fits=fits)
        return Force(current, finding, approval, found, difference(_policy(observed, current), found), fits=fits)
    blocker = found if isinstance(found, Finding) else analysed
    if current is None:
        if blocker.status == "False":
            reason = blocker.reason if isinstance(found, Finding) else Reason.POLICY_MISSING
            return Force(None, refuse(reason, blocker.sentence), _nothing())
        return Force(None, wait(Reason.POLICY_PENDING, blocker.sentence), _nothing())
    fits = request is not None and observed.in_force_request == request.key
    approval = affirm(_how(observed), f"Policy {current} was approved before.")
    return Force(current, _stale(current, blocker.sentence, fits=fits), approval, fits=fits)


def _stale(current: str, why: str, *, fits: bool) -> Finding:
    if fits:
        return affirm(Reason.POLICY_FROM_ANALYSIS, f"Policy {current} is in force. {why}")
    return affirm(
        Reason.STALE, f"Policy {current}, the last good one, stays in force, and the pods stay as they are. {why}"
    )


def _ready(found: Candidate) -> Finding:
    count = f"{len(found.policy.globals)} globals, {len(found.policy.reduces)} reduces"
    reason = Reason.POLICY_FROM_CONFIG_MAP if found.by_hand else Reason.POLICY_FROM_ANALYSIS
    return affirm(reason, f"Policy {found.name} is in force ({count}).")


def _approval(observed: Observed, found: Candidate) -> Finding:
    deployment = observed.deployment
    if deployment.spec.policy.approval == "Automatic":
        return affirm(Reason.APPROVED_AUTOMATICALLY, f"Policy {found.name} is approved by spec.policy.approval.")
    if found.name in (deployment.approved, observed.in_force):
        return affirm(Reason.APPROVED_BY_ANNOTATION, f"Policy {found.name} was approved by a person.")
    return refuse(Reason.WAITING_FOR_APPROVAL, f"Policy {found.name} waits for approval. {_approve(observed, found)}")


def _approve(observed: Observed, found: Candidate) -> str:
    return (
        f"Read it (kubectl get configmap {found.name} -o yaml), then: kubectl annotate modeldeployment"
        f" {observed.deployment.name} {names.APPROVE}={found.name} --overwrite."
    )


def _how(observed: Observed) -> Reason:
    manual = observed.deployment.spec.policy.approval == "Manual"
    return Reason.APPROVED_BY_ANNOTATION if manual else Reason.APPROVED_AUTOMATICALLY


def _nothing() -> Finding:
    return wait(Reason.NOTHING_TO_APPROVE, "There is no policy yet.")


def _policy(observed: Observed, name: str) -> Policy | None:
    stored = (observed.policies or {}).get(name)
    if stored is None:
        return None
    try:
        return result.read(stored).policy
    except ResultError:
        return None


def difference(before: Policy | None, after: Candidate) -> Diff:
    """What a candidate adds to and removes from the policy in force."""
    old = before or Policy(entries={})
    new = after.policy
    return Diff.model_validate(
        {
            "addedGlobals": sorted(new.globals - old.globals)[:DIFF_KEPT],
            "addedReduces": sorted(new.reduces - old.reduces)[:DIFF_KEPT],
            "removedGlobals": sorted(old.globals - new.globals)[:DIFF_KEPT],
            "removedReduces": sorted(old.reduces - new.reduces)[:DIFF_KEPT],
        }
    )


def is_intact(stored: Manifest, name: str) -> bool:
    """Whether a policy ConfigMap is immutable and holds what its name says."""
    try:
        content = result.read(stored)
    except ResultError:
        return False
    return (
        stored.get("immutable") is True
        and names.policy_name(content_digest(content.policy_text, content.provenance_text)) == name
    )


def _dumps(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
