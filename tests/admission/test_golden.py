"""Pods of others, as they come out of the admission: as agreed, exact, and the same again."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml
from tests.admission.cases import CASES, POLICY, Case, admitted, golden, rendered, stored
from tests.emulated.alteration import altered, leaves

from pickleball_operator.decide.admission import admission
from pickleball_operator.decide.injection import Inject, Skip
from pickleball_operator.decide.ours import strip
from pickleball_operator.decide.reasons import Reason
from pickleball_operator.decide.selection import selects
from pickleball_operator.model.spec import Selector

PROTECTED = [case for case in CASES if not case.denied]


def named(case: Case) -> str:
    """The name of a case."""
    return case.name


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_pod_of_others_comes_out_as_agreed(case: Case) -> None:
    """Each pod in given/ becomes what stands in golden/; `python -m tests.admission.cases` writes that again."""
    assert admitted(case) == yaml.safe_load(golden(case).read_text())


def test_each_denial_has_its_reason_and_a_remedy() -> None:
    """What is denied says what to do, and no two cases are denied for the same thing."""
    told = [admitted(case) for case in CASES if case.denied]
    assert {one["decision"] for one in told} == {"Deny"}
    assert len({one["sentence"] for one in told}) == len(told)
    assert all(one["sentence"].endswith(".") for one in told)


@pytest.mark.parametrize("case", PROTECTED, ids=named)
def test_twice_through_the_webhook_changes_nothing(case: Case) -> None:
    """The pod that came out is recognised by equality, and stays as it is."""
    once = admitted(case)
    assert admitted(case, once)["reason"] == "AlreadyInjected"


@pytest.mark.parametrize("case", PROTECTED, ids=named)
def test_whatever_is_altered_of_ours_is_made_good_or_denied(case: Case) -> None:
    """A change of any value in the pod that came out: what runs has the exact injection for what is not ours in it."""
    once = admitted(case)
    again = 0
    for path in leaves({key: once[key] for key in ("metadata", "spec")}):
        pod = altered(once, path)
        decision = admission(pod, [stored(one) for one in case.deployments], rendered)
        if isinstance(decision, Skip):
            assert decision.reason is Reason.NOT_SELECTED or rendered(strip(pod), plan(case, pod)) == pod, path
        elif isinstance(decision, Inject):
            fixed = rendered(strip(pod), decision)
            assert admitted(case, fixed)["reason"] == "AlreadyInjected", path
            again += 1
    assert again > 20


def plan(case: Case, pod: Any) -> Inject:
    """The injection that the stripped pod asks for."""
    found = admission(strip(pod), [stored(one) for one in case.deployments], rendered)
    assert isinstance(found, Inject)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_other_injectors_may_come_before_and_after(seed: int) -> None:
    """Containers, variables, mounts and volumes of others, in any place: injected again, then nothing changes."""
    chance = random.Random(seed)
    case = next(one for one in CASES if one.name == "kserve")
    pod = admitted(case)
    for number in range(chance.randint(1, 5)):
        meddle(pod, f"other-{number}", chance)
    once = admitted(case, pod)
    if "decision" in once:
        assert once["reason"] == "AlreadyInjected"
        return
    assert admitted(case, once)["reason"] == "AlreadyInjected"
    assert [one["name"] for one in once["spec"]["initContainers"]][:2] == [
        "pickleball-install-0",
        "pickleball-self-test-0",
    ]
    assert strip(once) == strip(pod)


def meddle(pod: Any, name: str, chance: random.Random) -> None:
    """What another injector does: it puts something somewhere."""
    spec = pod["spec"]
    kind = chance.choice(("initContainers", "containers", "volumes", "env", "volumeMounts"))
    server = next(one for one in spec["containers"] if one["name"] == "kserve-container")
    target = spec[kind] if kind in spec else server[kind]
    what = {
        "initContainers": {"name": name, "image": "other:1"},
        "containers": {"name": name, "image": "other:1"},
        "volumes": {"name": name, "emptyDir": {}},
        "env": {"name": name.upper(), "value": "1"},
        "volumeMounts": {"name": name, "mountPath": f"/{name}"},
    }[kind]
    target.insert(chance.randint(0, len(target)), what)


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1", "b": "2", "c": "3"}, True),
        ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "2"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "1"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
    ],
)
def test_a_selector_means_what_kubernetes_means(
    selector: dict[str, Any], labels: dict[str, str], *, selected: bool
) -> None:
    """A selector's labels and each operator of matchExpressions."""
    assert selects(Selector.model_validate(selector), labels) is selected


def test_a_pod_that_nobody_selects_is_left_alone() -> None:
    """Even where it bears names of ours: it is none of ours to judge."""
    case = next(one for one in CASES if one.name == "spoofed")
    pod = {**case.pod, "metadata": {"labels": {"app": "other"}}}
    assert admitted(case, pod)["reason"] == "NotSelected"


def test_a_pod_of_a_template_is_not_taken_over_by_a_selector() -> None:
    """A selector that reaches the pods of another ModelDeployment's template is refused."""
    case = next(one for one in CASES if one.name == "bare")
    owner = stored({"apiVersion": "pickleball.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "owner"},
                    "spec": {"model": {"classes": ["a.B"]}, "template": {"spec": {"containers": []}}}})  # fmt: skip
    pod = {**case.pod, "metadata": {"labels": {"app": "iris", "pickleball.dev/modeldeployment": "owner"}}}
    decision = admission(pod, [stored(case.deployments[0]), owner], rendered)
    assert decision.reason is Reason.SELECTED_TWICE
    assert POLICY not in decision.sentence
