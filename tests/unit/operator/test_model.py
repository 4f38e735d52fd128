"""ModelDeployments: what is read, what is refused and in which words, and the CRD and pages made from the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.emulated.world import model_deployment

from pickleball_operator.errors import SpecError
from pickleball_operator.model import crd, duration_in_seconds, parse, size_in_bytes
from pickleball_operator.reference import PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def test_defaults_are_those_of_the_design() -> None:
    """A short spec means: the first container's image, automatic approval, enforcement, one replica."""
    spec = parse(model_deployment()).spec
    assert (spec.policy.approval, spec.policy.accept_proposals) == ("Automatic", "None")
    assert (spec.enforcement.mode, spec.enforcement.containers, spec.replicas) == ("Enforce", [], 1)
    assert spec.source is None


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"modle": {}}, "spec.modle: there is no such field"),
    ({"model": {"classes": []}}, "spec.model.classes"),
    ({"model": {"classes": ["no dots"]}}, "spec.model.classes[0]: 'no dots'"),
    ({"model": {"classes": ["a.b"], "file": []}}, "spec.model.file: there is no such field"),
    ({"model": {"classes": ["a.b"], "files": ["relative.pkl"]}}, "spec.model.files[0]"),
    ({"model": {}}, "spec.model.classes: is required"),
    ({"source": {}}, "spec.source: give exactly one"),
    ({"source": {"fromImage": {}, "volume": {"claimName": "a"}}}, "spec.source: give exactly one"),
    ({"source": {"volume": {"claimName": "a", "path": "../../etc"}}}, "spec.source.volume.path"),
    ({"source": {"fromImage": {"python": "python3; rm"}}}, "spec.source.fromImage.python"),
    *(
        ({"source": {"pypi": {"requirements": [one]}}}, "spec.source.pypi.requirements[0]")
        for one in ("--index-url=x", "-e .", "a @ file:///b", "./a", "a\n-r b", "a --pre", "a;b", "a==1\n", "")
    ),
    *(
        ({"source": {"git": {"url": one}}}, "spec.source.git.url")
        for one in (
            "--x",
            "ssh://git.example/a",
            "file:///a",
            "https://0.0.0.0:you@git.example/c",
            "ext::id",
            "https://git.example/a b",
        )
    ),
    *(
        ({"source": {"git": {"url": "https://git.example/a", "ref": one}}}, "spec.source.git.ref")
        for one in ("--upload-pack=x", "a b", "+a:b", "")
    ),
    ({"source": {"git": {"url": "http://git.example/a", "ref": "main"}}}, "must be a whole commit id"),
    ({"analysis": {"mode": "fast"}}, "spec.analysis.mode"),
    ({"analysis": {"memory": "lots"}}, "spec.analysis.memory"),
    ({"analysis": {"memory": "1Mi"}}, "spec.analysis.memory: 1Mi is too little"),
    ({"analysis": {"timeout": "soon"}}, "spec.analysis.timeout"),
    ({"analysis": {"timeout": "0s"}}, "spec.analysis.timeout"),
    ({"analysis": {"timeout": "25h"}}, "spec.analysis.timeout"),
    ({"analysis": {"ignorePaths": ["a,b"]}}, "spec.analysis.ignorePaths[0]"),
    ({"policy": {"approval": "Perhaps"}}, "spec.policy.approval"),
    ({"policy": {"extra": [{"list": "globals", "name": "a.b"}]}}, "spec.policy.extra[0].reason: is required"),
    ({"policy": {"extra": [{"list": "both", "name": "a.b", "reason": "r"}]}}, "spec.policy.extra[0].list"),
    ({"policy": {"extra": [{"list": "globals", "name": "a b", "reason": "r"}]}}, "spec.policy.extra[0].name"),
    ({"policy": {"configMapRef": {"name": "a"}}, "analysis": {}}, "instead of an analysis"),
    ({"enforcement": {"mode": "Loose"}}, "spec.enforcement.mode"),
    ({"enforcement": {"containers": ["App!"]}}, "spec.enforcement.containers[0]"),
    ({"replicas": -1}, "spec.replicas"),
    ({"replicas": "2"}, "spec.replicas"),
    ({"selector": {"matchLabels": {"a": "b"}}}, "give either template"),
    ({"template": None}, "give either template"),
    ({"template": None, "selector": {}}, "an empty selector would mean every pod"),
]


