"""What the status keeps of policies: the one in force with its approver, those before it, and what was proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_operator.model import Approval, PastPolicy, PolicyStatus, ProposalStatus
from pickleball_operator.model.status import HISTORY_KEPT, PROPOSALS_KEPT

from .provenance import proposals, refused, severity
from .reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings

    from .force import Force
    from .policy import Candidate
    from .records import Wanted
    from .result import Content

DECISIONS = ("inert", "ask", "unjudged", "refuse")


def in_force(deployment: ModelDeployment, forced: Force, settings: Settings, now: str) -> PolicyStatus | None:
    """The policy in force. Who approved it is written down once, when it comes into force, and so is the time."""
    if forced.name is None:
        return None
    previous = deployment.status.policy
    same = previous if previous is not None and previous.name == forced.name else None
    approval = same.approval if same is not None else None
    if approval is None and forced.approval.reason is Reason.APPROVED_BY_ANNOTATION:
        approval = approved(deployment, settings)
    if forced.content is None:
        return same or PolicyStatus(name=forced.name, approval=approval, since=now)
    policy = forced.content.policy
    past = next((one for one in deployment.status.history if one.name == forced.name), None)
    return PolicyStatus(
        name=forced.name,
        key=forced.key or (same.key if same is not None else None),
        globals=len(policy.globals),
        reduces=len(policy.reduces),
        approval=approval or (past.approval if past is not None else None),
        since=(same.since if same is not None else "") or now,
    )


def approved(deployment: ModelDeployment, settings: Settings) -> Approval:
    """Who approved, and what proves it."""
    client, time = deployment.approved_with
    by = deployment.approver
    if not by:
        return Approval(by="", proof="None", client=client, time=time)
    return Approval(by=by, proof="Admission" if settings.proven_approvers else "Claim", client=client, time=time)


def history(deployment: ModelDeployment, policy: PolicyStatus | None, now: str) -> list[PastPolicy]:
    """The last policies that were in force before this one, the newest first, each once."""
    before = deployment.status.policy
    known = deployment.status.history
    if before is not None and policy is not None and before.name != policy.name:
        known = [PastPolicy.model_validate({**before.model_dump(by_alias=True), "until": now}), *known]
    current = policy.name if policy is not None else None
    kept = {one.name: one for one in reversed(known) if one.name != current}
    return [one for one in known if kept.get(one.name) is one][:HISTORY_KEPT]


def proposed(
    deployment: ModelDeployment, content: Content | None, found: Candidate | None, wanted: Iterable[Wanted]
) -> list[ProposalStatus]:
    """What model files and audited pods want and neither the policy in force nor the candidate gives.

    What was collected in mode Audit outlives the pods that said it, and goes with the mode.
    """
    judged = list(proposals(found.content.provenance)) if found is not None else []
    policies = [one.policy for one in (content, found.content if found is not None else None) if one is not None]
    given = {
        (listed, name)
        for policy in policies
        for listed in ("globals", "instances", "reduces")
        for name in policy.allowed(listed)
    }
    asked: dict[tuple[str, str], ProposalStatus] = {}
    for one in judged:
        path, digest = one.files[0] if one.files else ("", "")
        asked[one.list, one.name] = ProposalStatus.model_validate(
            {
                **{key: getattr(one, key) for key in ("list", "name", "because", "grade")},
                "source": "File",
                "decision": one.decision if one.decision in DECISIONS else "unjudged",
                "effects": list(one.effects),
                "path": path,
                "sha256": digest,
            }
        )
    for known in deployment.status.proposals:
        if known.source == "Audit" and deployment.spec.enforcement.mode == "Audit":
            asked.setdefault((known.list, known.name), known)
    for want in wanted:
        asked.setdefault((want.list, want.name), _audited(want, found))
    left = [one for key, one in asked.items() if key not in given]
    left.sort(key=lambda one: (DECISIONS.index(one.decision), severity(one.grade), one.list, one.name))
    return left[:PROPOSALS_KEPT]


def _audited(want: Wanted, found: Candidate | None) -> ProposalStatus:
    """A name that a pod wanted; the sources say nothing of it, unless they refused it."""
    because, decision = f"{want.pod} wanted it in mode Audit; nobody has graded its code", "unjudged"
    for one in refused(found.content.provenance) if found is not None else ():
        if one.name == want.name:
            because, decision = (
                f"{want.pod} wanted it in mode Audit; it is a callable with an effect: {one.effect}",
                "refuse",
            )
    return ProposalStatus.model_validate(
        {
            "list": want.list,
            "name": want.name,
            "source": "Audit",
            "decision": decision,
            "because": because,
            "path": want.path,
            "sha256": want.sha256,
        }
    )
