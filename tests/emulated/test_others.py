"""Pods made by others: what the status says of them, from the first pod without the enforcer to all of them with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import SETTINGS, World, model_deployment

from pickleball_operator.decide.admission import admission
from pickleball_operator.decide.injection import Deny, Inject
from pickleball_operator.decide.ours import strip
from pickleball_operator.kube import Ref
from pickleball_operator.render.injection import inject

if TYPE_CHECKING:
    from pathlib import Path

WITH_WEBHOOK = SETTINGS.model_copy(update={"webhook_name": "pickleball-webhook", "witness": False})
POLICY = {"lib.Model": {"globals": ["lib.Model"], "reduces": []}}


def apply(world: World, **spec: Any) -> None:
    """Add a ModelDeployment for pods of others, with a policy written by hand."""
    manifest = model_deployment(
        **{"selector": {"matchLabels": {"app": "iris"}}, "policy": {"configMapRef": {"name": "by-hand"}}, **spec}
    )
    del manifest["spec"]["template"]
    world.add(manifest)


def add_policy(world: World) -> None:
    """Add the policy written by hand."""
    world.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-hand", "namespace": "team"},
               "data": {"policy.json": json.dumps(POLICY)}})  # fmt: skip


def enable(world: World, **labels: str) -> None:
    """Make the namespace, with the label."""
    wanted = labels or {"pickleball.dev/injection": "enabled"}
    world.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": wanted}})


def make(world: World, name: str, *, webhook: bool = True) -> None:
    """What a ReplicaSet of somebody else does, with or without the webhook in between; the kubelet runs it."""
    pod: Any = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "team", "labels": {"app": "iris"}},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]},
    }
    if webhook:

        def rendered(template: Any, plan: Inject) -> Any:
            return inject(template, plan, WITH_WEBHOOK)

        decision = admission(pod, world.kube.list("ModelDeployment", "team"), rendered)
        assert isinstance(decision, Inject), decision
        pod = rendered(strip(pod), decision)
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    steps = [one["name"] for one in pod["spec"].get("initContainers", [])]
    world.kube.create({**pod, "status": {
        "phase": "Running",
        "initContainerStatuses": [{"name": one, "ready": True, "state": done} for one in steps],
        "containerStatuses": [{"name": "app", "ready": True, "state": {"running": {}}}],
    }})  # fmt: skip


@pytest.fixture
def others(tmp_path: Path) -> World:
    """A world with a webhook."""
    return World(tmp_path, WITH_WEBHOOK)


def test_from_nothing_to_all_protected(others: World) -> None:
    """No label, no policy, no pod, one without the enforcer, all with it: each has its reason and its remedy."""
    apply(others)
    others.settle()
    assert others.reasons()["Enforced"] == ("False", "NamespaceNotEnabled")
    assert "kubectl label namespace team pickleball.dev/injection=enabled" in others.condition("Enforced")["message"]
    enable(others)
    others.settle()
    assert others.reasons()["Enforced"] == ("Unknown", "WaitingForPolicy")
    add_policy(others)
    others.settle()
    assert others.reasons()["Enforced"] == ("Unknown", "NoPods")
    assert others.reasons()["Ready"] == ("True", "NoPods")
    make(others, "old", webhook=False)
    make(others, "new")
    others.settle()
    assert others.reasons()["Enforced"] == others.reasons()["Ready"] == ("False", "PodsUnprotected")
    assert others.status()["pods"] == {"protected": 1, "total": 2, "outdated": 0}
    assert "kubectl delete pod old" in others.condition("Enforced")["message"]
    others.kube.delete(Ref("Pod", "team", "old"))
    others.settle()
    assert others.reasons()["Enforced"] == ("True", "SelfTestPassed")
    assert others.reasons()["Ready"] == ("True", "Ready")
    assert others.status()["pods"] == {"protected": 1, "total": 1, "outdated": 0}
    assert "PodsUnprotected" in others.events()


def test_a_pod_of_others_waits_for_a_policy(others: World) -> None:
    """Before there is one the webhook refuses; afterwards the same pod is injected with that policy."""
    apply(others)
    enable(others)
    others.settle()
    pod: Any = {"metadata": {"labels": {"app": "iris"}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    decision = admission(pod, others.kube.list("ModelDeployment", "team"), lambda template, _: template)
    assert isinstance(decision, Deny)
    assert decision.reason == "WaitingForPolicy"
    add_policy(others)
    others.settle()
    make(others, "iris")
    stored = others.get("Pod", "iris")
    assert stored["metadata"]["annotations"]["pickleball.dev/policy"] == others.status()["policy"]["name"]


def test_only_the_selected_pods_count(others: World) -> None:
    """Pods with other labels, and the analysis' own, are none of it; an expression is read as Kubernetes reads it."""
    apply(others, selector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["iris"]}]})
    enable(others)
    add_policy(others)
    others.settle()
    make(others, "iris")
    for name, labels in (("x", {"app": "x"}), ("a", {"app": "iris", "pickleball.dev/part": "analysis"})):
        metadata = {"name": name, "namespace": "team", "labels": labels}
        others.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}})
    others.settle()
    assert others.status()["pods"] == {"protected": 1, "total": 1, "outdated": 0}


def test_sources_come_from_the_image_that_the_spec_names(others: World) -> None:
    """With a selector there is no template: spec.source.fromImage.image says whose library is analysed."""
    apply(others, policy={}, source={"fromImage": {"image": "serving:1", "python": "python3.11"}})
    enable(others)
    others.settle()
    job = others.only("Job", part="analysis")
    collect = job["spec"]["template"]["spec"]["initContainers"][1]
    assert collect["image"] == "serving:1"
    assert others.reasons()["Analyzed"] == ("True", "AnalysisSucceeded")
    assert others.status()["policy"]["name"].startswith("pickleball-policy-")
