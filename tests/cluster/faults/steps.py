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

from pickleball_operator.kube import Ref
from pickleball_operator.kube.cluster import Cluster

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

    def run_out_of_memory(self) -> None:
        """Leave it no more memory than it has; the kernel does the rest."""
        for folder in self.folders():
            for limit, used in (("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")):
                if (folder / limit).exists():
                    squeeze(folder / limit, folder / used)


def squeeze(limit: Path, used: Path) -> None:
    """Set a limit just above what is used; it cannot be set below."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            limit.write_text(str(max(16 << 20, int(used.read_text()) + (1 << 20))))
            return
    raise AssertionError(f"{limit} cannot be set")


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


def delete(bed: Testbed, step: Step) -> None:
    """Somebody deletes the pod."""
    bed.kubectl("delete", "pod", step.name, "--namespace", SPACE, "--force", "--grace-period=0")


def drain(bed: Testbed, step: Step) -> None:
    """Somebody drains the node."""
    step.freeze()
    admin = Cluster.connect_as_user(bed.record.kubeconfig, None, "tests")
    assert admin.evict(Ref("Pod", SPACE, step.name))


def overfill(bed: Testbed, step: Step) -> None:
    """The pod needs more disk than it may have, and the kubelet evicts it."""
    step.freeze()
    volumes = bed.record.folder / "node" / "kubelet" / "pods" / step.pod["metadata"]["uid"] / "volumes"
    (volumes / "kubernetes.io~empty-dir" / "result" / "large").write_bytes(b"x" * (80 << 20))


def squeeze_memory(bed: Testbed, step: Step) -> None:
    """The kernel kills it for its memory."""
    step.run_out_of_memory()


ACCIDENTS = {"deleted": delete, "drained": drain, "overfull": overfill, "hungry": squeeze_memory}
