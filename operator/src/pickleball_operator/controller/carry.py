"""Carry a plan out through the port, in an order that a crash at any point leaves repeatable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide.injection import Inject
from pickleball_operator.decide.observed import is_owned
from pickleball_operator.decide.plan import verdict
from pickleball_operator.decide.retention import owners_left, surplus
from pickleball_operator.decide.turn import is_suspended
from pickleball_operator.errors import ForbiddenError, InvalidError
from pickleball_operator.kube import Kind, Kube, Manifest, Ref, ref_of
from pickleball_operator.render import analysis, injection, policy, review, workload

from .drift import APPLIED, fingerprint, holds
from .turns import resume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.decide.observed import Observed
    from pickleball_operator.decide.plan import Plan, Workload
    from pickleball_operator.decide.request import Request
    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings


def carry_out(kube: Kube, plan: Plan, observed: Observed, settings: Settings) -> bool:
    """Make what the plan says; what is there already is left alone. Whether the Deployment was changed."""
    owner, changed = observed.deployment, False
    for shared in plan.adopt:
        _adopt(kube, shared, owner)
    if plan.request is not None:
        _analysis(kube, plan, plan.request, observed, settings)
    for name in plan.remove:
        kube.delete(Ref("ConfigMap", owner.namespace, name))
    for found in plan.store:
        kube.create(policy.config_map(found, owner.namespace, [owner.owner]))
    if plan.workload is not None:
        changed = _workload(kube, plan.workload, observed, settings)
    _review(kube, plan, observed)
    if plan.start or plan.store or _is_another(plan, owner):
        _tidy(kube, plan, observed)
    if plan.scale is not None:
        kube.patch(Ref("Deployment", owner.namespace, owner.name), {"spec": {"replicas": plan.scale}})
    if plan.retire is not None:
        kube.delete(ref_of(plan.retire), resource_version=plan.retire["metadata"]["resourceVersion"])
    return changed


def _is_another(plan: Plan, owner: ModelDeployment) -> bool:
    """Whether another analysis than before is asked for; its Job and result may be there, made for others."""
    asked, before = plan.status.analysis, owner.status.analysis
    return before is not None and (asked is None or asked.key != before.key)


def _analysis(kube: Kube, plan: Plan, request: Request, observed: Observed, settings: Settings) -> None:
    owner = observed.deployment
    job = Ref("Job", owner.namespace, request.name)
    if plan.renew:
        kube.delete(job)
    if plan.enlarge:
        granted = {names.MEMORY: request.enlarged.memory}
        kube.patch(Ref("ConfigMap", owner.namespace, request.name), {"metadata": {"annotations": granted}})
        kube.delete(job)
    if plan.record is not None:
        annotations = {names.VERDICT: verdict(plan.record)}
        kube.patch(Ref("ConfigMap", owner.namespace, request.name), {"metadata": {"annotations": annotations}})
    if not plan.start:
        return
    if observed.result is None:
        kube.create(analysis.result(request, [owner.owner]))
    request = request.granted(observed.result)
    made = observed.job or kube.create(analysis.job(request, settings, [owner.owner], suspend=True))
    if made["spec"].get("suspend"):
        try:
            for manifest in analysis.identity(request, made["metadata"]["uid"]):
                kube.apply(manifest)
        except (ForbiddenError, InvalidError):
            kube.delete(job)  # it cannot run, and waiting it would keep a place from others
            raise
        resume(kube, job, settings)


def _review(kube: Kube, plan: Plan, observed: Observed) -> None:
    """Lay out what a person reads before approving, and put it away when nothing waits."""
    owner = observed.deployment
    if plan.review is None:
        if observed.review is not None and is_owned(observed.review, owner.uid):
            kube.delete(ref_of(observed.review), resource_version=observed.review["metadata"]["resourceVersion"])
        return
    manifest = review.config_map(owner, plan.review.candidate, plan.review.comparison)
    if observed.review is None or not review.holds(observed.review, manifest):
        kube.apply(manifest)


def _adopt(kube: Kube, shared: Mapping[str, Any], owner: ModelDeployment) -> None:
    """Add this owner to an object that others own too; it is a conflict when that has gone meanwhile."""
    kube.share(ref_of(shared), shared["metadata"]["uid"], owner.owner)


def _tidy(kube: Kube, plan: Plan, observed: Observed) -> None:
    """Let go of superseded analyses and policies; what others own too stays with them."""
    owner = observed.deployment
    needed = (
        {found.name for found in plan.store}
        | {past.name for past in plan.status.history}
        | ({plan.request.name} if plan.request else set())
    )
    needed |= {status.name for status in (plan.status.policy, plan.status.candidate) if status}
    needed |= {observed.in_force} if observed.in_force else set()
    parts: tuple[tuple[Kind, str], ...] = (("Job", "analysis"), ("ConfigMap", "result"), ("ConfigMap", "policy"))
    for kind, part in parts:
        for one in surplus(kube.list(kind, owner.namespace, {names.PART: part}), owner.uid, needed):
            _let_go(kube, one, owner.uid)


def withdraw(kube: Kube, namespace: str, uid: str) -> None:
    """Let go of the analyses that wait for an owner whose spec cannot be read: they would keep places from others."""
    for job in kube.list("Job", namespace, {names.PART: "analysis"}):
        if is_suspended(job) and is_owned(job, uid):
            _let_go(kube, job, uid)


def _let_go(kube: Kube, one: Mapping[str, Any], uid: str) -> None:
    version = one["metadata"]["resourceVersion"]
    left = owners_left(one, uid)
    if left:
        kube.patch(ref_of(one), {"metadata": {"ownerReferences": left, "resourceVersion": version}})
    else:
        kube.delete(ref_of(one), resource_version=version)


def _workload(kube: Kube, planned: Workload, observed: Observed, settings: Settings) -> bool:
    manifest = deployment(planned, observed.deployment, settings)
    annotations = manifest["metadata"]["annotations"]
    annotations[APPLIED] = fingerprint(manifest)
    if observed.workload is not None and holds(observed.workload, manifest):
        return False
    kube.apply(manifest)
    return True


def deployment(planned: Workload, owner: ModelDeployment, settings: Settings) -> Manifest:
    """The Deployment that a plan asks for."""
    template: Mapping[str, Any] = planned.template
    if isinstance(planned.injection, Inject):
        template = injection.inject(template, planned.injection, settings)
    annotations = {names.POLICY: planned.policy, names.REQUEST: planned.request, names.TEMPLATE: planned.made_of}
    return workload.deployment(owner, template, annotations)
