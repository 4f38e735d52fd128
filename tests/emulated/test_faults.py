"""The controller is killed after each of its writes, and each of its calls fails once: it arrives all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import World, model_deployment

from pickleball_operator.controller.reconcile import reconcile
from pickleball_operator.decide.ours import is_guarded
from pickleball_operator.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubeError,
    UnavailableError,
)
from pickleball_operator.kube import Ref
from pickleball_operator.local.node import Exit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READS = ("get", "list", "log")
WRITES = ("create", "apply", "patch", "delete")
PATIENCE = 60


class Killed(Exception):
    """The controller's process is gone."""


@dataclass
class Faulty:
    """The port with one fault: the call of that number fails before it has an effect, or after it."""

    kube: Any
    at: int
    fault: Callable[[str], Exception]
    after: bool = False
    only: tuple[str, ...] = (*READS, *WRITES)
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.kube, name)
        if name not in self.only:
            return method

        def call(*words: Any, **more: Any) -> Any:
            self.calls += 1
            hit = self.calls == self.at
            if hit and not self.after:
                raise self.fault(name)
            answer = method(*words, **more)
            if hit:
                raise self.fault(name)
            return answer

        return call


def first(_world: World) -> None:
    """Nothing comes before."""


def first_ready(world: World) -> None:
    """Let the first one become Ready."""
    world.add(model_deployment())
    world.settle()


def ask(world: World) -> None:
    """A ModelDeployment is made."""
    world.add(model_deployment())


def another_image(world: World) -> None:
    """The spec asks for another analysis."""
    spec: dict[str, Any] = world.get("ModelDeployment", "iris")["spec"]
    spec["template"]["spec"]["containers"][0]["image"] = "app:2"
    world.edit(lambda manifest: manifest["spec"].update(spec))


def out_of_memory(world: World) -> None:
    """The first attempt at the analysis runs out of memory, the second does not."""
    step, script = world.script.step, world.script

    def killed_once(pod: Any, container: Any) -> Exit:
        if container["name"] == "analyse" and "analyse" not in script.ran:
            script.ran.append("analyse")
            return Exit(137, "", "OOMKilled")
        return step(pod, container)

    script.step = killed_once  # type: ignore[method-assign]
    world.add(model_deployment())


def waiting(world: World) -> None:
    """A candidate waits for a person."""
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()


def approve(world: World) -> None:
    """The person approves."""
    world.annotate(approve=world.status()["candidate"]["name"])


def tampered(world: World) -> None:
    """Policy and result are deleted by hand."""
    policy = world.status()["policy"]["name"]
    world.kube.delete(Ref("ConfigMap", "team", policy))
    world.kube.delete(Ref("ConfigMap", "team", world.only("ConfigMap", part="result")["metadata"]["name"]))


def pods_of_others(world: World) -> None:
    """The spec changes over to pods that others make."""
    selector = {"selector": {"matchLabels": {"app": "x"}}, "source": {"volume": {"claimName": "lib"}}}

    def change(manifest: Any) -> None:
        del manifest["spec"]["template"]
        manifest["spec"].update(selector)

    world.edit(change)


@dataclass(frozen=True)
class Way:
    """A way through the pipeline: what is there, what is asked for, and how it ends."""

    before: Callable[[World], None]
    ask: Callable[[World], None]
    ready: str = "Ready"

    def __str__(self) -> str:
        return f"{self.before.__name__}, {self.ask.__name__}"


WAYS = [
    Way(first, ask),
    Way(first_ready, another_image),
    Way(first, out_of_memory),
    Way(waiting, approve),
    Way(first_ready, tampered),
    Way(first_ready, pods_of_others, "SelectorNotCovered"),
]


def arrive(world: World, kube: Any) -> None:
    """What the queue and a node do until nothing changes any more; a killed controller is started again."""
    for _ in range(PATIENCE):
        before, failed = len(world.kube.writes), False
        try:
            reconcile(kube, world.settings, world.clock, "team", "iris")
        except (KubeError, Killed):
            failed = True
        no_pod_is_unprotected(world)
        world.node.run_jobs()
        world.node.run_deployments()
        no_pod_is_unprotected(world)
        if len(world.kube.writes) == before and not failed:
            return
    raise AssertionError(f"nothing settled; the last writes were {world.kube.writes[-10:]}")


def no_pod_is_unprotected(world: World) -> None:
    """Every pod of the application has the enforcer, and its policy is one that the status named before it."""
    status = world.get("ModelDeployment", "iris").get("status") or {}
    known = {one["name"] for one in [*filter(None, [status.get("policy")]), *status.get("history", [])]}
    for pod in world.kube.list("Pod", "team", {"pickleball.dev/part": "workload"}):
        assert is_guarded(pod)
        assert pod["metadata"]["annotations"]["pickleball.dev/policy"] in known


def went(way: Way, folder: Path, at: int, fault: Callable[[str], Exception], **how: Any) -> tuple[World, Faulty]:
    """A world that went this way with one fault."""
    world = World(folder)
    way.before(world)
    way.ask(world)
    kube = Faulty(world.kube, at, fault, **how)
    arrive(world, kube)
    return world, kube


def outcome(world: World) -> dict[str, Any]:
    """What must not be lost: conditions, policies with their approvals, and everything that stands in the namespace."""
    status = world.status()
    approval = (status.get("policy") or {}).get("approval")
    return {
        "conditions": world.reasons(),
        "policy": status["policy"]["name"],
        "history": [one["name"] for one in status.get("history", [])],
        "approval": approval and approval["by"],
        "objects": sorted(str(ref) for ref in world.kube if ref.kind != "Event"),
    }


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_controller_killed_after_any_write_loses_nothing(tmp_path: Path, way: Way) -> None:
    """Whatever it has written last, the next controller ends where an undisturbed one does."""
    plain, counted = went(way, tmp_path, 0, Killed, only=WRITES)
    assert plain.reasons()["Ready"][1] == way.ready
    assert counted.calls > 2
    for number in range(1, counted.calls + 1):
        world, kube = went(way, tmp_path, number, Killed, only=WRITES, after=True)
        assert kube.calls >= number
        assert outcome(world) == outcome(plain), number
        assert world.script.ran.count("analyse") == plain.script.ran.count("analyse"), number


def no_answer(what: str) -> KubeError:
    """The API server does not answer."""
    return UnavailableError(what, "no answer", 0)


def failing(what: str) -> KubeError:
    """The API server fails."""
    return UnavailableError(what, "etcd is away")


def conflict(what: str) -> KubeError:
    """Somebody else wrote meanwhile."""
    return ConflictError(what, "it changed meanwhile")


def forbidden(what: str) -> KubeError:
    """A permission is missing."""
    return ForbiddenError(what, "not allowed")


def invalid(what: str) -> KubeError:
    """The API server, or a webhook of others, refuses the object."""
    return InvalidError(what, "refused")


@pytest.mark.parametrize(
    ("fault", "after"),
    [(no_answer, False), (no_answer, True), (failing, False), (conflict, False), (forbidden, False), (invalid, False)],
)
def test_any_call_may_fail_once(tmp_path: Path, fault: Callable[[str], KubeError], *, after: bool) -> None:
    """Reads and writes alike, with the effect or without it: it is tried again, and ends as if nothing had been."""
    way = WAYS[0]
    plain, counted = went(way, tmp_path, 0, Killed)
    for number in range(1, counted.calls + 1):
        world, _ = went(way, tmp_path, number, fault, after=after)
        assert outcome(world) == outcome(plain), number
