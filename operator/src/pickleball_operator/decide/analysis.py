"""Where an analysis stands: a chain over its result, its Job and the Job's pod."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.errors import ResultError
from pickleball_operator.text import clip, sentence

from . import result
from .containers import ContainerState, states
from .finding import Finding, affirm, refuse, wait
from .observed import AnalysisObserved, Manifest, annotation
from .reasons import OF_GENERATOR, OF_GENERATOR_EXIT, Reason, named
from .records import last_object
from .turn import is_suspended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_operator.model import ConditionType

CONDITION: ConditionType = "Analyzed"
AGAIN = 'To try again: kubectl annotate modeldeployment {name} pickleball.dev/analyse-again="$(date +%s)" --overwrite.'
REFUSED = 2
"""Exit code of `publish` for files that are no result; its other failures are tried again by the Job."""
UNANSWERED = 1
"""Exit code of `fetch` when the remote did not give what it was asked for; it is tried again by the Job."""
OF_STEP = {
    names.COLLECT: Reason.COLLECT_FAILED,
    names.FETCH: Reason.FETCH_FAILED,
    names.PUBLISH: Reason.RESULT_REFUSED,
}
KILLED = "exit code 137"
"""What the Job controller says of a container that SIGKILL ended."""
PASSING = (Reason.IMAGE_UNAVAILABLE, Reason.ANALYSIS_UNSCHEDULABLE)
"""What a pod can recover from by itself; a Job that then runs into its deadline failed of it."""


def published(given: AnalysisObserved) -> Finding | None:
    """The result is there, and is one."""
    stored = given.observed.result
    if stored is None or not stored.get("data"):
        return None
    try:
        content = result.analysed(stored)
    except ResultError as error:
        return refuse(
            Reason.RESULT_REFUSED,
            f"ConfigMap {given.request.name} holds no result of an analysis: {error.sentence} {_again(given)}",
        )
    policy = content.policy
    return affirm(
        Reason.ANALYSIS_SUCCEEDED,
        f"{len(policy.globals)} globals and {len(policy.reduces)} reduces were inferred"
        f" for {', '.join(given.request.classes)}. {_notes(given)}".rstrip(),
    )


def recorded(given: AnalysisObserved) -> Finding | None:
    """The analysis failed before, and that was written down."""
    stored = given.observed.result
    verdict = annotation(stored, names.VERDICT) if stored is not None else None
    if verdict is None:
        return None
    try:
        value = json.loads(verdict)
        return refuse(named(value["reason"]), str(value["sentence"]))
    except (ValueError, KeyError, TypeError):
        return refuse(Reason.ANALYSIS_FAILED, f"The analysis failed; its record cannot be read. {_again(given)}")


def missing(given: AnalysisObserved) -> Finding | None:
    """Nothing was asked yet."""
    observed = given.observed
    if observed.job is None or observed.result is None or is_suspended(observed.job):
        return wait(Reason.ANALYSIS_STARTING, f"The analysis Job {given.request.name} is being made.")
    return None


def queued(given: AnalysisObserved) -> Finding | None:
    """Others come first."""
    observed = given.observed
    if observed.job is None or not is_suspended(observed.job) or observed.turn is None or observed.turn.has_come:
        return None
    return wait(
        Reason.ANALYSIS_QUEUED,
        f"The analysis Job {given.request.name} waits for its turn: place {observed.turn.place} of"
        f" {observed.turn.waiting}, as seen at {observed.now}."
        " PICKLEBALL_ANALYSIS_JOBS and PICKLEBALL_ANALYSIS_JOBS_PER_NAMESPACE say how many run at a time.",
    )


def lost(given: AnalysisObserved) -> Finding | None:
    """The Job has published, and the result is gone: somebody deleted it."""
    if not _is(given, "Complete"):
        return None
    return wait(Reason.ANALYSIS_REPEATED, f"The result of Job {given.request.name} is gone; it is analysed again.")


def image_unavailable(given: AnalysisObserved) -> Finding | None:
    """An image of the Job's pod cannot be pulled."""
    for state in _states(given):
        if state.unpullable:
            whose = "of the workload" if state.name == names.COLLECT else "of PickleBall"
            where = "spec.template" if state.name == names.COLLECT else "the chart's values"
            image = _image(given, state)
            return refuse(
                Reason.IMAGE_UNAVAILABLE,
                f"The image {image} {whose} cannot be pulled: {state.why} Correct it in {where}, or push it:"
                " the pod tries again until the analysis' time limit.",
            )
    return None


