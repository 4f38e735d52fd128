"""One reconcile: observe, decide, render, apply, and say how it stands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pickleball_operator.decide.finding import Finding, refuse, wait
from pickleball_operator.decide.plan import Plan, invalid, plan, unchanged
from pickleball_operator.decide.reasons import Reason
from pickleball_operator.errors import ConflictError, KubeError, SpecError
from pickleball_operator.kube import Kube, Manifest, Ref
from pickleball_operator.model import Approval, Condition, Status, parse, read_status
from pickleball_operator.model.status import CONDITIONS
from pickleball_operator.render.event import event
from pickleball_operator.render.injection import inject
from pickleball_operator.text import clip, sentence

from .carry import carry_out, withdraw
from .observe import observe
from .outcome import Outcome

if TYPE_CHECKING:
    from pickleball_operator.decide.injection import Inject
    from pickleball_operator.settings import Settings

Clock = Callable[[], str]
Told = Callable[[Outcome], None]
LOG = logging.getLogger("pickleball.reconcile")
MESSAGE_LIMIT = 4000


def _nobody(_: Outcome) -> None:
    """Nobody is told."""


def reconcile(
    kube: Kube, settings: Settings, clock: Clock, namespace: str, name: str, told: Told = _nobody
) -> Plan | None:
    """Bring one ModelDeployment a step further. None when it is gone; a KubeError means: try again later.

    `told` gets the status before and after, when it has been written.
    """
    manifest = kube.get(Ref("ModelDeployment", namespace, name))
    if manifest is None or manifest["metadata"].get("deletionTimestamp"):
        return None
    try:
        deployment = parse(manifest)
    except SpecError as error:
        generation = int(manifest["metadata"].get("generation") or 0)
        running = kube.get(Ref("Deployment", namespace, name)) is not None
        planned = invalid(generation, read_status(manifest), error.problems, running=running)
        _report(kube, manifest, planned, clock(), told)
        withdraw(kube, namespace, manifest["metadata"]["uid"])
        return planned

    def rendered(template: Mapping[str, Any], chosen: Inject) -> Manifest:
        return inject(template, chosen, settings)

    planned = unchanged(deployment.status)
    try:
        observed = observe(kube, deployment, settings, clock())
        planned = plan(observed, settings, rendered)
        _announce(kube, manifest, planned)
        if carry_out(kube, planned, observed, settings):
            planned = _progressing(planned)
    except KubeError as error:
        if error.status and not isinstance(error, ConflictError):
            _report(kube, manifest, _refused(deployment.status, planned, error), clock(), told)
        raise
    _report(kube, manifest, planned, clock(), told)
    return planned


def _progressing(planned: Plan) -> Plan:
    """What was seen of the pods was before the Deployment changed: nothing is Ready by it."""
    if planned.findings["Ready"].status != "True":
        return planned
    finding = wait(Reason.DEPLOYMENT_PROGRESSING, "The Deployment is being brought in line with the spec.")
    return replace(planned, findings={**planned.findings, "Ready": finding})


def _refused(previous: Status, planned: Plan, error: KubeError) -> Plan:
    """What was so before, what is known of the analysis, and that the API server did not let the rest happen."""
    finding = refuse(Reason.API_REFUSED, f"The API server refused: {sentence(str(error), 1000)} It is tried again.")
    kept = unchanged(previous)
    return Plan({**kept.findings, "Analyzed": planned.findings["Analyzed"], "Ready": finding}, kept.status)


def _announce(kube: Kube, manifest: Manifest, planned: Plan) -> None:
    """Write down which policy comes into force before a pod can run with it: admission believes the status only."""
    current = manifest.get("status") or {}
    dumped = planned.status.dump()
    policy = dumped.get("policy")
    if planned.workload is None or policy is None or policy["name"] == (current.get("policy") or {}).get("name"):
        return
    metadata = manifest["metadata"]
    ref = Ref("ModelDeployment", metadata["namespace"], metadata["name"])
    wanted = {"policy": policy, "history": dumped["history"]}
    kube.patch(ref, {"status": nulled(current, wanted)}, subresource="status")


def _report(kube: Kube, manifest: Manifest, planned: Plan, now: str, told: Told) -> None:
    """Write events for what changed, then the status, unless it says so already."""
    previous = read_status(manifest)
    status = with_conditions(planned, previous, int(manifest["metadata"].get("generation") or 0), now)
    metadata = manifest["metadata"]
    for note in notes(previous, status, planned):
        try:
            kube.create(event(metadata["namespace"], metadata["name"], metadata["uid"], now, note))
        except ConflictError:
            LOG.debug("the event %s of %s stands already", note[1], metadata["name"])
    dumped = status.dump()
    current = manifest.get("status") or {}
    if dumped != current:
        patch: dict[str, Any] = {**dict.fromkeys(current), **dumped}
        ref = Ref("ModelDeployment", metadata["namespace"], metadata["name"])
        kube.patch(ref, {"status": nulled(current, patch)}, subresource="status")
    told(Outcome(metadata["namespace"], metadata["name"], previous, status, planned, now))


def nulled(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch that leaves exactly `wanted`: what is there and not wanted is set to null."""
    patch: dict[str, Any] = {}
    for key, value in wanted.items():
        there = current.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            patch[key] = nulled(there, {**dict.fromkeys(there), **value})
        else:
            patch[key] = value
    return patch


