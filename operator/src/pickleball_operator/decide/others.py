"""Pods made by others: what keeps them from being protected, and which of them run without the enforcer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_operator import names

from .finding import Finding, refuse, wait
from .ours import is_guarded
from .pods import living
from .reasons import Reason

if TYPE_CHECKING:
    from .observed import Manifest, Observed

SHOWN = 5
NO_WEBHOOK = (
    "spec.selector names pods made by others, and no webhook injects into them: they run WITHOUT the enforcer and load"
    " any pickle. Set webhook.enabled in the chart, use spec.template, or put the enforcer into their image."
)


def unprotected(observed: Observed) -> list[Manifest]:
    """The pods that were made without the injection: before the ModelDeployment, or while nothing injected."""
    return [pod for pod in living(observed.pods) if not is_guarded(pod)]


def hindrance(observed: Observed, policy: str | None) -> Finding | None:
    """What is in the way of protection, before anything is said of the pods that have it."""
    deployment = observed.deployment
    if not observed.webhook:
        return refuse(Reason.SELECTOR_NOT_COVERED, NO_WEBHOOK)
    if not observed.enabled:
        return refuse(
            Reason.NAMESPACE_NOT_ENABLED,
            "spec.selector names pods made by others, and they are not injected in this namespace: they run WITHOUT the"
            f" enforcer. To have them injected: kubectl label namespace {deployment.namespace}"
            f" {names.INJECTION}={names.ENABLED}.",
        )
    bare = [str(pod["metadata"]["name"]) for pod in unprotected(observed)]
    if bare:
        more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
        return refuse(
            Reason.PODS_UNPROTECTED,
            f"{len(bare)} pods run WITHOUT the enforcer, since nothing injected when they were made: "
            f"{', '.join(bare[:SHOWN])}{more}. Have them made again: kubectl delete pod {bare[0]}, or kubectl rollout"
            " restart of what makes them.",
        )
    if policy is None:
        return wait(
            Reason.WAITING_FOR_POLICY, "Pods with these labels are refused until there is an approved policy for them."
        )
    if not living(observed.pods):
        return wait(Reason.NO_PODS, "No pod has the labels of spec.selector.")
    return None
