"""What every fault finds: a namespace whose pods are all watched, and a ModelDeployment that is Ready."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.cluster import workload
from tests.cluster.faults.space import (
    PROGRAM,
    SPACE,
    Watched,
    await_ready,
    deployment,
    write_library,
)
from tests.cluster.testbed import stage

from pickleball_operator.decide.ours import is_guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Testbed


@pytest.fixture(scope="package")
def watched(bed: Testbed) -> Iterator[Watched]:
    """Make the namespace with its library and program, and watch every pod in it."""
    write_library(bed.folder / "lib")
    bed.create_namespace(SPACE)
    bed.apply(*workload.claim(SPACE, "lib", bed.folder / "lib"), {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "program", "namespace": SPACE},
        "data": {PROGRAM.name: PROGRAM.read_text()},
    })  # fmt: skip
    seen = Watched(bed)
    thread = threading.Thread(target=seen.watch, daemon=True)
    thread.start()
    yield seen
    seen.stop()
    thread.join(10)
    for pod in seen.workloads():
        assert is_guarded(pod), pod["metadata"]["name"]
    bed.kubectl("delete", "namespace", SPACE, "--wait=false")
    bed.namespaces.remove(SPACE)


@pytest.fixture(scope="package")
def base(bed: Testbed, watched: Watched) -> str:
    """A ModelDeployment that is Ready before each fault."""
    bed.apply(deployment("base"))
    with stage("base Ready"):
        await_ready(bed, "base")
    return "base"
