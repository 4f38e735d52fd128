"""Show the main job on a real Kubernetes: a ModelDeployment that serves, and an exploit that does not start."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from tests.cluster import models, testbed, workload
from tests.cluster.kubernetes.programs import ClusterError

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

SPACE = "team"


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def kubectl(bed: Testbed, *words: str) -> None:
    """Run kubectl in the team's namespace and show it."""
    print(f"$ kubectl {' '.join(words)}")
    print(bed.kubectl("--namespace", SPACE, *words), flush=True)


def serve(bed: Testbed) -> None:
    """Deploy the application with a good model and ask it for predictions."""
    title("2. A ModelDeployment: the application's own pod template, and the model's class")
    deployment = workload.model_deployment(SPACE, "iris", workload.pod_spec(workload.GOOD, workload.RESTRICTED))
    print(json.dumps(deployment["spec"], indent=1))
    bed.apply(deployment)

    title("3. A Job collects the image's sources, analyses them with Joern and publishes a policy")
    workload.wait_ready(bed, SPACE, "iris")
    kubectl(bed, "get", "modeldeployments,jobs,configmaps,pods")
    found = bed.get(SPACE, "modeldeployment", "iris")
    kubectl(bed, "get", "configmap", found["status"]["policy"]["name"], "--output=jsonpath={.data.policy\\.json}")

    title("4. The application, unchanged, serves the real model")
    pod = workload.only(workload.pods(bed, SPACE, "iris"))
    print("protected:  ", workload.predict(pod["status"]["podIP"]))
    print("unprotected:", models.unprotected())


def refuse(bed: Testbed) -> None:
    """Deploy the same application with a model that runs a command on load."""
    title("5. The same application, given a model that runs a command on load")
    effects = bed.folder / "effects" / SPACE
    template = workload.pod_spec(workload.EXPLOIT, workload.RESTRICTED)
    bed.apply(workload.model_deployment(SPACE, "stolen", template))
    bed.wait(
        "the refusal of the model",
        lambda: workload.condition(bed, SPACE, "stolen", "Ready").get("reason") == "ModelRefused",
        240,
    )
    kubectl(bed, "get", "modeldeployments,pods")
    kubectl(bed, "get", "modeldeployment", "stolen", "--output=jsonpath={.status.violations[0]}")
    print(workload.termination_messages(workload.pods(bed, SPACE, "stolen")).strip())
    if any(effects.iterdir()):
        raise ClusterError("the exploit ran: this must never happen")
    print("Nothing of it ran: the volume that its command writes to is empty.")


def clean(bed: Testbed) -> None:
    """Delete both and show what is left."""
    title("6. Deleting them leaves nothing behind")
    kubectl(bed, "delete", "modeldeployment", "--all")
    own = {"configmap/models", "configmap/kube-root-ca.crt", "persistentvolumeclaim/effects", "serviceaccount/default"}
    bed.wait("an empty namespace", lambda: workload.objects(bed, SPACE) == own, 90)
    kubectl(bed, "get", "all")


def main() -> int:
    """Run the demo and end its cluster."""
    start = time.monotonic()
    title("1. A Kubernetes of our own, with PickleBall installed by helm")
    try:
        with testbed.running() as bed:
            bed.create_namespace(SPACE, testbed.RESTRICTED)
            workload.prepare(bed, SPACE)
            serve(bed)
            refuse(bed)
            clean(bed)
    except ClusterError as problem:
        print(f"demo-cluster: {problem}", file=sys.stderr)
        return 1
    print(f"\nThe demo took {time.monotonic() - start:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
