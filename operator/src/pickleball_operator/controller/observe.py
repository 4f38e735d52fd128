"""Look at everything that a decision about one ModelDeployment rests on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.decide.evidence import has_witness, is_witnessed, needs_log
from pickleball_operator.decide.observed import Observed, is_owned
from pickleball_operator.decide.policy import Candidate, candidate
from pickleball_operator.decide.records import LOG_LIMIT
from pickleball_operator.decide.request import Request, request
from pickleball_operator.decide.selection import selects
from pickleball_operator.decide.turn import is_suspended, turn
from pickleball_operator.kube import Kube, Ref

from .logs import Logs
from .turns import analyses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_operator.decide.turn import Turn
    from pickleball_operator.kube import Manifest
    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings

LOG = logging.getLogger("pickleball.observe")
AUDITED_PODS = 20
"""Pods whose logs are read at a look; all of them serve the same models."""
WITNESSED_PODS = 20
"""Pods whose witness' log is read at a look although nothing is wrong; the sweep looks at all of them."""
WITNESS_LIMIT = 64 * 1024


def observe(kube: Kube, deployment: ModelDeployment, settings: Settings, now: str) -> Observed:
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
            pods_of_it = kube.list("Pod", namespace, labels)
            job_pods = [pod for pod in pods_of_it if is_owned(pod, job["metadata"]["uid"])]
        stored = kube.get(Ref("ConfigMap", namespace, asked.name))
    reference: Manifest | None = None
    if deployment.spec.policy.config_map_ref is not None:
        reference = kube.get(Ref("ConfigMap", namespace, deployment.spec.policy.config_map_ref.name))
    workload = kube.get(Ref("Deployment", namespace, deployment.name))
    pods = pods_of(kube, deployment)
    logs = Logs(kube)
    seen = Observed(
        deployment=deployment,
        job=job,
        job_pods=tuple(job_pods),
        turn=_turn(kube, settings, asked, job),
        result=stored,
        reference=reference,
        workload=workload,
        pods=tuple(pods),
        webhook=bool(settings.webhook_name),
        enabled=deployment.spec.selector is not None and _is_enabled(kube, namespace),
        review=kube.get(Ref("ConfigMap", namespace, names.review_name(deployment.name))),
        logs=tuple(_logs(logs, deployment, pods)),
        testimony=dict(_testimony(logs, pods)),
        now=now,
    )
    found = candidate(deployment, asked if isinstance(asked, Request) else None, stored, reference)
    wanted = {seen.in_force, deployment.spec.policy.pin, found.name if isinstance(found, Candidate) else None} - {None}
    policies = {name: kube.get(Ref("ConfigMap", namespace, name)) for name in sorted(filter(None, wanted))}
    return Observed(
        **{**vars(seen), "policies": {name: one for name, one in policies.items() if one is not None}},
    )


def _turn(kube: Kube, settings: Settings, asked: object, job: Manifest | None) -> Turn | None:
    """The turn of an analysis that waits."""
    if not isinstance(asked, Request) or job is None or not is_suspended(job):
        return None
    return turn(analyses(kube, settings), asked.namespace, asked.name, settings)


def pods_of(kube: Kube, deployment: ModelDeployment) -> list[Manifest]:
    """The pods of the Deployment, or those of others that the selector chooses."""
    selector = deployment.spec.selector
    if selector is None:
        labels = {names.PART: "workload", names.MODEL_DEPLOYMENT: deployment.name}
        return kube.list("Pod", deployment.namespace, labels)
    found = kube.list("Pod", deployment.namespace, selector.match_labels)
    labelled = [(pod, pod["metadata"].get("labels") or {}) for pod in found]
    return [pod for pod, labels in labelled if selects(selector, labels) and labels.get(names.PART) != "analysis"]


def _is_enabled(kube: Kube, namespace: str) -> bool:
    """Whether pods of others are injected in a namespace."""
    found = kube.get(Ref("Namespace", "", namespace)) or {}
    labels = (found.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(names.INJECTION) == names.ENABLED)


def _logs(logs: Logs, deployment: ModelDeployment, pods: list[Manifest]) -> Iterator[tuple[str, str]]:
    """The ends of the logs of audited containers: a running pod says nowhere else what would have been refused."""
    if deployment.spec.enforcement.mode != "Audit":
        return
    for pod in [one for one in pods if not has_witness(one)][:AUDITED_PODS]:
        containers = deployment.spec.enforcement.containers or [pod["spec"]["containers"][0]["name"]]
        for container in containers:
            text = logs.read(pod, container, LOG_LIMIT)
            if text is not None:
                yield pod["metadata"]["name"], text


def _testimony(logs: Logs, pods: list[Manifest]) -> Iterator[tuple[str, str]]:
    """The ends of the logs of witnesses: of all that have something to explain, and of some for their violations."""
    attested = [pod for pod in pods if is_witnessed(pod) and not needs_log(pod)]
    for pod in [*filter(needs_log, pods), *attested[:WITNESSED_PODS]]:
        text = logs.read(pod, names.WITNESS, WITNESS_LIMIT)
        if text is not None:
            yield pod["metadata"]["name"], text
