"""Manifests: as they were agreed (goldens), and that no value can become structure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.emulated.world import SETTINGS, model_deployment

from pickleball_operator.decide.request import Request, request
from pickleball_operator.errors import RenderError
from pickleball_operator.model import parse
from pickleball_operator.render import analysis, environment
from pickleball_operator.render.environment import fill
from pickleball_operator.render.show import show

GOLDEN = Path(__file__).with_name("golden")
HOSTILE = [
    '"', '"}, {"x": "', "\\", '\\"', "{{ 1 }}", "{% raw %}", "\n", "\u2028", "\x00", "\ud800", "😀", "</script>",
    "null", '"], "privileged": true, "y": ["', "${HOME}", "$(reboot)", "; reboot", "# ",
]  # fmt: skip


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_rendered_is_what_was_agreed(path: Path) -> None:
    """The first document of each golden file leads to the others; see the note in the first line to renew them."""
    given, *wanted = yaml.safe_load_all(path.read_text())
    assert show(parse(given), SETTINGS) == wanted


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_value_becomes_structure(text: str) -> None:
    """Hostile text in a template's names, images, arguments and values comes out as that very text."""
    container = {
        "name": text, "image": text, "imagePullPolicy": text, "args": [text], "workingDir": text,
        "env": [{"name": text, "value": text}], "securityContext": {text: text}, "resources": {"limits": {text: text}},
        "volumeMounts": [{"name": text, "mountPath": f"/{text}"}],
    }  # fmt: skip
    pod = {
        "containers": [container], "volumes": [{"name": text, text: text}],
        "imagePullSecrets": [{"name": text}], "nodeSelector": {text: text}, "tolerations": [{"key": text}],
    }  # fmt: skip
    manifest = model_deployment(
        template={"metadata": {"labels": {text: text}, "annotations": {text: text}}, "spec": pod}
    )
    *_, job, _account, _role, _binding, deployment = show(parse(manifest), SETTINGS)
    collect = job["spec"]["template"]["spec"]["initContainers"][1]
    assert (collect["image"], collect["imagePullPolicy"]) == (text, text or "IfNotPresent")
    assert job["spec"]["template"]["spec"]["nodeSelector"] == {text: text}
    template = deployment["spec"]["template"]
    assert template["metadata"]["labels"][text] == text
    found = template["spec"]["containers"][0]
    assert {key: found[key] for key in ("name", "image", "args", "securityContext", "resources")} == {
        key: container[key] for key in ("name", "image", "args", "securityContext", "resources")
    }
    assert found["env"][0] == {"name": text, "value": text}
    test = template["spec"]["initContainers"][1]
    assert test["name"] == "pickleball-self-test-0"
    assert (test["image"], test["workingDir"], test["env"]) == (text, text, container["env"])
    assert set(template["spec"]) == {
        "containers",
        "volumes",
        "imagePullSecrets",
        "nodeSelector",
        "tolerations",
        "initContainers",
    }


def test_an_expression_inside_a_string_is_an_error() -> None:
    """A template cannot place a value inside a JSON string by mistake: the result is no JSON."""
    text = environment.environment().from_string('{"name": "prefix-{{ name }}"}').render(name="x")
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(text)


def test_a_missing_value_is_an_error() -> None:
    """Nothing is left out silently."""
    with pytest.raises(RenderError, match="undefined"):
        fill("install.json.j2", {"name": "x"})


def asked(**spec: Any) -> Request:
    """The request of a ModelDeployment."""
    found = request(parse(model_deployment(**spec)), SETTINGS)
    assert isinstance(found, Request)
    return found


def test_equal_requests_have_equal_keys() -> None:
    """The key rests on what is asked: neither on names nor on order."""
    one = asked(model={"classes": ["a.B", "c.D"]})
    assert one.key == asked(model={"classes": ["c.D", "a.B"]}).key
    assert one.key == asked(model={"classes": ["a.B", "c.D"]}, analysis={"timeout": "900s"}, replicas=7).key


@pytest.mark.parametrize(
    "other",
    [
        {"model": {"classes": ["a.C"]}},
        {"model": {"classes": ["a.B"], "files": ["/m"]}},
        {"analysis": {"mode": "cpg"}},
        {"analysis": {"ignorePaths": ["tests"]}},
        {"analysis": {"memory": "8Gi"}},
        {"source": {"fromImage": {"python": "python3.12"}}},
        {"source": {"volume": {"claimName": "x"}}},
        {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}},
    ],
)
def test_other_requests_have_other_keys(other: dict[str, Any]) -> None:
    """Whatever could change the result changes the key."""
    base: dict[str, Any] = {"model": {"classes": ["a.B"]}}
    assert asked(**base).key != asked(**{**base, **other}).key


