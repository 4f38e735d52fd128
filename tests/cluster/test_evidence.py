"""Enforced rests on what the application's own interpreter reports, on a real Kubernetes."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cluster import testbed, workload
from tests.cluster.models import Command
from tests.cluster.testbed import stage
from tools.images.catalogue import IMAGES

from pickleball_operator.decide.injection import Inject, fresh
from pickleball_operator.kube import Ref
from pickleball_operator.kube.cluster import Cluster
from pickleball_operator.model import parse
from pickleball_operator.render.injection import inject
from pickleball_operator.settings import Settings

if TYPE_CHECKING:
    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster

SPACE = "evidence"
PROGRAM = Path(__file__).with_name("posts.py")
POLICY = {"collections.OrderedDict": {"globals": [], "reduces": ["collections.OrderedDict"]}}
ISOLATED = "exec python3 -I /srv/posts.py"
SECOND_ISOLATED = (
    "if [ -e /tmp/again ]; then exec python3 -I /srv/posts.py; fi; touch /tmp/again; exec python3 /srv/posts.py"
)
SILENT = 180


@pytest.fixture(scope="module")
def space(bed: Testbed) -> str:
    """Make a namespace that admits only restricted pods, with a policy written by hand and the programs."""
    bed.create_namespace(SPACE, testbed.RESTRICTED)
    scripts = {"isolated.sh": ISOLATED, "second.sh": SECOND_ISOLATED, "posts.py": PROGRAM.read_text()}
    for name, data in {"by-hand": {"policy.json": json.dumps(POLICY)}, "program": scripts}.items():
        bed.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": SPACE}, "data": data}
        )
    return SPACE


def pod_spec(*command: str, **container: Any) -> Manifest:
    """The application, restricted, with its programs and a folder to write to."""
    app = {
        "name": "app",
        "image": workload.APP,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "securityContext": workload.RESTRICTED,
        "readinessProbe": {"httpGet": {"path": "/", "port": workload.PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "program", "mountPath": "/srv"}, {"name": "scratch", "mountPath": "/tmp"}],
        **container,
    }
    volumes = [{"name": "program", "configMap": {"name": "program"}}, {"name": "scratch", "emptyDir": {}}]
    return {"containers": [app], "volumes": volumes}


def model_deployment(name: str, spec: Manifest) -> Manifest:
    """A ModelDeployment of it, whose policy needs no analysis."""
    manifest = workload.model_deployment(SPACE, name, spec, "collections.OrderedDict")
    manifest["spec"]["policy"] = {"configMapRef": {"name": "by-hand"}}
    return manifest


@pytest.fixture(scope="module")
def served(bed: Testbed, space: str) -> str:
    """An application that starts as it should, Ready; gives its name."""
    bed.apply(model_deployment("served", pod_spec("python3", "/srv/posts.py")))
    with stage("Ready, by the report of the application's own interpreter"):
        workload.wait_ready(bed, space, "served", 120)
    return "served"


def pod(bed: Testbed, name: str) -> Manifest:
    """The one pod of a ModelDeployment."""
    return workload.only(workload.pods(bed, SPACE, name))


def ask(url: str, body: bytes | None = None) -> tuple[int, str]:
    """Ask as a client does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def metrics(bed: Testbed, name: str) -> str:
    """What the witness of a pod exposes."""
    return ask(f"http://{pod(bed, name)['status']['podIP']}:9465/metrics")[1]


def of(found: Manifest, container: str) -> Manifest:
    """The status of one container of a pod."""
    status = found["status"]
    (one,) = [
        entry
        for entry in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", []))
        if entry["name"] == container
    ]
    return dict(one)


