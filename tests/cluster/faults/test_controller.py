"""The controller is killed, there twice, without rights, by a wrong clock, or away: nothing is lost by it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cluster import testbed, workload
from tests.cluster.faults import outside, tap
from tests.cluster.faults.outside import Outside, instead
from tests.cluster.faults.space import (
    SETTLED,
    SPACE,
    Watched,
    await_ready,
    await_reason,
    deployment,
    logs,
    runs,
    touch,
    value,
)
from tests.cluster.kubernetes.programs import ProgramFailed
from tests.cluster.testbed import CHART, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster

BOUND = "clusterrolebinding"


class Killer:
    """Kills a controller after each step that it has not been killed after."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.controller: Outside | None = None
        self.again = threading.Event()

    def wrote(self, step: str) -> bool:
        """Told of each write, before its answer; whether that is the end of who wrote it."""
        if " leases" in step or step in self.steps or self.controller is None or self.again.is_set():
            return self.again.is_set()
        self.steps.append(step)
        self.controller.kill()
        self.again.set()
        return True


def test_the_controller_is_killed_after_every_write(bed: Testbed, watched: Watched) -> None:
    """Each write of the whole pipeline is the last one of a controller once, and the ModelDeployment arrives."""
    killer = Killer()
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(tap.listening(bed.record, killer.wrote))
        controller = Outside(bed, "killed", line.address)
        stack.enter_context(instead(bed, controller))
        stack.enter_context(stage("killed after every write"))
        own = deployment("killed", ignorePaths=["killed"])  # with a policy that is not there yet
        own["spec"]["policy"]["extra"].append({"list": "globals", "name": "collections.deque", "reason": "only here"})
        bed.apply(own)
        controller.start()
        killer.controller = controller
        deadline = time.monotonic() + 420
        while workload.condition(bed, SPACE, "killed", "Ready").get("status") != "True":
            assert time.monotonic() < deadline, "\n".join(killer.steps)
            assert controller.runs() or killer.again.wait(5), controller.log.read_text()[-4000:]
            if killer.again.wait(1):
                killer.again.clear()
                controller.start()
        killer.controller = None
    print(f"killed after {len(killer.steps)} writes:\n  " + "\n  ".join(killer.steps))
    await_ready(bed, "killed")
    for wanted in ("POST configmaps result", "POST jobs", "PATCH serviceaccounts", "PATCH roles", "PATCH rolebindings",
                   "PATCH jobs", "POST configmaps policy", "PATCH modeldeployments", "PATCH deployments"):  # fmt: skip
        assert any(step.startswith(wanted) for step in killer.steps), wanted
    job = bed.get(SPACE, "modeldeployment", "killed")["status"]["analysis"]["job"]
    pods = [one for one in watched.pods.values() if one["metadata"].get("labels", {}).get("job-name") == job]
    assert len(pods) == 1


