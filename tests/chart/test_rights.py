"""Each right that the chart gives has a reason, on the page that people read before they install it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chart.test_settings import ROOT
from tests.rights.calls import bound
from tools import rights

if TYPE_CHECKING:
    from tests.chart.engine import Engine


def test_every_right_has_a_reason(chart: Engine) -> None:
    """The page holds all rules of the chart, each with its comment."""
    found = rights.rules()
    assert set(found) == set(rights.WHO)
    assert [rule for rules in found.values() for rule in rules if not rule.why] == []
    written = {(verb, resource.partition(".")[0])
               for rules in found.values() for rule in rules
               for verb in rule.verbs.split(", ") for resource in rule.resources}  # fmt: skip
    manifests = chart.render(settings={"evictions": 1})
    given = bound(manifests, "pickleball") | bound(manifests, "pickleball-webhook")
    assert {(one.verb, one.resource) for one in given} == written
    page = ROOT / "docs" / "reference" / "rights.md"
    assert page.read_text() == rights.page(), f"run `python -m tools.rights > {page.relative_to(ROOT)}`"
