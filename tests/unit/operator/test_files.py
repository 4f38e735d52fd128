"""Where model files lie: which the analysis gets, how, and which it cannot have."""

from __future__ import annotations

from typing import Any

import pytest
from tests.emulated.world import SETTINGS, model_deployment

from pickleball_operator.decide.files import ModelFiles, in_pod, model_files
from pickleball_operator.decide.request import Request, request
from pickleball_operator.model import parse
from pickleball_operator.render import analysis

CLAIM = {"name": "v", "persistentVolumeClaim": {"claimName": "models"}}
MOUNT = {"name": "v", "mountPath": "/models"}


def deployment(*files: str, mounts: Any = (MOUNT,), volumes: Any = (CLAIM,), **spec: Any) -> dict[str, Any]:
    """A ModelDeployment whose container has these mounts."""
    container = {"name": "app", "image": "app:1", "volumeMounts": list(mounts)}
    template = {"spec": {"containers": [container], "volumes": list(volumes)}}
    return model_deployment(model={"classes": ["lib.Model"], "files": list(files)}, template=template, **spec)


def found(*files: str, image: bool = True, **more: Any) -> ModelFiles:
    """How its files are reached."""
    return model_files(parse(deployment(*files, **more)).spec, image=image)


def test_files_on_a_claim_are_mounted_and_files_of_the_image_are_copied() -> None:
    """The longest mount that holds a pattern decides; the claim is mounted read-only."""
    inner = {"name": "w", "mountPath": "/models/inner/", "subPath": "x"}
    other = {"name": "w", "configMap": {"name": "small"}}
    given = found("/models/*.pkl", "/models/inner/a.pkl", "/app/m.pkl", mounts=[MOUNT, inner], volumes=[CLAIM, other])
    assert given.in_image == ("/app/m.pkl",)
    assert given.patterns == (
        "/pickleball/models/0/app/m.pkl",
        "/pickleball/models/1/models/*.pkl",
        "/pickleball/models/2/models/inner/a.pkl",
    )
    assert [one.volume for one in given.places] == [
        {"persistentVolumeClaim": {"claimName": "models", "readOnly": True}},
        {"configMap": {"name": "small"}},
    ]
    assert given.places[1].sub_path == "x"
    assert given.unreachable == ()


@pytest.mark.parametrize(
    ("volume", "mount", "says"),
    [
        ({"name": "v", "emptyDir": {}}, MOUNT, "v (emptyDir) is the pod's own"),
        ({"name": "v", "secret": {"secretName": "s"}}, MOUNT, "the pod's own"),
        ({"name": "other"}, MOUNT, "of no known kind"),
        (CLAIM, {**MOUNT, "subPathExpr": "$(POD)"}, "subPathExpr"),
    ],
)
def test_what_only_the_pod_has_is_said_and_not_scanned(volume: Any, mount: Any, says: str) -> None:
    """The note names the pattern and the reason; the analysis goes on without it."""
    given = found("/models/m.pkl", mounts=[mount], volumes=[volume])
    assert given.patterns == ()
    assert given.note.startswith("/models/m.pkl is not scanned for proposals: ")
    assert says in given.note


def test_without_the_image_its_files_are_not_scanned() -> None:
    """Sources from a volume: no container of the workload's image runs in the analysis."""
    assert "the image is not opened" in found("/app/m.pkl", image=False).note


def test_the_container_that_is_protected_decides() -> None:
    """enforcement.containers names whose mounts count."""
    manifest = deployment("/models/m.pkl", enforcement={"containers": ["second"]})
    manifest["spec"]["template"]["spec"]["containers"].append({"name": "second", "image": "b:1"})
    assert model_files(parse(manifest).spec, image=True).in_image == ("/models/m.pkl",)


@pytest.mark.parametrize(
    "broken",
    [{"mounts": [1]}, {"mounts": [{}]}, {"volumes": [None]}, {"volumes": [{"name": "v", "persistentVolumeClaim": 3}]}],
)
def test_a_template_that_is_none_breaks_nothing(broken: dict[str, Any]) -> None:
    """What the API server would refuse is refused there, or said by the injection."""
    assert found("/models/m.pkl", **broken).places == ()


def asked(*files: str, **more: Any) -> Request:
    """The request of a ModelDeployment."""
    given = request(parse(deployment(*files, **more)), SETTINGS)
    assert isinstance(given, Request)
    return given


def test_another_claim_is_another_analysis() -> None:
    """The files' place is part of the request key; what is not scanned is not."""
    other = {"name": "v", "persistentVolumeClaim": {"claimName": "others"}}
    own, scratch = {"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {"medium": "Memory"}}
    assert asked("/models/m.pkl").key != asked("/models/m.pkl", volumes=[other]).key
    assert asked("/models/m.pkl", volumes=[own]).key == asked("/models/m.pkl", volumes=[scratch]).key


def test_the_job_gets_the_files_read_only_and_one_step_only() -> None:
    """Copies of the image's files are written by collect, analyse reads all, publish sees none."""
    job = analysis.job(asked("/app/m.pkl", "/models/*.pkl"), SETTINGS, [], suspend=False)
    pod = job["spec"]["template"]["spec"]
    holders = {
        one["name"]: {
            m["mountPath"]: m.get("readOnly", False) for m in one["volumeMounts"] if m["name"][:6] == "models"
        }
        for one in (*pod["initContainers"], *pod["containers"])
    }
    assert holders == {
        "tools": {},
        "collect": {"/pickleball/models/0": False},
        "analyse": {"/pickleball/models/0": True, "/pickleball/models/1/models": True},
        "publish": {},
    }
    assert pod["initContainers"][1]["command"][-3:] == [
        "--model-file=/app/m.pkl",
        "--model-output",
        "/pickleball/models/0",
    ]
    command = pod["initContainers"][2]["command"]
    assert "--propose-only" in command
    paths = [word.partition("=")[2] for word in command if word.startswith("--for-model=")]
    assert [in_pod(path) for path in paths] == ["/app/m.pkl", "/models/*.pkl"]
    assert in_pod("/pickleball/models/x/models") == "/pickleball/models/x/models"
