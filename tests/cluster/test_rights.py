"""What the chart grants is what the installed operator asks a real API server for: its audit log beside the rules.

This comes last, so that the log is that of the whole session.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.cluster.testbed import CHART, SYSTEM
from tests.rights.calls import Call, Grant, bound, refused, unused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster

CONTROLLER, WEBHOOK = "pickleball", "pickleball-webhook"
PAGES = "docs-"
"""Namespaces of pages; some install a release for these namespaces alone."""
PREFIX = "system:serviceaccount:"
CREATED = 201
PUBLISHER = {("patch", "configmaps")}


@pytest.fixture(scope="module")
def audited(bed: Testbed) -> list[dict[str, Any]]:
    """Every request of a ServiceAccount of ours."""
    return list(events(bed))


def events(bed: Testbed) -> Iterator[dict[str, Any]]:
    """The API server's audit log."""
    with bed.record.audit_log.open() as lines:
        for line in lines:
            event = json.loads(line)
            if event["user"]["username"].startswith(PREFIX) and "objectRef" in event:
                yield event


def asked(event: dict[str, Any]) -> Call:
    """The call of an event."""
    ref = event["objectRef"]
    resource = "/".join(filter(None, [ref["resource"], ref.get("subresource")]))
    named = ref.get("name", "") if event["verb"] not in ("list", "watch", "create") else ""
    return Call(event["verb"], ref.get("apiGroup", ""), resource, named, ref.get("namespace", ""))


def calls(audited: list[dict[str, Any]], account: str) -> set[Call]:
    """What one account of the chart has asked for; a patch that makes the object needs the right to create it, too."""
    mine = [event for event in audited if event["user"]["username"] == f"{PREFIX}{SYSTEM}:{account}"]
    made = [asked(event) for event in mine if event["verb"] == "patch" and event["responseStatus"]["code"] == CREATED]
    return {asked(event) for event in mine} | {replace(one, verb="create", name="") for one in made}


def given(bed: Testbed, account: str, *values: str) -> set[Grant]:
    """What the chart gives to an account."""
    words = ["template", "pickleball", str(CHART), "--namespace", SYSTEM, *(f"--set={one}" for one in values)]
    return bound([one for one in yaml.safe_load_all(bed.program("helm", *words)) if one], account)


def test_the_controller_asks_for_nothing_else(bed: Testbed, audited: list[dict[str, Any]]) -> None:
    """All that it asked for in the session, in vain or not, is granted; tests/emulated shows that all of it is used."""
    made = calls(audited, CONTROLLER)
    pages = sorted({one.namespace for one in made if one.namespace.startswith(PAGES)})
    apart = ("webhook.enabled=false", "admission.protectPods=false", f"watchNamespaces={{{','.join(pages)}}}")
    assert made
    assert refused(made, given(bed, CONTROLLER, "settings.evictions=1") | given(bed, CONTROLLER, *apart)) == []


def test_the_webhook_asks_for_what_it_is_granted(
    bed: Testbed, audited: list[dict[str, Any]], everything_ran: bool
) -> None:
    """The chart's rules and what the session has asked for, in vain or not, cover one another."""
    granted, made = given(bed, WEBHOOK), calls(audited, WEBHOOK)
    assert refused(made, granted) == []
    if not everything_ran:
        pytest.skip("whether every right is needed is known only after all tests of tests/cluster")
    assert unused(granted, made) == []


def test_a_publisher_asks_for_its_own_config_map_only(audited: list[dict[str, Any]]) -> None:
    """Its ServiceAccount has the name of the analysis, and so has the ConfigMap."""
    seen = 0
    for event in audited:
        _, _, namespace, account = event["user"]["username"].split(":")
        if account.startswith("pickleball-analysis-"):
            one = asked(event)
            assert (one.namespace, one.name) == (namespace, account)
            assert (one.verb, one.resource) in PUBLISHER
            seen += 1
    assert seen
