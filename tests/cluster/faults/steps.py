"""A step of an analysis that runs, and what can happen to it."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cluster.faults.space import (
    ANALYSED,
    SPACE,
)
from tests.cluster.kubernetes import node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.testbed import Manifest, Testbed


@dataclass
class Step:
    """A step of an analysis that runs."""

    bed: Testbed
    pod: Manifest
    container: str

    @property
    def name(self) -> str:
        """Of the pod."""
        return str(self.pod["metadata"]["name"])

    def folders(self) -> Iterator[Path]:
        """Its cgroups."""
        for ours, _ in node.cgroups(self.bed.record):
            yield from ours.rglob(self.container)

    def freeze(self) -> None:
        """Let it go no further, nor end by itself."""
        for folder in self.folders():
            for pid in (folder / "cgroup.procs").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGSTOP)


def analysing(bed: Testbed, name: str) -> Step:
    """Wait until the step `analyse` of a ModelDeployment runs."""
    found: list[Step] = []

    def look() -> bool:
        job = bed.get(SPACE, "modeldeployment", name)["status"]["analysis"]["job"]
        for pod in bed.items(SPACE, "pods", f"job-name={job}"):
            steps = pod["status"].get("initContainerStatuses", ())
            running = [one for one in steps if one["name"] == "analyse" and "running" in one["state"]]
            found.extend(Step(bed, pod, one["containerID"].partition("://")[2]) for one in running)
        return bool(found)

    bed.wait(f"the analysis of {name}", look, ANALYSED)
    return found[0]
