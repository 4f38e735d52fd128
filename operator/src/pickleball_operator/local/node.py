"""A node for the in-memory port: runs the containers of Jobs and Deployments, and writes the statuses of them.

What runs a container is given: `local.processes` starts processes, tests follow a script.
Much simpler than a kubelet: a pod runs once, a Job has one pod, a Deployment's replicas share one pod's outcome.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pickleball_operator.decide.keys import digest
from pickleball_operator.kube import Manifest, Ref, ref_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_operator.kube.memory import Memory

TEMPLATE = "pod-template-hash"


@dataclass(frozen=True)
class Exit:
    """How a container ended; without a code it never began, and `reason` says why."""

    code: int | None = 0
    message: str = ""
    reason: str = ""

    @property
    def state(self) -> dict[str, Any]:
        """The container's state as a kubelet writes it."""
        if self.code is None:
            return {"waiting": {"reason": self.reason, "message": self.message}}
        reason = self.reason or ("Completed" if self.code == 0 else "Error")
        return {"terminated": {"exitCode": self.code, "reason": reason, "message": self.message}}


class Runner(Protocol):
    """What runs containers."""

    def step(self, pod: Manifest, container: Manifest) -> Exit:
        """Run a container to its end."""

    def serve(self, pod: Manifest, container: Manifest) -> Exit | None:
        """Start a container; None when it runs and is ready."""

    def log(self, pod: Manifest, container: Manifest) -> str:
        """What a container has printed."""


class Node:
    """Runs what an in-memory API server holds."""

    def __init__(self, kube: Memory, runner: Runner, clock: Callable[[], str]) -> None:
        self._kube = kube
        self._runner = runner
        self._clock = clock

    def run_jobs(self) -> int:
        """Run every Job that is not suspended and has not ended; how many there were."""
        count = 0
        for job in self._kube.list("Job", None):
            if not job["spec"].get("suspend") and not job.get("status", {}).get("conditions"):
                self._run_job(job)
                count += 1
        return count

    def run_deployments(self) -> int:
        """Run a pod for each replica of each Deployment whose template has none yet; how many were started."""
        count = 0
        for deployment in self._kube.list("Deployment", None):
            count += self._run_deployment(deployment)
        return count

    def _run_job(self, job: Manifest) -> None:
        pod = self._pod(job, f"{job['metadata']['name']}-0", {"job-name": job["metadata"]["name"]})
        failed = self._run_steps(pod, pod["spec"]["initContainers"], "initContainerStatuses")
        if failed is None:
            failed = self._run_steps(pod, pod["spec"]["containers"], "containerStatuses")
        self._finish(pod, failed)
        if failed is not None and failed.code is None:
            return
        reason = {"reason": "PodFailurePolicy", "message": "a container failed"} if failed else {}
        condition = {"type": "Failed" if failed else "Complete", "status": "True", **reason}
        self._kube.set_status(ref_of(job), {"conditions": [condition]})

    def _run_steps(self, pod: Manifest, containers: list[Manifest], kind: str) -> Exit | None:
        """Run containers one after the other; the first that failed."""
        statuses: list[Manifest] = pod["status"].setdefault(kind, [])
        for container in containers:
            if container.get("restartPolicy") == "Always":  # a sidecar: it runs on beside what follows
                self._start(pod, container, statuses)
                continue
            ended = self._runner.step(pod, container)
            statuses.append(_status(container, ended.state))
            self._kube.set_status(ref_of(pod), pod["status"])
            if ended.code != 0:
                return ended
        return None

    def _start(self, pod: Manifest, container: Manifest, statuses: list[Manifest]) -> None:
        """Start a container that is to run on."""
        ended = self._runner.serve(pod, container)
        self._kube.logs[ref_of(pod), container["name"]] = self._runner.log(pod, container)
        state = {"running": {"startedAt": self._clock()}} if ended is None else ended.state
        statuses.append({**_status(container, state), "ready": ended is None})

    def _run_deployment(self, deployment: Manifest) -> int:
        metadata, spec = deployment["metadata"], deployment["spec"]
        hashed = digest(spec["template"])[:10]
        mine = spec["selector"]["matchLabels"]
        pods = self._kube.list("Pod", metadata["namespace"], mine)
        old = [pod for pod in pods if pod["metadata"]["labels"].get(TEMPLATE) != hashed]
        for pod in old + [pod for pod in pods if pod not in old][spec["replicas"] :]:
            self._kube.delete(ref_of(pod))
        started = 0
        for number in range(spec["replicas"]):
            name = f"{metadata['name']}-{hashed}-{number}"
            if self._kube.get(Ref("Pod", metadata["namespace"], name)) is None:
                self._serve(self._pod(deployment, name, {TEMPLATE: hashed}))
                started += 1
        self._update(deployment, hashed)
        return started

    def _serve(self, pod: Manifest) -> None:
        failed = self._run_steps(pod, pod["spec"].get("initContainers") or [], "initContainerStatuses")
        if failed is not None:
            self._finish(pod, failed, phase="Pending")
            return
        statuses: list[Manifest] = pod["status"].setdefault("containerStatuses", [])
        for container in pod["spec"]["containers"]:
            self._start(pod, container, statuses)
        self._finish(pod, None, phase="Running")

    def _update(self, deployment: Manifest, hashed: str) -> None:
        metadata, wanted = deployment["metadata"], deployment["spec"]["replicas"]
        pods = self._kube.list("Pod", metadata["namespace"], {TEMPLATE: hashed})
        ready = sum(map(_is_ready, pods))
        self._kube.set_status(
            ref_of(deployment),
            {
                "observedGeneration": metadata["generation"],
                "replicas": wanted,
                "updatedReplicas": len(pods),
                "readyReplicas": ready,
                "availableReplicas": ready,
            },
        )

    def _pod(self, owner: Manifest, name: str, labels: dict[str, str]) -> Manifest:
        template = copy.deepcopy(owner["spec"]["template"])
        metadata = template.get("metadata") or {}
        pod: Manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": owner["metadata"]["namespace"],
                "labels": {**(metadata.get("labels") or {}), **labels},
                "annotations": metadata.get("annotations") or {},
                "ownerReferences": [
                    {
                        "apiVersion": owner["apiVersion"],
                        "kind": owner["kind"],
                        "name": owner["metadata"]["name"],
                        "uid": owner["metadata"]["uid"],
                        "controller": True,
                    }
                ],
            },
            "spec": template["spec"],
        }
        self._kube.delete(ref_of(pod))
        return {**self._kube.create(pod), "status": {"phase": "Pending"}}

    def _finish(self, pod: Manifest, failed: Exit | None, phase: str | None = None) -> None:
        ended = "Succeeded" if failed is None else "Pending" if failed.code is None else "Failed"
        pod["status"]["phase"] = phase or ended
        self._kube.set_status(ref_of(pod), pod["status"])


def _is_ready(pod: Manifest) -> bool:
    """Whether everything that runs on is ready."""
    status = pod["status"]
    sidecars = {one["name"] for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"}
    running = [one for one in status.get("initContainerStatuses") or () if one["name"] in sidecars]
    running += status.get("containerStatuses") or [{"ready": False}]
    return all(one["ready"] for one in running)


def _status(container: Manifest, state: dict[str, Any]) -> Manifest:
    return {"name": container["name"], "image": container["image"], "ready": False, "restartCount": 0, "state": state}
