"""Decisions about analyses, pods and violation records, case by case."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.emulated.world import SETTINGS, model_deployment

from pickleball_operator.decide import analysis, pods
from pickleball_operator.decide.finding import Finding, decide
from pickleball_operator.decide.observed import AnalysisObserved, Observed
from pickleball_operator.decide.reasons import OF_GENERATOR, Reason, named
from pickleball_operator.decide.records import last_object, merged, records, violations
from pickleball_operator.decide.request import Request, request
from pickleball_operator.model import parse

Manifest = dict[str, Any]


def pod(*containers: Manifest, initial: bool = True, **status: Any) -> Manifest:
    """A pod with these container statuses."""
    kind = "initContainerStatuses" if initial else "containerStatuses"
    spec = {"initContainers": [{"name": one["name"], "image": "app:1"} for one in containers]}
    return {
        "metadata": {"name": "p", "creationTimestamp": "1"},
        "spec": spec,
        "status": {kind: list(containers), **status},
    }


def ended(name: str, code: int, message: str = "", reason: str = "Error") -> Manifest:
    """A container that ended."""
    return {"name": name, "state": {"terminated": {"exitCode": code, "reason": reason, "message": message}}}


def waiting(name: str, reason: str, message: str = "") -> Manifest:
    """A container that waits."""
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def failed(reason: str = "PodFailurePolicy") -> Manifest:
    """A Job that failed."""
    condition = {"type": "Failed", "status": "True", "reason": reason, "message": "it failed"}
    return {"spec": {}, "status": {"conditions": [condition]}}


RUNNING: Manifest = {"spec": {}}
ANALYSIS: list[tuple[str, Manifest, tuple[Manifest, ...], Reason]] = [
    ("it runs", RUNNING, (pod(),), Reason.ANALYSIS_RUNNING),
    ("no pod yet", RUNNING, (), Reason.ANALYSIS_RUNNING),
    ("suspended", {"spec": {"suspend": True}}, (), Reason.ANALYSIS_STARTING),
    (
        "published and gone",
        {"spec": {}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}},
        (),
        Reason.ANALYSIS_REPEATED,
    ),
    *(
        (reason, RUNNING, (pod(waiting("collect", reason)),), Reason.IMAGE_UNAVAILABLE)
        for reason in ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
    ),
    ("our own image", RUNNING, (pod(waiting("tools", "ErrImagePull")),), Reason.IMAGE_UNAVAILABLE),
    (
        "no python, containerd",
        RUNNING,
        (pod(ended("collect", 128, 'exec: "python3": not found', "StartError")),),
        Reason.PYTHON_NOT_FOUND,
    ),
    (
        "no python, cri-o",
        RUNNING,
        (pod(waiting("collect", "CreateContainerError", "executable not found")),),
        Reason.PYTHON_NOT_FOUND,
    ),
    (
        "no python, docker",
        RUNNING,
        (pod(ended("collect", 127, "exec failed", "ContainerCannotRun")),),
        Reason.PYTHON_NOT_FOUND,
    ),
    ("memory", failed(), (pod(ended("analyse", 137, "", "OOMKilled")),), Reason.ANALYSIS_ENLARGED),
    ("memory, by its code", failed(), (pod(ended("analyse", 137)),), Reason.ANALYSIS_ENLARGED),
    ("memory of another step", failed(), (pod(ended("collect", 137)),), Reason.ANALYSIS_OUT_OF_MEMORY),
    (
        "disk",
        failed("BackoffLimitExceeded"),
        (pod(reason="Evicted", message="ephemeral storage"),),
        Reason.ANALYSIS_OUT_OF_DISK,
    ),
    (
        "class",
        failed(),
        (pod(ended("analyse", 2, '{"reason": "class-not-found", "sentence": "No."}')),),
        Reason.MODEL_CLASS_NOT_FOUND,
    ),
    (
        "input",
        failed(),
        (pod(ended("analyse", 2, '{"reason": "bad-input", "sentence": "No."}')),),
        Reason.INPUT_REFUSED,
    ),
    ("tool", failed(), (pod(ended("analyse", 3, "")),), Reason.TOOL_MISSING),
    ("joern", failed(), (pod(ended("analyse", 4, "log\n{}")),), Reason.ANALYSIS_FAILED),
    ("crash", failed(), (pod(ended("analyse", 139, "Segmentation fault")),), Reason.ANALYSIS_FAILED),
    ("collect", failed(), (pod(ended("collect", 1, "no space")),), Reason.COLLECT_FAILED),
    (
        "publish",
        failed(),
        (pod(ended("publish", 2, '{"sentence": "No policy."}'), initial=False),),
        Reason.RESULT_REFUSED,
    ),
    ("tools, to be tried again", RUNNING, (pod(ended("tools", 1)),), Reason.ANALYSIS_RUNNING),
    ("tools, again and again", failed("BackoffLimitExceeded"), (pod(ended("tools", 1)),), Reason.ANALYSIS_FAILED),
    ("publish, to be tried again", RUNNING, (pod(ended("publish", 1), initial=False),), Reason.ANALYSIS_RUNNING),
    ("deadline", failed("DeadlineExceeded"), (), Reason.ANALYSIS_TIMED_OUT),
    ("no pod says why", failed("BackoffLimitExceeded"), (), Reason.ANALYSIS_FAILED),
    (
        "no node",
        RUNNING,
        (pod(conditions=[{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes"}]),),
        Reason.ANALYSIS_UNSCHEDULABLE,
    ),
]


def judged(job: Manifest | None, job_pods: tuple[Manifest, ...], result: Manifest | None = None) -> Finding:
    """The chain's finding."""
    deployment = parse(model_deployment())
    asked = request(deployment, SETTINGS)
    assert isinstance(asked, Request)
    seen = Observed(deployment, job=job, job_pods=job_pods, result=result or {"metadata": {}})
    return decide(analysis.CHAIN, AnalysisObserved(seen, asked, None))


