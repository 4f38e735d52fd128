"""What the Deployment's pods show: protected or not, and what is wrong with the first one that is not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pickleball_operator import names
from pickleball_operator.model import PodsStatus
from pickleball_operator.text import sentence

from .containers import ContainerState, states
from .evidence import has_witness, is_attested
from .finding import Finding, refuse
from .ours import is_guarded
from .reasons import Reason
from .records import last_object, records

Pod = Mapping[str, Any]
KINDS = ("initContainerStatuses", "containerStatuses")


@dataclass(frozen=True)
class Look:
    """One container of one pod, for the chain."""

    state: ContainerState
    pod: Pod


def living(pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    """The pods that count: not on their way out."""
    return tuple(
        pod
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp") and (pod.get("status") or {}).get("phase") != "Succeeded"
    )


def count(pods: tuple[Pod, ...], logs: Mapping[str, str], in_force: str | None) -> PodsStatus:
    """How many pods there are, protected or with an old policy; `logs` are those of their witnesses."""
    protected = sum(is_protected(pod, logs.get(str(pod["metadata"]["name"]), "")) for pod in pods)
    return PodsStatus(protected=protected, total=len(pods), outdated=sum(is_outdated(pod, in_force) for pod in pods))


def is_outdated(pod: Pod, in_force: str | None) -> bool:
    """Whether it was made with another policy than the one in force."""
    made_with = (pod["metadata"].get("annotations") or {}).get(names.POLICY)
    return in_force is not None and is_guarded(pod) and made_with != in_force


def is_protected(pod: Pod, log: str) -> bool:
    """Whether every self-test of the pod refused its canary and, where it has a witness, that one has all reports."""
    return has_passed(pod) and (not has_witness(pod) or is_attested(pod, log))


def has_passed(pod: Pod) -> bool:
    """Whether every self-test of the pod refused its canary."""
    tests = [state for state in states(pod) if state.initial and state.name.startswith(names.SELF_TEST)]
    wanted = [
        one
        for one in (pod.get("spec") or {}).get("initContainers") or ()
        if str(one.get("name")).startswith(names.SELF_TEST)
    ]
    return bool(wanted) and len(tests) == len(wanted) and all(test.exit_code == 0 for test in tests)


def trouble(pods: tuple[Pod, ...]) -> Finding | None:
    """The first thing that is wrong with a pod."""
    for pod in pods:
        for state in states(pod):
            for link in CHAIN:
                finding = link(Look(state, pod))
                if finding is not None:
                    return finding
    return None


def image_unavailable(look: Look) -> Finding | None:
    """An image cannot be pulled."""
    if not look.state.unpullable:
        return None
    return refuse(
        Reason.IMAGE_UNAVAILABLE,
        f"The image of container {look.state.name} cannot be pulled: {look.state.why} Correct it, or push it.",
    )


def python_not_found(look: Look) -> Finding | None:
    """The self-test's interpreter is not in the image."""
    if not look.state.name.startswith((names.SELF_TEST, names.VERIFY)) or not look.state.unstartable:
        return None
    return refuse(
        Reason.PYTHON_NOT_FOUND,
        f"The self-test cannot be started in the application's image: {look.state.why} Name the image's interpreter in"
        " spec.source.fromImage.python.",
    )


def self_test_failed(look: Look) -> Finding | None:
    """The enforcer does not work in the image, or could not be installed."""
    if not look.state.name.startswith((names.SELF_TEST, names.INSTALL)) or not look.state.failed:
        return None
    said = (last_object(look.state.message) or {}).get("sentence")
    told = sentence(said) if isinstance(said, str) and said else f"exit code {look.state.exit_code}: {look.state.why}"
    return refuse(
        Reason.SELF_TEST_FAILED,
        f"The enforcer does not work in pod {look.state.pod}, so its application does not start: {told}",
    )


def files_refused(look: Look) -> Finding | None:
    """A model file was refused before the start."""
    if not look.state.name.startswith(names.VERIFY) or not look.state.failed:
        return None
    return refuse(
        Reason.MODEL_FILES_REFUSED,
        f"A file of spec.model.files was refused, so pod {look.state.pod} does not start: {_told(look.state)} {REMEDY}",
    )


def model_refused(look: Look) -> Finding | None:
    """The application stopped on a refused model."""
    refused = [one for one in records(look.state.message) if one.get("mode") != "audit"]
    if look.state.initial or look.state.ready or not _ended(look.state) or not refused:
        return None
    return refuse(Reason.MODEL_REFUSED, f"In pod {look.state.pod} a model was refused: {_told(look.state)} {REMEDY}")


def witness_failed(look: Look) -> Finding | None:
    """The sidecar that takes the reports does not run."""
    state = look.state
    if state.name != names.WITNESS or state.ready or not (state.unstartable or state.failed):
        return None
    said = (last_object(state.message) or {}).get("sentence")
    told = sentence(said) if isinstance(said, str) and said else f"exit code {state.exit_code}: {state.why}"
    return refuse(
        Reason.WITNESS_FAILED, f"The witness of pod {state.pod} does not run, so the pod does not become ready: {told}"
    )


def application_failing(look: Look) -> Finding | None:
    """A container of the application does not stay up."""
    state = look.state
    if state.name.startswith((names.SELF_TEST, names.VERIFY, names.INSTALL, names.WITNESS)) or state.ready:
        return None
    if not (state.unstartable or _ended(state)):
        return None
    code = "" if state.exit_code is None else f" (exit code {state.exit_code})"
    return refuse(
        Reason.APPLICATION_FAILING,
        f"Container {state.name} of pod {state.pod} stops{code}: {state.why}"
        f" See kubectl logs {state.pod} -c {state.name} --previous.",
    )


REMEDY = (
    "Use a model that you trust; where the entry belongs to it, add it to spec.policy.extra with a reason"
    " (status.violations names what was wanted)."
)
CHAIN = (
    image_unavailable,
    python_not_found,
    self_test_failed,
    files_refused,
    witness_failed,
    model_refused,
    application_failing,
)


def _ended(state: ContainerState) -> bool:
    """Whether it ended badly, also when it is being started again."""
    return state.exit_code not in (None, 0)


def _told(state: ContainerState) -> str:
    found = records(state.message)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return sentence(str(found[0]["sentence"]), 300) + more
    said = last_object(state.message) or {}
    told = said.get("sentence") or said.get("error")
    return sentence(told) if isinstance(told, str) and told else state.why


def all_states(pods: tuple[Pod, ...]) -> Iterator[ContainerState]:
    """Every container of every pod."""
    for pod in pods:
        yield from states(pod)