def python_not_found(given: AnalysisObserved) -> Finding | None:
    """The workload's image has no such interpreter."""
    source = given.request.image
    for state in _states(given):
        if source is not None and state.name == names.COLLECT and state.unstartable:
            return refuse(
                Reason.PYTHON_NOT_FOUND,
                f"{source.python} cannot be started in {source.image}: {state.why}"
                " Name the image's interpreter in spec.source.fromImage.python"
                " (PickleBall protects Python programs only).",
            )
    return None


def enlarged(given: AnalysisObserved) -> Finding | None:
    """The analysis was killed for its memory, for the first time."""
    state = next((one for one in _states(given) if one.name == names.ANALYSE and one.out_of_memory), None)
    granted = given.request.granted(given.observed.result)
    if state is None or (granted is not given.request and _memory(given.observed.job) == granted.memory):
        return None
    return wait(
        Reason.ANALYSIS_ENLARGED,
        f"The analysis needed more memory than spec.analysis.memory, {given.request.memory}."
        f" It is tried once more with {given.request.enlarged.memory}.",
    )


def out_of_memory(given: AnalysisObserved) -> Finding | None:
    """A step was killed for its memory."""
    for state in _states(given):
        if state.out_of_memory:
            asked, had = given.request.memory, given.request.granted(given.observed.result).memory
            return refuse(
                Reason.ANALYSIS_OUT_OF_MEMORY,
                f"The step {state.name} of the analysis needed more memory than it may have (spec.analysis.memory is"
                f" {asked}{f', and {had} were not enough either' if had != asked else ''}). Raise spec.analysis.memory,"
                " or leave paths out with spec.analysis.ignorePaths.",
            )
    return None


def out_of_disk(given: AnalysisObserved) -> Finding | None:
    """The pod was evicted."""
    for pod in given.observed.job_pods:
        status = pod.get("status") or {}
        if status.get("reason") == "Evicted" and _failed(given) is not None:
            return refuse(
                Reason.ANALYSIS_OUT_OF_DISK,
                f"The analysis pod was evicted: {sentence(str(status.get('message') or ''))}"
                f" Raise PICKLEBALL_ANALYSIS_DISK, or leave paths out with spec.analysis.ignorePaths. {_again(given)}",
            )
    return None


def generator_failed(given: AnalysisObserved) -> Finding | None:
    """The generator said why it gives no policy."""
    for state in _states(given):
        if state.name != names.ANALYSE or not state.failed:
            continue
        said = last_object(state.message) or {}
        word = str(said.get("reason") or "")
        reason = OF_GENERATOR.get(word) or OF_GENERATOR_EXIT.get(state.exit_code or 0, Reason.ANALYSIS_FAILED)
        told = said.get("sentence")
        text = sentence(told) if isinstance(told, str) and told else f"exit code {state.exit_code}: {state.why}"
        hint = "Correct spec.model.classes." if reason is Reason.MODEL_CLASS_NOT_FOUND else _again(given)
        return refuse(reason, f"{text} {hint}")
    return None


def step_failed(given: AnalysisObserved) -> Finding | None:
    """Another step of the Job failed."""
    for state in _states(given):
        repeated = (
            state.name == names.TOOLS
            or (state.name == names.PUBLISH and state.exit_code != REFUSED)
            or (state.name == names.FETCH and state.exit_code == UNANSWERED)
        )
        if not state.failed or (repeated and _failed(given) is None):
            continue
        said = last_object(state.message) or {}
        told = said.get("sentence")
        text = sentence(told) if isinstance(told, str) and told else state.why
        reason = OF_STEP.get(state.name, Reason.ANALYSIS_FAILED)
        return refuse(reason, f"The step {state.name} of the analysis failed: {text} {_again(given)}")
    return None


def interrupted(given: AnalysisObserved) -> Finding | None:
    """Its pod was killed and is gone: somebody deleted it. What kills itself leaves its pod behind."""
    failed = _failed(given) or {}
    told = str(failed.get("message") or "")
    if _left(given) or failed.get("reason") != "PodFailurePolicy" or KILLED not in told:
        return None
    return wait(
        Reason.ANALYSIS_REPEATED, f"The pod of Job {given.request.name} was deleted while it ran; it is analysed again."
    )


