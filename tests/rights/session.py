"""Which tests of a folder a session runs, with the comparison of rights behind all others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

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


def hooks(path: Path) -> tuple[Any, Any, Any]:
    """The hooks `pytest_deselected` and `pytest_collection_modifyitems` of a folder, and the fixture everything_ran."""
    folder = Folder(path)

    def pytest_deselected(items: list[pytest.Item]) -> None:
        folder.leave_out(items)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
        folder.order(items)

    @pytest.fixture(scope="session")
    def everything_ran(request: pytest.FixtureRequest) -> bool:
        """Whether all tests of the folder are run."""
        return folder.is_run_as_a_whole(request.session)

    return pytest_deselected, pytest_collection_modifyitems, everything_ran
