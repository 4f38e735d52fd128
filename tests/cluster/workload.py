"""A team's objects: model files, a volume on which effects would show, and ModelDeployments."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import TYPE_CHECKING

from tests.cluster import models
from tests.cluster.kubernetes.programs import ClusterError
from tools.images.catalogue import IMAGES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.testbed import Manifest, Testbed

APP = IMAGES["test-app"].reference
PORT = 8080
GOOD, EXPLOIT = "good.joblib", "exploit.joblib"
RESTRICTED: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def prepare(bed: Testbed, namespace: str) -> Path:
    """Give a namespace the model files and a volume; returns the volume's folder on this machine."""
    effects = bed.folder / "effects" / namespace
    effects.mkdir(parents=True)
    effects.chmod(0o777)
    files = {GOOD: models.good(), EXPLOIT: models.exploit("touch /effects/ran")}
    bed.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "models", "namespace": namespace},
            "binaryData": {name: base64.b64encode(content).decode() for name, content in files.items()},
        },
        *claim(namespace, "effects", effects),
    )
    return effects


def claim(namespace: str, name: str, folder: Path, mode: str = "ReadWriteMany") -> list[Manifest]:
    """Give a folder of this machine as a volume, and a claim for it."""
    size = {"storage": "1Gi"}
    volume = f"{name}-{namespace}"
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": {
                "capacity": size,
                "accessModes": [mode],
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(folder)},
                "claimRef": {"namespace": namespace, "name": name},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "storageClassName": "",
                "volumeName": volume,
                "accessModes": [mode],
                "resources": {"requests": size},
            },
        },
    ]


def container(model: str, security: Manifest | None = None, image: str = APP) -> Manifest:
    """Give the application's container as its owner wrote it."""
    return {
        "name": "app",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "MODEL", "value": f"/models/{model}"}],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
        "securityContext": security or {},
        "volumeMounts": [
            {"name": "models", "mountPath": "/models", "readOnly": True},
            {"name": "effects", "mountPath": "/effects"},
        ],
    }


def pod_spec(model: str, security: Manifest | None = None, image: str = APP) -> Manifest:
    """Give the application's pod as its owner wrote it."""
    return {
        "containers": [container(model, security, image)],
        "volumes": [
            {"name": "models", "configMap": {"name": "models"}},
            {"name": "effects", "persistentVolumeClaim": {"claimName": "effects"}},
        ],
    }


def pod(namespace: str, name: str, model: str) -> Manifest:
    """Give a pod without PickleBall."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**pod_spec(model), "restartPolicy": "Never"},
    }


def model_deployment(namespace: str, name: str, template: Manifest, model_class: str = models.CLASS) -> Manifest:
    """Give a ModelDeployment of the application."""
    return {
        "apiVersion": "pickleball.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"model": {"classes": [model_class]}, "template": {"spec": template}},
    }


def condition(bed: Testbed, namespace: str, name: str, kind: str) -> Manifest:
    """Read one condition of a ModelDeployment; empty before the controller has set it."""
    found = bed.get(namespace, "modeldeployment", name)
    generation = found["metadata"]["generation"]
    for entry in found.get("status", {}).get("conditions", []):
        if entry["type"] == kind and entry.get("observedGeneration", generation) == generation:
            return dict(entry)
    return {}


def wait_ready(bed: Testbed, namespace: str, name: str, seconds: float = 300) -> None:
    """Wait until a ModelDeployment is Ready."""
    bed.wait(
        f"ModelDeployment {name} Ready",
        lambda: condition(bed, namespace, name, "Ready").get("status") == "True",
        seconds,
    )


def pods(bed: Testbed, namespace: str, name: str) -> list[Manifest]:
    """List the pods of a ModelDeployment."""
    return bed.items(namespace, "pods", f"pickleball.dev/modeldeployment={name}")


def predict(address: str) -> list[int]:
    """Ask an application for predictions, as its clients do."""
    request = urllib.request.Request(f"http://{address}:{PORT}/predict", json.dumps(models.ROWS).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        predictions: list[int] = json.load(answer)["predictions"]
    return predictions


def objects(bed: Testbed, namespace: str) -> set[str]:
    """List all objects of a namespace but events, which the API server removes by itself after an hour."""
    kinds = bed.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    kinds = [kind for kind in kinds if not kind.startswith("events")]
    return set(bed.kubectl("get", ",".join(kinds), "--namespace", namespace, "--output=name").split())


def termination_messages(found: list[Manifest]) -> str:
    """Join what ended containers of pods said last."""
    statuses = [pod["status"] for pod in found]
    containers = [
        entry
        for status in statuses
        for entry in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", []))
    ]
    states = [entry.get(when, {}) for entry in containers for when in ("state", "lastState")]
    return "\n".join(state.get("terminated", {}).get("message", "") for state in states)


def only(found: list[Manifest]) -> Manifest:
    """Give the one element of a list."""
    if len(found) != 1:
        raise ClusterError(f"expected one object, found {[entry['metadata']['name'] for entry in found]}")
    return found[0]
