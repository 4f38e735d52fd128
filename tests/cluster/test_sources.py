"""Sources from elsewhere: a package index and a git server in the cluster, and a volume of somebody hostile."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from base64 import b64decode
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import remotes
from tests.cluster import testbed, workload
from tests.cluster.testbed import stage
from tools.images.catalogue import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster

SPACE, PORT, ENDED = "sources", 8000, 300
MODEL = "class Part:\n    pass\n\n\nclass Model:\n    def __init__(self):\n        self.part = Part()\n"


@pytest.fixture(scope="module")
def remote(bed: Testbed) -> Iterator[tuple[str, str]]:
    """Serve an index and a repository in the cluster, and let PickleBall use that index; gives address and commit."""
    folder = bed.folder / "remote"
    remotes.add_wheel(folder / "served", "lib", "1.0", {"lib/__init__.py": MODEL}, ("more",))
    remotes.add_wheel(folder / "served", "more", "2.0", {"more.py": "x = 1\n"})
    work = folder / "served" / "work.git"
    (work / "src" / "lib").mkdir(parents=True)
    (work / "src" / "lib" / "__init__.py").write_text(MODEL)
    remotes.git(work, "init", "--quiet")
    remotes.git(work, "add", "--all")
    remotes.git(work, "commit", "--quiet", "--message=lib")
    shutil.copyfile(str(remotes.__file__), folder / "remotes.py")
    bed.create_namespace(SPACE)
    bed.apply(remote_pod(folder))
    bed.wait("the remote", lambda: ready(bed, "remote"), 60)
    address = f"http://{bed.get(SPACE, 'pod', 'remote')['status']['podIP']}:{PORT}"
    with stage("package index set"):
        testbed.configure(bed, {"settings": {"packageIndex": f"{address}/simple"}})
    yield address, remotes.git(work, "rev-parse", "HEAD")
    bed.kubectl("delete", "modeldeployments", "--all", "--namespace", SPACE)
    testbed.configure(bed)


def remote_pod(folder: Path) -> Manifest:
    """The pod that stands for the network outside."""
    container = {
        "name": "remote",
        "image": IMAGES["generate"].reference,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "/remote/remotes.py", "/remote/served", str(PORT)],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "remote", "mountPath": "/remote", "readOnly": True}],
    }
    volume = {"name": "remote", "hostPath": {"path": str(folder)}}
    metadata = {"name": "remote", "namespace": SPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 1}}  # fmt: skip


def ready(bed: Testbed, name: str) -> bool:
    """Whether a pod is."""
    conditions = bed.get(SPACE, "pod", name)["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def analysed(bed: Testbed, name: str, source: Manifest, reason: str = "AnalysisSucceeded", **analysis: Any) -> Manifest:
    """Ask for the analysis of sources and wait until it ends so; gives the ModelDeployment."""
    spec = {"model": {"classes": ["lib.Model"]}, "source": source, "selector": {"matchLabels": {"app": name}},
            "analysis": {"memory": "1Gi", **analysis}}  # fmt: skip
    metadata = {"name": name, "namespace": SPACE}
    bed.apply({"apiVersion": "pickleball.dev/v1alpha1", "kind": "ModelDeployment", "metadata": metadata, "spec": spec})
    with stage(f"{name}: {reason}"):
        bed.wait(reason, lambda: workload.condition(bed, SPACE, name, "Analyzed").get("reason") == reason, ENDED)
    return bed.get(SPACE, "modeldeployment", name)


def origin(bed: Testbed, deployment: Manifest) -> dict[str, Any]:
    """What the provenance says about where the sources come from; the policy has the model's class."""
    stored = bed.get(SPACE, "configmap", deployment["status"]["analysis"]["job"])
    policy = json.loads(stored["data"]["policy.json"])
    assert "lib.Model" in policy["lib.Model"]["instances"]
    text = stored["data"].get("provenance.json")
    provenance = json.loads(text or gzip.decompress(b64decode(stored["binaryData"]["provenance.json.gz"])))
    found: dict[str, Any] = provenance["origin"]
    return found


def test_a_package_index(bed: Testbed, remote: tuple[str, str]) -> None:
    """The wheel and what it needs are fetched, and the provenance names both with their digests."""
    address, _ = remote
    found = origin(bed, analysed(bed, "pypi", {"pypi": {"requirements": ["lib==1.0"]}}))
    assert [(one["name"], one["version"]) for one in found["packages"]] == [("lib", "1.0"), ("more", "2.0")]
    assert all(len(one["sha256"]) == 64 for one in found["packages"])
    assert found["index"] == f"{address}/simple"


