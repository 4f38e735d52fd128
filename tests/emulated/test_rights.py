"""What the chart grants is what the code asks for, neither more nor less.

All tests of this folder run on the in-memory API server with a recorder (tests/rights), and these come last: what the
controller, the webhook and the publisher have asked for stands beside the chart's rules.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import kopf
import pytest
from tests.chart.engine import Engine
from tests.emulated.world import SETTINGS
from tests.rights.calls import Call, bound, grants, refused, unused
from tests.rights.discovery import serving

from pickleball_operator.controller.handlers import Controller, register
from pickleball_operator.kube.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.rights.recorder import Recorder

NAMESPACES = ("team", "space", "other")
SYSTEM = "pickleball-system"


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Helm's engine."""
    engine = Engine.start(tmp_path_factory.mktemp("rights"))
    yield engine
    engine.stop()


def watches(folder: Path, patch: pytest.MonkeyPatch, namespaces: tuple[str, ...]) -> set[Call]:
    """What kopf asks for when the controller starts."""
    with serving(folder) as (server, kubeconfig):
        patch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
        registry = kopf.OperatorRegistry()
        settings = SETTINGS.model_copy(update={"watch_namespaces": namespaces})
        register(Controller(Memory(), settings), registry)
        wanted = max(1, len(namespaces))

        async def watch() -> None:
            stop = asyncio.Event()
            operator = asyncio.create_task(
                kopf.operator(registry=registry, standalone=True, clusterwide=not namespaces, namespaces=namespaces,
                              stop_flag=stop)
            )  # fmt: skip
            async with asyncio.timeout(30):
                while sum(one.verb == "watch" for one in server.calls) < wanted:
                    await asyncio.sleep(0.02)
            stop.set()
            server.ending.set()
            await operator

        asyncio.run(watch())
        return set(server.calls)


def test_the_chart_grants_what_is_asked_for_and_nothing_else(
    chart: Engine, recorder: Recorder, everything_ran: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the controller and the webhook, with every option that needs a right."""
    manifests = chart.render(settings={"evictions": 1})
    asked = {
        "pickleball": recorder.calls["controller"] | watches(tmp_path, monkeypatch, ()),
        "pickleball-webhook": recorder.calls["webhook"],
    }
    named = bound(chart.render(watchNamespaces=["red", "blue"]), "pickleball")
    leases = {replace(one, namespace="") for one in named if one.resource == "leases"}  # in whatever the tests serve
    for account, calls in asked.items():
        given = bound(manifests, account)
        assert refused(calls, given | leases) == []
        if not everything_ran:
            pytest.skip("whether every right is needed is known only after all tests of tests/emulated")
        assert unused(given, calls) == []


def test_in_named_namespaces_nothing_is_asked_for_elsewhere(
    chart: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With watchNamespaces kopf's watches stay within the Roles."""
    calls = watches(tmp_path, monkeypatch, ("red", "blue"))
    assert {one.namespace for one in calls} == {"red", "blue"}
    given = bound(chart.render(watchNamespaces=["red", "blue"]), "pickleball")
    assert refused(calls, given) == []
    assert refused({Call("list", "", "pods", "", "green")}, given) == [Call("list", "", "pods", "", "green")]


def test_the_publisher_may_do_what_it_does_and_nothing_else(recorder: Recorder, everything_ran: bool) -> None:
    """Its Role, which the controller makes for each analysis, is about one ConfigMap by name."""
    calls = recorder.calls["publisher"]
    if not everything_ran:
        pytest.skip("the publisher runs in the other tests of tests/emulated")
    given = {grant for rules in recorder.roles.values() for grant in grants(rules)}
    assert refused(calls, given) == []
    assert {(one.verb, one.resource) for one in given} == {(one.verb, one.resource) for one in calls}
    assert all(one.name for one in given)
