"""The chart and the definition of ModelDeployment change under what is there."""

from __future__ import annotations

import copy
import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.cluster import testbed, workload
from tests.cluster.faults.space import (
    SPACE,
    await_ready,
    await_reason,
    deployment,
    runs,
)
from tests.cluster.testbed import CHART, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster


def test_the_chart_goes_back_and_forth(bed: Testbed, base: str) -> None:
    """An older chart with other values, a change under it, and `helm rollback`: the pods and their policy stay."""
    before, policy = runs(bed, base), bed.get(SPACE, "modeldeployment", base)["status"]["policy"]
    older = bed.folder / "older"
    shutil.copytree(CHART, older)
    text = (older / "Chart.yaml").read_text()
    (older / "Chart.yaml").write_text(re.sub("(?m)^version: .*$", "version: 0.0.9", text))
    here = ("--namespace", testbed.SYSTEM, "--wait", "--timeout=120s")
    other = ("--set=webhook.enabled=false", "--set=settings.workers=1", "--set=settings.sweep=10s")
    with stage("an older chart, and back"):
        bed.program("helm", "upgrade", "pickleball", str(older), "--reuse-values", *other, *here)
        assert "pickleball-0.0.9" in bed.program("helm", "list", "--namespace", testbed.SYSTEM)
        bed.apply(deployment("older"))
        await_ready(bed, "older")
        bed.program("helm", "rollback", "pickleball", *here)
        assert "pickleball-0.0.9" not in bed.program("helm", "list", "--namespace", testbed.SYSTEM)
        bed.kubectl("delete", "modeldeployment", "older", "--namespace", SPACE)
    trusted = (
        "get",
        "mutatingwebhookconfiguration",
        "pickleball-webhook",
        "-o",
        "jsonpath={.webhooks[0].clientConfig}",
    )
    bed.wait("a webhook that is trusted", lambda: "caBundle" in bed.kubectl(*trusted), 60)
    await_ready(bed, base)
    assert runs(bed, base) == before
    assert bed.get(SPACE, "modeldeployment", base)["status"]["policy"] == policy


@pytest.fixture
def definition(bed: Testbed) -> Iterator[Manifest]:
    """The definition of ModelDeployment, put back at the end."""
    kind = ("crd", "modeldeployments.pickleball.dev")
    found: Manifest = json.loads(bed.kubectl("get", *kind, "--output=json"))
    found.pop("status")
    found["metadata"] = {key: found["metadata"][key] for key in ("name", "labels", "annotations")}
    yield found
    define(bed, found)


def define(bed: Testbed, definition: Manifest) -> None:
    """Replace it."""
    name = definition["metadata"]["name"]
    version = json.loads(bed.kubectl("get", "crd", name, "--output=json"))["metadata"]["resourceVersion"]
    metadata = {**definition["metadata"], "resourceVersion": version}
    bed.kubectl("replace", "-f", "-", text=json.dumps({**definition, "metadata": metadata}))


def test_the_definition_changes_under_stored_objects(bed: Testbed, base: str, definition: Manifest) -> None:
    """An older one goes on; a newer one's field is refused by name while the pods stay; with ours again all is well."""
    before = runs(bed, base)
    older, newer = copy.deepcopy(definition), copy.deepcopy(definition)

    def spec(one: Manifest) -> Manifest:
        found: Manifest = one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        return found

    del spec(older)["properties"]["policy"]["properties"]["rollout"]
    del spec(older)["properties"]["analysis"]["properties"]["cacheClaim"]
    spec(newer)["properties"]["novelty"] = {"type": "string"}
    novel = ("patch", "modeldeployment", base, "--namespace", SPACE, "--type=merge", "--patch")
    with stage("an older definition, a newer one, and ours"):
        define(bed, older)
        bed.kubectl("annotate", "modeldeployment", base, "note=older", "--namespace", SPACE)
        await_ready(bed, base)
        define(bed, newer)
        text = json.dumps({"spec": {"novelty": "x"}})
        bed.wait("the newer definition", lambda: "novelty" in bed.kubectl(*novel, text, "--output=json"), 30)
        await_reason(bed, base, "Ready", "SpecInvalid")
        assert "novelty" in workload.condition(bed, SPACE, base, "Ready")["message"]
        assert runs(bed, base) == before
        define(bed, definition)
        bed.kubectl("annotate", "modeldeployment", base, "note=ours", "--overwrite", "--namespace", SPACE)
        await_ready(bed, base)
    assert runs(bed, base) == before
