"""Fixtures of the emulated world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulated.world import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world."""
    return World(tmp_path)
