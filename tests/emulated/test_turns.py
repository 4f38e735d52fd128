"""Analyses of many model deployments: shared ones run once, and a bounded number runs at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import SETTINGS, World, model_deployment

from pickleball_operator.controller.turns import next_ones
from pickleball_operator.decide.turn import admitted, turn
from pickleball_operator.errors import ForbiddenError
from pickleball_operator.kube import Ref

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("first", "second", "third", "fourth")


@pytest.fixture
def narrow(tmp_path: Path) -> World:
    """A world in which two analyses run at a time, and four deployments ask for different ones."""
    world = World(tmp_path, SETTINGS.model_copy(update={"analysis_jobs": 2}))
    for name in NAMES:
        world.add(model_deployment(name, analysis={"ignorePaths": [name]}))
    return world


def suspended(world: World) -> list[bool]:
    """Whether the Job of each deployment waits, in the order of their names above."""
    jobs = [world.get("Job", world.status(name)["analysis"]["job"]) for name in NAMES]
    return [job["spec"]["suspend"] for job in jobs]


def test_the_oldest_analyses_run_and_the_others_say_their_place(narrow: World) -> None:
    """Two of four run; the others are Jobs that wait, and their conditions say where they stand."""
    for _ in range(2):
        for name in NAMES:
            narrow.reconcile(name)
    assert suspended(narrow) == [False, False, True, True]
    assert [narrow.reasons(name)["Analyzed"][1] for name in NAMES] == [
        "AnalysisRunning",
        "AnalysisRunning",
        "AnalysisQueued",
        "AnalysisQueued",
    ]
    assert "place 1 of 2" in narrow.condition("Analyzed", "third")["message"]
    assert "place 2 of 2" in narrow.condition("Analyzed", "fourth")["message"]
    assert narrow.reasons("fourth")["Ready"] == ("Unknown", "AnalysisQueued")


def test_a_free_place_goes_to_the_oldest_whoever_looks_first(narrow: World) -> None:
    """The younger one is looked at first when a Job has ended, and the older one runs."""
    for name in NAMES:
        narrow.reconcile(name)
    first = narrow.status("first")["analysis"]["job"]
    narrow.kube.set_status(Ref("Job", "team", first), {"conditions": [{"type": "Failed", "status": "True"}]})
    assert next_ones(narrow.kube, narrow.settings) == {("team", "third")}
    narrow.reconcile("fourth")
    assert suspended(narrow)[2:] == [True, True]
    narrow.reconcile("third")
    assert suspended(narrow)[2:] == [False, True]


def test_all_get_their_turn(narrow: World) -> None:
    """Four analyses through two places end Ready."""
    narrow.settle(*NAMES)
    assert {narrow.reasons(name)["Ready"] for name in NAMES} == {("True", "Ready")}


def test_one_namespace_does_not_take_all_places(narrow: World) -> None:
    """However many Jobs run or wait in one namespace, another one gets a place, and the next."""
    settings = narrow.settings.model_copy(update={"analysis_jobs": 4, "analysis_jobs_per_namespace": 2})
    jobs = [job("greedy", number, suspend=number > 4) for number in range(9)] + [job("other", 9, suspend=True)]
    assert turn(jobs, "other", "j9", settings).has_come
    assert turn(jobs, "other", "j9", settings).place == 1
    assert not turn(jobs, "greedy", "j5", settings).has_come


def job(space: str, number: int, *, suspend: bool) -> dict[str, Any]:
    """The Job of an analysis; its number is its age."""
    labels = {"pickleball.dev/part": "analysis", "pickleball.dev/request-key": "0"}
    metadata = {"namespace": space, "name": f"j{number}", "labels": labels, "creationTimestamp": f"{number:02}"}
    return {"metadata": metadata, "spec": {"suspend": suspend}}


def runs(jobs: list[dict[str, Any]]) -> Counter[str]:
    """How many run in each namespace once all that may run do."""
    while may := admitted(jobs, SETTINGS):
        for one in may:
            one["spec"]["suspend"] = False
    return Counter(one["metadata"]["namespace"] for one in jobs if not one["spec"]["suspend"])


def test_two_namespaces_do_not_take_all_places(narrow: World) -> None:
    """With endless queues in two namespaces a third one's only analysis runs at once, and they still have seven."""
    jobs = [job(space, number, suspend=True) for number in range(20) for space in ("first", "second")]
    assert runs(jobs) == {"first": 4, "second": 3}
    assert runs([*jobs, job("third", 30, suspend=True)])["third"] == 1


