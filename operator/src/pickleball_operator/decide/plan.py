"""One reconcile as one pure call: what is observed in; what is to be made, and the status, out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.model import AnalysisStatus, CandidateStatus, Status
from pickleball_operator.model.status import CONDITIONS
from pickleball_operator.text import clip

from . import pods as pods_of
from . import record
from . import request as request_of
from .analysis import CHAIN, is_final
from .evidence import silence
from .finding import Finding, affirm, decide, refuse, wait
from .force import Force, force, template_digest
from .injection import Deny, Inject, Injection, Renderer, Skip, injection
from .observed import AnalysisObserved, Observed, is_owned
from .policy import Candidate, candidate, is_intact
from .readiness import enforced, ready
from .reasons import Reason, known
from .records import merged, violations, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.model import Approval, ConditionType, ProposalStatus, ViolationStatus
    from pickleball_operator.settings import Settings

    from .comparison import Comparison
    from .observed import Manifest
    from .request import Request


@dataclass(frozen=True)
class Workload:
    """The Deployment that is to be."""

    injection: Inject | Skip
    policy: str
    request: str
    template: Mapping[str, object]
    made_of: str
    """Digest of everything that the pods are made of but for the policy."""


@dataclass(frozen=True)
class Review:
    """A candidate that waits, for a person to read."""

    candidate: Candidate
    comparison: Comparison


@dataclass(frozen=True)
class Plan:
    """What one reconcile does, in this order."""

    findings: Mapping[ConditionType, Finding]
    status: Status
    request: Request | None = None
    start: bool = False
    """Make the result ConfigMap, the Job and the publisher's identity, or finish making them."""
    renew: bool = False
    """Delete the finished Job, whose result is gone; the next reconcile makes a new one."""
    enlarge: bool = False
    """Grant the analysis more memory, and delete the Job that failed without it."""
    record: Finding | None = None
    """Write a final failure onto the result ConfigMap."""
    remove: tuple[str, ...] = ()
    """Policy ConfigMaps that do not hold what their name says; pods that are made wait until it is made again."""
    store: tuple[Candidate, ...] = ()
    """Policies whose ConfigMap is to be made."""
    adopt: tuple[Manifest, ...] = ()
    """Shared objects that do not name this owner yet."""
    workload: Workload | None = None
    scale: int | None = None
    """Replicas of a Deployment that otherwise stays as it is."""
    retire: Manifest | None = None
    """The Deployment of a template that the spec no longer has: its pods are made by others now."""
    review: Review | None = None
    """What a person is given to read; None when nothing waits."""
    reported: tuple[ViolationStatus, ...] = ()
    """Violations that no status had before."""
    proposed: tuple[ProposalStatus, ...] = ()
    """Proposals that no status had before."""
    approved: Approval | None = None
    """An approval that no status had before."""


def plan(observed: Observed, settings: Settings, render: Renderer) -> Plan:
    """Decide everything about one ModelDeployment."""
    deployment = observed.deployment
    asked = request_of.request(deployment, settings)
    request = asked if isinstance(asked, request_of.Request) else None
    analysed, given = _analysed(observed, asked)
    found = candidate(deployment, request, observed.result, observed.reference)
    forced = force(observed, analysed, found, request)
    injected = _injection(observed, forced, render)
    living = pods_of.living(observed.pods)
    counted = pods_of.count(living, observed.testimony, forced.name)
    silent = silence(living, observed.testimony, observed.now)
    trouble = pods_of.trouble(living) or silent
    findings: dict[ConditionType, Finding] = {
        "Analyzed": analysed,
        "PolicyReady": forced.finding,
        "Approved": forced.approval,
    }
    findings["Enforced"] = enforced(observed, injected, counted, trouble, silent, forced.name)
    findings["Ready"] = ready(observed, findings, forced, trouble, counted)
    seen = merged(deployment.status.violations, violations(observed.pods, observed.testimony))
    told = set(deployment.status.violations)
    policy = record.in_force(deployment, forced, settings, observed.now)
    logs = (*observed.logs, *observed.testimony.items())
    audited = wanted(observed.pods, logs) if deployment.spec.enforcement.mode == "Audit" else []
    proposed = record.proposed(deployment, forced.content, found if isinstance(found, Candidate) else None, audited)
    known = {(one.list, one.name) for one in deployment.status.proposals}
    before = deployment.status.policy
    planned = Plan(
        findings=findings,
        status=Status.model_validate(
            {
                "observedGeneration": deployment.generation,
                "analysis": request and AnalysisStatus(key=request.key, job=request.name),
                "policy": policy,
                "history": record.history(deployment, policy, observed.now),
                "candidate": _candidate_status(observed, forced),
                "proposals": proposed,
                "pods": counted,
                "violations": seen,
            }
        ),
        request=request,
        review=Review(forced.waiting, forced.comparison) if forced.waiting and forced.comparison else None,
        reported=tuple(one for one in seen if one not in told),
        proposed=tuple(one for one in proposed if (one.list, one.name) not in known),
        approved=policy.approval
        if policy and policy.approval and (before is None or before.name != policy.name)
        else None,
    )
    planned = _with_analysis(planned, observed, analysed, given)
    planned = _with_policies(planned, observed, found, forced)
    return _with_workload(planned, observed, forced, injected)


