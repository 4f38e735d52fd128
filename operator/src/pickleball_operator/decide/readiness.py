"""The conditions Enforced and Ready: chains over the injection, the pods and the other conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .evidence import has_witness
from .finding import Finding, affirm, refuse, wait
from .injection import Deny
from .others import hindrance
from .reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.model import ConditionType, PodsStatus

    from .force import Force
    from .injection import Injection
    from .observed import Observed

OF_THE_ENFORCER = (
    Reason.PYTHON_NOT_FOUND,
    Reason.SELF_TEST_FAILED,
    Reason.WITNESS_FAILED,
)


def enforced(
    observed: Observed,
    injected: Injection | None,
    pods: PodsStatus,
    trouble: Finding | None,
    silent: Finding | None,
    policy: str | None,
) -> Finding:
    """Whether the pods run with the enforcer; `silent` is the first container that has not said so in time."""
    if injected is None:
        found = hindrance(observed, policy)
        if found is not None:
            return found
    if isinstance(injected, Deny):
        return refuse(injected.reason, injected.sentence)
    if injected is not None and observed.workload is None:
        return wait(Reason.WAITING_FOR_POLICY, "Pods are made when there is an approved policy.")
    if trouble is not None and trouble.reason in OF_THE_ENFORCER:
        return trouble
    if silent is not None:
        return silent
    attested = any(map(has_witness, observed.pods))
    if observed.deployment.spec.replicas == 0 and pods.total == 0:
        return wait(Reason.NO_PODS, "spec.replicas is 0: nothing runs.")
    if pods.total == 0 or pods.protected < pods.total:
        what = "The application's own interpreter has reported" if attested else "The self-test has passed"
        return wait(Reason.WAITING_FOR_PODS, f"{what} in {pods.protected} of {pods.total} pods; wait for it.")
    old = f" {pods.outdated} of them were made with another policy than the one in force." if pods.outdated else ""
    if observed.deployment.spec.enforcement.mode == "Audit":
        return affirm(
            Reason.AUDIT_ONLY,
            f"{pods.protected} of {pods.total} pods run with the enforcer in mode Audit: violations are recorded,"
            f" nothing is refused.{old}",
        )
    if attested:
        return affirm(
            Reason.INTERPRETER_REPORTED,
            f"In {pods.protected} of {pods.total} pods the application's own interpreter has reported that it runs with"
            f" the enforcer and the policy.{old}",
        )
    return affirm(
        Reason.SELF_TEST_PASSED,
        f"In {pods.protected} of {pods.total} pods the enforcer passed its self-test in the application's image.{old}",
    )


def ready(
    observed: Observed,
    findings: Mapping[ConditionType, Finding],
    forced: Force,
    trouble: Finding | None,
    pods: PodsStatus,
) -> Finding:
    """Whether the spec is in effect and its pods serve: the first thing in the way, or Ready."""
    for condition in ("Enforced", "Analyzed", "PolicyReady", "Approved"):
        if findings[condition].status == "False":
            return findings[condition]
    if not forced.fits:
        blocker = findings["Analyzed"] if findings["Analyzed"].status != "True" else findings["PolicyReady"]
        return wait(blocker.reason, blocker.sentence)
    if trouble is not None:
        return trouble
    if observed.deployment.spec.selector is not None:
        return _made_by_others(findings["Enforced"], pods)
    return _rolled_out(observed, findings["Enforced"], pods)


def _made_by_others(protection: Finding, pods: PodsStatus) -> Finding:
    """Who makes them looks after how many there are; here they only have to be protected."""
    if protection.reason is Reason.NO_PODS:
        return affirm(Reason.NO_PODS, f"{protection.sentence} Those that come will be injected.")
    if protection.status != "True":
        return protection
    return affirm(Reason.READY, f"{pods.total} pods of others are protected. {protection.sentence}")


def _rolled_out(observed: Observed, protection: Finding, pods: PodsStatus) -> Finding:
    wanted = observed.deployment.spec.replicas
    status = (observed.workload or {}).get("status") or {}
    generation = ((observed.workload or {}).get("metadata") or {}).get("generation", 0)
    if observed.workload is None or status.get("observedGeneration", 0) < generation:
        return wait(Reason.DEPLOYMENT_PROGRESSING, "The Deployment is being brought in line with the spec.")
    if wanted == 0 and pods.total == 0:
        return affirm(Reason.NO_PODS, "spec.replicas is 0: nothing runs.")
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted or available < wanted or status.get("replicas", 0) > wanted:
        return wait(
            Reason.DEPLOYMENT_PROGRESSING,
            f"{available} of {wanted} pods are ready, {updated} of them as the spec wants them. Wait, or see"
            f" kubectl describe deployment {observed.deployment.name}.",
        )
    if protection.status != "True":
        return protection
    return affirm(Reason.READY, f"{available} of {wanted} pods are ready. {protection.sentence}")
