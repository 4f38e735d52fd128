"""What is done with a pod that somebody else makes: which ModelDeployment selects it, and what is injected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.errors import SpecError
from pickleball_operator.model import parse

from .injection import INJECTED, Deny, Injection, Renderer, Skip, fresh, is_injected
from .ours import strip
from .reasons import Reason
from .selection import selects
from .template import Template, fault

if TYPE_CHECKING:
    from pickleball_operator.model import ModelDeployment

Manifest = Mapping[str, Any]
Reader = Callable[[Manifest], "ModelDeployment"]


def admission(pod: Template, stored: Sequence[Manifest], render: Renderer, read: Reader = parse) -> Injection:
    """Decide on a pod, given the ModelDeployments of its namespace; an Inject is meant for `strip(pod)`."""
    broken = fault(pod)
    if broken is not None:
        return Deny(Reason.TEMPLATE_INVALID, f"{broken}; write a pod as Kubernetes documents it.")
    try:
        deployments = [read(one) for one in stored if not one["metadata"].get("deletionTimestamp")]
    except SpecError as error:
        return Deny(
            Reason.SPEC_INVALID,
            f"A ModelDeployment of the namespace cannot be read, so nobody knows whether the pod is its: {error}",
        )
    chosen = _chosen(pod, deployments)
    if not isinstance(chosen, Deny | Skip):
        return _decide(pod, chosen, render)
    return chosen


def _chosen(pod: Template, deployments: Sequence[ModelDeployment]) -> ModelDeployment | Deny | Skip:
    labels = (pod.get("metadata") or {}).get("labels") or {}
    found = [one for one in deployments if one.spec.selector is not None and selects(one.spec.selector, labels)]
    if not found:
        return Skip(Reason.NOT_SELECTED, "No ModelDeployment of the namespace selects the pod.")
    made_for = labels.get(names.MODEL_DEPLOYMENT)
    found += [one for one in deployments if one.spec.template is not None and one.name == made_for]
    if len(found) > 1:
        both = " and ".join(one.name for one in found)
        return Deny(
            Reason.SELECTED_TWICE,
            f"ModelDeployments {both} both claim the pod, and it can have one policy. Narrow a spec.selector.",
        )
    return found[0]


def _decide(pod: Template, deployment: ModelDeployment, render: Renderer) -> Injection:
    policy = deployment.status.policy
    if policy is None:
        return Deny(
            Reason.WAITING_FOR_POLICY,
            f"ModelDeployment {deployment.name} selects the pod and has no policy in force yet. It is made when there"
            f" is one; what is in the way: kubectl describe modeldeployment {deployment.name}.",
        )
    if is_injected(pod, deployment, policy.name, render):
        return INJECTED
    return fresh(strip(pod), deployment, policy.name)
