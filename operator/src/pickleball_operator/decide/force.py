"""Which policy is in force: a pinned one, the approved candidate, or the last good one; never none that was there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.errors import ResultError

from . import result
from .comparison import Comparison, compare
from .finding import Finding, affirm, refuse, wait
from .keys import digest
from .observed import annotation, is_owned
from .policy import Candidate, is_intact
from .reasons import Reason

if TYPE_CHECKING:
    from pickleball_operator.model import Spec

    from .observed import Observed
    from .request import Request


ALTERED = (
    "The ConfigMap of policy {name}, the last good one, is gone or does not hold what its name says: pods that run keep"
    " their copy, new ones wait until it is made again."
)


@dataclass(frozen=True)
class Force:
    """The policy in force after this reconcile."""

    name: str | None
    finding: Finding
    approval: Finding
    waiting: Candidate | None = None
    """A candidate that waits: for approval, for the next roll-out, or for the end of a roll-back."""
    comparison: Comparison | None = None
    """The waiting candidate against the policy in force."""
    fits: bool = False
    """Whether it answers the spec, so that the Deployment may follow the spec's template."""
    request: str | None = None
    """Key of the request that it answers, when it is not the one that the Deployment names already."""
    content: result.Content | None = None
    """What it allows, when it could be read."""
    key: str | None = None
    """Its policy key."""


def force(observed: Observed, analysed: Finding, found: Candidate | Finding | None, request: Request | None) -> Force:
    """What is in force now: a pin wins over the candidate, an approved candidate over the last good policy."""
    if observed.deployment.spec.policy.pin is not None:
        return _pinned(observed, found, observed.deployment.spec.policy.pin)
    if isinstance(found, Candidate):
        return _led(observed, found, request)
    return _last_good(observed, found or analysed, is_policy=isinstance(found, Finding), request=request)


def template_digest(spec: Spec) -> str:
    """What the pods are made of but for the policy."""
    source = spec.source.from_image if spec.source else None
    made_of = [spec.template, spec.model.files, spec.enforcement.model_dump(), source and source.python]
    return digest(made_of)


def _led(observed: Observed, found: Candidate, request: Request | None) -> Force:
    """The spec leads to a candidate."""
    current = observed.in_force
    approval = _approval(observed, found)
    if approval.status == "True":
        held = _held(observed, found, approval)
        if held is not None:
            return held
        return Force(
            found.name, _ready(found), approval, fits=True, request=found.request, content=found.content, key=found.key
        )
    before = _content(observed, current)
    comparison = compare(before, found.content, current if before is not None else None)
    sentence = f"Policy {found.name} waits for approval. {comparison.sentence} {_approve(observed, found)}"
    approval = refuse(approval.reason, sentence)
    if current is None:
        return Force(None, wait(Reason.POLICY_PENDING, sentence), approval, found, comparison)
    fits = request is not None and observed.in_force_request == request.key
    return Force(current, _stale(current, sentence, fits=fits), approval, found, comparison, fits=fits, content=before)


def _held(observed: Observed, found: Candidate, approval: Finding) -> Force | None:
    """The approved candidate, kept until the pods change anyway."""
    deployment, workload, current = observed.deployment, observed.workload, observed.in_force
    if deployment.spec.policy.rollout == "Immediate" or workload is None or not observed.ours:
        return None
    before = _content(observed, current)
    same = annotation(workload, names.TEMPLATE) == template_digest(deployment.spec)
    if current in (None, found.name) or before is None or not same or deployment.rolled_out == found.name:
        return None
    comparison = compare(before, found.content, current)
    sentence = (
        f"Policy {current} is in force. Policy {found.name} is approved and joins at the next change of spec.template"
        f" (spec.policy.rollout is WithTemplate). {comparison.sentence} To roll it out now: kubectl annotate"
        f" modeldeployment {deployment.name} {names.ROLL_OUT}={found.name} --overwrite."
    )
    held = affirm(Reason.POLICY_HELD, sentence)
    return Force(current, held, approval, found, comparison, fits=True, content=before)


def _last_good(observed: Observed, blocker: Finding, *, is_policy: bool, request: Request | None) -> Force:
    """There is no candidate."""
    current = observed.in_force
    if current is None:
        nothing = wait(Reason.NOTHING_TO_APPROVE, "There is no policy yet.")
        if blocker.status == "False":
            reason = blocker.reason if is_policy else Reason.POLICY_MISSING
            return Force(None, refuse(reason, blocker.sentence), nothing)
        return Force(None, wait(Reason.POLICY_PENDING, blocker.sentence), nothing)
    stored = (observed.policies or {}).get(current)
    if stored is None or not is_intact(stored, current):
        nothing = wait(Reason.NOTHING_TO_APPROVE, "The policy in force is not there.")
        return Force(
            current, refuse(Reason.POLICY_ALTERED, f"{ALTERED.format(name=current)} {blocker.sentence}"), nothing
        )
    fits = request is not None and observed.in_force_request == request.key
    manual = observed.deployment.spec.policy.approval == "Manual"
    reason = Reason.APPROVED_BEFORE if manual else Reason.APPROVED_AUTOMATICALLY
    approval = affirm(reason, f"Policy {current} was approved before.")
    return Force(current, _stale(current, blocker.sentence, fits=fits), approval, fits=fits)