def with_conditions(planned: Plan, previous: Status, generation: int, now: str) -> Status:
    """The status with its conditions; a transition time moves only with the condition's status."""
    conditions = []
    for kind in CONDITIONS:
        finding: Finding = planned.findings[kind]
        before = previous.condition(kind)
        same = before is not None and before.status == finding.status
        conditions.append(
            Condition.model_validate(
                {
                    "type": kind,
                    "status": finding.status,
                    "reason": str(finding.reason),
                    "message": clip(finding.sentence, MESSAGE_LIMIT),
                    "observedGeneration": generation,
                    "lastTransitionTime": before.last_transition_time if same and before is not None else now,
                }
            )
        )
    return planned.status.model_copy(update={"conditions": conditions, "observed_generation": generation})


def notes(previous: Status, status: Status, planned: Plan) -> Iterator[tuple[str, str, str]]:
    """The events: conditions that came to a new reason (each sentence once), other candidates, new violations."""
    said: set[str] = set()
    another = status.candidate is not None and status.candidate.name != (previous.candidate or status.candidate).name
    for condition in status.conditions:
        before = previous.condition(condition.type)
        told = before is not None and (before.status, before.reason) == (condition.status, condition.reason)
        told = told and not (another and condition.type == "Approved")
        open_still = condition.status == "Unknown" and condition.type != "Analyzed"
        if not told and not open_still and not {condition.reason, condition.message} & said:
            yield "Warning" if condition.status == "False" else "Normal", condition.reason, condition.message
        said |= set() if open_still else {condition.reason, condition.message}
    if planned.remove:
        done = "Made again" if planned.store else "Removed, since it cannot be made again yet"
        yield "Warning", str(Reason.POLICY_ALTERED), f"{done}: {', '.join(planned.remove)}."
    if planned.record is not None:
        yield "Warning", str(Reason.ANALYSIS_RECORDED), planned.record.sentence
    if planned.approved is not None:
        yield "Normal", str(Reason.APPROVED), _approved(status, planned.approved)
    if planned.proposed:
        wanted = ", ".join(f"{one.name} ({one.list}, {one.decision})" for one in planned.proposed)
        yield "Normal", str(Reason.PROPOSED), f"Models want what the policy lacks: {wanted}. See status.proposals."
    for violation in planned.reported:
        where = f"Pod {violation.pod}, container {violation.container}"
        yield "Warning", str(Reason.VIOLATION), f"{where}: {violation.sentence}"


def _approved(status: Status, approval: Approval) -> str:
    proven = {
        "Admission": "the API server takes no other name than the approver's own",
        "Claim": "the name is what the approver wrote",
        "None": "nobody wrote a name",
    }[approval.proof]
    name = status.policy.name if status.policy is not None else ""
    return (
        f"Policy {name} was approved by {approval.by or 'somebody'} ({proven}; written with {approval.client or '?'})."
    )
