"""People change by hand what is the controller's, all at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.cluster.faults.outside import instead
from tests.cluster.faults.space import (
    SETTLED,
    SPACE,
    Watched,
    await_ready,
    await_reason,
    deployment,
    runs,
    touch,
    value,
)
from tests.cluster.kubernetes.programs import ProgramFailed
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster


def replace_policy(bed: Testbed, name: str) -> None:
    """Put a ConfigMap with another policy in the place of one, with everything else as it is."""
    found = bed.get(SPACE, "configmap", name)
    found["data"]["policy.json"] = json.dumps({"lib.Model": {"globals": ["os.system"], "reduces": ["os.system"]}})
    found["metadata"] = {
        key: found["metadata"][key] for key in ("name", "namespace", "labels", "annotations", "ownerReferences")
    }
    bed.kubectl("replace", "--force", "--grace-period=0", "-f", "-", text=json.dumps(found))


def test_config_maps_are_changed_by_hand(bed: Testbed, watched: Watched) -> None:
    """A policy comes back as it was; a result is analysed again, or refused; the pods run on with their policy."""
    name = "by-hand"
    own = deployment(name, ignorePaths=[name])  # with a policy that nobody else would make again
    own["spec"]["policy"]["extra"].append({"list": "globals", "name": "collections.Counter", "reason": "only here"})
    bed.apply(own)
    await_ready(bed, name)
    before, status = runs(bed, name), bed.get(SPACE, "modeldeployment", name)["status"]
    policy, result = status["policy"]["name"], status["analysis"]["job"]
    good = bed.get(SPACE, "configmap", policy)["data"]
    with stage("policy deleted"):
        bed.kubectl("delete", "configmap", policy, "--namespace", SPACE)
        bed.wait("the policy", lambda: bed.get(SPACE, "configmap", policy)["data"] == good, 30)
    with stage("policy and result replaced"):
        with instead(bed):  # it would be quicker than the one who replaces them
            replace_policy(bed, policy)
            replace_policy(bed, result)
        await_reason(bed, name, "PolicyReady", "PolicyAltered")
    await_reason(bed, name, "Ready", "ResultRefused")
    with pytest.raises(ProgramFailed, match="not found"):
        bed.get(SPACE, "configmap", policy)
    with stage("result deleted"):
        bed.kubectl("delete", "configmap", result, "--namespace", SPACE)
        await_ready(bed, name)
    assert bed.get(SPACE, "configmap", policy)["data"] == good
    assert runs(bed, name) == before


def test_everybody_writes_at_once(bed: Testbed, base: str) -> None:
    """Two people edit the spec, a third one the Deployment: what the spec says last is what runs."""

    def edit_spec(writer: str) -> None:
        for number in range(6):
            touch(bed, base, f"{writer}{number}")

    def edit_workload() -> None:
        here = ("--namespace", SPACE)
        for number in range(6):
            bed.kubectl("scale", "deployment", base, f"--replicas={number % 3}", *here)
            bed.kubectl("set", "env", f"deployment/{base}", "--containers=app", f"VALUE=by-hand-{number}", *here)

    with stage("conflicting edits"):
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(edit_spec, "a"), pool.submit(edit_spec, "b"), pool.submit(edit_workload)]:
                done.result()
        touch(bed, base, "last")
        bed.wait("the last edit", lambda: value(bed, base) == ["last"], SETTLED)
        await_ready(bed, base)
