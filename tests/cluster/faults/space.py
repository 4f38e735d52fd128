"""The namespace in which everything fails: its ModelDeployments, and its pods as a watch has shown them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster import workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Manifest, Testbed

SPACE = "faults"
ANALYSED = 240
SETTLED = 120
PROTECTED = "good loaded, bad refused"
PROGRAM = Path(__file__).parents[1] / "loads.py"
MODEL = "class Part:\n    pass\n\n\nclass Model{bases}:\n    def __init__(self):\n        self.part = Part()\n"
MODULES = 8
CALLS = 15_000
EXTRA = {"list": "reduces", "name": "collections.OrderedDict", "reason": "the program loads one"}


def write_library(folder: Path) -> None:
    """Write the library twice: `site` is analysed at once, `long` in some seconds; both give the same policy."""
    for path in ("site", "long"):
        (folder / path / "lib").mkdir(parents=True)
    (folder / "site/lib/__init__.py").write_text(MODEL.format(bases=""))
    (folder / "long/lib/__init__.py").write_text("from lib.part0 import Part0\n\n\n" + MODEL.format(bases="(Part0)"))
    calls = "".join(f"        f({number}, a={number}, b=[{number}]),\n" for number in range(CALLS))
    for one in range(MODULES):
        base = f"Part{one + 1}" if one + 1 < MODULES else "object"
        begin = f"from lib.part{one + 1} import {base}\n" if one + 1 < MODULES else ""
        text = f"{begin}class Part{one}({base}):\n    pass\n\n\ndef unused(f):\n    return [\n{calls}    ]\n"
        (folder / f"long/lib/part{one}.py").write_text(text)


def deployment(name: str, path: str = "site", **analysis: Any) -> Manifest:
    """A ModelDeployment of a program that tries a good pickle and a bad one; `analysis` makes it one of its own.

    What is to be met while it is analysed has the path `long`.
    """
    container = {
        "name": "app",
        "image": workload.APP,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "/srv/loads.py", "serve"],
        "volumeMounts": [{"name": "program", "mountPath": "/srv"}],
    }
    template = {
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "program", "configMap": {"name": "program"}}],
    }
    spec = {
        "model": {"classes": ["lib.Model"]},
        "source": {"volume": {"claimName": "lib", "path": path}},
        "analysis": {"memory": "1Gi", **analysis},
        "policy": {"extra": [EXTRA]},
        "template": {"spec": template},
    }
    metadata = {"name": name, "namespace": SPACE}
    return {"apiVersion": "pickleball.dev/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": spec}


@dataclass
class Watched:
    """Every pod that there was in the namespace, as a watch has shown it."""

    bed: Testbed
    pods: dict[str, Manifest] = field(default_factory=dict)
    ended: bool = False
    process: subprocess.Popen[str] | None = None

    def watch(self) -> None:
        """Keep what is seen, until it ends; a watch that breaks is begun again."""
        program, kubeconfig = self.bed.record.program("kubectl"), self.bed.record.kubeconfig
        words = [program, "get", "pods", "--namespace", SPACE, "--watch", "--output=json"]
        while not self.ended:
            with subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, "KUBECONFIG": kubeconfig, "NO_PROXY": "*"},
            ) as self.process:  # fmt: skip
                for pod in parsed(self.process.stdout):
                    self.pods[pod["metadata"]["uid"]] = pod
            time.sleep(0.2)

    def stop(self) -> None:
        """End the watch."""
        self.ended = True
        if self.process is not None:
            self.process.kill()

    def workloads(self) -> list[Manifest]:
        """Those of the application."""
        found = [one for one in self.pods.values() if part(one) == "workload"]
        assert found
        return found


def parsed(lines: Any) -> Iterator[Manifest]:
    """The JSON objects of a stream, as kubectl prints them: over many lines each."""
    text = ""
    for line in lines:
        text += line
        if line.startswith("}"):
            yield json.loads(text)
            text = ""


def part(one: Manifest) -> str | None:
    """What an object is."""
    label: str | None = one["metadata"].get("labels", {}).get("pickleball.dev/part")
    return label


def living(bed: Testbed, name: str) -> list[Manifest]:
    """The pods of it that are not on their way out."""
    return [one for one in workload.pods(bed, SPACE, name) if "deletionTimestamp" not in one["metadata"]]


def is_protected(bed: Testbed, name: str) -> bool:
    """Whether every pod of it has refused the bad pickle and loaded the good one."""
    for pod in living(bed, name):
        words = ("logs", pod["metadata"]["name"], "--namespace", SPACE, "--container", "app")
        if PROTECTED not in bed.kubectl(*words):
            return False
    return True


def await_ready(bed: Testbed, *names: str, seconds: float = ANALYSED) -> None:
    """Wait until they are Ready by the interpreters' own reports, and look at what their pods did."""
    for name in names:
        workload.wait_ready(bed, SPACE, name, seconds)
        assert workload.condition(bed, SPACE, name, "Enforced")["reason"] == "InterpreterReported"
        bed.wait(f"a refusal in {name}", lambda name=name: is_protected(bed, name), 30)


def await_reason(bed: Testbed, name: str, kind: str, reason: str, seconds: float = SETTLED) -> None:
    """Wait until a condition has a reason."""
    bed.wait(f"{reason} of {name}", lambda: workload.condition(bed, SPACE, name, kind).get("reason") == reason, seconds)


def touch(bed: Testbed, name: str, value: str) -> None:
    """Change what needs new pods and no new analysis."""
    container = {"name": "app", "env": [{"name": "VALUE", "value": value}]}
    template = bed.get(SPACE, "modeldeployment", name)["spec"]["template"]
    template["spec"]["containers"][0] |= container
    bed.kubectl("patch", "modeldeployment", name, "--namespace", SPACE, "--type=merge",
                "--patch", json.dumps({"spec": {"template": template}}))  # fmt: skip


def value(bed: Testbed, name: str) -> list[str]:
    """What the pods of it were given."""
    return [
        one["value"]
        for pod in living(bed, name)
        for one in pod["spec"]["containers"][0]["env"]
        if one["name"] == "VALUE"
    ]


def runs(bed: Testbed, name: str) -> dict[str, int]:
    """The pods of a ModelDeployment, and how often their containers were started again."""
    return {
        pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
        for pod in living(bed, name)
    }


def logs(bed: Testbed, namespace: str) -> str:
    """What all controllers of a namespace have printed."""
    selector = "app.kubernetes.io/name=pickleball"
    return bed.kubectl("logs", "--namespace", namespace, "--selector", selector, "--tail=-1")
