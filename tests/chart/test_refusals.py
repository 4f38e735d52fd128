"""Values that do not go together are refused, with a sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.chart.engine import ChartError

if TYPE_CHECKING:
    from tests.chart.engine import Engine

NETWORK = {"namespaces": ["red"], "apiServerCidrs": ["10.0.0.1/32"]}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nx\n"
Values = dict[str, Any]

REFUSED: list[tuple[str, Values, str]] = [
    (
        "a network policy that knows no API server",
        {"networkPolicy": {"namespaces": ["red"]}},
        r"networkPolicy\.apiServerCidrs must name .*kubectl",
    ),
    (
        "sources for nobody",
        {"networkPolicy": {"sourceCidrs": ["192.0.2.0/24"]}},
        r"name yours in networkPolicy\.namespaces",
    ),
    (
        "a network policy where nothing runs",
        {"networkPolicy": NETWORK, "watchNamespaces": ["blue"]},
        r"names red, where no analysis runs: add it to watchNamespaces",
    ),
    (
        "monitors without a port",
        {"metrics": {"monitors": True}, "settings": {"metricsPort": 0}},
        r"set settings\.metricsPort",
    ),
    (
        "a certificate that is nowhere",
        {"webhook": {"certificate": {"from": "Secret"}}},
        r"webhook\.certificate\.secret names no Secret; make one",
    ),
    (
        "a certificate that nobody reads",
        {"webhook": {"certificate": {"secret": "mine"}}},
        r"set webhook\.certificate\.from to Secret",
    ),
    (
        "an authority that nobody reads",
        {"webhook": {"certificate": {"authority": CERTIFICATE}}},
        r"set webhook\.certificate\.from to Secret",
    ),
    (
        "an issuer that nobody reads",
        {"webhook": {"certificate": {"issuerRef": {"name": "ours"}}}},
        r"set webhook\.certificate\.from to CertManager",
    ),
    (
        "evictions in vain",
        {"settings": {"evictions": 1}, "webhook": {"enabled": False}},
        r"set webhook\.enabled to true, or settings\.evictions to 0",
    ),
    (
        "one port twice in the controller",
        {"settings": {"metricsPort": 8080}},
        r"settings\.metricsPort and settings\.healthPort are both 8080",
    ),
    (
        "one port twice in the webhook",
        {"settings": {"webhookPort": 9464}},
        r"settings\.metricsPort and settings\.webhookPort are both 9464",
    ),
]


@pytest.mark.parametrize(("values", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_values_that_do_not_go_together_are_refused(chart: Engine, values: Values, says: str) -> None:
    """Helm stops before anything is installed, and says what to do."""
    with pytest.raises(ChartError, match=rf"(?s)these values do not go together:.*{says}"):
        chart.render(**values)


def test_an_old_cluster_is_told_which_values_to_change(chart: Engine) -> None:
    """All that is wrong is said at once."""
    with pytest.raises(ChartError, match=r"(?s)settings\.witness needs Kubernetes 1\.29.*approval\.requireVerb needs"):
        chart.render(kubernetes="v1.28.4", approval={"requireVerb": True})


@pytest.mark.parametrize(
    "values",
    [
        {"networkPolicy": {**NETWORK, "sourceCidrs": ["192.0.2.0/24"]}, "watchNamespaces": ["red", "blue"]},
        {"webhook": {"certificate": {"from": "Secret", "secret": "mine", "authority": CERTIFICATE}}},
        {"webhook": {"enabled": False, "certificate": {"from": "Secret"}}},
        {"settings": {"metricsPort": 8443}, "webhook": {"enabled": False}},
    ],
)
def test_what_goes_together_is_rendered(chart: Engine, values: Values) -> None:
    """The nearest values that are in order."""
    assert chart.render(**values)
