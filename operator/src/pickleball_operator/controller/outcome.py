"""What one look at a ModelDeployment came to, as it is counted and logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pickleball_operator.decide.evidence import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_operator.decide.plan import Plan
    from pickleball_operator.metrics import Metrics
    from pickleball_operator.model import Condition, Status


@dataclass(frozen=True)
class Outcome:
    """The status before and after."""

    namespace: str
    name: str
    previous: Status
    status: Status
    plan: Plan
    now: str

    @property
    def about(self) -> dict[str, str]:
        """The fields of log lines about it."""
        found = {"namespace": self.namespace, "modeldeployment": self.name}
        policy = self.status.policy
        if policy is not None:
            found |= {"policy": policy.name, "policy_key": policy.key or ""}
        return found


def changes(outcome: Outcome) -> Iterator[Condition]:
    """The conditions that came to another status or reason."""
    for condition in outcome.status.conditions:
        before = outcome.previous.condition(condition.type)
        if before is None or (before.status, before.reason) != (condition.status, condition.reason):
            yield condition


def count(metrics: Metrics, outcome: Outcome) -> None:
    """Count what changed."""
    for condition in changes(outcome):
        before = outcome.previous.condition(condition.type)
        metrics.transitions.labels(condition.type, condition.status, condition.reason).inc()
        if condition.type == "Analyzed" and condition.status != "Unknown" and before is not None:
            _time_analysis(metrics, condition.reason, before.last_transition_time, outcome.now)
    for violation in outcome.plan.reported:
        mode = violation.mode if violation.mode in ("audit", "verify") else "enforce"
        metrics.violations.labels(outcome.namespace, outcome.name, mode).inc()


def _time_analysis(metrics: Metrics, reason: str, since: str, now: str) -> None:
    begun, ended = moment(since), moment(now)
    if begun is not None and ended is not None:
        metrics.analysis_seconds.labels(reason).observe(max(0.0, ended - begun))
