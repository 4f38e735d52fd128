"""Fixtures of the emulated world, and the record of what its parts ask the API server for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.emulated.world import World
from tests.rights.recorder import Recorder
from tests.rights.session import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Folder(Path(__file__).parent)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note what of this folder is left out."""
    FOLDER.leave_out(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare rights when everything else has asked for them."""
    FOLDER.order(items)


@pytest.fixture(scope="session")
def everything_ran(request: pytest.FixtureRequest) -> bool:
    """Whether all tests of this folder are run."""
    return FOLDER.is_run_as_a_whole(request.session)


@pytest.fixture(scope="session", autouse=True)
def recorder() -> Iterator[Recorder]:
    """Record all calls to the in-memory API server."""
    with pytest.MonkeyPatch.context() as patch:
        made = Recorder()
        made.record(patch)
        yield made


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world."""
    return World(tmp_path)