@pytest.mark.parametrize(("change", "says"), REFUSED, ids=[case[1] for case in REFUSED])
def test_a_spec_that_cannot_be_meant_is_refused_by_field(change: dict[str, Any], says: str) -> None:
    """The error names the field and what is wrong with it."""
    with pytest.raises(SpecError) as refused:
        parse(model_deployment(**change))
    assert says in str(refused.value)


@pytest.mark.parametrize("name", ["sklearn.pipeline.Pipeline", "sklearn/pipeline.py:<module>.Pipeline", "_a._b"])
def test_classes_are_dotted_or_in_joerns_form(name: str) -> None:
    """Both forms are read as they stand."""
    assert parse(model_deployment(model={"classes": [name]})).spec.model.classes == [name]


@pytest.mark.parametrize("name", ["a", "a.", "-x.py:<module>.A", "a.b;c", "a.b\n", "é.b", "a.py:<module>"])
def test_other_class_names_are_refused(name: str) -> None:
    """What is no class name reaches no command line."""
    with pytest.raises(SpecError):
        parse(model_deployment(model={"classes": [name]}))


def test_a_name_that_labels_cannot_carry_is_refused() -> None:
    """More than 52 characters would not fit into the pods' labels."""
    with pytest.raises(SpecError, match="at most 52"):
        parse(model_deployment("a" * 53))


@pytest.mark.parametrize(("text", "size"), [("512Mi", 2**29), ("4Gi", 2**32), ("3G", 3 * 10**9), ("7", 7)])
def test_sizes(text: str, size: int) -> None:
    """Sizes are read as Kubernetes does."""
    assert size_in_bytes(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("15m", 900), ("1h30m", 5400), ("90s", 90)])
def test_durations(text: str, seconds: int) -> None:
    """Durations add up."""
    assert duration_in_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-1s", "1d", "1.5h", "15", "15m\n", "0m"])
def test_what_is_no_duration(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="write"):
        duration_in_seconds(text)


def test_the_crd_is_the_models() -> None:
    """crds/modeldeployments.yaml is what `pickleball-operator crds` prints."""
    assert (ROOT / "crds" / "modeldeployments.yaml").read_text() == crd.dumps()


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_reference_is_the_code(page: str) -> None:
    """docs/reference/PAGE.md is what `pickleball-operator reference PAGE` prints."""
    assert (ROOT / "docs" / "reference" / f"{page}.md").read_text() == PAGES[page]()


def schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and all inside it."""
    yield schema
    for inner in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from schemas(inner)


def test_the_schema_is_structural() -> None:
    """Every node has a type, none has what Kubernetes does not take, and only the template keeps unknown fields."""
    (version,) = crd.definition()["spec"]["versions"]
    nodes = list(schemas(version["schema"]["openAPIV3Schema"]))
    assert all("type" in node for node in nodes)
    assert not [node for node in nodes if {"$ref", "anyOf", "allOf", "title", "const", "$defs"} & set(node)]
    assert not [node for node in nodes if node.get("additionalProperties") is False]
    assert len([node for node in nodes if node.get("x-kubernetes-preserve-unknown-fields")]) == 1
    assert version["subresources"] == {"status": {}}


def test_the_schema_has_a_description_everywhere_a_user_writes() -> None:
    """`kubectl explain` has an answer for each field of the spec."""
    (version,) = crd.definition()["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for node in schemas(spec):
        for name, field in node.get("properties", {}).items():
            assert field.get("description"), name


PAGES_WITH_EXAMPLES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def examples() -> list[Any]:
    """Every ModelDeployment in the documentation."""
    blocks = [
        block.split("```")[0] for page in PAGES_WITH_EXAMPLES for block in page.read_text().split("```yaml\n")[1:]
    ]
    return [
        one for block in blocks for one in yaml.safe_load_all(block) if one and one.get("kind") == "ModelDeployment"
    ]


def test_the_examples_of_the_documentation_are_valid() -> None:
    """Whoever copies a ModelDeployment from the README or the docs has one that is read."""
    assert len(examples()) >= 3
    for example in examples():
        parse(example)