def timed_out(given: AnalysisObserved) -> Finding | None:
    """The Job ran into its deadline."""
    failed = _failed(given)
    if failed is None or failed.get("reason") != "DeadlineExceeded":
        return None
    if given.previous in PASSING:
        condition = given.observed.deployment.status.condition(CONDITION)
        if condition is not None:
            return refuse(named(condition.reason), f"{condition.message} {_again(given)}")
    return refuse(
        Reason.ANALYSIS_TIMED_OUT,
        f"The analysis took longer than {given.request.seconds} seconds. Raise spec.analysis.timeout,"
        " or leave paths out with spec.analysis.ignorePaths.",
    )


def job_failed(given: AnalysisObserved) -> Finding | None:
    """The Job failed and no pod says why."""
    failed = _failed(given)
    if failed is None:
        return None
    message = sentence(str(failed.get("message") or failed.get("reason") or "no reason given"))
    return refuse(Reason.ANALYSIS_FAILED, f"The analysis Job {given.request.name} failed: {message} {_again(given)}")


def unschedulable(given: AnalysisObserved) -> Finding | None:
    """No node takes the pod."""
    for pod in given.observed.job_pods:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
                return wait(
                    Reason.ANALYSIS_UNSCHEDULABLE,
                    f"No node takes the analysis pod: {sentence(str(condition.get('message') or ''))}"
                    " Free resources, or lower spec.analysis.memory.",
                )
    return None


def running(given: AnalysisObserved) -> Finding | None:
    """The Job runs (or has just ended, and the result is about to show)."""
    steps = [state.name for state in _states(given) if state.running]
    now = f", step {steps[-1]}" if steps else ""
    return wait(Reason.ANALYSIS_RUNNING, f"The analysis Job {given.request.name} runs{now}.")


CHAIN = (
    published,
    recorded,
    queued,
    missing,
    lost,
    image_unavailable,
    python_not_found,
    enlarged,
    out_of_memory,
    out_of_disk,
    generator_failed,
    step_failed,
    interrupted,
    timed_out,
    job_failed,
    unschedulable,
    running,
)


def is_final(given: AnalysisObserved) -> bool:
    """Whether the Job has failed for good, so that its verdict is to be recorded."""
    return _failed(given) is not None


def _notes(given: AnalysisObserved) -> str:
    """What was asked and not done."""
    kept = given.request.cache.note if given.request.cache else ""
    return " ".join(filter(None, (given.request.files.note, kept)))


def _memory(job: Manifest | None) -> str | None:
    """The memory that a Job's analysis may use."""
    pod = (((job or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
    for one in pod.get("initContainers") or ():
        if one.get("name") == names.ANALYSE:
            limits = (one.get("resources") or {}).get("limits") or {}
            return str(limits.get("memory"))
    return None


def _states(given: AnalysisObserved) -> Iterator[ContainerState]:
    pods = sorted(_left(given), key=_created, reverse=True)
    return states(pods[0]) if pods else iter(())


def _left(given: AnalysisObserved) -> list[Manifest]:
    """The pods that speak of the analysis; one that is being deleted speaks of who deletes it."""
    return [pod for pod in given.observed.job_pods if not pod["metadata"].get("deletionTimestamp")]


def _created(pod: Manifest) -> str:
    return str((pod.get("metadata") or {}).get("creationTimestamp") or "")


def _failed(given: AnalysisObserved) -> Manifest | None:
    return _is(given, "Failed")


def _is(given: AnalysisObserved, condition: str) -> Manifest | None:
    job = given.observed.job or {}
    conditions: list[Manifest] = (job.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one.get("type") == condition and one.get("status") == "True"), None)


def _image(given: AnalysisObserved, state: ContainerState) -> str:
    pod = next(iter(given.observed.job_pods), {})
    spec = pod.get("spec") or {}
    for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        if one.get("name") == state.name:
            return clip(str(one.get("image")), 256)
    return clip(state.image, 256)


def _again(given: AnalysisObserved) -> str:
    return AGAIN.format(name=given.observed.deployment.name)
