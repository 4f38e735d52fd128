"""Look at everything that a decision about one ModelDeployment rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.decide.observed import Observed
from pickleball_operator.decide.policy import Candidate, candidate
from pickleball_operator.decide.request import Request, request
from pickleball_operator.kube import Kube, Ref

if TYPE_CHECKING:
    from pickleball_operator.kube import Manifest
    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings


def observe(kube: Kube, deployment: ModelDeployment, settings: Settings) -> Observed:
    """One look. The Job is read before its result, so that a finished Job's result is never missed."""
    namespace = deployment.namespace
    asked = request(deployment, settings)
    job: Manifest | None = None
    job_pods: list[Manifest] = []
    stored: Manifest | None = None
    if isinstance(asked, Request):
        job = kube.get(Ref("Job", namespace, asked.name))
        if job is not None:
            labels = {names.PART: "analysis", names.REQUEST_KEY: asked.key[:63]}
            job_pods = kube.list("Pod", namespace, labels)
        stored = kube.get(Ref("ConfigMap", namespace, asked.name))
    reference: Manifest | None = None
    if deployment.spec.policy.config_map_ref is not None:
        reference = kube.get(Ref("ConfigMap", namespace, deployment.spec.policy.config_map_ref.name))
    workload = kube.get(Ref("Deployment", namespace, deployment.name))
    pods = kube.list("Pod", namespace, {names.PART: "workload", names.MODEL_DEPLOYMENT: deployment.name})
    seen = Observed(
        deployment=deployment,
        job=job,
        job_pods=tuple(job_pods),
        result=stored,
        reference=reference,
        workload=workload,
        pods=tuple(pods),
    )
    found = candidate(deployment, asked if isinstance(asked, Request) else None, stored, reference)
    wanted = {seen.in_force, found.name if isinstance(found, Candidate) else None} - {None}
    policies = {name: kube.get(Ref("ConfigMap", namespace, name)) for name in sorted(filter(None, wanted))}
    return Observed(
        **{**vars(seen), "policies": {name: one for name, one in policies.items() if one is not None}},
    )