@pytest.mark.parametrize(
    ("job", "job_pods", "reason"), [case[1:] for case in ANALYSIS], ids=[case[0] for case in ANALYSIS]
)
def test_where_an_analysis_stands(job: Manifest, job_pods: tuple[Manifest, ...], reason: Reason) -> None:
    """Each state of Job and pod has its reason, and a sentence that ends."""
    finding = judged(job, job_pods)
    assert finding.reason is reason
    assert finding.sentence.endswith(".")
    assert "\n" not in finding.sentence


def test_a_recorded_verdict_outlives_its_job() -> None:
    """What was written down is what is said; an unreadable record is a failure too."""
    told = {"pickleball.dev/verdict": json.dumps({"reason": "ModelClassNotFound", "sentence": "No lib.Modle."})}
    finding = judged(None, (), {"metadata": {"annotations": told}})
    assert (finding.reason, finding.sentence) == (Reason.MODEL_CLASS_NOT_FOUND, "No lib.Modle.")
    for broken in ("", "[]", '{"reason": "Unheard"}', '{"reason": ["a"], "sentence": ""}'):
        found = judged(None, (), {"metadata": {"annotations": {"pickleball.dev/verdict": broken}}})
        assert found.reason is Reason.ANALYSIS_FAILED


def test_the_newest_pod_speaks() -> None:
    """Of several attempts the last one is told."""
    old, new = pod(ended("collect", 1)), pod(ended("analyse", 4))
    new["metadata"]["creationTimestamp"] = "2"
    assert judged(failed(), (old, new)).reason is Reason.ANALYSIS_FAILED


POD: list[tuple[str, Manifest, Reason | None]] = [
    ("all is well", pod(ended("pickleball-self-test-0", 0)), None),
    ("an image", pod(waiting("pickleball-install-0", "ErrImageNeverPull")), Reason.IMAGE_UNAVAILABLE),
    ("no python", pod(ended("pickleball-self-test-0", 128, "exec", "StartError")), Reason.PYTHON_NOT_FOUND),
    ("the self-test", pod(ended("pickleball-self-test-0", 1, '{"sentence": "No."}')), Reason.SELF_TEST_FAILED),
    ("the installation", pod(ended("pickleball-install-0", 1)), Reason.SELF_TEST_FAILED),
    ("a file", pod(ended("pickleball-verify-0", 1)), Reason.MODEL_FILES_REFUSED),
    ("an init container of theirs", pod(ended("fetch", 1)), Reason.APPLICATION_FAILING),
    ("the application", pod(ended("app", 1, "KeyError"), initial=False), Reason.APPLICATION_FAILING),
    ("no program", pod(ended("app", 128, "exec", "StartError"), initial=False), Reason.APPLICATION_FAILING),
    (
        "a crash after an audited load",
        pod(ended("app", 1, '{"rule": "r", "mode": "audit", "sentence": "No."}'), initial=False),
        Reason.APPLICATION_FAILING,
    ),
    ("a model", pod(ended("app", 1, '{"rule": "r", "sentence": "No."}'), initial=False), Reason.MODEL_REFUSED),
    (
        "a model, and it is started again",
        pod(
            {
                "name": "app",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": ended("app", 1, '{"rule": "r", "sentence": "No."}')["state"],
            },
            initial=False,
        ),
        Reason.MODEL_REFUSED,
    ),
    (
        "a model, and it serves again",
        pod(
            {
                "name": "app",
                "ready": True,
                "state": {"running": {}},
                "lastState": ended("app", 1, '{"rule": "r", "sentence": "No."}')["state"],
            },
            initial=False,
        ),
        None,
    ),
]


@pytest.mark.parametrize(("given", "reason"), [case[1:] for case in POD], ids=[case[0] for case in POD])
def test_what_is_wrong_with_a_pod(given: Manifest, reason: Reason | None) -> None:
    """Each trouble has its reason; a pod that is well has none."""
    finding = pods.trouble((given,))
    assert (finding and finding.reason) == reason


