"""People change by hand what is the controller's, all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.cluster.faults.space import (
    SETTLED,
    SPACE,
    await_ready,
    touch,
    value,
)
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster


def test_everybody_writes_at_once(bed: Testbed, base: str) -> None:
    """Two people edit the spec, a third one the Deployment: what the spec says last is what runs."""

    def edit_spec(writer: str) -> None:
        for number in range(6):
            touch(bed, base, f"{writer}{number}")

    def edit_workload() -> None:
        here = ("--namespace", SPACE)
        for number in range(6):
            bed.kubectl("scale", "deployment", base, f"--replicas={number % 3}", *here)
            bed.kubectl("set", "env", f"deployment/{base}", "--containers=app", f"VALUE=by-hand-{number}", *here)

    with stage("conflicting edits"):
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(edit_spec, "a"), pool.submit(edit_spec, "b"), pool.submit(edit_workload)]:
                done.result()
        touch(bed, base, "last")
        bed.wait("the last edit", lambda: value(bed, base) == ["last"], SETTLED)
        await_ready(bed, base)
