"""The pod of an analysis hangs; its owner goes."""

from __future__ import annotations

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
from tests.cluster.faults.steps import analysing
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster


def test_an_analysis_hangs_and_another_ones_owner_goes(bed: Testbed, watched: Watched) -> None:
    """The first ends with its time limit, and asked again with Ready; of the second nothing is left."""
    bed.apply(deployment("stuck", timeout="45s"), deployment("gone", ignorePaths=["gone"]))
    gone = analysing(bed, "gone")
    gone.freeze()
    key = gone.pod["metadata"]["labels"]["job-name"]
    bed.kubectl("delete", "modeldeployment", "gone", "--namespace", SPACE)
    with stage("a hanging analysis"):
        analysing(bed, "stuck").freeze()
        await_reason(bed, "stuck", "Analyzed", "AnalysisTimedOut")
    assert workload.pods(bed, SPACE, "stuck") == []
    bed.wait("nothing of the deleted one", lambda: not [one for one in workload.objects(bed, SPACE) if key in one], 90)
    again = ("annotate", "modeldeployment", "stuck", "pickleball.dev/analyse-again=1", "--namespace", SPACE)
    bed.kubectl(*again)
    await_ready(bed, "stuck")
    assert workload.pods(bed, SPACE, "gone") == []
