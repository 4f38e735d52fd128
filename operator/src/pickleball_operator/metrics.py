"""The operator's metrics: every one with its meaning, kept in one registry for each process.

docs/reference/metrics.md is made from this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.metrics import MetricWrapperBase

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ANALYSIS_SECONDS = (5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
OWNER = ("namespace", "name")
"""Labels of what is counted for each ModelDeployment; nothing is counted for each pod."""


class Metrics:
    """Metrics of the controller."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._series: dict[str, set[tuple[str, ...]]] = {}
        self.requests = self._counter(
            "pickleball_api_requests_total", "Requests to the API server, without watches, by method.", "method"
        )
        self.leading = self._gauge("pickleball_leading", "1 while this controller holds the Lease and works.")
        self.queue = self._gauge("pickleball_queue_length", "ModelDeployments that wait or are being handled.")
        self.reconciles = self._counter(
            "pickleball_reconciles_total", "Looks at a ModelDeployment, by outcome: done, conflict, error.", "outcome"
        )
        self.reconcile_seconds = Histogram(
            "pickleball_reconcile_seconds", "Duration of a look.", registry=self.registry, buckets=SECONDS
        )
        self.transitions = self._counter(
            "pickleball_condition_changes_total",
            "Conditions that came to another status or reason: outcomes of analyses, approvals, injections.",
            "type", "status", "reason",
        )  # fmt: skip
        self.analysis_seconds = Histogram(
            "pickleball_analysis_seconds",
            "Time from the request of an analysis to its outcome, by the reason of the condition Analyzed.",
            ["reason"],
            registry=self.registry,
            buckets=ANALYSIS_SECONDS,
        )
        self.jobs = self._gauge("pickleball_analyses_running", "Analyses that run or wait for a node.")
        self.suspended = self._gauge("pickleball_analyses_waiting", "Analyses that wait for their turn.")
        self.conditions = self._gauge(
            "pickleball_modeldeployments", "ModelDeployments by condition and status.", "type", "status"
        )
        self.pods = self._gauge("pickleball_pods", "Pods of a ModelDeployment.", *OWNER)
        self.unprotected = self._gauge(
            "pickleball_pods_unprotected", "Pods that have not shown that they are protected.", *OWNER
        )
        self.outdated = self._gauge(
            "pickleball_pods_outdated", "Pods with another policy than the one in force.", *OWNER
        )
        self.policy_since = self._gauge(
            "pickleball_policy_since_timestamp_seconds", "When the policy in force came into force.", *OWNER, "policy"
        )
        self.waiting = self._gauge("pickleball_policies_waiting", "1 while a policy waits for approval.", *OWNER)
        self.violations = self._counter(
            "pickleball_violations_reported_total",
            "Violations that came into a status, each once, by mode: enforce, audit, verify (a model file).",
            *OWNER,
            "mode",
        )
        self.evictions = self._counter(
            "pickleball_evictions_total", "Pods that a sweep asked to evict: done, or refused by a budget.", "result"
        )
        self.swept = self._gauge("pickleball_sweep_timestamp_seconds", "When all pods were looked over last.")

    def set_all(self, name: str, values: Mapping[tuple[str, ...], float]) -> None:
        """Set every series of a gauge; those that are not named go."""
        gauge: Gauge = getattr(self, name)
        for labels in self._series.get(name, set()) - values.keys():
            gauge.remove(*labels)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        self._series[name] = set(values)

    def all(self) -> list[MetricWrapperBase]:
        """Every metric."""
        return sorted(set(_metrics(self)), key=full_name)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)


class WebhookMetrics:
    """Metrics of a webhook's replica."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.injections = Counter(
            "pickleball_injections_total",
            "Pods that were judged: result inject, skip, deny or error, and the reason.",
            ["result", "reason"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "pickleball_injection_seconds", "Duration of a judgement.", registry=self.registry, buckets=SECONDS
        )

    def all(self) -> list[MetricWrapperBase]:
        """Every metric."""
        return sorted(set(_metrics(self)), key=full_name)


def serve(registry: CollectorRegistry, port: int) -> Callable[[], None]:
    """Answer GET /metrics in a thread of its own; gives what ends it."""
    server: WSGIServer
    server, thread = start_http_server(port, registry=registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


def _metrics(holder: object) -> list[MetricWrapperBase]:
    return [one for one in vars(holder).values() if isinstance(one, Counter | Gauge | Histogram)]


def full_name(metric: MetricWrapperBase) -> str:
    """The name as Prometheus shows it."""
    name: str = next(iter(metric.describe())).name
    return f"{name}_total" if isinstance(metric, Counter) else name


def label_names(metric: MetricWrapperBase) -> tuple[str, ...]:
    """The labels of a metric."""
    return tuple(metric._labelnames)  # noqa: SLF001 - the library has no other way to ask
