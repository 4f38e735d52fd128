"""One Helm engine for all tests of the chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.chart.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Start Helm's engine for our chart."""
    engine = Engine.start(tmp_path_factory.mktemp("chart"))
    yield engine
    engine.stop()
