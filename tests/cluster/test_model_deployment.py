"""What a user sees on a real Kubernetes: a model that runs, one that is refused, specs that cannot work."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cluster import models, workload
from tests.cluster.kubernetes.node import PAUSE
from tests.cluster.kubernetes.programs import ProgramFailed, run
from tests.cluster.testbed import joern, stage
from tools.images.catalogue import IMAGES

if TYPE_CHECKING:
    from tests.cluster.testbed import Manifest, Testbed

    Namespace = tuple[str, Path]

pytestmark = pytest.mark.cluster

READY, REFUSED = 300, 240
NONE = "registry.invalid/none:1"


@pytest.fixture(scope="session")
def iris(bed: Testbed, team: Namespace) -> Manifest:
    """Apply a ModelDeployment whose pods run as root and wait until it is Ready."""
    namespace, _ = team
    with stage("ModelDeployment Ready, as root"):
        bed.apply(workload.model_deployment(namespace, "iris", workload.pod_spec(workload.GOOD)))
        workload.wait_ready(bed, namespace, "iris", READY)
    return bed.get(namespace, "modeldeployment", "iris")


@pytest.fixture(scope="session")
def restricted(bed: Testbed, strict: Namespace) -> Manifest:
    """Apply one whose pods are restricted, in a namespace that admits no others, and wait until it is Ready."""
    namespace, _ = strict
    with stage("ModelDeployment Ready, as uid 65532 with a read-only root"):
        template = workload.pod_spec(workload.GOOD, workload.RESTRICTED)
        bed.apply(workload.model_deployment(namespace, "iris", template))
        workload.wait_ready(bed, namespace, "iris", READY)
    return bed.get(namespace, "modeldeployment", "iris")


def policy(bed: Testbed, deployment: Manifest) -> Manifest:
    """Read the policy ConfigMap that a ModelDeployment's status names."""
    return bed.get(deployment["metadata"]["namespace"], "configmap", deployment["status"]["policy"]["name"])


def test_the_analysis_job_ran_joern_in_the_cluster(bed: Testbed, iris: Manifest) -> None:
    """One Job collected in the app's image, analysed in the generator's with Joern, and published."""
    namespace = iris["metadata"]["namespace"]
    job = workload.only(bed.items(namespace, "jobs", "pickleball.dev/part=analysis"))
    assert job["status"]["succeeded"] == 1
    pod = workload.only(bed.items(namespace, "pods", f"job-name={job['metadata']['name']}"))
    steps = {entry["name"]: entry for entry in pod["status"]["initContainerStatuses"]}
    assert {name: entry["state"]["terminated"]["exitCode"] for name, entry in steps.items()} == {
        "tools": 0,
        "collect": 0,
        "analyse": 0,
    }
    assert steps["collect"]["image"] == workload.APP
    assert steps["analyse"]["image"] == IMAGES["generate"].reference
    provenance = json.loads(policy(bed, iris)["data"]["provenance.json"])
    (extractor,) = joern().glob("facts-*.jar")
    assert provenance["tools"]["extractor"] == hashlib.sha256(extractor.read_bytes()).hexdigest()
    versions = {source["name"]: source.get("version") for source in provenance["sources"]}
    assert versions["sklearn"] == importlib.metadata.version("scikit-learn")


def test_the_policy_is_an_immutable_config_map_with_reasons(bed: Testbed, iris: Manifest) -> None:
    """The ConfigMap holds policy and provenance, cannot be changed, and its policy names the model's class."""
    found = policy(bed, iris)
    assert found["immutable"] is True
    entries = json.loads(found["data"]["policy.json"])
    names = {name for entry in entries.values() for name in (*entry["globals"], *entry["instances"])}
    assert "sklearn.linear_model._logistic.LogisticRegression" in names
    assert not any(name.startswith(("os.", "posix.", "subprocess.", "builtins.eval")) for name in names)
    assert json.loads(found["data"]["provenance.json"])
    changed = json.dumps({"data": {"policy.json": "{}"}})
    with pytest.raises(ProgramFailed, match="immutable"):
        bed.kubectl("patch", "configmap", found["metadata"]["name"], "--namespace=team", "--patch", changed)


