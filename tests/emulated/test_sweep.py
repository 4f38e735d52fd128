"""The sweep over all pods: what runs unprotected is seen, counted and, where wanted, evicted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import World, model_deployment

from pickleball_operator.controller.sweep import Sweep
from pickleball_operator.errors import UnavailableError
from pickleball_operator.kube import Ref
from pickleball_operator.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_operator.kube import Manifest

KEY = ("team", "iris")
POLICY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-hand", "namespace": "team"},
          "data": {"policy.json": '{"a.B": {"globals": [], "reduces": []}}'}}  # fmt: skip
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace",
             "metadata": {"name": "team", "labels": {"pickleball.dev/injection": "enabled"}}}  # fmt: skip
OWNER = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "theirs", "uid": "uid-0", "controller": True}]


def others(world: World) -> None:
    """A ModelDeployment for pods that others make, with a policy written by hand."""
    world.settings = world.settings.model_copy(update={"webhook_name": "pickleball-webhook"})
    world.kube.create(POLICY)
    world.kube.create(NAMESPACE)
    manifest = model_deployment()
    del manifest["spec"]["template"]
    manifest["spec"] |= {"selector": {"matchLabels": {"app": "iris"}}, "policy": {"configMapRef": {"name": "by-hand"}}}
    world.add(manifest)
    world.settle()


def pod(world: World, name: str, policy: str | None = None, **metadata: Any) -> Ref:
    """A running pod of others: with a policy it was injected, without it was not."""
    steps = ["pickleball-self-test-0", "pickleball-witness"] if policy else []
    states = {"pickleball-self-test-0": {"terminated": {"exitCode": 0}}, "pickleball-witness": {"running": {}}}
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "team",
            "labels": {"app": "iris"},
            "annotations": {"pickleball.dev/policy": policy} if policy else {},
            "ownerReferences": OWNER,
            **metadata,
        },
        "spec": {"initContainers": [{"name": step} for step in steps], "containers": [{"name": "app"}]},
        "status": {
            "phase": "Running",
            "initContainerStatuses": [{"name": step, "ready": True, "state": states[step]} for step in steps],
            "containerStatuses": [{"name": "app", "ready": True, "state": {"running": {}}}],
        },
    }
    world.kube.create(manifest)
    return Ref("Pod", "team", name)


@pytest.fixture
def sweep(world: World) -> Callable[[], set[tuple[str, str]]]:
    """Sweep, and reconcile what it names."""
    metrics = Metrics()
    made = Sweep(world.kube, world.settings, world.clock, metrics)

    def run() -> set[tuple[str, str]]:
        found = made.look()
        for _, name in found:
            world.reconcile(name)
        return found

    run.metrics = metrics  # type: ignore[attr-defined]
    run.sweep = made  # type: ignore[attr-defined]
    return run


def value(metrics: Metrics, metric: str, **labels: str) -> float | None:
    """One series."""
    found: float | None = metrics.registry.get_sample_value(metric, labels)
    return found


OF_IRIS = {"namespace": "team", "name": "iris"}


def test_pods_of_others_without_the_enforcer_are_seen(world: World, sweep: Any) -> None:
    """No watch shows them; the sweep does, and the status says how many, which and what to do."""
    others(world)
    assert world.reasons()["Enforced"] == ("Unknown", "NoPods")
    pod(world, "bare")
    pod(world, "good", world.status()["policy"]["name"])
    assert sweep() == {KEY}
    assert world.reasons()["Enforced"] == ("False", "PodsUnprotected")
    assert world.reasons()["Ready"] == ("False", "PodsUnprotected")
    assert ": bare." in world.condition("Enforced")["message"]
    assert "PodsUnprotected" in world.events()
    assert world.status()["pods"] == {"protected": 1, "total": 2, "outdated": 0}
    assert sweep() == set()
    assert value(sweep.metrics, "pickleball_pods_unprotected", **OF_IRIS) == 1
    assert value(sweep.metrics, "pickleball_modeldeployments", type="Ready", status="False") == 1
    world.kube.delete(Ref("Pod", "team", "bare"))
    assert sweep() == {KEY}
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_pods_with_an_old_policy_are_counted(world: World, sweep: Any) -> None:
    """They are protected by it, and the status says that there is another one."""
    others(world)
    pod(world, "old", "pickleball-policy-old")
    assert sweep() == {KEY}
    assert world.status()["pods"] == {"protected": 1, "total": 1, "outdated": 1}
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert "1 of them were made with another policy" in world.condition("Enforced")["message"]
    sweep()
    assert value(sweep.metrics, "pickleball_pods_outdated", **OF_IRIS) == 1


def test_a_steady_state_is_left_alone(world: World, sweep: Any) -> None:
    """Nothing is written, and the metrics say how it stands."""
    world.add(model_deployment())
    world.settle()
    assert sweep() == set()
    before = len(world.kube.writes)
    assert sweep() == set()
    assert len(world.kube.writes) == before
    policy = world.status()["policy"]
    assert value(sweep.metrics, "pickleball_pods", **OF_IRIS) == 1
    assert value(sweep.metrics, "pickleball_policy_since_timestamp_seconds", **OF_IRIS, policy=policy["name"])
    world.kube.delete(Ref("ModelDeployment", *KEY))
    sweep()
    assert value(sweep.metrics, "pickleball_pods", **OF_IRIS) is None


def test_what_a_witness_has_heard_is_noticed_once(world: World, sweep: Any) -> None:
    """A violation in its log leads to a look, and only new ones lead to another."""
    world.add(model_deployment())
    world.settle()
    ref = Ref("Pod", "team", world.only("Pod", part="workload")["metadata"]["name"])
    record = {"event": "violation", "container": "app", "rule": "reduce-not-allowed", "name": "posix.system",
              "sentence": "The stream calls posix.system."}  # fmt: skip
    world.kube.logs[ref, "pickleball-witness"] = json.dumps(record)
    assert sweep() == {KEY}
    assert [one["name"] for one in world.status()["violations"]] == ["posix.system"]
    assert sweep() == set()
    world.kube.logs[ref, "pickleball-witness"] += "\n" + json.dumps({**record, "name": "posix.fork"})
    assert sweep() == {KEY}
    assert len(world.status()["violations"]) == 2


def evicting(world: World, sweep: Any, count: int) -> None:
    """Let a sweep evict, and let the policy have been in force for a while."""
    sweep.sweep._settings = world.settings.model_copy(update={"evictions": count})
    world.now += 600


def test_evictions_keep_to_their_budget(world: World, sweep: Any) -> None:
    """At most so many in a sweep, none that a disruption budget keeps, each with an event."""
    early = [pod(world, f"bare-{number}") for number in range(4)]
    world.now += 10
    others(world)
    evicting(world, sweep, 2)
    world.kube.kept.add(early[0])
    for left in (["bare-0", "bare-3"], ["bare-0"], ["bare-0"]):
        sweep()
        assert [one["metadata"]["name"] for one in world.kube.list("Pod", "team")] == left
    assert world.events().count("Evicted") == 3
    assert value(sweep.metrics, "pickleball_evictions_total", result="done") == 3
    assert value(sweep.metrics, "pickleball_evictions_total", result="refused") == 3


@pytest.mark.parametrize("kind", ["nobody makes it anew", "younger than the policy", "up to date", "not wanted"])
def test_a_pod_that_would_not_come_back_better_is_not_evicted(world: World, sweep: Any, kind: str) -> None:
    """Bare pods, pods that were made since and are unprotected all the same, and any pod without the setting."""
    if kind == "nobody makes it anew":
        pod(world, "theirs", ownerReferences=[])
    elif kind == "not wanted":
        pod(world, "theirs")
    world.now += 10
    others(world)
    if kind == "younger than the policy":
        pod(world, "theirs")
    elif kind == "up to date":
        pod(world, "theirs", world.status()["policy"]["name"])
    evicting(world, sweep, 0 if kind == "not wanted" else 5)
    sweep()
    assert [one["metadata"]["name"] for one in world.kube.list("Pod", "team")] == ["theirs"]


@pytest.mark.parametrize("status", [500, 0])
def test_a_node_that_does_not_answer_holds_nobody_up(
    world: World, sweep: Any, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Its logs are left out, after one attempt in a sweep; an API server that does not answer is an error."""
    others(world)
    for number in range(3):
        manifest = world.kube.get(pod(world, f"good-{number}", world.status()["policy"]["name"]))
        world.kube.patch(Ref("Pod", "team", f"good-{number}"), {"spec": {**manifest["spec"], "nodeName": "gone"}})
    asked = []

    def log(ref: Ref, *_: Any) -> str:
        asked.append(ref)
        raise UnavailableError(f"Reading the log of {ref}", "dial tcp: i/o timeout", status)

    monkeypatch.setattr(world.kube, "log", log)
    if status:
        sweep()
        assert len(asked) == 2  # one in the sweep, one in the look that followed
        assert world.reasons()["Enforced"] == ("True", "InterpreterReported")
    else:
        with pytest.raises(UnavailableError):
            sweep()
