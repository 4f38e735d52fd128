"""Each value of the chart does something, and each template is reached by some value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.chart.engine import CHART
from tools import values

if TYPE_CHECKING:
    from tests.chart.engine import Engine

Values = dict[str, Any]
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
DIGEST = "sha256:" + "0" * 64
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nx\n"
GIVEN = {"webhook": {"certificate": {"from": "Secret", "secret": "mine"}}}
MANAGED = {"webhook": {"certificate": {"from": "CertManager"}}}
NETWORK = {"networkPolicy": {"namespaces": ["red"], "apiServerCidrs": ["10.0.0.1/32"]}}
FETCHING = {"networkPolicy": {**NETWORK["networkPolicy"], "sourceCidrs": ["192.0.2.0/24"]}}
MONITORED = {"metrics": {"monitors": True}}

OTHERS: dict[str, Any] = {
    "imagePullSecrets": [{"name": "opens"}],
    "watchNamespaces": ["red"],
    "webhook.certificate.issuerRef": {"name": "ours", "kind": "ClusterIssuer"},
    "webhook.certificate.secret": "another",
    "webhook.certificate.authority": CERTIFICATE,
    "webhook.certificate.from": "CertManager",
    "metrics.interval": "90s",
    "metrics.labels": {"release": "prometheus"},
    "networkPolicy.namespaces": ["blue"],
    "networkPolicy.apiServerCidrs": ["10.0.0.2/32"],
    "networkPolicy.sourceCidrs": ["192.0.2.0/24"],
    "tolerations": [{"key": "x", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "settings.packageIndex": "https://index.example/simple",
    "settings.analysisCpu": "1",
    "settings.analysisDisk": "1Gi",
    "settings.enforcerDisk": "1Gi",
}
"""Values that cannot be made up from the schema."""
WITH: dict[str, Values] = {
    "webhook.certificate.issuerRef": MANAGED,
    "webhook.certificate.secret": GIVEN,
    "webhook.certificate.authority": GIVEN,
    "metrics.interval": MONITORED,
    "metrics.labels": MONITORED,
    "networkPolicy.namespaces": NETWORK,
    "networkPolicy.apiServerCidrs": NETWORK,
    "networkPolicy.apiServerPorts": NETWORK,
    "networkPolicy.sourceCidrs": NETWORK,
    "networkPolicy.sourcePorts": FETCHING,
}
"""Values that mean something only beside others."""
ALL = [value.path for value in values.read((CHART / "values.yaml").read_text())]


def default(path: str) -> Any:
    """What values.yaml says."""
    found: Any = DEFAULTS
    for step in path.split("."):
        found = found[step]
    return found


def another(path: str) -> Any:
    """A value that the schema allows and that is not the default."""
    if path in OTHERS:
        return OTHERS[path]
    about, usual = values.schema_of(path, SCHEMA), default(path)
    if "enum" in about:
        return next(one for one in about["enum"] if one != usual)
    if about["type"] == "boolean":
        return not usual
    if about["type"] == "integer":
        return usual + 1 if usual < about.get("maximum", usual + 1) else usual - 1
    if about["type"] == "array":
        return [8443] if about["items"].get("type") == "integer" else ["another"]
    if about["type"] == "object":
        return {"cpu": "1"} if path.endswith(("requests", "limits")) else {"example.com/a": "b"}
    return next(one for one in (DIGEST, "1h", "90m", "another") if one != usual and fits(one, about))


def fits(text: str, about: Values) -> bool:
    """Whether a text matches the schema's pattern."""
    return re.search(about.get("pattern", ""), text) is not None


def placed(path: str, value: Any) -> Values:
    """Values with this one at its place."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return dict(value)


def merged(one: Values, other: Values) -> Values:
    """Both."""
    both = {**one}
    for key, value in other.items():
        both[key] = merged(one[key], value) if isinstance(value, dict) and isinstance(one.get(key), dict) else value
    return both


@pytest.mark.parametrize("path", ALL)
def test_each_value_changes_what_is_installed(chart: Engine, path: str) -> None:
    """With another value than the default the manifests differ, and the value stands in them where it is a text."""
    around = WITH.get(path, {})
    value = another(path)
    before, after = chart.text(**around), chart.text(**merged(around, placed(path, value)))
    assert before != after
    if (
        isinstance(value, str)
        and path != "webhook.certificate.authority"
        and "enum" not in values.schema_of(path, SCHEMA)
    ):
        assert value in after


def test_each_template_is_reached(chart: Engine) -> None:
    """Some of these values make each file render something."""
    reached = chart.text() + chart.text(**merged(FETCHING, {"metrics": dict.fromkeys(("monitors", "alerts"), True)}))
    for file in (CHART / "templates").glob("*.yaml"):
        nothing = file.name == "refusals.yaml"
        assert (f"# Source: pickleball/templates/{file.name}" in reached) is not nothing, file.name


def test_the_notes_say_what_to_do_next(chart: Engine) -> None:
    """Commands with the release's own names, and what is not guarded yet."""
    notes = chart.notes()
    assert "kubectl --namespace pickleball-system rollout status deployment/pickleball" in notes
    assert "pickleball.dev/injection=enabled" in notes
    assert "No NetworkPolicy" in notes
    assert "No NetworkPolicy" not in chart.notes(**NETWORK)
    assert "pickleball.dev/injection" not in chart.notes(webhook={"enabled": False})
    assert "serves the namespaces red, blue" in chart.notes(watchNamespaces=["red", "blue"])
    assert "images operator, enforce, generate" in notes
    assert "has no ValidatingAdmissionPolicies" not in notes
    assert "metrics.alerts" not in chart.notes(metrics={"alerts": True})
    index = {"settings": {"packageIndex": "https://index.example/simple"}}
    assert "networkPolicy.sourceCidrs" in chart.notes(**NETWORK, **index)
    pinned = {name: {"digest": DIGEST} for name in ("operator", "enforce", "generate")}
    assert "by tag" not in chart.notes(images=pinned)
