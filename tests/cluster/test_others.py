"""Pods made by others on a real Kubernetes: injected when they are made, or denied with what to do."""

from __future__ import annotations

import base64
import copy
import json
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.admission.attacks import ATTACKS, FINE, Attack
from tests.admission.cases import CASES, Case
from tests.cluster import testbed, workload
from tests.cluster.kubernetes.programs import ProgramFailed
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster

PROTECTED, OPEN = "good loaded, bad refused", "good loaded, bad loaded"
ENABLED = {"pickleball.dev/injection": "enabled"}
POLICY = {"collections.OrderedDict": {"globals": [], "reduces": ["collections.OrderedDict"]}}
FILES = {
    "loads.py": Path(__file__).with_name("loads.py").read_text(),
    "own.py": "",
    "sitecustomize.py": "import builtins\nbuiltins.OF_THE_APPLICATION = True\n",
}
ELSEWHERE = {"arm"}
"""What needs nodes that this cluster has not."""
RUNNABLE = [case for case in CASES if case.name not in ELSEWHERE]


def config_map(namespace: str, name: str, data: dict[str, str]) -> Manifest:
    """Give a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def placed(namespace: str, manifest: Manifest) -> Manifest:
    """Give a manifest in a namespace, with the application's image."""
    text = json.dumps(manifest).replace('"app:1"', f'"{workload.APP}"')
    found: Manifest = json.loads(text)
    found["metadata"]["namespace"] = namespace
    return found


def prepare(bed: Testbed, namespace: str, labels: dict[str, str], *deployments: Manifest) -> None:
    """Make a namespace with the program, a policy and ModelDeployments whose policy is in force."""
    bed.create_namespace(namespace, labels)
    bed.apply(config_map(namespace, "program", FILES),
              config_map(namespace, "by-hand", {"policy.json": json.dumps(POLICY)}))  # fmt: skip
    bed.apply(*(placed(namespace, one) for one in deployments))
    for one in deployments:
        if one["spec"]["policy"]["configMapRef"]["name"] == "by-hand":
            await_policy(bed, namespace, one["metadata"]["name"])


def await_policy(bed: Testbed, namespace: str, name: str) -> None:
    """Wait until a ModelDeployment has a policy in force."""
    bed.wait(
        f"a policy in {namespace}",
        lambda: bed.get(namespace, "modeldeployment", name)["status"]["policy"]["name"],
        60,
    )


def remove(bed: Testbed, namespace: str) -> None:
    """Delete a namespace without waiting for it, and show nothing of it any more."""
    bed.kubectl("delete", "namespace", namespace, "--wait=false")
    bed.namespaces.remove(namespace)


def log(bed: Testbed, pod: Manifest, container: str) -> list[str]:
    """Read what a container has printed."""
    metadata = pod["metadata"]
    words = ("logs", metadata["name"], "--namespace", metadata["namespace"], "--container", container)
    return bed.kubectl(*words).splitlines()


def is_up(pod: Manifest) -> bool:
    """Tell whether a pod has done its work or is ready for it."""
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
    return pod["status"]["phase"] == "Succeeded" or conditions.get("Ready") == "True"


def await_pod(bed: Testbed, namespace: str) -> Manifest:
    """Wait for a pod of the application that is up."""

    def find() -> list[Manifest]:
        return [pod for pod in bed.items(namespace, "pods", "app=iris") if is_up(pod)]

    bed.wait(f"a pod in {namespace}", find, 240)
    return find()[0]


def anew(pod: Manifest, name: str = "again") -> Manifest:
    """Give a pod of the cluster as somebody would make it again."""
    metadata = {key: pod["metadata"].get(key, {}) for key in ("labels", "annotations", "namespace")}
    spec = copy.deepcopy({key: value for key, value in pod["spec"].items() if key != "nodeName"})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "name": name}, "spec": spec}