@pytest.mark.parametrize(("deployment", "uid"), [("iris", 0), ("restricted", 65532)])
def test_the_protected_app_predicts_as_the_unprotected_model(
    bed: Testbed, request: pytest.FixtureRequest, deployment: str, uid: int
) -> None:
    """Over HTTP the app gives the predictions that the same model gives without an enforcer, as either user."""
    found: Manifest = request.getfixturevalue(deployment)
    namespace = found["metadata"]["namespace"]
    pod = workload.only(workload.pods(bed, namespace, "iris"))
    assert workload.predict(pod["status"]["podIP"]) == models.unprotected()
    assert execute(bed, pod, "id", "-u") == f"{uid}\n"


def execute(bed: Testbed, pod: Manifest, *command: str) -> str:
    """Run a command in the application's container."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    return bed.kubectl("exec", "--namespace", namespace, name, "--container=app", "--", *command)


def test_the_app_runs_with_the_enforcer_and_the_policy(bed: Testbed, restricted: Manifest) -> None:
    """Inside the restricted pod the policy is the ConfigMap's, neither it nor the enforcer can be written."""
    namespace = restricted["metadata"]["namespace"]
    pod = workload.only(workload.pods(bed, namespace, "iris"))
    assert execute(bed, pod, "cat", "/etc/pickleball/policy.json") == policy(bed, restricted)["data"]["policy.json"]
    for folder in ("/etc/pickleball", "/opt/pickleball"):
        with pytest.raises(ProgramFailed, match="Read-only file system"):
            execute(bed, pod, "touch", f"{folder}/x")


def test_the_exploit_works_without_pickleball(bed: Testbed, team: Namespace) -> None:
    """A pod without the enforcer that loads the bad model runs its command."""
    namespace, effects = team
    bed.apply(workload.pod(namespace, "unprotected", workload.EXPLOIT))
    bed.wait("the effect of the exploit", (effects / "ran").exists, 60)
    bed.kubectl("delete", "pod", "unprotected", "--namespace", namespace, "--wait", "--grace-period=1")
    (effects / "ran").unlink()


@pytest.mark.parametrize(("space", "security"), [("team", None), ("strict", workload.RESTRICTED)])
def test_the_exploit_is_refused_and_kubectl_says_why(
    bed: Testbed, request: pytest.FixtureRequest, space: str, security: Manifest | None
) -> None:
    """The same app with the bad model does not start, nothing ran, and message, event and status say why."""
    namespace, effects = request.getfixturevalue(space)
    request.getfixturevalue("iris" if space == "team" else "restricted")  # the policy is there already
    name = "stolen"
    bed.apply(workload.model_deployment(namespace, name, workload.pod_spec(workload.EXPLOIT, security)))
    with stage(f"exploit refused in {namespace}"):
        bed.wait(
            "the refusal of the model",
            lambda: workload.condition(bed, namespace, name, "Ready").get("reason") == "ModelRefused",
            REFUSED,
        )
    assert list(effects.iterdir()) == []
    assert "posix.system" in workload.termination_messages(workload.pods(bed, namespace, name))
    deployment = bed.get(namespace, "modeldeployment", name)
    (violation, *_) = deployment["status"]["violations"]
    assert violation["name"] == "posix.system"
    assert "posix.system" in workload.condition(bed, namespace, name, "Ready")["message"]
    bed.wait("the event", lambda: "posix.system" in event_messages(bed, namespace, name), 30)
    bed.kubectl("delete", "modeldeployment", name, "--namespace", namespace)


def event_messages(bed: Testbed, namespace: str, name: str) -> str:
    """Join the messages of a ModelDeployment's events."""
    events = bed.items(namespace, "events")
    return "\n".join(event["message"] for event in events if event["involvedObject"]["name"] == name)


@dataclass(frozen=True)
class Wrong:
    """A spec that cannot work, and the reason and word that the condition Analyzed ends with."""

    name: str
    reason: str
    says: str
    model_class: str = models.CLASS
    container: dict[str, Any] = field(default_factory=dict)


