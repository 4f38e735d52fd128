"""What pages say to do in a cluster works, word for word, and prints what they say."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.cluster import testbed, workload
from tests.cluster.kubernetes.programs import run
from tests.cluster.testbed import stage
from tests.documents import desk
from tests.documents.page import File, name, needs_cluster, pages, steps
from tests.documents.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster

CLUSTER = [page for page in pages() if needs_cluster(steps(page.read_text()))]
TUTORIAL = testbed.ROOT / "docs" / "tutorial" / "protect-a-model.md"
OWN = {
    **desk.OWN,
    "registry.example/iris:1": workload.APP,
    "registry.example/pickleball-": "docker.io/local/pickleball-",
    'digest: "sha256:..."': "tag: 0.1.0",
}


@pytest.fixture
def reader(bed: Testbed, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    """Somebody with the cluster's kubeconfig, in a namespace with a ModelDeployment iris that is Ready."""
    page: Path = request.getfixturevalue("page")
    namespace = f"docs-{page.stem.lower()}"
    environment = desk.prepare(tmp_path)
    kubeconfig = shutil.copy(bed.record.kubeconfig, tmp_path / "kubeconfig")
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("kubectl", "helm"):
        (programs / program).symlink_to(bed.record.program(program))
    path = f"{programs}{os.pathsep}{environment['PATH']}"
    somebody = Reader(tmp_path, {**environment, "PATH": path, "KUBECONFIG": str(kubeconfig), "NO_PROXY": "*"})
    somebody.replaced = {**OWN, "[team-a, team-b]": f"[{namespace}]"}
    if page != TUTORIAL:
        bed.create_namespace(namespace)
        workload.prepare(bed, namespace)
        kubectl = bed.record.program("kubectl")
        run(kubectl, "config", "set-context", "--current", f"--namespace={namespace}", KUBECONFIG=str(kubeconfig))
        bed.apply(workload.model_deployment(namespace, "iris", workload.pod_spec(workload.GOOD)))
        workload.wait_ready(bed, namespace, "iris")
    yield somebody
    if page != TUTORIAL:
        bed.kubectl("delete", "namespace", namespace, "--wait=false")
        bed.namespaces.remove(namespace)
    testbed.configure(bed)


@pytest.mark.parametrize("page", CLUSTER, ids=name)
def test_a_page_works_word_for_word(page: Path, reader: Reader) -> None:
    """Every command of a page ends as the page says; those left out say why."""
    with stage(name(page)):
        assert reader.follow(name(page), steps(page.read_text()))


def test_the_tutorials_server_is_the_one_that_the_tests_run() -> None:
    """The file that the tutorial shows is that of the image which stands for its own."""
    (shown,) = [step for step in steps(TUTORIAL.read_text()) if isinstance(step, File) and step.name == "serve.py"]
    assert shown.content == "# serve.py\n" + (testbed.ROOT / "tests" / "cluster" / "app" / "serve.py").read_text()