@pytest.mark.parametrize("case", [one for one in RUNNABLE if not one.denied], ids=lambda case: case.name)
def test_a_pod_of_others_runs_protected(bed: Testbed, case: Case) -> None:
    """What others make runs as it was meant, its Python refuses the bad pickle, and a second pass changes nothing."""
    namespace = f"others-{case.name}"
    prepare(bed, namespace, ENABLED | (testbed.RESTRICTED if case.name == "restricted" else {}), *case.deployments)
    with stage(f"{case.name}: a pod that is up"):
        bed.apply(*(placed(namespace, one) for one in (*case.others, case.maker)))
        if case.maker["kind"] == "CronJob":
            bed.kubectl("create", "job", "now", "--from=cronjob/iris", "--namespace", namespace)
        pod = await_pod(bed, namespace)
    (deployment,) = case.deployments
    for container in deployment["spec"].get("enforcement", {}).get("containers", ["app"]):
        assert PROTECTED in log(bed, pod, container), container
    again = anew(pod)
    if case.name != "resource-quota":
        made = json.loads(bed.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", text=json.dumps(again)))
        assert made["spec"] == again["spec"]
    remove(bed, namespace)


@pytest.mark.parametrize("case", [one for one in RUNNABLE if one.denied], ids=lambda case: case.name)
def test_what_cannot_be_protected_is_denied_with_the_remedy(bed: Testbed, case: Case) -> None:
    """`kubectl apply` fails, names PickleBall and the reason, and ends with what to do."""
    namespace = f"others-{case.name}"
    prepare(bed, namespace, ENABLED, *case.deployments)
    with pytest.raises(ProgramFailed, match=r"PickleBall \([A-Z][A-Za-z]+\): .*\."):
        bed.apply(placed(namespace, case.maker))
    remove(bed, namespace)


@pytest.fixture(scope="module")
def served(bed: Testbed) -> Iterator[tuple[str, Manifest]]:
    """A namespace with a protected Deployment of others, and its pod."""
    namespace = "others-served"
    (case,) = [one for one in CASES if one.name == "deployment"]
    deployment = copy.deepcopy(case.deployments[0])
    deployment["spec"]["enforcement"] = {"containers": ["app"]}
    prepare(bed, namespace, ENABLED, deployment)
    bed.apply(placed(namespace, case.maker))
    yield namespace, await_pod(bed, namespace)
    bed.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture(scope="module")
def person(bed: Testbed) -> Callable[..., str]:
    """Somebody who may do everything in the cluster, and is none of the subjects that the chart names."""
    bed.kubectl("create", "clusterrolebinding", "somebody", "--clusterrole=cluster-admin", "--user=somebody")

    def kubectl(*words: str, text: str | None = None) -> str:
        return bed.kubectl(*words, "--as=somebody", "--as-group=system:authenticated", text=text)

    return kubectl


def test_the_exploit_works_where_nobody_protects(bed: Testbed) -> None:
    """The same pod in a namespace without the label loads the bad pickle."""
    bed.create_namespace("others-open")
    (case,) = [one for one in CASES if one.name == "bare"]
    bed.apply(config_map("others-open", "program", FILES), placed("others-open", case.maker))
    bed.wait("the end of the pod", lambda: bed.get("others-open", "pod", "iris")["status"]["phase"] == "Failed", 120)
    assert OPEN in log(bed, bed.get("others-open", "pod", "iris"), "app")
    remove(bed, "others-open")


def test_the_status_counts_pods_of_others(bed: Testbed, served: tuple[str, Manifest]) -> None:
    """Enforced and Ready hold, with one pod of one; a pod from before is shown with what to do."""
    namespace, _ = served
    workload.wait_ready(bed, namespace, "iris", 120)
    status = bed.get(namespace, "modeldeployment", "iris")["status"]
    assert (status["pods"]["protected"], status["pods"]["total"]) == (1, 1)
    assert workload.condition(bed, namespace, "iris", "Enforced")["reason"] == "InterpreterReported"


def named(name: str, labels: dict[str, str] | None = None) -> str:
    """Give a pod of no consequence."""
    spec = {"containers": [{"name": "app", "image": workload.APP}]}
    return json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}}, "spec": spec}
    )


def certificates(bed: Testbed) -> set[str]:
    """Give what the pods of the webhook serve with."""
    pods = bed.items(testbed.SYSTEM, "pods", "app.kubernetes.io/name=pickleball-webhook")
    return {ssl.get_server_certificate((pod["status"]["podIP"], 8443)).strip() for pod in pods}


