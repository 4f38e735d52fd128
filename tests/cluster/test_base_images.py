"""Applications that are built on our base images are enforced with nothing of Kubernetes' help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cluster import workload
from tests.cluster.testbed import stage
from tools.images.catalogue import IMAGES

if TYPE_CHECKING:
    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster
PROGRAM = Path(__file__).with_name("starts.py")
POLICY = {"collections.OrderedDict": {"globals": [], "reduces": ["collections.OrderedDict"]}}
ENFORCED, OPEN = "good loaded, bad refused", "good loaded, bad loaded"


@pytest.fixture(scope="module")
def bases(bed: Testbed) -> str:
    """Make a namespace with a policy and a program; gives its name."""
    bed.create_namespace("bases")
    content = {"policy": {"policy.json": json.dumps(POLICY)}, "program": {"starts.py": PROGRAM.read_text()}}
    for name, data in content.items():
        metadata = {"name": name, "namespace": "bases"}
        bed.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    return "bases"


def pod(name: str, image: str, security: Manifest | None) -> Manifest:
    """Give a pod that starts Python in several ways on an image and says how each start loads pickles."""
    mounts = {"policy": "/root/policies", "program": "/srv", "scratch": "/tmp"}
    container = {
        "name": "app",
        "image": IMAGES[image].reference,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "/srv/starts.py"],
        "securityContext": security or {},
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
    }
    volumes = [{"name": name, "configMap": {"name": name}} for name in ("policy", "program")]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "bases"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [*volumes, {"name": "scratch", "emptyDir": {}}],
        },
    }


@pytest.mark.parametrize("security", [None, workload.RESTRICTED], ids=["root", "uid 65532"])
@pytest.mark.parametrize("image", ["enforce-deb12", "enforce-deb11"])
def test_a_base_image_enforces_every_start_of_python_but_one(
    bed: Testbed, bases: str, image: str, security: Manifest | None
) -> None:
    """The policy at /root/policies/policy.json is in force for -I, -E and virtual environments; -S goes round it."""
    name = f"{image}-{'restricted' if security else 'root'}"
    bed.apply(pod(name, image, security))
    with stage(f"{name} has ended"):
        bed.wait(f"the end of {name}", lambda: phase(bed, bases, name) in {"Succeeded", "Failed"}, 120)
    log = bed.kubectl("logs", name, "--namespace", bases)
    told = json.loads(log.splitlines()[-1])
    assert told.pop("python")[:2] == [3, 11 if image == "enforce-deb12" else 9]
    assert told.pop("uid") == (65532 if security else 0)
    assert told.pop("writable") == []
    assert told == {
        "python3": ENFORCED,
        "python3 -I": ENFORCED,
        "python3 -E": ENFORCED,
        "virtual environment": ENFORCED,
        "no policy": "good refused, bad refused",
        "python3 -S": OPEN,
    }, log


def phase(bed: Testbed, namespace: str, name: str) -> str:
    """Read how far a pod is."""
    return str(bed.get(namespace, "pod", name)["status"]["phase"])
