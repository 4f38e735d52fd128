"""Monitors, alerts and dashboard: they fit one another, the pods' ports, and the metrics that there are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pickleball_enforce.witness.exposition import METRICS
from pickleball_operator import names
from pickleball_operator.metrics import Metrics, WebhookMetrics, full_name

if TYPE_CHECKING:
    from tests.chart.engine import Engine

HERE = Path(__file__).parent
FILES = HERE.parents[1] / "charts" / "pickleball" / "files"
NAME = re.compile(r"pickleball_[a-z_]+")
KNOWN = {full_name(metric) for metric in (*Metrics().all(), *WebhookMetrics().all())} | set(METRICS)
ALL = {"metrics": {"monitors": True, "alerts": True, "dashboard": True, "labels": {"release": "prometheus"}}}


def by_kind(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The manifests of monitoring by their kind."""
    wanted = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
    return {one["kind"]: one for one in manifests if one["kind"] in wanted}


def test_nothing_of_it_is_there_unless_asked_for(chart: Engine) -> None:
    """A cluster without Prometheus' operator has no such kinds."""
    assert by_kind(chart.render()) == {}


def test_the_monitors_find_our_pods_and_the_witnesses(chart: Engine) -> None:
    """Labels and port names are those of the pods; all carry the labels that a Prometheus may choose by."""
    manifests = chart.render(**ALL)
    found = by_kind(manifests)
    assert set(found) == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert all(one["metadata"]["labels"]["release"] == "prometheus" for one in found.values())
    (service,) = [one for one in manifests if one["kind"] == "Service" and one["metadata"]["name"].endswith("-metrics")]
    assert found["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    pods = [one["spec"]["template"] for one in manifests if one["kind"] == "Deployment"]
    assert len(pods) == 2
    for pod in pods:
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
        assert ports["metrics"] == 9464
    witnesses = found["PodMonitor"]["spec"]
    assert witnesses["selector"]["matchLabels"] == {names.PART: "workload"}
    assert witnesses["podMetricsEndpoints"][0]["port"] == names.WITNESS_PORT
    (dashboard,) = [one for one in manifests if one["metadata"]["name"].endswith("-dashboard")]
    assert json.loads(dashboard["data"]["pickleball.json"])["title"] == "PickleBall"


def test_without_witnesses_there_are_none_to_monitor(chart: Engine) -> None:
    """The PodMonitor is left out."""
    assert "PodMonitor" not in by_kind(chart.render(**ALL, settings={"witness": False}))


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_only_metrics_that_there_are_are_asked_for(file: str) -> None:
    """Each name in alerts and dashboard is one of the code's."""
    content = yaml.safe_load((FILES / file).read_text())
    asked = {name.removesuffix("_bucket") for text in expressions(content) for name in NAME.findall(text)}
    assert asked
    assert asked <= KNOWN


def expressions(value: Any) -> list[str]:
    """Every PromQL expression."""
    if isinstance(value, list):
        return [text for item in value for text in expressions(item)]
    if isinstance(value, dict):
        own = [value["expr"]] if "expr" in value else []
        return own + [text for item in value.values() for text in expressions(item)]
    return []


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    """Prometheus' own tool runs alerts.test.yaml, and every alert stands in it."""
    rules = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"][0]["rules"]
    cases = yaml.safe_load((HERE / "alerts.test.yaml").read_text())["tests"]
    fired = {test["alertname"] for case in cases for test in case["alert_rule_test"] if test.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in rules}
    promtool = shutil.which("promtool")
    if promtool is None:
        assert os.environ.get("CI") != "true", "promtool is missing: apt-get install prometheus"
        pytest.skip("promtool is missing: apt-get install prometheus")
    for words in (["check", "rules", FILES / "alerts.yaml"], ["test", "rules", HERE / "alerts.test.yaml"]):
        done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_evictions_are_a_permission_only_where_they_are_wanted(chart: Engine) -> None:
    """The controller may evict pods when the sweep is to."""
    for count, granted in ((0, False), (5, True)):
        manifests = chart.render(settings={"evictions": count})
        found = [rule for one in manifests for rule in one.get("rules", []) if "pods/eviction" in rule["resources"]]
        assert bool(found) is granted
        assert all(rule["verbs"] == ["create"] for rule in found)