def test_only_the_publisher_has_a_token() -> None:
    """No automatic token, and the projected one is mounted in one container."""
    pod = analysis.job(asked(), SETTINGS, [], suspend=False)["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    holders = [
        one["name"]
        for one in (*pod["initContainers"], *pod["containers"])
        if any(mount["name"] == "token" for mount in one["volumeMounts"])
    ]
    assert holders == ["publish"]


def test_every_container_of_the_job_is_restricted_and_bounded() -> None:
    """Restricted pod security, limits on memory, CPU and disk, and a size limit on each folder."""
    job = analysis.job(asked(analysis={"memory": "2Gi", "timeout": "5m"}), SETTINGS, [], suspend=False)
    pod = job["spec"]["template"]["spec"]
    assert job["spec"]["activeDeadlineSeconds"] == 300
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"] == analysis.RESTRICTED
        assert {"cpu", "memory", "ephemeral-storage"} <= set(container["resources"]["limits"])
    analyse = pod["initContainers"][2]
    assert analyse["resources"]["limits"]["memory"] == "2Gi"
    assert analyse["command"][analyse["command"].index("--mem") + 1] == "1433M"
    assert all("sizeLimit" in one["emptyDir"] for one in pod["volumes"] if "emptyDir" in one)


def test_the_generators_command_line_takes_the_specs_options() -> None:
    """Classes, ignored paths and mode reach the command, each as one word."""
    found = analysis.analyse_command(
        asked(
            model={"classes": ["a.B", "c/d.py:<module>.E"]},
            analysis={"mode": "cpg", "ignorePaths": ["tests", "a b"]},
            source={"volume": {"claimName": "x", "path": "lib/site-packages"}},
        )
    )
    assert found[:3] == ["pickleball-generate", "--library-path", "/pickleball/sources"]
    assert [found[place + 1] for place, word in enumerate(found) if word == "--model-class"] == [
        "a.B",
        "c/d.py:<module>.E",
    ]
    assert "--ignore-paths=tests,a b" in found
    assert "--use-cpg" in found
    assert json.dumps(found)


FETCHED: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"pypi": {"requirements": ["a[b]>=1, <2", f"c==1 --hash=sha256:{'0' * 64}"]}},
        ["pypi", "--requirement=a[b]>=1, <2", f"--requirement=c==1 --hash=sha256:{'0' * 64}"],
    ),
    (
        {"git": {"url": "https://git.example/a.git", "ref": "v1", "path": "src"}},
        ["git", "--url=https://git.example/a.git", "--ref=v1", "--path=src"],
    ),
    ({"volume": {"claimName": "x", "path": "lib/a"}}, ["folder", "--from=/pickleball/volume/lib/a"]),
    ({"volume": {"claimName": "x"}}, ["folder", "--from=/pickleball/volume"]),
]


@pytest.mark.parametrize(("source", "words"), FETCHED, ids=["pypi", "git", "volume", "whole volume"])
def test_sources_from_elsewhere_are_fetched_by_our_image(source: dict[str, Any], words: list[str]) -> None:
    """Each value is one word with its option; the step has no token, and the label that the network policy looks at."""
    request = asked(source=source)
    assert analysis.fetch_command(request) == [
        "pickleball-generate",
        "fetch",
        *words,
        "--output=/pickleball/sources",
    ]
    template = analysis.job(request, SETTINGS, [], suspend=True)["spec"]["template"]
    step = template["spec"]["initContainers"][0]
    assert (step["name"], step["image"]) == ("fetch", SETTINGS.generate_image)
    assert "token" not in {mount["name"] for mount in step["volumeMounts"]}
    assert template["metadata"]["labels"].get("pickleball.dev/fetches") == (words[0] if words[0] != "folder" else None)
    assert "--fetched=/pickleball/sources/collected.json" in analysis.analyse_command(request)


def test_another_index_is_another_analysis() -> None:
    """What a requirement means depends on the index."""
    given = parse(model_deployment(source={"pypi": {"requirements": ["a"]}}))
    here, there = (
        request(given, SETTINGS.model_copy(update={"package_index": index})) for index in ("", "https://index.example")
    )
    assert isinstance(here, Request)
    assert isinstance(there, Request)
    assert here.key != there.key
