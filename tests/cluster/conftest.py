"""One cluster with PickleBall in it for all of its tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cluster import testbed, workload
from tests.rights.session import hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Testbed

pytest_deselected, pytest_collection_modifyitems, everything_ran = hooks(Path(__file__).parent)


@pytest.fixture(scope="session")
def bed() -> Iterator[Testbed]:
    """Start the cluster, install PickleBall, end it after the last test."""
    with testbed.running() as running:
        yield running


@pytest.fixture(scope="session")
def team(bed: Testbed) -> tuple[str, Path]:
    """Make a namespace of a team that runs its pods as root; gives its name and where effects would show."""
    bed.create_namespace("team")
    return "team", workload.prepare(bed, "team")


@pytest.fixture(scope="session")
def strict(bed: Testbed) -> tuple[str, Path]:
    """Make a namespace that admits only restricted pods; gives its name and where effects would show."""
    bed.create_namespace("strict", testbed.RESTRICTED)
    return "strict", workload.prepare(bed, "strict")
