"""The controller with many ModelDeployments that share few policies: `make bench-operator` (DEPLOYMENTS=, POLICIES=).

API server, etcd, the controller manager and the controller are real. There is no node for the pods: this program writes
their statuses as kubelets would, and publishes a result for each analysis by the publisher's own code. The witness is
off, since nobody could give its log. Then the webhook is asked about pods in that namespace, 100 times a second, in
turn with a webhook that does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from benchmarks import webhook
from tests.cluster.kubernetes import binaries, cluster
from tests.cluster.kubernetes.programs import run

from pickleball_operator.errors import KubeError
from pickleball_operator.kube import Ref
from pickleball_operator.kube.cluster import Cluster
from pickleball_operator.publish import publish

if TYPE_CHECKING:
    from tests.cluster.kubernetes.record import Record

ROOT = Path(__file__).parents[1]
SPACE, SYSTEM = "bench", "pickleball-system"
THREADS = 8
ENTRIES = 300
QUIET = 15
DEADLINE = 1500
PROGRAM = str(Path(sys.executable).with_name("pickleball-operator"))
MEMORY = 200 * 2**20
Manifest = dict[str, Any]


def model_deployment(number: int, policies: int) -> Manifest:
    """One of many; its image decides which analysis it shares."""
    container = {"name": "app", "image": f"app-{number % policies}:1", "command": ["python3", "/app/serve.py"]}
    return {
        "apiVersion": "pickleball.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": f"model-{number}", "namespace": SPACE},
        "spec": {"model": {"classes": ["lib.Model"]},
                 "template": {"spec": {"containers": [container], "schedulerName": "nobody"}}},
    }  # fmt: skip


def result(folder: Path, job: str) -> None:
    """Write a policy and a provenance of the size that a library of the evaluation leads to."""
    names = [f"lib.part{number}.Class{job[-8:]}" for number in range(ENTRIES)]
    chain = [{"holds": "the model", "rule": "class of the model", "at": "lib/__init__.py:1"}] * 6
    entry = {"kind": "needed", "rule": "an attribute", "at": "lib/x.py:1", "chain": chain, "grade": "trivial"}
    policy = {"lib.Model": {"globals": sorted(names), "reduces": []}}
    classes = {"lib.Model": {"at": "lib/__init__.py:1", "globals": dict.fromkeys(names, entry), "reduces": {},
                             "refused": {}, "unresolved": []}}  # fmt: skip
    (folder / "policy.json").write_text(json.dumps(policy))
    (folder / "provenance.json").write_text(json.dumps({"schema": 1, "sources": [], "classes": classes}))


@dataclass
class Nodes:
    """What writes the statuses of pods."""

    kube: Cluster
    record: Record
    folder: Path

    def work(self) -> int:
        """Serve every pod that waits; gives their number."""
        words = ["get", "pods", "--namespace", SPACE, "--field-selector=status.phase=Pending", "--output=json"]
        pods = json.loads(kubectl(self.record, *words))["items"]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._serve, pods))
        return len(pods)

    def _serve(self, pod: Manifest) -> None:
        analysis = pod["metadata"]["labels"].get("pickleball.dev/part") == "analysis"
        if analysis:
            job = pod["metadata"]["labels"]["job-name"]
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                result(Path(folder), job)
                publish(Path(folder), self.kube, SPACE, job)
        spec, now = pod["spec"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
        state = ended if analysis else {"running": {"startedAt": now}}
        status = {
            "phase": "Succeeded" if analysis else "Running",
            "startTime": now,
            "podIP": "192.0.2.1",
            "conditions": [
                {"type": kind, "status": "False" if analysis else "True", "lastTransitionTime": now}
                for kind in ("Ready", "ContainersReady", "Initialized", "PodScheduled")
            ],
            "initContainerStatuses": [container(one, ended) for one in spec.get("initContainers", [])],
            "containerStatuses": [container(one, state) for one in spec["containers"]],
        }
        try:
            ref = Ref("Pod", SPACE, pod["metadata"]["name"])
            self.kube.patch(ref, {"status": status}, subresource="status")
        except KubeError as error:
            print(f"{pod['metadata']['name']}: {error}", file=sys.stderr)


def container(spec: Manifest, state: Manifest) -> Manifest:
    """The status of one container."""
    running = "running" in state
    return {"name": spec["name"], "image": spec["image"], "imageID": spec["image"], "ready": running,
            "started": running, "restartCount": 0, "state": state}  # fmt: skip


def kubectl(record: Record, *words: str, text: str | None = None) -> str:
    """Run kubectl against the cluster."""
    return run(record.program("kubectl"), *words, text=text, KUBECONFIG=record.kubeconfig, NO_PROXY="*")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Controller:
    """The controller as a process of this machine."""

    process: subprocess.Popen[bytes]
    metrics_port: int

    def requests(self) -> Counter[str]:
        """Requests to the API server so far, by method."""
        found = Counter[str]()
        for method, count in re.findall(r'pickleball_api_requests_total{method="(\w+)"} ([\d.e+]+)', self.metrics()):
            found[method] += int(float(count))
        return found

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()

    def seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def looks(self) -> int:
        """Reconciles so far."""
        return sum(int(float(one)) for one in re.findall(r"pickleball_reconciles_total{[^}]*} (\S+)", self.metrics()))

    def metrics(self) -> str:
        """What it says of itself."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30) as answer:
            text: str = answer.read().decode()
            return text

    def memory(self) -> int:
        """Bytes that it has had in memory at most."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) * 1024


@dataclass
class Spent:
    """What bringing all of them to Ready took."""

    made: float
    took: float
    looks: int
    requests: Counter[str]
    seconds: float
    memory: int


def grant(record: Record) -> None:
    """Make the accounts of the chart with their rights; nothing else of it is installed."""
    kubectl(record, "create", "namespace", SYSTEM)
    chart = str(ROOT / "charts" / "pickleball")
    rendered = run(record.program("helm"), "template", "pickleball", chart, "--namespace", SYSTEM)
    wanted = ("ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    manifests = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] in wanted]
    kubectl(record, "apply", "--filename=-", text=yaml.safe_dump_all(manifests))


def account(record: Record, folder: Path, name: str) -> str:
    """A kubeconfig of one of these accounts."""
    token = kubectl(record, "create", "token", name, "--namespace", SYSTEM, "--duration=3h").strip()
    content = yaml.safe_load(Path(record.kubeconfig).read_text())
    for user in content["users"]:
        user["user"] = {"token": token}
    file = folder / f"{name}.kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return str(file)


def environment(record: Record, folder: Path, name: str, **more: object) -> dict[str, str]:
    """The settings and the rights of an installation, but for the witness."""
    return {
        "KUBECONFIG": account(record, folder, name), "NO_PROXY": "*", "PATH": os.environ["PATH"], "HOME": str(folder),
        "PICKLEBALL_OPERATOR_IMAGE": "operator:1", "PICKLEBALL_ENFORCE_IMAGE": "enforce:1",
        "PICKLEBALL_GENERATE_IMAGE": "generate:1", "PICKLEBALL_WITNESS": "false",
        "PICKLEBALL_LOG_LEVEL": os.environ.get("PICKLEBALL_LOG_LEVEL", "warning"),
        **{f"PICKLEBALL_{name}": str(value) for name, value in more.items()},
    }  # fmt: skip


def start(record: Record, log: Path) -> Controller:
    """Start the controller."""
    port = free_port()
    settings = environment(record, log.parent, "pickleball", HEALTH_PORT=free_port(), METRICS_PORT=port)
    process = subprocess.Popen([PROGRAM, "run"], env=settings, stdout=log.open("wb"), stderr=subprocess.STDOUT)
    await_port(port)
    return Controller(process, port)


def webhooks(record: Record, kube: Cluster, folder: Path) -> bool:
    """Compare the webhook, in the namespace of all these, with one that does nothing; whether the figures hold."""
    policy = {"lib.Model": {"globals": ["lib.Model"], "reduces": []}}
    metadata = {"name": "by-hand", "namespace": SPACE}
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
                 "data": {"policy.json": json.dumps(policy)}})  # fmt: skip
    spec = {"model": {"classes": ["lib.Model"]}, "policy": {"configMapRef": {"name": "by-hand"}},
            "selector": {"matchLabels": {"app": "judged"}}}  # fmt: skip
    kube.create(
        {"apiVersion": "pickleball.dev/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": spec}
    )
    kubectl(record, "wait", "modeldeployment/by-hand", "--namespace", SPACE, "--for=jsonpath={.status.policy.name}",
            "--timeout=120s")  # fmt: skip
    webhook.certify(folder)
    ports = free_port(), free_port()
    settings = environment(record, folder, "pickleball-webhook", WEBHOOK_PORT=ports[0], METRICS_PORT=0)
    with (folder / "webhook.log").open("wb") as log:
        ours = subprocess.Popen(
            [PROGRAM, "webhook", "--certificate", str(folder)], env=settings, stdout=log, stderr=log
        )
    other = webhook.start(ports[1], folder)
    try:
        for port in ports:
            await_port(port)
        body = webhook.review(SPACE, {"app": "judged"})
        return webhook.compare(*(webhook.Asked(port, folder, body, port == ports[0]) for port in ports))
    finally:
        for process in (ours, other):
            process.terminate()
            process.wait()


def await_port(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def ready(record: Record) -> int:
    """How many ModelDeployments are Ready."""
    path = "{range .items[*]}{.status.conditions[?(@.type=='Ready')].status}{'\\n'}{end}"
    words = ["get", "modeldeployments", "--namespace", SPACE, f"--output=jsonpath={path}"]
    return kubectl(record, *words).splitlines().count("True")


def measure(record: Record, folder: Path, count: int, policies: int) -> bool:
    """Make the deployments, wait until all are Ready and nothing moves; print the figures, and whether they hold."""
    kubectl(record, "apply", "--server-side", "--filename", str(ROOT / "crds"))
    kubectl(record, "create", "namespace", SPACE)
    kubectl(record, "wait", "--for=condition=Established", "crd/modeldeployments.pickleball.dev")
    grant(record)
    kube = Cluster.connect_as_user(record.kubeconfig, None, "bench")
    nodes = Nodes(kube, record, folder)
    controller = start(record, folder / "controller.log")
    try:
        begun = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda number: kube.create(model_deployment(number, policies)), range(count)))
        made = time.monotonic() - begun
        while (done := ready(record)) < count:
            if controller.process.poll() is not None:
                print((folder / "controller.log").read_text()[-4000:])
                return False
            if time.monotonic() - begun > DEADLINE:
                print(f"only {done} of {count} are Ready after {DEADLINE} s")
                break
            served = nodes.work()
            print(f"{time.monotonic() - begun:6.0f} s: {done} Ready, {served} pods served", flush=True)
            time.sleep(2)
        took = time.monotonic() - begun
        quiet(controller)
        spent = Spent(made, took, controller.looks(), controller.requests(), controller.seconds(), controller.memory())
        controller.stop()
        controller = start(record, folder / "again.log")
        steady = steady_state(controller, count)
        held = tell(record, controller, count, spent, steady)
        return webhooks(record, kube, folder) and held
    finally:
        controller.stop()


def quiet(controller: Controller) -> None:
    """Wait until no look has ended for a while."""
    before = -1
    while (now := controller.looks()) != before:
        before = now
        time.sleep(QUIET)


def steady_state(controller: Controller, count: int) -> Counter[str]:
    """Requests of a controller that starts anew, looks at everything, and finds nothing to do."""
    deadline = time.monotonic() + DEADLINE
    while controller.looks() < count and time.monotonic() < deadline:
        time.sleep(2)
    quiet(controller)
    return controller.requests()


def tell(record: Record, controller: Controller, count: int, spent: Spent, steady: Counter[str]) -> bool:
    """Print the figures; whether they are what is promised."""
    jobs = kubectl(record, "get", "jobs", "--namespace", SPACE, "--output=name").split()
    labels = "--selector=pickleball.dev/part=policy"
    stored = kubectl(record, "get", "configmaps", "--namespace", SPACE, labels, "--output=name").split()
    writes = {method: number for method, number in steady.items() if method != "GET"}
    calls = ", ".join(f"{number / count:.1f} {method}" for method, number in spent.requests.most_common())
    print(f"ModelDeployments         {count}, all Ready after {spent.took:.0f} s (made in {spent.made:.0f} s)")
    print(f"Jobs, policies           {len(jobs)}, {len(stored)}")
    print(f"looks per deployment     {spent.looks / count:.1f}")
    print(f"API calls per deployment {sum(spent.requests.values()) / count:.1f}: {calls}")
    print(f"processor time           {1000 * spent.seconds / count:.0f} ms per deployment")
    print(
        f"controller memory        {spent.memory >> 20} MiB at most, after a new start {controller.memory() >> 20} MiB"
    )
    print(f"steady state             {sum(steady.values()) / count:.1f} calls per deployment, writes {writes or 0}")
    lacking = forbidden(record)
    print(f"rights that were lacking {', '.join(lacking) or 'none'}")
    return spent.memory <= MEMORY and not writes and not lacking


def forbidden(record: Record) -> list[str]:
    """What the accounts of the chart asked for and may not have, by the API server's audit log."""
    found = set()
    for line in record.audit_log.read_text().splitlines():
        event = json.loads(line)
        if event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid":
            found.add(f"{event['verb']} {event.get('objectRef', {}).get('resource')}")
    return sorted(found)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--policies", type=int, default=16)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the cluster goes with it
    folder = Path(tempfile.mkdtemp(prefix="pickleball-bench-"))
    try:
        record = cluster.up(folder / "state", binaries.build(), [])
        return 0 if measure(record, folder, options.count, options.policies) else 1
    finally:
        cluster.down(folder / "state")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
