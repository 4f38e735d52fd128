"""The sweep: all pods are looked over now and then, and the metrics are set.

A watch shows what changes. The sweep sees the rest: pods that no injection touched, interpreters that stay silent,
what witnesses have heard since.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from pickleball_operator import names
from pickleball_operator.decide import exposure
from pickleball_operator.decide import pods as judge
from pickleball_operator.decide.evidence import events, is_witnessed, moment, needs_log
from pickleball_operator.decide.keys import digest
from pickleball_operator.decide.reasons import Reason
from pickleball_operator.errors import ConflictError, SpecError
from pickleball_operator.kube import Ref
from pickleball_operator.kube.follow import LISTING, SYNCED
from pickleball_operator.model import parse
from pickleball_operator.render.event import event

from .logs import Logs
from .observe import WITNESS_LIMIT, pods_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pickleball_operator.kube import Kube, Manifest
    from pickleball_operator.metrics import Metrics
    from pickleball_operator.model import ModelDeployment, Status
    from pickleball_operator.settings import Settings

Key = tuple[str, str]
LOG = logging.getLogger("pickleball.sweep")
KEPT = ("name", "env", "restartPolicy")
"""Fields of containers that the sweep looks at."""


class Seen(NamedTuple):
    """What is counted of a ModelDeployment."""

    namespace: str
    name: str
    status: Status


class Sweep:
    """Looks over everything, and remembers what witnesses have said."""

    def __init__(self, kube: Kube, settings: Settings, clock: Callable[[], str], metrics: Metrics) -> None:
        self._kube = kube
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._heard: dict[str, str] = {}
        """Digest of the violations that the witness of a pod has logged, by the pod's uid."""

    def look(self) -> set[Key]:
        """Look once; the ModelDeployments whose status may say something else than is so."""
        concerned: set[Key] = set()
        seen: list[Seen] = []
        living: set[str] = set()
        left = self._settings.evictions
        logs = Logs(self._kube)
        for namespace in self._settings.watch_namespaces or (None,):
            owned = self._owned(namespace)
            for deployment in list(self._deployments(namespace)):  # pages do not wait while logs are read
                key = (deployment.namespace, deployment.name)
                pods = owned.get(key, []) if deployment.spec.selector is None else pods_of(self._kube, deployment)
                living |= {pod["metadata"]["uid"] for pod in pods}
                seen.append(Seen(deployment.namespace, deployment.name, deployment.status))
                if self._is_concerned(deployment, pods, logs):
                    concerned.add(key)
                left -= self._evict(deployment, pods, left)
        self._heard = {uid: said for uid, said in self._heard.items() if uid in living}
        tell(self._metrics, seen, moment(self._clock()) or 0)
        return concerned

    def _deployments(self, namespace: str | None) -> Iterator[ModelDeployment]:
        """All that can be read; of the others a condition says so."""
        for manifest in listed(self._kube.changes("ModelDeployment", namespace)):
            with contextlib.suppress(SpecError):
                yield parse(manifest)

    def _owned(self, namespace: str | None) -> dict[Key, list[Manifest]]:
        """The pods of all Deployments of ours, by their ModelDeployment."""
        found: dict[Key, list[Manifest]] = {}
        for pod in listed(self._kube.changes("Pod", namespace, names.PART)):
            metadata = pod["metadata"]
            if metadata["labels"][names.PART] == "workload":
                key = (metadata["namespace"], metadata["labels"].get(names.MODEL_DEPLOYMENT, ""))
                found.setdefault(key, []).append(slim(pod))
        return found

    def _is_concerned(self, deployment: ModelDeployment, pods: list[Manifest], logs: Logs) -> bool:
        status = deployment.status
        living = judge.living(tuple(pods))
        counted = judge.count(living, {}, status.policy.name if status.policy is not None else None)
        heard = [self._has_heard(pod, logs) for pod in living]
        return counted != status.pods or any(map(needs_log, living)) or any(heard)

    def _has_heard(self, pod: Mapping[str, Any], logs: Logs) -> bool:
        """Whether the witness has logged violations since the last sweep."""
        if not is_witnessed(pod):
            return False
        log = logs.read(pod, names.WITNESS, WITNESS_LIMIT) or ""
        said = [one for one in events(log) if one.get("event") == "violation"]
        before, now = self._heard.get(pod["metadata"]["uid"]), digest(said)
        self._heard[pod["metadata"]["uid"]] = now
        return bool(said) and before != now

    def _evict(self, deployment: ModelDeployment, pods: list[Manifest], budget: int) -> int:
        """Evict at most `budget` pods; how many were."""
        done = 0
        for pod in exposure.evictable(deployment, pods, self._clock()):
            if done >= budget:
                break
            name = pod["metadata"]["name"]
            allowed = self._kube.evict(Ref("Pod", deployment.namespace, name))
            self._metrics.evictions.labels("done" if allowed else "refused").inc()
            if not allowed:
                LOG.info("a disruption budget keeps pod %s/%s", deployment.namespace, name)
                continue
            done += 1
            LOG.info("pod %s/%s was evicted, to be made anew", deployment.namespace, name)
            self._tell(deployment, f"Pod {name} was evicted, so that its owner makes it anew with the policy in force.")
        return done

    def _tell(self, deployment: ModelDeployment, sentence: str) -> None:
        note = ("Normal", str(Reason.EVICTED), sentence)
        try:
            self._kube.create(event(deployment.namespace, deployment.name, deployment.uid, self._clock(), note))
        except ConflictError:
            LOG.debug("the event stands already: %s", sentence)


