"""What a person allows after a refused load: the entries that its records name, added to the policy that was made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evaluation.generation import Generated
from evaluation.refusals import lacking

from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from pathlib import Path


def record(rule: str, *entry: str) -> str:
    """Write one record of a violation."""
    return json.dumps({"rule": rule, "allow": dict(zip(("list", "entry"), entry, strict=True)) if entry else None})


def test_the_entries_that_ended_a_load_are_taken_from_its_records() -> None:
    """Those of stubs only where nothing else was refused; what no entry allows asks for none."""
    stub, called = record("import-not-allowed", "globals", "a.B"), record("reduce-not-allowed", "reduces", "a.f")
    assert lacking([stub, called, called, record("build-target")]) == [("reduces", "a.f")]
    used = record("stub-used", "globals", "a.C")
    assert lacking([stub, used]) == [("globals", "a.B"), ("globals", "a.C")]
    assert lacking([record("build-target")]) == []


def test_entries_that_a_person_allows_join_the_policy_of_the_first_class(tmp_path: Path) -> None:
    """The policy that was made stays as it is; the new one is a policy that can be read."""
    made = Generated(tmp_path / "policy.json", Policy({"m.A": Entry(("m.A",), ()), "m.B": Entry(("m.B",), ())}), {}, {})
    more = made.with_entries(tmp_path / "more" / "policy.json", [("globals", "a.C"), ("reduces", "a.f")])
    assert Policy.load(more.path).entries == more.policy.entries
    assert more.policy.entries["m.A"] == Entry(("a.C", "m.A"), ("a.f",))
    assert more.policy.entries["m.B"] == made.policy.entries["m.B"] == Entry(("m.B",), ())
    assert made.policy.entries["m.A"] == Entry(("m.A",), ())