def _pinned(observed: Observed, found: Candidate | Finding | None, pin: str) -> Force:
    """A person rolled back."""
    current = observed.in_force
    content = _content(observed, pin)
    problem = _refuse_pin(observed, pin)
    if problem is not None or content is None:
        stays = f" Policy {current} stays in force, and the pods stay as they are." if current else ""
        known = ", ".join(one.name for one in observed.deployment.status.history) or "none"
        sentence = (
            f"spec.policy.pin: {problem or f'policy {pin} cannot be read.'}{stays}"
            f" status.history has the policies to roll back to: {known}."
        )
        approval = wait(Reason.NOTHING_TO_APPROVE, "The pinned policy cannot be used.")
        return Force(current, refuse(Reason.PIN_REFUSED, sentence), approval)
    waiting = found if isinstance(found, Candidate) and found.name != pin else None
    comparison = compare(content, waiting.content, pin) if waiting is not None else None
    leads = f" The spec leads to {waiting.name}. {comparison.sentence}" if waiting and comparison else ""
    sentence = f"Policy {pin} is in force by spec.policy.pin, until that is removed.{leads}"
    stored = (observed.policies or {}).get(pin) or {}
    return Force(
        name=pin,
        finding=affirm(Reason.POLICY_PINNED, sentence),
        approval=affirm(Reason.APPROVED_BEFORE, f"Policy {pin} was in force before, and is pinned by the spec."),
        waiting=waiting,
        comparison=comparison,
        fits=True,
        request=annotation(stored, names.REQUEST) or "",
        content=content,
        key=content.key,
    )


def _refuse_pin(observed: Observed, pin: str) -> str | None:
    """Why a policy cannot be rolled back to: it has to be this deployment's own, and to have been in force."""
    stored = (observed.policies or {}).get(pin)
    if stored is None:
        return f"there is no policy {pin}."
    if not is_owned(stored, observed.deployment.uid):
        return f"ConfigMap {pin} is no policy of this model deployment."
    if not is_intact(stored, pin):
        return f"ConfigMap {pin} does not hold what its name says."
    if observed.deployment.spec.policy.approval == "Manual" and pin not in observed.deployment.approvals:
        return f"policy {pin} was never approved."
    return None


def _stale(current: str, why: str, *, fits: bool) -> Finding:
    if fits:
        return affirm(Reason.POLICY_FROM_ANALYSIS, f"Policy {current} is in force. {why}")
    return affirm(
        Reason.STALE, f"Policy {current}, the last good one, stays in force, and the pods stay as they are. {why}"
    )


def _ready(found: Candidate) -> Finding:
    policy = found.content.policy
    accepted = found.content.provenance.get("accepted")
    joined = f", {len(accepted)} of them proposed by model files" if isinstance(accepted, list) else ""
    count = f"{len(policy.globals)} globals, {len(policy.reduces)} reduces{joined}"
    reason = Reason.POLICY_FROM_CONFIG_MAP if found.by_hand else Reason.POLICY_FROM_ANALYSIS
    return affirm(reason, f"Policy {found.name} is in force ({count}).")


def _approval(observed: Observed, found: Candidate) -> Finding:
    deployment = observed.deployment
    if deployment.spec.policy.approval == "Automatic":
        return affirm(Reason.APPROVED_AUTOMATICALLY, f"Policy {found.name} is approved by spec.policy.approval.")
    if deployment.approved == found.name:
        by = f" by {deployment.approver}" if deployment.approver else ""
        return affirm(Reason.APPROVED_BY_ANNOTATION, f"Policy {found.name} was approved{by}.")
    before = deployment.status.policy
    if before is not None and before.name == found.name:
        return affirm(Reason.APPROVED_BEFORE, f"Policy {found.name} was approved when it came into force.")
    return refuse(Reason.WAITING_FOR_APPROVAL, f"Policy {found.name} waits for approval.")


def _approve(observed: Observed, found: Candidate) -> str:
    name = observed.deployment.name
    return (
        f"Read it: kubectl pickleball diff {name} (or ConfigMap {names.review_name(name)}). Then: kubectl pickleball"
        f" approve {name} {found.name} (or kubectl annotate modeldeployment {name} {names.APPROVE}={found.name}"
        f" {names.APPROVED_BY}=YOU --overwrite)."
    )


def _content(observed: Observed, name: str | None) -> result.Content | None:
    """A stored policy; None when it is gone, or is not what its name says."""
    stored = (observed.policies or {}).get(name or "")
    if stored is None or name is None or not is_intact(stored, name):
        return None
    try:
        return result.read(stored)
    except ResultError:
        return None
