"""`pickleball-operator local`: the whole reconcile of one ModelDeployment on this machine, results left as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from pickleball_operator.controller.reconcile import Clock, reconcile
from pickleball_operator.errors import LocalError
from pickleball_operator.kube import Ref
from pickleball_operator.names import KIND

from .node import Node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pickleball_operator.kube import Manifest
    from pickleball_operator.kube.memory import Memory
    from pickleball_operator.settings import Settings

    from .node import Runner
    from .processes import Say

ROUNDS = 20


class Local:
    """One ModelDeployment, an in-memory API server and a node."""

    def __init__(self, kube: Memory, settings: Settings, clock: Clock, say: Say = print) -> None:
        self.kube = kube
        self._settings = settings
        self._clock = clock
        self._say = say
        self._name = ("", "")

    def load(self, manifests: Sequence[Manifest]) -> None:
        """Put the file's objects into the API server; one of them is the ModelDeployment."""
        deployments = [one for one in manifests if one.get("kind") == KIND]
        others = [one for one in manifests if one.get("kind") == "ConfigMap"]
        if len(deployments) != 1 or len(deployments) + len(others) != len(manifests):
            raise LocalError("Give one ModelDeployment and, if the pods need them, ConfigMaps.")
        for manifest in (*others, *deployments):
            metadata = {"namespace": "default", **manifest["metadata"]}
            made = self.kube.create({**manifest, "metadata": metadata})
            self._name = (made["metadata"]["namespace"], made["metadata"]["name"])

    def analyse(self, runner: Runner) -> Manifest:
        """Reconcile and run Jobs until nothing changes any more; the ModelDeployment after it."""
        return self._settle(Node(self.kube, runner, self._clock), pods=False)

    def start(self, runner: Runner) -> Manifest:
        """As `analyse`, and run the pods."""
        return self._settle(Node(self.kube, runner, self._clock), pods=True)

    def _settle(self, node: Node, *, pods: bool) -> Manifest:
        for _ in range(ROUNDS):
            before = len(self.kube.writes)
            reconcile(self.kube, self._settings, self._clock, *self._name)
            jobs = self.kube.list("Job", None)
            if any(not job["spec"].get("suspend") and not job.get("status") for job in jobs):
                self._say("analysis Job:")
                node.run_jobs()
            elif pods and self.kube.list("Deployment", None) and len(self.kube.writes) == before:
                node.run_deployments()
            if len(self.kube.writes) == before:
                return self.deployment()
        raise LocalError(f"Nothing was settled after {ROUNDS} rounds.")

    def deployment(self) -> Manifest:
        """The ModelDeployment as it stands."""
        found = self.kube.get(Ref("ModelDeployment", *self._name))
        if found is None:
            raise LocalError("The ModelDeployment is gone.")
        return found

    def write(self, folder: Path) -> list[Path]:
        """Leave every object as a YAML file."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for ref in self.kube:
            manifest = self.kube.get(ref)
            if manifest is not None and ref.kind != "Event":
                path = folder / f"{ref.kind.lower()}-{ref.name}.yaml"
                path.write_text(yaml.safe_dump(manifest, sort_keys=False, width=120), encoding="utf-8")
                written.append(path)
        return written


def summary(deployment: Mapping[str, Any]) -> list[str]:
    """The conditions, a line each."""
    conditions = (deployment.get("status") or {}).get("conditions") or []
    return [f"{one['type']:12} {one['status']:8} {one['reason']:24} {one['message']}" for one in conditions]


def is_ready(deployment: Mapping[str, Any]) -> bool:
    """Whether the condition Ready holds."""
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in (deployment.get("status") or {}).get("conditions") or ()
    )


def has_policy(deployment: Mapping[str, Any]) -> bool:
    """Whether a policy of this spec is in force."""
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    held = {one["type"] for one in conditions if one["status"] == "True"}
    return {"Analyzed", "PolicyReady", "Approved"} <= held
