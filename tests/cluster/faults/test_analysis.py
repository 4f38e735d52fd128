"""The pod of an analysis is deleted, drained, evicted, killed for its memory, or hangs; its owner goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.cluster import workload
from tests.cluster.faults.space import (
    SPACE,
    Watched,
    await_ready,
    await_reason,
    deployment,
)
from tests.cluster.faults.steps import ACCIDENTS, Step, analysing
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster


def test_the_pod_of_an_analysis_has_an_accident(bed: Testbed, watched: Watched) -> None:
    """Deleted, drained, evicted by the kubelet, killed by the kernel: the analysis is made again, and all are Ready."""
    with stage("accidents"), ThreadPoolExecutor() as pool:

        def happen(name: str) -> Step:
            bed.apply(deployment(name, "long", ignorePaths=[name]))
            step = analysing(bed, name)
            ACCIDENTS[name](bed, step)
            return step

        steps = dict(zip(ACCIDENTS, pool.map(happen, ACCIDENTS), strict=True))
        await_ready(bed, *ACCIDENTS)
    for step in steps.values():
        job = step.pod["metadata"]["labels"]["job-name"]
        pods = [one for one in watched.pods.values() if one["metadata"].get("labels", {}).get("job-name") == job]
        assert len(pods) == 2
    last = watched.pods[steps["overfull"].pod["metadata"]["uid"]]
    assert (last["status"]["reason"], "exceeds" in last["status"]["message"]) == ("Evicted", True)
    assert "AnalysisEnlarged" in bed.kubectl("get", "events", "--namespace", SPACE)
    job = bed.get(SPACE, "job", steps["hungry"].pod["metadata"]["labels"]["job-name"])
    (analyse,) = [one for one in job["spec"]["template"]["spec"]["initContainers"] if one["name"] == "analyse"]
    assert analyse["resources"]["limits"]["memory"] == "2Gi"


def test_an_analysis_hangs_and_another_ones_owner_goes(bed: Testbed, watched: Watched) -> None:
    """The first ends with its time limit, and asked again with Ready; of the second nothing is left."""
    bed.apply(deployment("stuck", "long", timeout="60s"), deployment("gone", "long", ignorePaths=["gone"]))
    gone = analysing(bed, "gone")
    gone.freeze()
    analysing(bed, "stuck").freeze()
    key = gone.pod["metadata"]["labels"]["job-name"]
    bed.kubectl("delete", "modeldeployment", "gone", "--namespace", SPACE)
    with stage("a hanging analysis"):
        await_reason(bed, "stuck", "Analyzed", "AnalysisTimedOut")
    assert workload.pods(bed, SPACE, "stuck") == []
    bed.wait("nothing of the deleted one", lambda: not [one for one in workload.objects(bed, SPACE) if key in one], 90)
    again = ("annotate", "modeldeployment", "stuck", "pickleball.dev/analyse-again=1", "--namespace", SPACE)
    bed.kubectl(*again)
    await_ready(bed, "stuck")
    assert workload.pods(bed, SPACE, "gone") == []