def test_namespaces_take_turns(narrow: World) -> None:
    """Where one namespace waits with many and another with one, the younger one of the other comes second."""
    jobs = [job("many", number, suspend=True) for number in range(5)] + [job("one", 9, suspend=True)]
    assert [turn(jobs, space, f"j{number}", SETTINGS).place for space, number in (("many", 0), ("one", 9))] == [1, 2]
    assert turn(jobs, "many", "j4", SETTINGS).place == 6


def test_who_cannot_use_a_place_does_not_keep_it(narrow: World) -> None:
    """A spec that became invalid while it waited, and a namespace that lets no publisher be made, hold up nobody."""
    for name in NAMES:
        narrow.reconcile(name)
    narrow.edit(lambda manifest: manifest["spec"].update(modle={}), "third")
    narrow.reconcile("third")
    assert narrow.kube.get(Ref("Job", "team", narrow.status("third")["analysis"]["job"])) is None
    first = narrow.status("first")["analysis"]["job"]
    narrow.kube.set_status(Ref("Job", "team", first), {"conditions": [{"type": "Failed", "status": "True"}]})
    assert next_ones(narrow.kube, narrow.settings) == {("team", "fourth")}

    def quota(verb: str, ref: Ref) -> None:
        if ref.kind == "ServiceAccount":
            raise ForbiddenError(f"{verb} {ref}", "exceeded quota")

    narrow.kube.before = quota
    with pytest.raises(ForbiddenError):
        narrow.reconcile("fourth")
    assert narrow.kube.get(Ref("Job", "team", narrow.status("fourth")["analysis"]["job"])) is None
    assert narrow.reasons("fourth")["Ready"] == ("False", "ApiRefused")
    narrow.kube.before = lambda _verb, _ref: None
    narrow.edit(lambda manifest: manifest["spec"].pop("modle"), "third")
    narrow.settle("second", "third", "fourth")
    assert {narrow.reasons(name)["Ready"] for name in NAMES[1:]} == {("True", "Ready")}


def test_equal_requests_share_one_job_one_result_and_one_policy(world: World) -> None:
    """Five deployments, one analysis; the last one that goes takes it along."""
    names = [f"model-{number}" for number in range(5)]
    for name in names:
        world.add(model_deployment(name))
    world.settle(*names)
    assert world.script.ran.count("analyse") == 1
    policy = world.only("ConfigMap", part="policy")
    assert {world.status(name)["policy"]["name"] for name in names} == {policy["metadata"]["name"]}
    for shared in (world.only("Job"), world.only("ConfigMap", part="result"), policy):
        assert {owner["name"] for owner in shared["metadata"]["ownerReferences"]} == set(names)
    for name in names[:-1]:
        world.kube.delete(Ref("ModelDeployment", "team", name))
    assert world.only("Job")
    world.kube.delete(Ref("ModelDeployment", "team", names[-1]))
    assert {ref.kind for ref in world.kube} <= {"Event"}


def test_who_changes_over_to_an_analysis_of_others_lets_go_of_its_own(world: World) -> None:
    """The other's Job, result and policy are taken up, and the own Job goes."""
    world.add(model_deployment("old"))
    world.add(model_deployment("new", analysis={"ignorePaths": ["tests"]}))
    world.settle("old", "new")
    assert len(world.kube.list("Job", "team")) == 2
    world.edit(lambda manifest: manifest["spec"].update(analysis={"ignorePaths": ["tests"]}), "old")
    world.settle("old", "new")
    assert world.only("Job")["metadata"]["name"] == world.status("old")["analysis"]["job"]
    assert world.reasons("old")["Ready"] == ("True", "Ready")
