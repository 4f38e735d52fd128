"""What the controller makes of a witness: its readiness, and its log where that says more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pickleball_operator.decide import pods as pods_of
from pickleball_operator.decide.evidence import GRACE, is_attested, needs_log, silence, statements
from pickleball_operator.decide.reasons import Reason
from pickleball_operator.decide.records import violations

Pod = dict[str, Any]
BEGUN, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z"
EPOCH = 1767225600.0


def pod(*, ready: bool = True, restarts: int = 0, begun: str = BEGUN) -> Pod:
    """A pod whose self-test passed, with a witness and a running application."""
    initial = [{"name": "pickleball-self-test-0"}, {"name": "pickleball-witness", "restartPolicy": "Always"}]
    app = {"name": "app", "env": [{"name": "PICKLEBALL_REPORTS", "value": "/run/pickleball"}]}
    return {
        "metadata": {"name": "iris-1", "namespace": "team"},
        "spec": {"initContainers": initial, "containers": [app, {"name": "proxy"}]},
        "status": {
            "initContainerStatuses": [
                {"name": "pickleball-self-test-0", "state": {"terminated": {"exitCode": 0}}},
                {"name": "pickleball-witness", "ready": ready, "state": {"running": {"startedAt": BEGUN}}},
            ],
            "containerStatuses": [
                {"name": "app", "ready": True, "restartCount": restarts, "state": {"running": {"startedAt": begun}}},
                {"name": "proxy", "ready": True, "restartCount": 7, "state": {"running": {"startedAt": begun}}},
            ],
        },
    }


def log(*events: dict[str, Any]) -> str:
    """Lines of a witness."""
    return "\n".join(json.dumps({"container": "app", **event}) for event in events)


def reported(at: float) -> dict[str, Any]:
    """The event of a first report."""
    return {"event": "reported", "reported": at, "sentence": "Its interpreter has reported."}


def test_a_pod_is_attested_when_its_witness_is_ready() -> None:
    """Nothing has to be read for that."""
    assert is_attested(pod(), "")
    assert not needs_log(pod())
    assert not is_attested(pod(ready=False), log(reported(EPOCH)))


def test_a_container_that_was_started_again_has_to_have_reported_since() -> None:
    """The witness is ready by the run before; its log tells the two apart."""
    again = pod(restarts=1, begun="2026-01-01T00:01:00Z")
    assert needs_log(again)
    for said, attested in (
        ("", False),
        (log(reported(EPOCH)), False),
        (log(reported(EPOCH), reported(EPOCH + 60.4)), True),
        (log(reported(EPOCH + 60.4)).replace('"app"', '"proxy"'), False),
    ):
        assert is_attested(again, said) is attested, said
        assert pods_of.is_protected(again, said) is attested


def test_silence_is_told_after_a_while_with_what_to_do() -> None:
    """Before that it is waited for."""
    assert silence((pod(ready=False),), {}, "2026-01-01T00:00:59Z") is None
    finding = silence(
        (pod(), pod(ready=False)), {"iris-1": log({"event": "waiting", "sentence": "Only a probe."})}, NOW
    )
    assert finding is not None
    assert (finding.status, finding.reason) == ("False", Reason.INTERPRETER_SILENT)
    for words in (
        "iris-1",
        "container app",
        "Only a probe.",
        f"since {BEGUN}",
        "-I, -E or -S",
        "spec.enforcement.containers",
    ):
        assert words in finding.sentence


def test_silence_of_a_second_run_is_told_too() -> None:
    """A ready witness does not hide it."""
    again = pod(restarts=1)
    finding = silence((again,), {"iris-1": log(reported(EPOCH - 100))}, NOW)
    assert finding is not None
    assert finding.reason is Reason.INTERPRETER_SILENT
    assert silence((again,), {"iris-1": log(reported(EPOCH + GRACE))}, NOW) is None


def test_drift_is_told_at_once() -> None:
    """It does not go by waiting."""
    said = log({"event": "drift", "sentence": "An interpreter has another policy, /x."}, {"event": "waiting"})
    finding = silence((pod(ready=False),), {"iris-1": said}, BEGUN)
    assert finding is not None
    assert finding.reason is Reason.INTERPRETER_DRIFTED
    assert "/x" in finding.sentence


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 100_000, '{"event": []}', '{"event": "reported", "reported": "1"}', "x" * 100_000]
)
def test_a_log_that_says_nothing_harms_nobody(text: str) -> None:
    """Whatever stands in it."""
    assert all(one.reported is None for one in statements(text).values())


def test_violations_of_a_running_pod_come_from_its_witness() -> None:
    """With the container that the witness names, once for each."""
    record = {"event": "violation", "rule": "reduce-not-allowed", "name": "posix.system", "sentence": "It calls.",
              "mode": "enforce", "source": {"path": "/m.pkl"}, "time": NOW}  # fmt: skip
    (found,) = violations([pod()], {"iris-1": log(reported(EPOCH), record), "other": log(record)})
    assert (found.pod, found.container, found.rule, found.path) == ("iris-1", "app", "reduce-not-allowed", "/m.pkl")


def test_a_witness_that_does_not_run_is_told() -> None:
    """With what it said last."""
    broken = pod(ready=False)
    state = {"terminated": {"exitCode": 2, "message": json.dumps({"sentence": "port 9465 is taken."})}}
    broken["status"]["initContainerStatuses"][1].update({"state": {"waiting": {"reason": "CrashLoopBackOff"}}})
    broken["status"]["initContainerStatuses"][1]["lastState"] = state
    finding = pods_of.trouble((broken,))
    assert finding is not None
    assert finding.reason is Reason.WITNESS_FAILED
    assert "port 9465 is taken." in finding.sentence
