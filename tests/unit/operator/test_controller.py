"""The queue, the mapping of objects to their owners, and kopf's registrations."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import kopf
import pytest
from tests.emulated.world import SETTINGS, World, model_deployment

from pickleball_operator.controller.drift import holds
from pickleball_operator.controller.handlers import Controller, configure, register
from pickleball_operator.controller.news import News
from pickleball_operator.controller.owners import concerned
from pickleball_operator.controller.queue import Key, Queue
from pickleball_operator.errors import OperatorError, UnavailableError

DEADLINE = 60.0
PAUSE = 0.002


async def until(met: Any) -> None:
    """Wait for a condition; the pause leaves the interpreter to the threads that work on it."""
    async with asyncio.timeout(DEADLINE):
        while not met():
            await asyncio.sleep(PAUSE)


def run(test: Any) -> None:
    """Run an asynchronous test."""
    asyncio.run(test())


def test_a_key_is_handled_once_at_a_time_and_again_when_it_changed_meanwhile() -> None:
    """Several additions before the work begins are one; one during the work leads to one more."""

    async def check() -> None:
        calls: list[Key] = []
        go = asyncio.Event()

        async def work(key: Key) -> None:
            calls.append(key)
            await go.wait()

        queue = Queue(work, workers=3, longest_pause=1)
        task = asyncio.create_task(queue.run())
        for _ in range(3):
            queue.add(("a", "b"))
        await until(lambda: calls)
        for _ in range(3):
            queue.add(("a", "b"))
        assert len(queue) == 1
        go.set()
        await until(lambda: len(queue) == 0)
        assert calls == [("a", "b")] * 2
        task.cancel()

    run(check)


def test_failures_are_tried_again_with_a_growing_bounded_pause() -> None:
    """Errors of any kind leave the queue working; the pause doubles up to the limit and is forgotten on success."""

    async def check() -> None:
        errors: list[Exception] = [
            UnavailableError("x", "y"),
            OperatorError("x"),
            ValueError("bug"),
            OperatorError("z"),
        ]
        done: list[float] = []

        async def work(key: Key) -> None:
            done.append(asyncio.get_running_loop().time())
            if errors:
                raise errors.pop(0)

        queue = Queue(work, workers=1, longest_pause=0.02, first_pause=0.01)
        task = asyncio.create_task(queue.run())
        queue.add(("a", "b"))
        await until(lambda: len(done) == 5)
        pauses = [after - before for before, after in itertools.pairwise(done)]
        assert pauses[0] >= 0.005
        assert all(pause >= 0.015 for pause in pauses[1:])
        task.cancel()

    run(check)


def test_a_change_that_the_api_server_could_not_explain_is_not_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody tells of it a second time, so its owner is asked for until there is an answer."""
    world.add(model_deployment())
    world.settle()
    pod = world.only("Pod", part="analysis")
    get, away = world.kube.get, [2]

    def flaky(ref: Any) -> Any:
        away[0] -= 1
        if away[0] >= 0:
            raise UnavailableError(f"Reading {ref}", "no answer", 0)
        return get(ref)

    monkeypatch.setattr(world.kube, "get", flaky)

    async def check() -> None:
        controller = Controller(world.kube, SETTINGS, world.clock)
        await controller.changed(pod)
        assert len(controller.queue) == 1

    run(check)


def test_dependents_are_traced_to_their_model_deployments(world: World) -> None:
    """By ownerReferences (several), by label, and for the Job's pods through the Job."""
    world.add(model_deployment("a"))
    world.add(model_deployment("b"))
    world.settle("a", "b")
    both = {("team", "a"), ("team", "b")}
    assert concerned(world.only("Job"), world.kube) == both
    assert concerned(world.only("Pod", part="analysis"), world.kube) == both
    assert concerned(world.only("ConfigMap", part="policy"), world.kube) == both
    (pod,) = world.kube.list("Pod", "team", {"pickleball.dev/modeldeployment": "a"})
    assert concerned(pod, world.kube) == {("team", "a")}
    assert concerned({"metadata": {"name": "x", "namespace": "team"}}, world.kube) == set()