def listed(changes: Iterable[tuple[str, Manifest]]) -> Iterator[Manifest]:
    """What is there, a page at a time: all of it at once would be most of the controller's memory."""
    for change, manifest in changes:
        if change == SYNCED:
            return
        if change != LISTING:
            yield manifest


def slim(pod: Manifest) -> Manifest:
    """What of a pod tells whether it runs protected; the rest is ten times as much."""
    spec = {
        part: [{key: one[key] for key in KEPT if key in one} for one in pod["spec"].get(part) or ()]
        for part in ("initContainers", "containers")
    }
    return {**pod, "spec": {"nodeName": pod["spec"].get("nodeName"), **spec}}


def tell(metrics: Metrics, deployments: Iterable[Seen], now: float) -> None:
    """Set what is counted over all ModelDeployments; series of those that are gone go."""
    counted: dict[tuple[str, str], int] = {}
    analyses: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    """Those that wait for their turn, and the others."""
    owned: dict[tuple[str, ...], dict[str, float]] = {}
    since: dict[tuple[str, ...], float] = {}
    for one in deployments:
        status, owner = one.status, (one.namespace, one.name)
        for condition in status.conditions:
            key = (condition.type, condition.status)
            counted[key] = counted.get(key, 0) + 1
            if condition.type == "Analyzed" and condition.status == "Unknown" and status.analysis is not None:
                queued = condition.reason == Reason.ANALYSIS_QUEUED
                analyses[queued].add((one.namespace, status.analysis.key))
        owned[owner] = {
            "pods": status.pods.total,
            "unprotected": status.pods.total - status.pods.protected,
            "outdated": status.pods.outdated,
            "waiting": status.candidate is not None,
        }
        if status.policy is not None:
            since[(*owner, status.policy.name)] = moment(status.policy.since) or 0
    metrics.conditions.clear()
    for (kind, truth), count in counted.items():
        metrics.conditions.labels(kind, truth).set(count)
    for name in ("pods", "unprotected", "outdated", "waiting"):
        metrics.set_all(name, {owner: values[name] for owner, values in owned.items()})
    metrics.set_all("policy_since", since)
    metrics.jobs.set(len(analyses[False]))
    metrics.suspended.set(len(analyses[True] - analyses[False]))
    metrics.swept.set(now)
