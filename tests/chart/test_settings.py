"""The controller's settings have the same names, limits and defaults in the chart as in the operator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic.alias_generators import to_camel
from tests.chart.test_rendering import environment
from tools import values

from pickleball_operator import settings

if TYPE_CHECKING:
    from tests.chart.engine import Engine

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "pickleball"
# Fields that stand elsewhere in values.yaml, because more than the controller uses them.
ELSEWHERE = {
    "operator_image", "enforce_image", "generate_image", "image_pull_policy", "watch_namespaces", "proven_approvers",
    "webhook_name", "webhook_namespace", "managed_certificate",
}  # fmt: skip

BY_DEFAULT = {
    "proven_approvers": True,
    "webhook_name": "pickleball-webhook",
    "webhook_namespace": "pickleball-system",
    "managed_certificate": True,
}
"""What the chart brings by default, and the operator alone does not."""


def test_the_chart_sets_every_setting_and_no_other(chart: Engine) -> None:
    """The controller's environment has a variable for each field of the operator's settings."""
    assert set(environment(chart.render())) == {settings.variable(field) for field in settings.Settings.model_fields}


def test_default_values_are_the_operators_defaults(chart: Engine) -> None:
    """Without any value the chart passes the operator's defaults, and says what it brings."""
    given = settings.read(environment(chart.render()))
    for name, field in settings.Settings.model_fields.items():
        wanted = BY_DEFAULT.get(name, field.default)
        assert field.is_required() or getattr(given, name) == wanted


def test_the_schema_accepts_what_the_operator_accepts() -> None:
    """Types, patterns, limits and choices of values.schema.json are those of the operator's settings."""
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    fields = settings.Settings.model_json_schema()["properties"]
    assert schema == {
        to_camel(name): {key: value for key, value in field.items() if key not in {"title", "description", "default"}}
        for name, field in fields.items()
        if name not in ELSEWHERE
    }


def test_the_text_beside_a_value_is_the_operators() -> None:
    """values.yaml explains each setting in the words of the operator's field."""
    explained = {value.path: value.meaning for value in values.read((CHART / "values.yaml").read_text())}
    for name, field in settings.Settings.model_fields.items():
        if name not in ELSEWHERE:
            assert explained[f"settings.{to_camel(name)}"] == field.description


def test_every_value_is_explained() -> None:
    """Each value of values.yaml has a text, and the page of values holds all of them."""
    text = (CHART / "values.yaml").read_text()
    found = values.read(text)
    assert [value.path for value in found if not value.meaning] == []
    assert {value.path.split(".")[0] for value in found} == set(yaml.safe_load(text))
    page = ROOT / "docs" / "reference" / "values.md"
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert page.read_text() == values.page(text, schema), f"run `python -m tools.values > {page.relative_to(ROOT)}`"