def test_the_controller_brings_a_model_deployment_to_ready(world: World) -> None:
    """Through the queue, in threads, with the real reconcile."""
    world.add(model_deployment())

    async def check() -> None:
        controller = Controller(world.kube, SETTINGS, world.clock)
        controller.start()

        def ready() -> bool:
            world.node.run_jobs()
            world.node.run_deployments()
            controller.queue.add(("team", "iris"))
            status = world.get("ModelDeployment", "iris").get("status") or {}
            return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))

        await until(ready)
        assert controller.healthy() >= 0
        await controller.stop()
        with pytest.raises(OperatorError):
            controller.healthy()

    run(check)


def test_kopf_watches_model_deployments_and_writes_nothing(world: World) -> None:
    """No handler needs a finalizer, an annotation or a kopf event."""
    registry = kopf.OperatorRegistry()
    register(Controller(world.kube, SETTINGS), registry)
    settings = kopf.OperatorSettings()
    configure(settings)
    assert settings.scanning.disabled
    assert not settings.posting.enabled
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._spawning.get_all_handlers())
    watched = {handler.selector.any_name for handler in registry._watching.get_all_handlers() if handler.selector}
    assert watched == {"modeldeployments"}  # the others are followed


@pytest.mark.parametrize(
    ("current", "wanted", "same"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 2}, {"a": 1}, False),
        ({"a": True}, {"a": 1}, False),
        ({}, {"a": []}, True),
        ({}, {"a": 0}, False),
        ({"env": [{"name": "x", "value": "1", "z": 1}, {"name": "y"}]}, {"env": [{"name": "x", "value": "1"}]}, True),
        ({"env": [{"name": "y"}]}, {"env": [{"name": "x"}]}, False),
        ({"command": ["a", "b"]}, {"command": ["a"]}, False),
    ],
)
def test_drift_is_what_we_wanted_and_is_not_there(current: Any, wanted: Any, same: bool) -> None:
    """Defaults and additions of others are no drift."""
    assert holds(current, wanted) is same


def test_another_owner_of_a_shared_object_is_no_news() -> None:
    """What the controller changes itself while many come to share an object leads to no look; the rest does."""
    news = News()
    metadata = {"uid": "1", "name": "a", "resourceVersion": "1"}
    config_map: dict[str, Any] = {"metadata": metadata, "data": {"k": "v"}}
    assert news.is_news("ADDED", config_map)
    assert not news.is_news(None, config_map)
    owned = {**metadata, "resourceVersion": "2", "ownerReferences": [{"uid": "2"}]}
    assert not news.is_news("MODIFIED", {**config_map, "metadata": owned})
    assert news.is_news("MODIFIED", {**config_map, "data": {"k": "w"}})
    assert news.is_news("MODIFIED", {**config_map, "metadata": {**owned, "annotations": {"a": "b"}}})
    assert news.is_news("MODIFIED", {**config_map, "data": {"k": "w"}, "immutable": True})
    assert news.is_news("DELETED", config_map)
    assert news.is_news("ADDED", {**config_map, "data": {"k": "w"}, "immutable": True})


def test_a_volume_that_is_mounted_twice_holds() -> None:
    """Two mounts of one name are told apart by their places: a steady Deployment is not applied again."""
    mounts = [{"name": "policy", "mountPath": "/root/policies"}, {"name": "policy", "mountPath": "/etc/pickleball"}]
    wanted = {"volumeMounts": mounts}
    assert holds({"volumeMounts": [{**mount, "readOnly": True} for mount in reversed(mounts)]}, wanted)
    assert not holds({"volumeMounts": mounts[1:] * 2}, wanted)
