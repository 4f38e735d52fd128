"""The witness' metrics, in Prometheus' text format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .account import Account

TYPE = "text/plain; version=0.0.4; charset=utf-8"
METRICS = {
    "pickleball_container_enforced": ("gauge", "1 when the container's own interpreter has reported, as expected."),
    "pickleball_container_runs_total": ("counter", "Runs of the container in which an interpreter has reported."),
    "pickleball_interpreters_started_total": (
        "counter",
        "Interpreters that have reported, by origin: application, or exec (a probe, kubectl exec).",
    ),
    "pickleball_interpreters_judging_total": (
        "counter",
        "Interpreters that have imported pickle, by the verifier that judges for them: rust, or python (slower).",
    ),
    "pickleball_violations_total": ("counter", "Violations by rule and mode (enforce: refused, audit: let pass)."),
    "pickleball_reports_unreadable_total": ("counter", "Lines of reports that could not be read."),
    "pickleball_policy_info": ("gauge", "1; the labels say which policy is expected."),
    "pickleball_policy_mounted_timestamp_seconds": ("gauge", "When the pod got its policy."),
}
"""Every metric of the witness: its type and what it means."""

Labels = dict[str, str]


@dataclass(frozen=True)
class Policy:
    """What is expected."""

    name: str
    sha256: str
    mode: str
    mounted: float


def expose(accounts: Iterable[Account], policy: Policy) -> str:
    """All metrics."""
    found: dict[str, list[tuple[Labels, float]]] = {name: [] for name in METRICS}
    for name, labels, value in [*_of_policy(policy), *(one for account in accounts for one in _of_container(account))]:
        found[name].append((labels, value))
    lines = []
    for name, (kind, meaning) in METRICS.items():
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{_labels(labels)} {value:.17g}" for labels, value in found[name]]
    return "\n".join(lines) + "\n"


def _of_policy(policy: Policy) -> Iterator[tuple[str, Labels, float]]:
    yield "pickleball_policy_info", {"policy": policy.name, "sha256": policy.sha256, "mode": policy.mode}, 1
    yield "pickleball_policy_mounted_timestamp_seconds", {}, policy.mounted


def _of_container(account: Account) -> Iterator[tuple[str, Labels, float]]:
    own = {"container": account.container}
    yield "pickleball_container_enforced", own, account.enforced
    yield "pickleball_container_runs_total", own, account.runs
    for origin, count in account.starts.items():
        yield "pickleball_interpreters_started_total", {**own, "origin": origin}, count
    for engine, count in account.engines.items():
        yield "pickleball_interpreters_judging_total", {**own, "engine": engine}, count
    for (rule, mode), count in account.violations.items():
        yield "pickleball_violations_total", {**own, "rule": rule, "mode": mode}, count
    yield "pickleball_reports_unreadable_total", own, account.unreadable


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