def test_the_certificate_is_renewed_without_a_gap(bed: Testbed, served: tuple[str, Manifest]) -> None:
    """While the controller renews it and the pods come to serve it, unrestarted, every pod of others is judged."""
    namespace, _ = served
    setting = ("set", "env", "deployment/pickleball", "--namespace", testbed.SYSTEM)
    (before,) = certificates(bed)
    asked = 0
    bed.kubectl(*setting, "PICKLEBALL_CERTIFICATE_LIFETIME=9000h")  # of which less than a third is left
    deadline = time.monotonic() + 240
    with stage("the webhook serves the renewed certificate"):
        while before in certificates(bed):
            assert time.monotonic() < deadline
            bed.kubectl("create", "--dry-run=server", "--namespace", namespace, "-f", "-", text=named("a", {"x": "y"}))
            asked += 1
    kept = bed.get(testbed.SYSTEM, "secret", "pickleball-webhook")["data"]["tls.crt"]
    assert certificates(bed) == {base64.b64decode(kept).decode().strip()}
    bed.kubectl("create", "--dry-run=server", "--namespace", namespace, "-f", "-", text=named("a", {"x": "y"}))
    assert asked > 20
    bed.kubectl(*setting, "PICKLEBALL_CERTIFICATE_LIFETIME=2160h")
    bed.kubectl("rollout", "status", "deployment", "pickleball", "--namespace", testbed.SYSTEM, "--timeout=120s")


def denials(bed: Testbed, base: Manifest, attacks: list[Attack]) -> dict[str, str]:
    """Make the pods as somebody would, a few at a time; give what the API server says of each that it denies."""
    told = {}
    for start in range(0, len(attacks), 5):
        some = {f"attack-{number}-x": attack for number, attack in enumerate(attacks[start : start + 5])}
        pods = [attack.on({**base, "metadata": {**base["metadata"], "name": name}}) for name, attack in some.items()]
        try:
            bed.kubectl(
                "create", "--dry-run=server", "--as=somebody", "-f", "-", text="\n---\n".join(map(json.dumps, pods))
            )
        except ProgramFailed as problem:
            lines = str(problem).splitlines()
            told |= {attack.name: line for name, attack in some.items() for line in lines if f'"{name}"' in line}
    return told


@pytest.fixture(scope="class")
def dead(bed: Testbed) -> Iterator[None]:
    """Take everything of ours away that runs, and the webhook with it; put it back afterwards."""
    deployments = ("pickleball", "pickleball-webhook")
    for name in deployments:
        bed.kubectl("scale", "deployment", name, "--replicas=0", "--namespace", testbed.SYSTEM)
    bed.wait("the end of our pods", lambda: not bed.items(testbed.SYSTEM, "pods"), 90)
    yield
    bed.kubectl("scale", "deployment", "pickleball", "--replicas=1", "--namespace", testbed.SYSTEM)
    bed.kubectl("scale", "deployment", "pickleball-webhook", "--replicas=2", "--namespace", testbed.SYSTEM)
    testbed.configure(bed)
    words = ("get", "mutatingwebhookconfiguration", "pickleball-webhook", "-o", "jsonpath={.webhooks[0].clientConfig}")
    bed.wait("a webhook that is trusted again", lambda: "caBundle" in bed.kubectl(*words), 60)