def test_a_pod_is_protected_when_all_its_self_tests_passed() -> None:
    """One that has not run, failed, or was never there does not count."""
    passed, other = ended("pickleball-self-test-0", 0), ended("pickleball-self-test-1", 1)
    assert pods.is_protected(pod(passed), "")
    assert not pods.is_protected(pod(passed, other), "")
    assert not pods.is_protected(pod(), "")
    unstarted = pod(passed)
    unstarted["status"] = {}
    assert not pods.is_protected(unstarted, "")


def test_pods_on_their_way_out_do_not_count() -> None:
    """Terminating pods and finished ones are left out."""
    going = pod()
    going["metadata"]["deletionTimestamp"] = "now"
    assert pods.living((going, pod(phase="Succeeded"), pod())) == (pod(),)


RECORD = '{"rule": "reduce-not-allowed", "name": "posix.system", "offset": 41, "sentence": "It calls."}'
HOSTILE_MESSAGES = [
    "", "{", "[" * 5000, '{"rule": 1, "sentence": 2}', '{"rule": "r"}', "null", '"rule"', "\x00\xff", "[]" * 1000,
    '{"violations": {"a": {"b": {"c": {"d": {"e": {"rule": "r", "sentence": "s"}}}}}}}', RECORD[:-5], "1e999", "NaN",
]  # fmt: skip


@pytest.mark.parametrize("message", HOSTILE_MESSAGES, ids=range(len(HOSTILE_MESSAGES)))
def test_messages_that_hold_no_record_give_none(message: str) -> None:
    """Whatever a container writes, reading it does not fail."""
    assert records(message) == []
    last_object(message)


def test_records_are_found_in_lines_and_in_reports() -> None:
    """JSON lines between other lines, cut lines, and a report with violations inside."""
    assert len(records(f"Traceback\n{RECORD}\nmore\n{RECORD[:-9]}")) == 1
    report = json.dumps({"files": [{"path": "/m.pkl", "violations": [json.loads(RECORD)]}]})
    (found,) = records(report)
    assert found["path"] == "/m.pkl"
    assert len(records("\n".join([RECORD] * 1000))) <= 40


def test_a_record_is_bounded_and_printable() -> None:
    """Long, many-lined and wrongly typed fields become short text or nothing."""
    record = {
        "rule": "r" * 1000, "sentence": "a\x1b[31m\nb" + "c" * 5000, "name": ["x"], "offset": -5, "opcode": 7,
        "source": {"path": "/m\n" + "x" * 9000}, "time": None, "mode": "enforce\x07",
    }  # fmt: skip
    (found,) = violations([pod(ended("app", 1, json.dumps(record)), initial=False)], {})
    assert len(found.rule) == 64
    assert len(found.sentence) <= 513
    assert found.sentence.isprintable()
    assert (found.name, found.offset, found.opcode, found.time) == (None, None, None, None)
    assert found.path is not None
    assert len(found.path) <= 256
    assert found.mode == "enforce"


def test_known_violations_are_kept_and_counted_once() -> None:
    """A restart reports the same again: nothing changes; the newest ten are kept, the newest first."""
    (one,) = violations([pod(ended("app", 1, RECORD), initial=False)], {})
    assert merged([one], [one.model_copy(update={"time": "later"})]) == [one]
    many = [one.model_copy(update={"name": str(number), "time": f"2026-01-{number:02}"}) for number in range(1, 20)]
    kept = merged([one], many)
    assert [violation.name for violation in kept] == [str(number) for number in range(19, 9, -1)]


@pytest.mark.parametrize("timed", [True, False])
def test_more_violations_than_are_kept_come_to_rest(timed: bool) -> None:
    """Seeing all of them again and again changes nothing, and a new one is noticed."""
    (one,) = violations([pod(ended("app", 1, RECORD), initial=False)], {})
    many = [
        one.model_copy(update={"name": f"a.{number}", "time": f"2026-01-{number:02}" if timed else None})
        for number in range(1, 20)
    ]
    kept = merged([], many)
    assert merged(kept, many) == merged(kept, reversed(many)) == kept
    if timed:
        later = one.model_copy(update={"name": "b", "time": "2026-02-01"})
        assert merged(kept, [*many, later])[0] == later
    gone = merged(many[:10], many[15:])
    assert {violation.name for violation in many[15:]} <= {violation.name for violation in gone}


def test_every_reason_is_one_word_with_a_meaning() -> None:
    """Reasons are what Kubernetes takes as a condition's reason, and each is documented and found by its name."""
    for reason in Reason:
        assert str(reason).isalnum()
        assert reason.meaning.endswith(".")
        assert named(str(reason)) is reason
    assert set(OF_GENERATOR.values()) <= set(Reason)