def _analysed(observed: Observed, asked: Request | Finding | None) -> tuple[Finding, AnalysisObserved | None]:
    if asked is None:
        return affirm(Reason.ANALYSIS_NOT_NEEDED, "The policy is written by hand (spec.policy.configMapRef)."), None
    if isinstance(asked, Finding):
        return asked, None
    status = observed.deployment.status
    condition = status.condition("Analyzed")
    same = status.analysis is not None and status.analysis.key == asked.key
    given = AnalysisObserved(observed, asked, condition.reason if condition is not None and same else None)
    return decide(CHAIN, given), given


def _with_analysis(planned: Plan, observed: Observed, analysed: Finding, given: AnalysisObserved | None) -> Plan:
    if given is None:
        return planned
    if analysed.reason is Reason.ANALYSIS_STARTING:
        return replace(planned, start=True)
    if analysed.reason is Reason.ANALYSIS_REPEATED:
        return replace(planned, renew=True)
    if analysed.reason is Reason.ANALYSIS_ENLARGED:
        return replace(planned, enlarge=is_final(given))
    stored = observed.result
    annotations = ((stored or {}).get("metadata") or {}).get("annotations") or {}
    if analysed.status == "False" and is_final(given) and names.VERDICT not in annotations and stored is not None:
        return replace(planned, record=analysed)
    return planned


def verdict(finding: Finding) -> str:
    """A failed analysis as the result ConfigMap keeps it."""
    return json.dumps({"reason": str(finding.reason), "sentence": clip(finding.sentence, 2000)})


def _with_policies(planned: Plan, observed: Observed, found: Candidate | Finding | None, forced: Force) -> Plan:
    stored = observed.policies or {}
    uid = observed.deployment.uid
    shared = [one for one in (observed.job, observed.result) if one is not None and observed.job is not None]
    if observed.result is not None and observed.result not in shared:
        shared.append(observed.result)
    adopt = [one for one in shared if not is_owned(one, uid)]
    name = found.name if isinstance(found, Candidate) else forced.name or ""
    there = stored.get(name)
    altered = tuple(one for one, kept in stored.items() if names.is_policy(one) and not is_intact(kept, one))
    if there is not None and name not in altered and not is_owned(there, uid):
        adopt.append(there)
    store = (found,) if isinstance(found, Candidate) and (there is None or name in altered) else ()
    return replace(planned, adopt=tuple(adopt), remove=altered, store=store)


def _with_workload(planned: Plan, observed: Observed, forced: Force, injected: Injection | None) -> Plan:
    template = observed.deployment.spec.template
    if not observed.ours:
        return planned
    if template is None:
        return replace(planned, retire=observed.workload if forced.fits else None)
    if forced.fits and isinstance(injected, Inject | Skip):
        request = forced.request if forced.request is not None else observed.in_force_request
        made_of = template_digest(observed.deployment.spec)
        return replace(planned, workload=Workload(injected, forced.name or "", request or "", template, made_of))
    wanted = observed.deployment.spec.replicas
    current = ((observed.workload or {}).get("spec") or {}).get("replicas")
    return replace(planned, scale=wanted if observed.workload is not None and current != wanted else None)


def _injection(observed: Observed, forced: Force, render: Renderer) -> Injection | None:
    spec = observed.deployment.spec
    if spec.template is None:
        return None
    if not observed.ours:
        return Deny(
            Reason.NAME_TAKEN,
            f"There is a Deployment {observed.deployment.name} that does not belong to this ModelDeployment."
            " Remove it, or give the ModelDeployment another name.",
        )
    return injection(spec.template, observed.deployment, forced.name or names.policy_name("0" * 64), render)


def _candidate_status(observed: Observed, forced: Force) -> CandidateStatus | None:
    if forced.waiting is None or forced.comparison is None:
        return None
    review = names.review_name(observed.deployment.name)
    diff = forced.comparison.status()
    return CandidateStatus.model_validate({"name": forced.waiting.name, "diff": diff, "review": review})


def invalid(generation: int, previous: Status, problems: tuple[str, ...], *, running: bool) -> Plan:
    """What is left to say of a spec that cannot be read: the pods stay as they are."""
    told = " ".join(problems)
    stays = " The pods stay as they are, with the last good policy." if running else ""
    broken = refuse(Reason.SPEC_INVALID, f"{told}{stays}")
    unknown = wait(Reason.SPEC_INVALID, "The spec cannot be read.")
    policy = previous.policy
    kept = affirm(Reason.STALE, f"Policy {policy.name}, the last good one, stays in force.") if policy else unknown
    findings: dict[ConditionType, Finding] = {
        "Analyzed": unknown,
        "PolicyReady": kept,
        "Approved": unknown,
        "Enforced": unknown,
        "Ready": broken,
    }
    return Plan(findings=findings, status=previous.model_copy(update={"observed_generation": generation}))


def unchanged(previous: Status) -> Plan:
    """What was said last; where nothing was, that the controller begins."""
    findings: dict[ConditionType, Finding] = dict.fromkeys(CONDITIONS, wait(Reason.OBSERVING, "It is being looked at."))
    for condition in previous.conditions:
        findings[condition.type] = Finding(condition.status, known(condition.reason), condition.message)
    return Plan(findings=findings, status=previous)