@pytest.mark.parametrize("skew", ["-100d", "+100d"])
def test_the_controllers_clock_is_wrong(bed: Testbed, base: str, skew: str) -> None:
    """It works by the API server's: nobody is called silent, the times are right, and the certificate stays."""
    name = f"clock{'back' if skew.startswith('-') else 'on'}"
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    wrong = {"LD_PRELOAD": str(library), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    certificate = bed.get(testbed.SYSTEM, "secret", "pickleball-webhook")["data"]["tls.crt"]
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(tap.listening(bed.record))  # without TLS, which a clock so wrong would refuse
        controller = Outside(bed, name, line.address, wrong)
        stack.enter_context(instead(bed, controller))
        stack.enter_context(stage(f"a clock that is wrong by {skew}"))
        controller.start()
        bed.apply(deployment(name))
        await_ready(bed, name)
    since = bed.get(SPACE, "modeldeployment", name)["status"]["policy"]["since"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()) < 600
    assert "InterpreterSilent" not in controller.log.read_text()
    assert bed.get(testbed.SYSTEM, "secret", "pickleball-webhook")["data"]["tls.crt"] == certificate
    bed.kubectl("delete", "modeldeployment", name, "--namespace", SPACE)


@pytest.fixture
def second(bed: Testbed) -> Iterator[tuple[str, ...]]:
    """A namespace for a second release, which goes with it; gives the words that install one."""
    bed.create_namespace("second", testbed.RESTRICTED)
    yield "second", str(CHART), "--namespace", "second", "--values", str(bed.folder / "values.json")
    outside.scale(bed, 1)
    with contextlib.suppress(ProgramFailed):
        bed.program("helm", "uninstall", "second", "--namespace", "second")
    bed.kubectl("delete", "namespace", "second", "--wait=false")
    bed.namespaces.remove("second")


def test_a_second_controller_waits(bed: Testbed, base: str, second: tuple[str, ...]) -> None:
    """Helm refuses a second release; one that goes round that, and a second replica, say for whom they wait."""
    before = bed.get(SPACE, "deployment", base)["metadata"]["generation"]
    with pytest.raises(ProgramFailed, match=r"modeldeployments.pickleball.dev.*cannot be imported"):
        bed.program("helm", "install", *second)
    values = ("crds.install=false", "webhook.enabled=false", "admission.protectPods=false",
              "settings.enforcerDisk=65Mi")  # fmt: skip
    waits = "another controller works: pickleball-"
    with stage("a second release waits"):
        bed.program("helm", "install", *second, *(f"--set={one}" for one in values))
        outside.scale(bed, 2)
        bed.wait("the release that waits", lambda: waits in logs(bed, "second"), 90)
        bed.wait("the replica that waits", lambda: waits in logs(bed, testbed.SYSTEM), 90)
    touch(bed, base, "two")
    bed.wait("the change", lambda: value(bed, base) == ["two"], SETTLED)
    await_ready(bed, base)
    made = bed.get(SPACE, "deployment", base)
    assert made["metadata"]["generation"] == before + 1
    (disk,) = [one["emptyDir"]["sizeLimit"] for one in made["spec"]["template"]["spec"]["volumes"]
               if one["name"].startswith("pickleball-enforcer-")]  # fmt: skip
    assert disk == "64Mi"


@pytest.fixture
def rights(bed: Testbed) -> Iterator[tuple[Manifest, Manifest]]:
    """What the controller may do, and who it is; given back at the end."""
    kept = [json.loads(bed.kubectl("get", kind, "pickleball", "--output=json")) for kind in ("clusterrole", BOUND)]
    for one in kept:
        one["metadata"] = {key: one["metadata"][key] for key in ("name", "labels", "annotations")}
    yield kept[0], kept[1]
    bed.apply(*kept)


def test_rights_are_taken_away_and_given_back(bed: Testbed, base: str, rights: tuple[Manifest, Manifest]) -> None:
    """One that is missing is named in the status; without any the pods stay; given back, the work goes on by itself."""
    before, (role, binding) = runs(bed, base), rights
    fewer = [rule for rule in role["rules"] if "deployments" not in rule["resources"]]
    fewer.append({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]})
    bed.kubectl("replace", "-f", "-", text=json.dumps({**role, "rules": fewer}))
    with stage("a right that is missing"):
        touch(bed, base, "forbidden")
        await_reason(bed, base, "Ready", "ApiRefused")
    assert "deployments.apps" in workload.condition(bed, SPACE, base, "Ready")["message"]
    assert runs(bed, base) == before
    bed.kubectl("delete", BOUND, "pickleball")
    bed.kubectl("delete", "pod", "--selector=app.kubernetes.io/name=pickleball", "--namespace", testbed.SYSTEM)
    with stage("a controller without any right"):
        bed.wait("its complaint", lambda: "forbidden" in logs(bed, testbed.SYSTEM), 60)
    assert runs(bed, base) == before
    with stage("rights given back"):
        bed.kubectl("replace", "-f", "-", text=json.dumps(role))
        bed.kubectl("create", "-f", "-", text=json.dumps(binding))
        bed.wait("the change", lambda: value(bed, base) == ["forbidden"], SETTLED)
        await_ready(bed, base)


def test_nobody_of_ours_is_needed_to_delete(bed: Testbed, base: str) -> None:
    """With the controller away a ModelDeployment goes with all that it owned, and so does its whole namespace."""
    bed.create_namespace("faults-short")
    short = deployment("short")
    short["metadata"]["namespace"] = "faults-short"
    bed.apply(short)
    bed.wait("its Job", lambda: bed.items("faults-short", "jobs"), 30)
    bed.apply(deployment("orphan"))
    await_ready(bed, "orphan")
    with instead(bed), stage("deleted with the controller away"):
        bed.kubectl("delete", "modeldeployment", "orphan", "--namespace", SPACE, "--timeout=30s")
        bed.wait("the end of its pods", lambda: not workload.pods(bed, SPACE, "orphan"), 60)
        bed.kubectl("delete", "namespace", "faults-short", "--timeout=120s")
        bed.namespaces.remove("faults-short")
    await_ready(bed, base)