MISSPELT = Wrong("no-such-class", "ModelClassNotFound", "LogisticRegression", models.CLASS.replace("ss", "s"))
NOWHERE = Wrong("no-such-image", "ImageUnavailable", NONE, container={"image": NONE})
NO_PYTHON = Wrong("no-python", "PythonNotFound", "python3", container={"image": PAUSE, "command": ["/pause"]})


@pytest.mark.parametrize("wrong", [MISSPELT, NOWHERE, NO_PYTHON], ids=lambda wrong: wrong.name)
def test_a_spec_that_cannot_work_ends_in_a_condition_that_says_so(bed: Testbed, team: Namespace, wrong: Wrong) -> None:
    """The condition has the reason and names what is wrong, no pod of the app starts, and kubectl shows it."""
    namespace, _ = team
    template = workload.pod_spec(workload.GOOD)
    template["containers"][0].update(wrong.container)
    bed.apply(workload.model_deployment(namespace, wrong.name, template, wrong.model_class))
    with stage(f"condition of {wrong.name}"):
        bed.wait(
            f"{wrong.reason} of {wrong.name}",
            lambda: workload.condition(bed, namespace, wrong.name, "Analyzed").get("reason") == wrong.reason,
            REFUSED,
        )
    assert wrong.says in workload.condition(bed, namespace, wrong.name, "Analyzed")["message"]
    assert workload.condition(bed, namespace, wrong.name, "Ready")["status"] == "False"
    assert workload.pods(bed, namespace, wrong.name) == []
    assert wrong.reason in bed.kubectl("describe", "modeldeployment", wrong.name, "--namespace", namespace)
    bed.kubectl("delete", "modeldeployment", wrong.name, "--namespace", namespace)


def test_a_policy_written_by_hand_protects_without_an_analysis(bed: Testbed, team: Namespace, tmp_path: Path) -> None:
    """What `pickleball trace` says of a good model, put into a ConfigMap, is enforced as it is."""
    namespace, _ = team
    model = tmp_path / "model.joblib"
    model.write_bytes(models.good())
    policy_file = run(Path(sys.executable).with_name("pickleball"), "trace", model)
    data = {"metadata": {"name": "by-hand", "namespace": namespace}, "data": {"policy.json": policy_file}}
    deployment = workload.model_deployment(namespace, "by-hand", workload.pod_spec(workload.GOOD))
    deployment["spec"]["policy"] = {"configMapRef": {"name": "by-hand"}}
    bed.apply({"apiVersion": "v1", "kind": "ConfigMap", **data}, deployment)
    workload.wait_ready(bed, namespace, "by-hand", 60)
    assert workload.condition(bed, namespace, "by-hand", "Analyzed")["reason"] == "AnalysisNotNeeded"
    pod = workload.only(workload.pods(bed, namespace, "by-hand"))
    assert workload.predict(pod["status"]["podIP"]) == models.unprotected()
    bed.kubectl("delete", "modeldeployment/by-hand", "configmap/by-hand", "--namespace", namespace)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": {"classes": []}}, "spec.model.classes"),
        ({"model": {"classes": ["no dots"]}}, "spec.model.classes"),
        ({"enforcement": {"mode": "Loose"}}, "spec.enforcement.mode"),
        ({"replicas": -1}, "spec.replicas"),
        ({"modle": {}}, "modle"),
    ],
)
def test_the_api_server_refuses_an_invalid_field(
    bed: Testbed, team: Namespace, change: dict[str, Any], says: str
) -> None:
    """`kubectl apply` fails and names the field."""
    namespace, _ = team
    manifest = workload.model_deployment(namespace, "invalid", workload.pod_spec(workload.GOOD))
    manifest["spec"].update(change)
    with pytest.raises(ProgramFailed, match=says):
        bed.apply(manifest)


def test_deleting_a_model_deployment_leaves_nothing_behind(bed: Testbed, strict: Namespace) -> None:
    """After `kubectl delete` the namespace holds what it held before the first ModelDeployment."""
    namespace, _ = strict
    bed.kubectl("delete", "modeldeployment", "--all", "--namespace", namespace)
    own = {"configmap/models", "configmap/kube-root-ca.crt", "persistentvolumeclaim/effects", "serviceaccount/default"}
    with stage("nothing left behind"):
        bed.wait("an empty namespace", lambda: workload.objects(bed, namespace) == own, 90)
