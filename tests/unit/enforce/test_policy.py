"""Policies are read strictly: whatever is not exactly a policy is refused, with the place and the reason."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce.policy import Entry, Policy, PolicyError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '{"a.B": {"globals": ["a.B", "c.d"], "reduces": ["e.f"]}, "g.H": {"globals": [], "reduces": ["c.i"]}}'


def test_a_policy_is_the_union_of_its_entries() -> None:
    """The lists of all classes count together."""
    policy = Policy.parse(GOOD)
    assert policy.globals == {"a.B", "c.d"}
    assert policy.reduces == {"e.f", "c.i"}
    assert policy.entries["a.B"] == Entry(globals=("a.B", "c.d"), reduces=("e.f",))


def test_what_is_written_reads_back_and_is_sorted() -> None:
    """A policy is written in one way only, whatever the order that it was made in."""
    policy = Policy({"z.Z": Entry(("b.b", "a.a", "b.b"), ()), "a.A": Entry((), ("d.d", "c.c"))})
    text = policy.dumps()
    assert text.endswith("}\n")
    assert text.index('"a.A"') < text.index('"z.Z"')
    again = Policy.parse(text)
    assert again.dumps() == text
    assert (again.globals, again.reduces) == (policy.globals, policy.reduces)
    assert policy.digest == again.digest == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    """A file with other spacing has its own digest."""
    path = tmp_path / "policy.json"
    path.write_text(GOOD)
    assert Policy.load(path).digest == hashlib.sha256(GOOD.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{", "is not JSON"),
        ("[]", "holds a list"),
        ("{}", "names no class"),
        ("null", "holds null"),
        ('{"a.B": []}', "a.B: is a list"),
        ('{"a.B": {"globals": []}}', "the list 'reduces' is missing"),
        ('{"a.B": {"globals": [], "reduces": [], "extra": []}}', "the key 'extra' is unknown"),
        ('{"a.B": {"globals": "x.y", "reduces": []}}', "a.B.globals: is a text"),
        ('{"a.B": {"globals": [1], "reduces": []}}', "a.B.globals[0]: is a number"),
        ('{"a.B": {"globals": [""], "reduces": []}}', "is not a dotted name"),
        ('{"a.B": {"globals": ["a..b"], "reduces": []}}', "is not a dotted name"),
        ('{"a.B": {"globals": ["a. b"], "reduces": []}}', "is not a dotted name"),
        ('{"a.B": {"globals": ["a\\nb.c"], "reduces": []}}', "is not a dotted name"),
        ('{"a.B": {"globals": ["\\ud800.c"], "reduces": []}}', "is not a dotted name"),
        ('{"": {"globals": [], "reduces": []}}', "is not a dotted name"),
        ('{"a.B": {"globals": [], "reduces": []}, "a.B": {"globals": [], "reduces": []}}', "stands twice"),
        ('{"a.B": {"globals": [], "globals": ["os.system"], "reduces": []}}', "stands twice"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, reason: str) -> None:
    """A broken policy is an error with the place, never an empty policy."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, "here.json")
    assert reason in str(caught.value)
    assert caught.value.where == "here.json"


def test_bytes_that_are_no_text_are_refused() -> None:
    """A policy is UTF-8."""
    with pytest.raises(PolicyError, match="is not UTF-8"):
        Policy.parse(b"\xff\xfe{}")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The error names the file and why it cannot be read."""
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        Policy.load(tmp_path / "none.json")
    with pytest.raises(PolicyError, match="cannot be read: Is a directory"):
        Policy.load(tmp_path)
