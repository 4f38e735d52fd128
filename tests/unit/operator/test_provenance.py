"""Provenances of any shape: read without an error, graded without trust, and shown without their markup."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from tests.emulated.world import POLICY, PROVENANCE

from pickleball_enforce.policy import LISTS
from pickleball_operator.decide import provenance, result
from pickleball_operator.decide.comparison import compare
from pickleball_operator.plugin.explain import explain
from pickleball_operator.render import report, review

PROPOSALS = {
    "accept": "none",
    "files": [{"path": "/m.pkl", "sha256": "0" * 64}],
    "names": [
        {"name": "a.B", "list": "globals", "decision": "ask", "because": "x", "files": ["/m.pkl"], "grade": "unknown"}
    ],
}
WHOLE = {
    **PROVENANCE,
    "proposals": PROPOSALS,
    "extra": [{"list": "globals", "name": "lib.Model", "reason": "mine"}],
    "accepted": [{"list": "globals", "name": "numpy.ndarray", "grade": "trivial", "files": PROPOSALS["files"]}],
}
STRANGE: list[Any] = [
    None, True, 0, -1.5, "", "<script>alert(1)</script>", "\u202e\x1b[2J", [], {}, [[]], [{}], {"": None}, "x" * 5000,
    {"globals": {"lib.Model": {}}}, ["a", 1, None], {"path": 1}, "inert", "trivial",
]  # fmt: skip
ROUNDS = 400


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def bent(document: Any, chance: random.Random) -> Any:
    """The document with something strange at one to three of its places."""
    changed = copy.deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        place = chance.choice(places(changed)[1:] or [()])
        if not place:
            return changed
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = copy.deepcopy(chance.choice(STRANGE))
    return changed


@pytest.mark.parametrize("seed", range(4))
def test_a_bent_provenance_is_read_and_shown(seed: int) -> None:
    """Whatever stands at any place: no error, only known grades, no markup and no control characters get through."""
    chance = random.Random(seed)
    good = result.check(json.dumps(POLICY).encode(), json.dumps(WHOLE).encode())
    for _ in range(ROUNDS // 4):
        content = result.check(json.dumps(POLICY).encode(), json.dumps(bent(WHOLE, chance)).encode())
        comparison = compare(good, content, "old")
        page = report.render(content, "new", comparison)
        assert page.count("<script>") == 1
        assert not {"\u202e", "\x1b"} & set(page)
        assert {one.grade for one in (*comparison.added, *comparison.removed)} <= set(provenance.GRADES)
        lines = [*review.text(comparison, "new").splitlines(), *explain(content, "lib.Model")[1]]
        assert all(line.isprintable() for line in lines)
        comparison.status()


def test_the_worst_of_several_reasons_counts() -> None:
    """An entry that one class proves harmless and another does not is not harmless."""
    reasons = provenance.Reasons(WHOLE)
    assert [one.grade for one in reasons.of("globals", "lib.Model")] == ["effects", "not graded"]
    assert provenance.worst(reasons.of("globals", "lib.Model")).grade == "effects"
    assert provenance.worst(reasons.of("globals", "numpy.ndarray")).grade == "no source"
    assert reasons.of("reduces", "lib.Model")[0].kind == "unrecorded"


def test_no_grade_lifts_a_proposal_over_its_decision() -> None:
    """Only what the generator calls inert, with a harmless grade and a known file, counts as inert."""
    for decision in ("inert", "ask", "refuse", "", 1):
        for grade in (*provenance.GRADES, "inert", "harmless", None):
            for files in (["/m.pkl"], ["/other"], []):
                name = {"name": "a.B", "list": "globals", "decision": decision, "grade": grade, "files": files}
                (found,) = provenance.proposals({"proposals": {**PROPOSALS, "names": [name]}})
                harmless = grade in ("trivial", "resolved", "no source")
                assert found.is_inert == (decision == "inert" and harmless and files == ["/m.pkl"])


@pytest.mark.parametrize(
    ("unknown", "answered", "inert"),
    [(["x.a"], ["x.a"], True), (["x.a", "y"], ["x.a"], False), ([], ["x.a"], False), (["x.a"], None, False)],
)
def test_open_calls_are_harmless_where_the_generator_says_that_nothing_answers(
    unknown: list[str], answered: list[str] | None, inert: bool
) -> None:
    """A proposal whose only unknown calls are of what a file gives is as inert as the generator says."""
    name = {"name": "a.B", "list": "instances", "decision": "inert", "grade": "unknown", "files": ["/m.pkl"]}
    names = [{**name, "unknown": unknown, "open": answered}]
    (found,) = provenance.proposals({"proposals": {**PROPOSALS, "names": names}})
    assert found.is_inert == inert


OLD = {"m.M": {"globals": ["a.Kept"], "reduces": [], "instances": ["a.Made", "a.Gone", "a.Moved"]}}
NEW = {"m.M": {"globals": ["a.Moved"], "reduces": [], "instances": ["a.Made", "a.New", "a.Kept"]}}


def test_a_class_that_may_be_kept_now_is_an_addition() -> None:
    """What could only be instantiated before is told as more, what can only be instantiated now as less."""
    old, new = (result.check(json.dumps(policy).encode(), b"{}") for policy in (OLD, NEW))
    comparison = compare(old, new, "old")
    assert [(one.list, one.name, one.moved) for one in comparison.added] == [
        ("globals", "a.Moved", True),
        ("instances", "a.New", False),
    ]
    assert [(one.list, one.name, one.moved) for one in comparison.removed] == [
        ("globals", "a.Kept", True),
        ("instances", "a.Gone", False),
    ]
    assert "adds 2 entries (2 not graded), 1 of which could only be instantiated" in comparison.sentence
    assert "+ globals a.Moved  [not graded; unrecorded; could only be instantiated before]" in review.text(
        comparison, "new"
    )
    assert "may now be kept" in report.render(new, "new", comparison)
    comparison.status()


def test_every_list_of_a_policy_is_read() -> None:
    """Reasons are kept for each list that a policy has."""
    described = {listed: {"a.b": {"kind": "needed", "grade": "trivial"}} for listed in LISTS}
    reasons = provenance.Reasons({"classes": {"m.M": described}})
    assert {reasons.of(listed, "a.b")[0].kind for listed in LISTS} == {"needed"}
