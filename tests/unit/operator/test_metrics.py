"""What is counted, what every log line carries, and that it can be scraped."""

from __future__ import annotations

import json
import logging
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.emulated.world import SETTINGS, World, model_deployment

from pickleball_operator.controller.handlers import Controller
from pickleball_operator.controller.lines import About, about
from pickleball_operator.kube.memory import Memory
from pickleball_operator.metrics import Metrics, WebhookMetrics, full_name, label_names, serve
from pickleball_operator.webhook.known import Known
from pickleball_operator.webhook.review import answer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PER_POD = {"pod", "pod_name", "container", "uid", "node"}


def test_every_metric_is_ours_and_none_is_for_a_pod() -> None:
    """Names begin with pickleball_, and no label grows with the pods of a cluster."""
    for metric in (*Metrics().all(), *WebhookMetrics().all()):
        assert full_name(metric).startswith("pickleball_")
        assert not set(label_names(metric)) & PER_POD


def test_metrics_are_served_until_the_end() -> None:
    """Prometheus' text format on /metrics."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    metrics = Metrics()
    metrics.jobs.set(3)
    end = serve(metrics.registry, port)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as said:
        assert "\npickleball_analyses_running 3.0\n" in said.read().decode()
    end()


def test_looks_and_their_outcomes_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A reconcile that works, its conditions, its violations; each line of its log names the policy and its key."""
    world = World(tmp_path)
    world.add(model_deployment())
    world.settle()
    world.kube.patch(
        next(ref for ref in world.kube if ref.kind == "ModelDeployment"),
        {"status": {"conditions": []}},
        subresource="status",
    )
    controller = Controller(world.kube, world.settings, world.clock)
    caplog.handler.addFilter(About())
    caplog.set_level(logging.INFO)
    token = about.set({})
    controller._reconcile(("team", "iris"))
    about.reset(token)
    sample = controller.metrics.registry.get_sample_value
    assert sample("pickleball_reconciles_total", {"outcome": "done"}) == 1
    changed = {"type": "Ready", "status": "True", "reason": "Ready"}
    assert sample("pickleball_condition_changes_total", changed) == 1
    policy = world.status()["policy"]
    told = [vars(record) for record in caplog.records if record.name == "pickleball.controller"]
    assert len(told) == 5
    for record in told:
        assert (record["namespace"], record["modeldeployment"]) == ("team", "iris")
        assert (record["policy"], record["policy_key"]) == (policy["name"], policy["key"])


def test_analyses_that_wait_are_counted_apart_from_those_that_run(tmp_path: Path) -> None:
    """Two deployments of one analysis count once."""
    world = World(tmp_path, SETTINGS.model_copy(update={"analysis_jobs": 1}))
    for name, image in (("a", "app:1"), ("b", "app:2"), ("c", "app:2")):
        container = {"name": "app", "image": image, "command": ["python3", "/app/serve.py"]}
        world.add(model_deployment(name, template={"spec": {"containers": [container]}}))
    for _ in range(3):
        for name in ("a", "b", "c"):
            world.reconcile(name)
    controller = Controller(world.kube, world.settings, world.clock)
    controller.sweep.look()
    sample = controller.metrics.registry.get_sample_value
    assert (sample("pickleball_analyses_running"), sample("pickleball_analyses_waiting")) == (1, 1)


def review(**pod: Any) -> bytes:
    """An AdmissionReview of a pod."""
    request = {"uid": "1", "namespace": "team", "kind": {"kind": "Pod"}, "object": {"metadata": {"labels": {}}, **pod}}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "request": request}).encode()


def test_judgements_are_told_with_their_result() -> None:
    """A pod that no ModelDeployment claims is skipped."""
    told: list[tuple[str, str]] = []
    kube = Memory()
    answer(
        review(spec={"containers": [{"name": "app", "image": "app:1"}]}),
        Known(kube, ()),
        lambda template, plan: template,
        lambda *judged: told.append(judged),
    )
    assert [result for result, _ in told] == ["skip"]
    assert SETTINGS.metrics_port
