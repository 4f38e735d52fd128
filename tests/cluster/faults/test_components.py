"""The cluster's own programs are killed or paused while an analysis runs and pods serve."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cluster import workload
from tests.cluster.faults.space import (
    SPACE,
    Watched,
    await_ready,
    deployment,
    runs,
)
from tests.cluster.faults.steps import analysing
from tests.cluster.kubernetes import supervisor
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster


def component(bed: Testbed, name: str) -> int:
    """The process of a component of the cluster."""
    inside = bed.record.child()
    for pid in Path(f"/proc/{inside}/task/{inside}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if Path(os.fsdecode(words[0])).name == name:
            return int(pid)
    raise KeyError(name)


def test_components_of_the_cluster_are_killed(bed: Testbed, base: str, watched: Watched) -> None:
    """API server, kubelet and containerd while an analysis runs: it ends well, and pods serve on as if nothing were."""
    before = runs(bed, base)
    for name in ("kube-apiserver", "kubelet", "containerd"):
        beside = f"beside-{name.removeprefix('kube-')}"
        with stage(f"{name} killed"):
            bed.apply(deployment(beside, "long", ignorePaths=[beside]))
            analysing(bed, beside)
            killed = component(bed, name)
            os.kill(killed, signal.SIGKILL)
            bed.wait(f"another {name}", lambda name=name, killed=killed: component(bed, name) != killed, 30)
            bed.wait("the API server", lambda: supervisor.answers(bed.record), 60)
            await_ready(bed, beside)
        assert runs(bed, base) == before
        assert workload.condition(bed, SPACE, base, "Ready")["status"] == "True"
        bed.kubectl("delete", "modeldeployment", beside, "--namespace", SPACE)


def test_etcd_is_paused(bed: Testbed, base: str, watched: Watched) -> None:
    """While it answers nobody nothing can be written; afterwards everything goes on by itself."""
    before = runs(bed, base)
    bed.apply(deployment("paused", "long", ignorePaths=["paused"]))
    analysing(bed, "paused")
    etcd = component(bed, "etcd")
    os.kill(etcd, signal.SIGSTOP)
    try:
        time.sleep(20)  # the fault itself
    finally:
        os.kill(etcd, signal.SIGCONT)
    with stage("after etcd was paused"):
        await_ready(bed, "paused")
    assert runs(bed, base) == before
    bed.kubectl("delete", "modeldeployment", "paused", "--namespace", SPACE)
