"""Which pods of others are to be made anew: those that run unprotected, or with an old policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .evidence import moment
from .ours import is_guarded
from .pods import is_outdated, living

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pickleball_operator.model import ModelDeployment

Pod = Mapping[str, Any]
SETTLED = 300.0
"""Seconds for which a pod is left to those who replace it anyway."""


def evictable(deployment: ModelDeployment, pods: Sequence[Pod], now: str) -> Iterator[Pod]:
    """Pods of others whose owner would make them anew, and better.

    Only those that are older than the policy in force: one that was made since and is unprotected all the same would
    be made unprotected again.
    """
    policy = deployment.status.policy
    since = moment(policy.since) if policy is not None else None
    time = moment(now)
    if deployment.spec.selector is None or policy is None or since is None or time is None:
        return
    for pod in living(tuple(pods)):
        made = moment(str(pod["metadata"].get("creationTimestamp")))
        replaced = any(owner.get("controller") for owner in pod["metadata"].get("ownerReferences") or ())
        older = made is not None and made < since and time - since >= SETTLED
        if replaced and older and (not is_guarded(pod) or is_outdated(pod, policy.name)):
            yield pod
