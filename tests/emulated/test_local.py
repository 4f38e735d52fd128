"""`pickleball-operator local`: real processes, the real enforcer, a real model, without a cluster."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.cluster import models

from pickleball_operator.cli import main
from pickleball_operator.local.processes import translate

if TYPE_CHECKING:
    from collections.abc import Callable

APP = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
import joblib

class Predictions(BaseHTTPRequestHandler):
    def do_POST(self):
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(model.predict(rows).tolist()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

model = joblib.load(os.environ["MODEL"])
HTTPServer(("127.0.0.1", int(sys.argv[1])), Predictions).serve_forever()
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def config_map(name: str, **content: Any) -> dict[str, Any]:
    """A ConfigMap of the team."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "team"}, **content}


def written(folder: Path, content: bytes, files: list[str]) -> Path:
    """A file with a ModelDeployment whose policy is written by hand, and what its pod needs."""
    entry = {
        "globals": [
            "joblib.numpy_pickle.NumpyArrayWrapper",
            "numpy.dtype",
            "numpy.ndarray",
            "sklearn.linear_model._logistic.LogisticRegression",
        ],
        "reduces": ["numpy.dtype"],
    }
    port = free_port()
    container = {
        "name": "app",
        "image": "app:1",
        "command": ["python3", "/srv/app.py", str(port)],
        "env": [{"name": "MODEL", "value": "/models/model.joblib"}],
        "ports": [{"containerPort": port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": port}},
        "volumeMounts": [{"name": "models", "mountPath": "/models"}],
    }
    pod = {"containers": [container], "volumes": [{"name": "models", "configMap": {"name": "models"}}]}
    deployment = {
        "apiVersion": "pickleball.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "iris", "namespace": "team"},
        "spec": {
            "model": {"classes": [models.CLASS], "files": files},
            "policy": {"configMapRef": {"name": "mine"}},
            "template": {"spec": pod},
        },
    }
    documents = [
        config_map("models", binaryData={"model.joblib": base64.b64encode(content).decode()}),
        config_map("mine", data={"policy.json": json.dumps({models.CLASS: entry})}),
        deployment,
    ]
    (folder / "srv").mkdir()
    (folder / "srv" / "app.py").write_text(APP)
    path = folder / "modeldeployment.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return path


def run(folder: Path, path: Path) -> int:
    """Run the command as a user would."""
    words = ["local", "-f", str(path), "--output", str(folder / "out"), "--path", f"/srv={folder / 'srv'}"]
    return main([*words, "--start", "--call", "/predict", "--body", json.dumps(models.ROWS)])


def status(folder: Path) -> dict[str, Any]:
    """The status that was left as a file."""
    found: dict[str, Any] = yaml.safe_load((folder / "out" / "objects" / "modeldeployment-iris.yaml").read_text())[
        "status"
    ]
    return found


def test_a_real_model_is_served_enforced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Install, self-test, model check and application run as processes; the answer is the unprotected model's."""
    assert run(tmp_path, written(tmp_path, models.good(), ["/models/*.joblib"])) == 0
    printed = capsys.readouterr().out
    assert json.dumps(models.unprotected()) in printed
    ready = status(tmp_path)["conditions"][-1]
    assert (ready["type"], ready["status"]) == ("Ready", "True")
    deployment = yaml.safe_load((tmp_path / "out" / "objects" / "deployment-iris.yaml").read_text())
    steps = [one["name"] for one in deployment["spec"]["template"]["spec"]["initContainers"]]
    assert steps == ["pickleball-install-0", "pickleball-self-test-0", "pickleball-verify-0"]


@pytest.mark.parametrize(
    ("files", "reason"), [([], "ModelRefused"), (["/models/model.joblib"], "ModelFilesRefused")], ids=["load", "file"]
)
def test_an_exploit_is_refused_and_nothing_of_it_runs(tmp_path: Path, files: list[str], reason: str) -> None:
    """By the load in the application, or by the check before it: the status has the record, and nothing ran."""
    effect = tmp_path / "ran"
    path = written(tmp_path, models.exploit(f"touch {effect}"), files)
    assert run(tmp_path, path) == 1
    assert not effect.exists()
    found = status(tmp_path)
    assert found["conditions"][-1]["reason"] == reason
    assert found["violations"][0]["name"] == "posix.system"
    assert found["violations"][0]["path"].endswith("model.joblib")


def test_audit_proposes_what_the_running_model_wanted(tmp_path: Path) -> None:
    """In mode Audit a model that the policy lacks everything of is served, and what it wanted stands in the status."""
    path = written(tmp_path, models.good(), [])
    documents = list(yaml.safe_load_all(path.read_text()))
    documents[1]["data"]["policy.json"] = json.dumps({models.CLASS: {"globals": ["none.Model"], "reduces": []}})
    documents[2]["spec"]["enforcement"] = {"mode": "Audit"}
    path.write_text(yaml.safe_dump_all(documents))
    assert run(tmp_path, path) == 0
    wanted = {(one["list"], one["name"]) for one in status(tmp_path)["proposals"]}
    assert ("globals", "sklearn.linear_model._logistic.LogisticRegression") in wanted
    assert ("reduces", "numpy.dtype") in wanted


def test_a_folder_of_this_machine_stands_for_a_volume(tmp_path: Path) -> None:
    """With --path, a mount needs no object behind it."""
    path = written(tmp_path, models.good(), [])
    documents = list(yaml.safe_load_all(path.read_text()))
    path.write_text(yaml.safe_dump_all(documents[1:]))  # without the ConfigMap that holds the model
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "model.joblib").write_bytes(models.good())
    words = ["local", "-f", str(path), "--output", str(tmp_path / "out"), "--path", f"/srv={tmp_path / 'srv'}"]
    assert main([*words, "--start", "--path", f"/models={folder}"]) == 0


LIBRARY = {
    "lib/__init__.py": "from lib.model import Model\n",
    "lib/model.py": "class Model:\n    def __init__(self):\n        self.steps = []\n",
    "lib/parts.py": "import os\n\nclass Plain:\n    pass\n\nclass Opens:\n    def __setstate__(self, state):\n"
    "        os.remove(state['path'])\n",
}
MAKE = """
import pickle, sys
from lib import Model
from lib.parts import Opens, Plain
model, opens = Model(), Opens()
opens.path = "x"
model.steps = [Plain(), opens]
sys.stdout.buffer.write(pickle.dumps(model))
"""


@pytest.mark.parametrize("where", ["volume", "image"])
def test_names_that_a_model_file_wants_are_proposed_and_the_inert_one_joins(
    tmp_path: Path, tree: Callable[[dict[str, str]], Path], where: str
) -> None:
    """The real generator scans the file: a plain class joins by acceptProposals, one that removes files waits."""
    library = tree(LIBRARY)
    made = subprocess.run(
        [sys.executable, "-c", MAKE], env={"PYTHONPATH": str(library)}, capture_output=True, check=True
    )
    model = {"classes": ["lib.Model"], "files": ["/models/*.pkl"]}
    container: dict[str, Any] = {"name": "app", "image": "app:1", "command": ["python3"]}
    pod: dict[str, Any] = {"containers": [container]}
    documents = []
    words = []
    spec: dict[str, Any] = {"model": model, "policy": {"acceptProposals": "Inert"}, "template": {"spec": pod}}
    if where == "volume":
        container["volumeMounts"] = [{"name": "m", "mountPath": "/models"}]
        pod["volumes"] = [{"name": "m", "configMap": {"name": "models"}}]
        documents.append(config_map("models", binaryData={"m.pkl": base64.b64encode(made.stdout).decode()}))
        spec["source"] = {"volume": {"claimName": "sources"}}
        words = ["--path", f"/pickleball/volume={library}"]
    else:
        (tmp_path / "files").mkdir()
        (tmp_path / "files" / "m.pkl").write_bytes(made.stdout)
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH={library} exec {sys.executable} -S -s "$@"\n')
        python.chmod(0o755)
        words = ["--path", f"/models={tmp_path / 'files'}", "--python", str(python)]
    head = {"apiVersion": "pickleball.dev/v1alpha1", "kind": "ModelDeployment"}
    documents.append({**head, "metadata": {"name": "iris", "namespace": "team"}, "spec": spec})
    file = tmp_path / "modeldeployment.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    assert main(["local", "-f", str(file), "--output", str(tmp_path / "out"), *words]) == 0
    found = status(tmp_path)
    (proposal,) = found["proposals"]
    assert (proposal["name"], proposal["decision"], proposal["grade"]) == ("lib.parts.Opens", "ask", "effects")
    assert proposal["sha256"] == hashlib.sha256(made.stdout).hexdigest()
    stored = yaml.safe_load((tmp_path / "out" / "objects" / f"configmap-{found['policy']['name']}.yaml").read_text())
    assert "lib.parts.Plain" in json.loads(stored["data"]["policy.json"])["lib.model.Model"]["instances"]
    (accepted,) = json.loads(stored["data"]["provenance.json"])["accepted"]
    assert (accepted["name"], accepted["files"][0]["sha256"]) == ("lib.parts.Plain", proposal["sha256"])
    assert proposal["path"].endswith("/m.pkl")
    assert not proposal["path"].startswith("/pickleball")


def test_paths_are_translated_at_their_borders() -> None:
    """Mounts are replaced where they begin a path, in lists of paths too, and nowhere else."""
    places = {
        "/opt/pickleball": Path("/here/enforcer"),
        "/opt/pickleball/state": Path("/here/state"),
        "/app": Path("/a"),
    }
    cases = {
        "/opt/pickleball:/app/lib": "/here/enforcer:/a/lib",
        "/opt/pickleball/state/x": "/here/state/x",
        "/opt/pickleballs": "/opt/pickleballs",
        "/x/app": "/x/app",
        "--in=/app": "--in=/a",
        "plain": "plain",
    }
    assert {text: translate(text, places) for text in cases} == cases


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ([], "one ModelDeployment"),
        ([config_map("a")], "one ModelDeployment"),
        ([1], "no manifest"),
        (["{"], "no manifest"),
    ],
)
def test_a_file_without_a_model_deployment_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], documents: list[Any], says: str
) -> None:
    """Exit code 2 and one line."""
    path = tmp_path / "file.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    assert main(["local", "-f", str(path), "--output", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err
