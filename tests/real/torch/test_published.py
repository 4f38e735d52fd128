"""Published ways around scanners that go through torch: each works on stock, and is refused in a hooked process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attacks.published import PUBLISHED
from tests.attacks.test_published import POLICY, run

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = [entry for entry in PUBLISHED if entry.needs.startswith("torch")]


def test_they_work_on_stock(tmp_path: Path) -> None:
    """Both unpicklers of stock leave the marker."""
    found = run(tmp_path, "", ENTRIES)
    assert {ENTRIES[number].what: [left for left, _ in ends] for number, ends in found.items()} == {
        entry.what: [True, True] for entry in ENTRIES
    }
    assert len(ENTRIES) >= 5


def test_they_are_refused_before_anything_ran(tmp_path: Path) -> None:
    """Under an honest policy, by both drivers."""
    path = tmp_path / "policy.json"
    path.write_text(POLICY.dumps())
    found = run(tmp_path, str(path), ENTRIES)
    assert {ENTRIES[number].what: ends for number, ends in found.items()} == {
        entry.what: [[False, "refused"], [False, "refused"]] for entry in ENTRIES
    }