def is_ready(found: Manifest) -> bool:
    """Whether a pod is ready."""
    conditions = {one["type"]: one["status"] for one in found["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"


def enforced(bed: Testbed, name: str) -> Manifest:
    """The condition Enforced."""
    return workload.condition(bed, SPACE, name, "Enforced")


def wait_silent(bed: Testbed, name: str) -> None:
    """Wait until the status says that an interpreter has not reported."""
    bed.wait("silence in the status", lambda: enforced(bed, name).get("reason") == "InterpreterSilent", SILENT)


def test_an_application_that_reports_is_ready(bed: Testbed, served: str) -> None:
    """Status, metrics and log of the witness say so; it has no token and can change nothing of the policy."""
    condition = enforced(bed, served)
    assert (condition["status"], condition["reason"]) == ("True", "InterpreterReported")
    assert 'pickleball_container_enforced{container="app"} 1\n' in metrics(bed, served)
    name = pod(bed, served)["metadata"]["name"]
    log = bed.kubectl("logs", name, "--namespace", SPACE, "--container=pickleball-witness")
    events = [json.loads(line) for line in log.splitlines()]
    assert [event["event"] for event in events] == ["begun", "reported"]
    assert events[1]["pid"] == 1
    token = bed.kubectl("exec", name, "--namespace", SPACE, "--container=pickleball-witness", "--",
                        "ls", "-A", "/var/run/secrets/kubernetes.io/serviceaccount")  # fmt: skip
    assert token == ""
    assert bed.get(SPACE, "modeldeployment", served)["status"]["pods"] == {"protected": 1, "total": 1, "outdated": 0}


def test_an_interpreter_that_skips_the_enforcer_never_becomes_ready(bed: Testbed, space: str) -> None:
    """Its own probe succeeds, and even runs a Python that reports; the pod gets no traffic and the status says why."""
    probe = {"exec": {"command": ["python3", "-c", "pass"]}, "periodSeconds": 5, "timeoutSeconds": 20}
    bed.apply(model_deployment("isolated", pod_spec("sh", "/srv/isolated.sh", readinessProbe=probe)))
    with stage("InterpreterSilent"):
        bed.wait(
            "silence in the status", lambda: enforced(bed, "isolated").get("reason") == "InterpreterSilent", SILENT
        )
    found = pod(bed, "isolated")
    assert of(found, "app")["ready"]
    assert not of(found, "pickleball-witness")["ready"]
    assert not is_ready(found)
    message = enforced(bed, "isolated")["message"]
    assert "-I, -E or -S" in message
    assert "container app" in message
    assert workload.condition(bed, SPACE, "isolated", "Ready")["status"] == "False"
    exposed = metrics(bed, "isolated")
    assert 'pickleball_container_enforced{container="app"} 0\n' in exposed
    assert re.search(r'origin="exec"} [1-9]', exposed), exposed
    assert ask(f"http://{found['status']['podIP']}:9465/ready")[0] == 503
    bed.kubectl("delete", "modeldeployment", "isolated", "--namespace", space)


def test_what_a_running_application_refuses_is_told(bed: Testbed, served: str) -> None:
    """The client gets an error, the pod stays ready; event, status and metric tell of it."""
    address = f"http://{pod(bed, served)['status']['podIP']}:{workload.PORT}/"
    assert ask(address, b"\x80\x04ccollections\nOrderedDict\n)R.") == (200, "OrderedDict()")
    for _ in range(3):
        status, said = ask(address, pickle.dumps(Command("touch /tmp/ran")))
        assert status == 400
        assert "posix.system" in said
    with stage("violation in the status"):
        bed.wait(
            "the violation in the status",
            lambda: bed.get(SPACE, "modeldeployment", served)["status"]["violations"][0]["name"] == "posix.system",
            150,
        )
    violation = bed.get(SPACE, "modeldeployment", served)["status"]["violations"][0]
    assert (violation["container"], violation["rule"]) == ("app", "reduce-not-allowed")
    messages = [event["message"] for event in bed.items(SPACE, "events") if event["reason"] == "Violation"]
    assert len([message for message in messages if "posix.system" in message]) == 1
    assert 'rule="reduce-not-allowed",mode="enforce"} 3\n' in metrics(bed, served)
    assert is_ready(pod(bed, served))
    assert "/tmp/ran" not in bed.kubectl("exec", pod(bed, served)["metadata"]["name"], "--namespace", SPACE,
                                         "--container=app", "--", "sh", "-c", "echo /tmp/*")  # fmt: skip


def test_a_container_that_is_started_again_reports_anew(bed: Testbed, served: str) -> None:
    """The witness counts another run, and the pod is protected again."""
    ask(f"http://{pod(bed, served)['status']['podIP']}:{workload.PORT}/end")
    bed.wait(
        "the second run", lambda: 'pickleball_container_runs_total{container="app"} 2\n' in metrics(bed, served), 60
    )
    bed.wait("Ready again", lambda: of(pod(bed, served), "app")["restartCount"] == 1 and is_ready(pod(bed, served)), 60)
    bed.wait("Enforced again", lambda: protected(bed, served) == 1 and enforced(bed, served)["status"] == "True", 150)


def protected(bed: Testbed, name: str) -> int:
    """How many pods count as protected."""
    count: int = bed.get(SPACE, "modeldeployment", name)["status"]["pods"]["protected"]
    return count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_witness_that_is_killed_comes_back_with_what_it_knew(bed: Testbed, served: str, number: int) -> None:
    """The application is not touched, and need not report again."""
    before = pod(bed, served)
    os.kill(witness_pid(before["metadata"]["annotations"]["pickleball.dev/policy"], before), number)
    restarts = of(before, "pickleball-witness")["restartCount"]
    bed.wait("the witness again", lambda: of(pod(bed, served), "pickleball-witness")["restartCount"] > restarts, 60)
    bed.wait("the pod ready", lambda: is_ready(pod(bed, served)), 90)
    after = pod(bed, served)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert of(after, "app")["restartCount"] == of(before, "app")["restartCount"]
    bed.wait("Enforced", lambda: enforced(bed, served)["status"] == "True", 150)


def witness_pid(policy: str, found: Manifest) -> int:
    """The process of this pod's witness, as this machine knows it."""
    uid = found["metadata"]["uid"]
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = place.joinpath("cmdline").read_bytes().decode().split("\0")
            groups = place.joinpath("cgroup").read_text()
        except OSError:
            continue
        if "witness" in words and policy in words and (uid in groups or uid.replace("-", "_") in groups):
            return int(place.name)
    raise AssertionError(f"no process of the witness of pod {uid}")


def test_a_second_run_that_stays_silent_is_seen(bed: Testbed, space: str) -> None:
    """The witness cannot see it; the controller can, and the pod no longer counts as protected."""
    bed.apply(model_deployment("second", pod_spec("sh", "/srv/second.sh")))
    workload.wait_ready(bed, space, "second", 120)
    ask(f"http://{pod(bed, 'second')['status']['podIP']}:{workload.PORT}/end")
    with stage("InterpreterSilent after a restart"):
        wait_silent(bed, "second")
    assert protected(bed, "second") == 0
    bed.kubectl("delete", "modeldeployment", "second", "--namespace", space)


def test_a_job_with_a_witness_ends(bed: Testbed, space: str) -> None:
    """The sidecar does not keep a pod alive whose work is done."""
    images = {f"{name}_image": IMAGES[name].reference for name in ("operator", "enforce", "generate")}
    spec = pod_spec("python3", "-c", "import pickle; print(pickle.loads(pickle.dumps([1])))")
    del spec["containers"][0]["readinessProbe"]
    policy = pod_policy(bed)
    template = {"spec": {**spec, "restartPolicy": "Never"}}
    plan = fresh(template, parse(with_uid(model_deployment("job", spec))), policy)
    assert isinstance(plan, Inject)
    injected = inject(template, plan, Settings.model_validate(images))
    bed.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "namespace": SPACE},
               "spec": {"backoffLimit": 0, "template": injected}})  # fmt: skip
    with stage("a Job's pod ends"):
        bed.wait("the end", lambda: bed.get(SPACE, "job", "once")["status"].get("succeeded") == 1, 120)
    done = workload.only(bed.items(SPACE, "pods", "job-name=once"))
    assert done["status"]["phase"] == "Succeeded"
    assert of(done, "pickleball-witness")["state"]["terminated"]["exitCode"] == 0


