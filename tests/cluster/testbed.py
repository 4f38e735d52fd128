"""What the cluster's tests and its demo stand on: images, a running Kubernetes, PickleBall installed, kubectl."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.kubernetes import binaries, cluster
from tests.cluster.kubernetes.programs import ClusterError, NotInTime, ProgramFailed, run
from tools.images import builds
from tools.images.catalogue import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.kubernetes.record import Record

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "pickleball"
SYSTEM = "pickleball-system"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}

Manifest = dict[str, Any]


@dataclass
class Testbed:
    """A running cluster. `folder` is shared with it: what a pod writes to a volume there can be seen here."""

    record: Record
    folder: Path
    namespaces: list[str] = field(default_factory=lambda: [SYSTEM])

    def program(self, name: str, *words: str, text: str | None = None) -> str:
        """Run kubectl or helm against the cluster, by no proxy."""
        return run(self.record.program(name), *words, text=text, KUBECONFIG=self.record.kubeconfig, NO_PROXY="*")

    def kubectl(self, *words: str, text: str | None = None) -> str:
        """Run kubectl."""
        return self.program("kubectl", *words, text=text)

    def apply(self, *manifests: Manifest) -> str:
        """Apply manifests as `kubectl apply -f FILE` does."""
        return self.kubectl("apply", "-f", "-", text="\n---\n".join(json.dumps(manifest) for manifest in manifests))

    def items(self, namespace: str, kind: str, selector: str = "") -> list[Manifest]:
        """List the objects of a kind."""
        words = ["get", kind, "--namespace", namespace, "--output", "json", f"--selector={selector}"]
        found: list[Manifest] = json.loads(self.kubectl(*words))["items"]
        return found

    def get(self, namespace: str, kind: str, name: str) -> Manifest:
        """Read one object."""
        found: Manifest = json.loads(self.kubectl("get", kind, name, "--namespace", namespace, "--output", "json"))
        return found

    def create_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        """Make a namespace; its objects are shown when a wait fails."""
        metadata = {"name": name, "labels": labels or {}}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.namespaces.append(name)
        self.wait(f"the ServiceAccount of {name}", lambda: bool(self.items(name, "serviceaccounts")), 30)

    def wait(self, what: str, test: Callable[[], Any], seconds: float) -> None:
        """Wait until a test gives something; at the deadline show what the cluster says about it and fail."""
        deadline = time.monotonic() + seconds
        problem = ""
        while time.monotonic() < deadline:
            try:
                if test():
                    return
            except (ProgramFailed, KeyError, IndexError, OSError) as error:
                problem = f" ({error})"
            time.sleep(0.5)
        self.show()
        raise NotInTime(f"{what}: not within {seconds:.0f} s{problem}")

    def show(self) -> None:
        """Print what matters when something went wrong: objects, events and logs of our namespaces."""
        for namespace in self.namespaces:
            here = ["--namespace", namespace]
            for words in (
                ["get", "modeldeployments,deployments,jobs,pods,configmaps", *here],
                ["get", "modeldeployments", "--output=jsonpath={.items[*].status}", *here],
                ["get", "events", "--sort-by=.lastTimestamp", *here],
                ["describe", "pods", *here],
            ):
                self.show_one(*words)
            for pod in self.kubectl("get", "pods", "--output=name", *here).split():
                self.show_one("logs", pod, "--all-containers", "--prefix", "--tail=40", *here)

    def show_one(self, *words: str) -> None:
        """Print what one kubectl says, or why it says nothing."""
        print(f"\n$ kubectl {' '.join(words)}")
        try:
            print(self.kubectl(*words)[-12000:])
        except ProgramFailed as problem:
            print(problem)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Print how long something took."""
    start = time.monotonic()
    yield
    print(f"[{time.monotonic() - start:6.1f} s] {name}", flush=True)


def joern() -> Path:
    """Give the folder of the facts extractor's jars, which the Makefile names."""
    folder = os.environ.get("PICKLEBALL_JOERN")
    if not folder:
        raise ClusterError("PICKLEBALL_JOERN does not name the facts extractor's jars; `make test-cluster` sets it")
    return Path(folder)


@contextmanager
def running() -> Iterator[Testbed]:
    """Build what is not built, start a cluster, install PickleBall as a user does, and end it all afterwards."""
    cluster.need_root()
    with stage("binaries of Kubernetes and Helm"):
        programs = binaries.build()
    with stage("images"):
        archives = [builds.build(image, joern()) for image in IMAGES.values()]
    folder = Path(tempfile.mkdtemp(prefix="pickleball-cluster-"))
    folder.chmod(0o755)
    try:
        with stage("cluster up, images loaded"):
            record = cluster.up(folder / "state", programs, archives)
        bed = Testbed(record, folder)
        with stage("helm install"):
            install(bed)
        yield bed
    finally:
        with stage("cluster down"):
            cluster.down(folder / "state")
        shutil.rmtree(folder, ignore_errors=True)


def install(bed: Testbed) -> None:
    """Install the chart into a namespace that admits only restricted pods, and wait for the controller."""
    bed.create_namespace(SYSTEM, RESTRICTED)
    configure(bed)


def configure(bed: Testbed, more: Manifest | None = None) -> None:
    """Give the chart the values of the tests and some more, again when something else has changed them."""
    ours = ("operator", "enforce", "generate")
    images = {name: {"repository": f"docker.io/local/{IMAGES[name].name}"} for name in ours}
    file = bed.folder / "values.json"
    file.write_text(json.dumps({"images": images, "approval": {"requireVerb": True}, **(more or {})}))
    try:
        bed.program("helm", "upgrade", "--install", "pickleball", str(CHART), "--namespace", SYSTEM,
                    "--values", str(file), "--wait", "--timeout", "120s")  # fmt: skip
    except ProgramFailed:
        bed.show()
        raise
