"""The webhook is away: pods of others wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.admission.cases import CASES
from tests.cluster import test_others, testbed
from tests.cluster.faults.space import (
    PROTECTED,
)
from tests.cluster.testbed import stage

from pickleball_operator.decide.ours import is_guarded

if TYPE_CHECKING:
    from tests.cluster.testbed import Testbed

pytestmark = pytest.mark.cluster


def test_pods_of_others_wait_for_the_webhook(bed: Testbed) -> None:
    """While it is away none is made; when it is back they are, with the enforcer, by those who wanted them."""
    namespace = "faults-others"
    (case,) = [one for one in CASES if one.name == "deployment"]
    here = ("--namespace", testbed.SYSTEM)
    test_others.prepare(bed, namespace, test_others.ENABLED, *case.deployments)
    bed.kubectl("scale", "deployment", "pickleball-webhook", "--replicas=0", *here)
    try:
        with stage("no webhook"):
            selector = "app.kubernetes.io/name=pickleball-webhook"
            bed.wait("no webhook", lambda: not bed.items(testbed.SYSTEM, "pods", selector), 60)
            bed.apply(test_others.placed(namespace, case.maker))
            said = ("get", "events", "--namespace", namespace)
            bed.wait("the refusal", lambda: "failed calling webhook" in bed.kubectl(*said), 60)
        assert bed.items(namespace, "pods") == []
    finally:
        bed.kubectl("scale", "deployment", "pickleball-webhook", "--replicas=2", *here)
    with stage("the webhook is back"):
        pod = test_others.await_pod(bed, namespace)
    assert is_guarded(pod)
    assert PROTECTED in test_others.log(bed, pod, "app")
    test_others.remove(bed, namespace)