def test_a_git_repository(bed: Testbed, remote: tuple[str, str]) -> None:
    """The commit is fetched over http, and the provenance names it."""
    address, commit = remote
    source = {"git": {"url": f"{address}/work.git/.git", "ref": commit, "path": "src"}}
    assert origin(bed, analysed(bed, "git", source))["commit"] == commit


def test_facts_are_kept_on_a_claim(bed: Testbed, remote: tuple[str, str]) -> None:
    """The second analysis of a commit takes what the first one left there, and gives it back with its own."""
    address, commit = remote
    folder = bed.folder / "facts"
    folder.mkdir()
    folder.chmod(0o777)
    bed.apply(*workload.claim(SPACE, "facts", folder))
    source = {"git": {"url": f"{address}/work.git/.git", "ref": commit, "path": "src"}}
    first = analysed(bed, "first", source, cacheClaim="facts")
    (kept,) = folder.glob("*/facts/*.sqlite")
    with closing(sqlite3.connect(kept)) as facts:
        facts.execute("CREATE TABLE marked (x)")
    second = analysed(bed, "second", source, cacheClaim="facts", ignorePaths=["tests"])
    assert list(folder.glob("*/facts/*.sqlite")) == [kept]
    with closing(sqlite3.connect(kept)) as facts:
        facts.execute("SELECT * FROM marked")
    assert first["status"]["analysis"]["job"] != second["status"]["analysis"]["job"]
    assert origin(bed, first) == origin(bed, second)
    (pod,) = bed.items(SPACE, "pods", f"job-name={second['status']['analysis']['job']}")
    (step,) = [one for one in pod["spec"]["initContainers"] if one["name"] == "analyse"]
    assert [one["mountPath"] for one in step["volumeMounts"] if one["name"] == "shared"] == ["/pickleball/shared"]
    said = bed.kubectl("logs", pod["metadata"]["name"], "--container=analyse", "--namespace", SPACE)
    assert "facts not shared" not in said


def test_the_step_that_fetches_has_no_token_and_no_rights(bed: Testbed, remote: tuple[str, str]) -> None:
    """Of the analysis' pod only the publisher has a token; what fetches runs as nobody in particular."""
    analysed(bed, "pypi", {"pypi": {"requirements": ["lib==1.0"]}})
    (pod,) = bed.items(SPACE, "pods", "pickleball.dev/fetches=pypi")
    steps = {one["name"]: one for one in (*pod["spec"]["initContainers"], *pod["spec"]["containers"])}
    assert set(steps) == {"fetch", "analyse", "publish"}
    with_token = [name for name, one in steps.items() if any(m["name"] == "token" for m in one["volumeMounts"])]
    assert with_token == ["publish"]
    assert {one["securityContext"]["runAsUser"] for one in steps.values()} == {65532}
    assert all(one["securityContext"]["readOnlyRootFilesystem"] for one in steps.values())


def test_a_requirement_that_the_index_lacks_is_named(bed: Testbed, remote: tuple[str, str]) -> None:
    """After its attempts the condition quotes pip."""
    found = analysed(bed, "absent", {"pypi": {"requirements": ["absent==1.0"]}}, "FetchFailed")
    assert "absent" in next(one["message"] for one in found["status"]["conditions"] if one["type"] == "Analyzed")


def test_a_volume_of_somebody_hostile(bed: Testbed, remote: tuple[str, str]) -> None:
    """Links out, fifos, devices, huge sparse files and odd names stay behind; what is source is analysed."""
    folder = bed.folder / "hostile"
    library = folder / "site" / "lib"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(MODEL)
    (library / "host.py").symlink_to("/etc/hostname")
    (library / "token.py").symlink_to("/var/run/secrets/kubernetes.io/serviceaccount/token")
    (folder / "site" / "whole").symlink_to("/")
    os.mkfifo(library / "fifo.py")
    os.mknod(library / "null.py", 0o666 | 0o020000, os.makedev(1, 3))
    with (library / "zeros.py").open("wb") as file:
        file.truncate(10 * 2**30)
    (library / "a\nb.py").write_text("x = 1\n")
    Path(os.fsdecode(os.fsencode(library) + b"/\xff\xfe.py")).write_text("x = 1\n")
    (library / "hard.py").hardlink_to(library / "__init__.py")
    bed.apply(*workload.claim(SPACE, "hostile", folder, "ReadOnlyMany"))
    assert origin(bed, analysed(bed, "hostile", {"volume": {"claimName": "hostile", "path": "site"}})) == {
        "kind": "folder"
    }
