"""What the controller sees of one ModelDeployment: everything that a decision rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pickleball_operator import names

if TYPE_CHECKING:
    from pickleball_operator.model import ModelDeployment

    from .request import Request
    from .turn import Turn

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Observed:
    """One look at the cluster; None where there is no such object."""

    deployment: ModelDeployment
    job: Manifest | None = None
    job_pods: tuple[Manifest, ...] = ()
    result: Manifest | None = None
    turn: Turn | None = None
    """Whether the analysis may run; None when it does, or has."""
    reference: Manifest | None = None
    """The ConfigMap that policy.configMapRef names."""
    policies: Mapping[str, Manifest] | None = None
    """The policy ConfigMaps that are there, of those that matter: the candidate, the one in force, the pinned one."""
    workload: Manifest | None = None
    pods: tuple[Manifest, ...] = ()
    webhook: bool = False
    """Whether there is a webhook that injects into pods of others."""
    enabled: bool = False
    """Whether the namespace lets it."""
    review: Manifest | None = None
    """What a person is given to read, as it stands."""
    logs: tuple[tuple[str, str], ...] = ()
    """The ends of the logs of pods in mode Audit that have no witness, with the pods' names."""
    testimony: Mapping[str, str] = field(default_factory=dict)
    """The ends of the logs of the pods' witnesses, by the pods' names."""
    now: str = ""
    """When this was seen."""

    @property
    def ours(self) -> bool:
        """Whether the Deployment of this name belongs to this ModelDeployment."""
        return self.workload is None or is_owned(self.workload, self.deployment.uid)

    @property
    def in_force(self) -> str | None:
        """Name of the policy that the pods run with: the Deployment says so, else the status remembers.

        With approval Manual a Deployment is believed only where it names a policy that came into force properly: who
        may write Deployments must not be able to approve.
        """
        deployment = self.deployment
        policy = deployment.status.policy
        name = annotation(self.workload, names.POLICY) if self.workload is not None and self.ours else None
        if name is not None and (deployment.spec.policy.approval == "Automatic" or name in deployment.approvals):
            return name
        return policy.name if policy is not None else None

    @property
    def in_force_request(self) -> str | None:
        """Request key of the analysis that the policy in force comes from."""
        return annotation(self.workload, names.REQUEST) if self.workload is not None and self.ours else None


@dataclass(frozen=True)
class AnalysisObserved:
    """What the chain about the analysis looks at."""

    observed: Observed
    request: Request
    previous: str | None
    """Reason of the Analyzed condition so far, when it speaks of the same request."""


def annotation(manifest: Manifest, name: str) -> str | None:
    """One annotation of an object."""
    value = ((manifest.get("metadata") or {}).get("annotations") or {}).get(name)
    return str(value) if value is not None else None


def is_owned(manifest: Manifest, uid: str) -> bool:
    """Whether an object names the owner."""
    owners = (manifest.get("metadata") or {}).get("ownerReferences") or ()
    return any(owner.get("uid") == uid for owner in owners)