def with_uid(manifest: Manifest) -> Manifest:
    """A ModelDeployment as the API server has it."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": "1", "generation": 1}}


def pod_policy(bed: Testbed) -> str:
    """The policy that the pods of the namespace have."""
    name: str = bed.get(SPACE, "modeldeployment", "served")["status"]["policy"]["name"]
    return name


def test_the_controller_exposes_what_it_counts(bed: Testbed, served: str) -> None:
    """Metrics of the controller, and the policy's name in its log lines."""
    (found,) = bed.items(testbed.SYSTEM, "pods", "app.kubernetes.io/name=pickleball")[:1]
    exposed = ask(f"http://{found['status']['podIP']}:9464/metrics")[1]
    assert re.search(r'pickleball_pods\{name="served",namespace="evidence"\} 1\.0', exposed)
    assert re.search(r'pickleball_violations_reported_total\{.*name="served".*\} [1-9]', exposed)
    assert "pickleball_sweep_timestamp_seconds" in exposed
    log = bed.kubectl("logs", found["metadata"]["name"], "--namespace", testbed.SYSTEM)
    lines = [json.loads(line) for line in log.splitlines() if "Enforced is True" in line and "served" in line]
    assert lines
    assert all(line["policy"] == pod_policy(bed) for line in lines)


def test_an_eviction_keeps_to_a_disruption_budget(bed: Testbed, space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server refuses it while the budget stands, and the controller's adapter says so without an error."""
    monkeypatch.setenv("NO_PROXY", "*")
    spec = pod_spec("python3", "/srv/posts.py")
    metadata = {"name": "kept", "namespace": space, "labels": {"app": "kept"}}
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}
    bed.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": budget},
    )
    bed.wait("a healthy pod", lambda: bed.get(space, "pdb", "kept")["status"]["currentHealthy"] == 1, 60)
    cluster = Cluster.connect_as_user(str(bed.record.kubeconfig), None, "pickleball")
    ref = Ref("Pod", space, "kept")
    assert cluster.evict(ref) is False
    assert "deletionTimestamp" not in bed.get(space, "pod", "kept")["metadata"]
    bed.kubectl("delete", "pdb", "kept", "--namespace", space)
    bed.wait("the eviction", lambda: cluster.evict(ref), 30)
    bed.wait("the pod gone", lambda: not bed.items(space, "pods", "app=kept"), 60)
    cluster.close()
