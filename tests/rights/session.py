"""Which tests of a folder a session runs, with the comparison of rights behind all others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LAST = "test_rights.py"


@dataclass
class Folder:
    """The tests of one folder."""

    path: Path
    left_out: set[str] = field(default_factory=set)
    """Tests that were not to be run."""

    def leave_out(self, items: list[pytest.Item]) -> None:
        """Note which of them are deselected."""
        self.left_out.update(item.nodeid for item in items if item.path.parent == self.path)

    def order(self, items: list[pytest.Item]) -> None:
        """Put the comparison behind the others."""
        places = [place for place, item in enumerate(items) if item.path.parent == self.path]
        ordered = sorted((items[place] for place in places), key=lambda item: item.path.name == LAST)
        for place, item in zip(places, ordered, strict=True):
            items[place] = item

    def is_run_as_a_whole(self, session: pytest.Session) -> bool:
        """Whether no test of it is left out."""
        return not self.left_out and set(self.path.glob("test_*.py")) <= {item.path for item in session.items}