RESTRICTED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.usefixtures("dead")
class TestWithOurPodsDead:
    """Nothing of PickleBall runs: the API server protects by itself, and nothing of the cluster's own is blocked."""

    def test_the_webhook_fails_closed_and_nowhere_else(
        self, bed: Testbed, served: tuple[str, Manifest], person: Callable[..., str]
    ) -> None:
        """No pod is made in the labelled namespace; kube-system, ours and others go on."""
        namespace, _ = served
        with pytest.raises(ProgramFailed, match="failed calling webhook"):
            person("create", "--dry-run=server", "--namespace", namespace, "-f", "-", text=named("a", {"app": "iris"}))
        bed.create_namespace("others-plain")
        for other in ("kube-system", "others-plain"):
            person("create", "--dry-run=server", "--namespace", other, "-f", "-", text=named("a", {"app": "iris"}))
        ours = json.loads(named("a"))
        security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        ours["spec"]["securityContext"] = RESTRICTED_POD
        ours["spec"]["containers"][0]["securityContext"] = security
        person("create", "--dry-run=server", "--namespace", testbed.SYSTEM, "-f", "-", text=json.dumps(ours))
        remove(bed, "others-plain")

    def test_pods_that_only_look_protected_are_denied(
        self, bed: Testbed, served: tuple[str, Manifest], person: Callable[..., str]
    ) -> None:
        """Without the webhook each attack is denied in the words of its rule, and what is protected is admitted."""
        assert person
        namespace, pod = served
        bed.kubectl("delete", "mutatingwebhookconfiguration", "pickleball-webhook")
        with stage("the webhook is gone"):
            text = named("a", {"app": "none"})
            bed.wait(
                "the API server without the webhook",
                lambda: bed.kubectl("create", "--dry-run=server", "--namespace", namespace, "-f", "-", text=text),
                30,
            )
        base = anew(pod)
        with stage(f"{len(ATTACKS)} attacks"):
            told = denials(bed, base, ATTACKS)
        assert [attack.name for attack in ATTACKS if attack.name not in told] == []
        assert {attack.name: told[attack.name] for attack in ATTACKS if attack.says not in told[attack.name]} == {}
        assert denials(bed, base, [Attack(name, "", change) for name, change in FINE]) == {}

    def test_a_protected_pod_stays_so(
        self, bed: Testbed, served: tuple[str, Manifest], person: Callable[..., str]
    ) -> None:
        """Its labels, annotations and images of ours stay, and nobody debugs it with a container of their own."""
        namespace, pod = served
        name = pod["metadata"]["name"]
        here = ("--namespace", namespace)
        for words in (
            ("label", "pod", name, "pickleball.dev/modeldeployment-"),
            ("label", "pod", name, "pickleball.dev/part=x", "--overwrite"),
            ("annotate", "pod", name, "pickleball.dev/policy-"),
            ("set", "image", f"pod/{name}", "app=evil:1"),
            ("set", "image", f"pod/{name}", "pickleball-install-0=evil:1"),
        ):
            with pytest.raises(ProgramFailed, match="Change what makes the pod"):
                person(*words, *here)
        with pytest.raises(ProgramFailed, match="an ephemeral container"):
            person("debug", name, "--image", workload.APP, "--target=app", "--quiet", "--attach=false", *here)
        person("label", "pod", name, "team=ml", *here)
        assert bed.get(namespace, "pod", name)["metadata"]["labels"]["team"] == "ml"

    def test_the_label_of_a_namespace_stays(
        self, bed: Testbed, served: tuple[str, Manifest], person: Callable[..., str]
    ) -> None:
        """Only the named subjects take it away; other labels are everybody's."""
        namespace, _ = served
        for change in ("pickleball.dev/injection-", "pickleball.dev/injection=off"):
            with pytest.raises(ProgramFailed, match="labelKeepers"):
                person("label", "namespace", namespace, change, "--overwrite")
        person("label", "namespace", namespace, "team=ml")
        bed.kubectl("label", "namespace", namespace, "pickleball.dev/injection-", "--dry-run=server")

    def test_the_label_of_an_analysis_is_the_controllers(
        self, served: tuple[str, Manifest], person: Callable[..., str]
    ) -> None:
        """It would keep a pod from the webhook: no other Job, pod or later label has it."""
        namespace, _ = served
        labels = {"app": "iris", "pickleball.dev/part": "analysis"}
        pod = json.loads(named("a", labels))
        template = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", **pod["spec"]}}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {"template": template}}
        for manifest in (pod, job):
            with pytest.raises(ProgramFailed, match="belongs to the Jobs that the controller makes"):
                person("create", "--dry-run=server", "--namespace", namespace, "-f", "-", text=json.dumps(manifest))


def test_pods_of_a_template_are_kept_too(bed: Testbed, person: Callable[..., str]) -> None:
    """In a namespace without the label the pods of the operator's own Deployment are attacked in the same ways."""
    assert person
    namespace = "others-template"
    (case,) = [one for one in CASES if one.name == "bare"]
    spec: dict[str, Any] = {key: value for key, value in case.deployments[0]["spec"].items() if key != "selector"}
    pod = {key: value for key, value in case.pod["spec"].items() if key != "restartPolicy"}
    pod["containers"][0]["args"] = ["serve"]
    template = {"metadata": {"labels": {"app": "iris"}}, "spec": pod}
    prepare(bed, namespace, {}, {**case.deployments[0], "spec": {**spec, "template": template}})
    with stage("a pod of the operator's Deployment"):
        base = anew(await_pod(bed, namespace))
    told = denials(bed, base, ATTACKS)
    assert [attack.name for attack in ATTACKS if attack.says not in told.get(attack.name, "")] == []
    assert denials(bed, base, [Attack(name, "", change) for name, change in FINE]) == {}
    remove(bed, namespace)
