"""Fixtures of the emulated world, and the record of what its parts ask the API server for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.emulated.world import World
from tests.rights.recorder import Recorder
from tests.rights.session import hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_deselected, pytest_collection_modifyitems, everything_ran = hooks(Path(__file__).parent)


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
