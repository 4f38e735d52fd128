"""What the witness of a pod says: whether the application's own interpreters run with the enforcer.

Its readiness stands in the pod's status. Its log is asked for what that cannot say: which container is silent, and
whether one that was started again has reported since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pickleball_operator import names
from pickleball_operator.text import sentence

from .containers import status_of
from .finding import Finding, refuse
from .reasons import Reason
from .template import containers

Pod = Mapping[str, Any]
GRACE = 60.0
"""Seconds that an application's interpreter may take to begin."""
LINE_LIMIT = 64 * 1024
ROUNDING = 1.0
"""The API server's times are whole seconds."""
REMEDY = (
    "Its Python starts with -I, -E or -S, or without the pod's environment: look how the image starts it. Where no"
    " Python runs in it, name in spec.enforcement.containers only the containers that load models."
)


@dataclass(frozen=True)
class Statement:
    """What a witness has logged of one container."""

    reported: float | None = None
    """When the first interpreter of its last run reported."""
    drift: str = ""
    waiting: str = ""


def has_witness(pod: Pod) -> bool:
    """Whether the pod was made with a witness."""
    return any(one.get("name") == names.WITNESS for one in (pod.get("spec") or {}).get("initContainers") or ())


def is_witnessed(pod: Pod) -> bool:
    """Whether the witness runs, so that it has a log."""
    return "running" in ((status_of(pod, names.WITNESS) or {}).get("state") or {})


def is_attested(pod: Pod, log: str) -> bool:
    """Whether the witness is ready, and every container that runs anew has reported since."""
    witness = status_of(pod, names.WITNESS) or {}
    if not witness.get("ready"):
        return False
    again = _restarted(pod)
    said = statements(log) if again else {}
    return all(_since(said.get(name), begun) for name, begun in again.items())


def needs_log(pod: Pod) -> bool:
    """Whether the witness' readiness does not say all: it runs and is not ready, or a container was started again."""
    witness = status_of(pod, names.WITNESS)
    if witness is None or "running" not in (witness.get("state") or {}):
        return False
    return not witness.get("ready") or any(
        (status_of(pod, name) or {}).get("restartCount") for name, _ in _running(pod)
    )


def silence(pods: tuple[Pod, ...], logs: Mapping[str, str], now: str) -> Finding | None:
    """The first container that has run for a while and whose interpreter has not reported, or has said otherwise."""
    for pod in pods:
        name = str(pod["metadata"]["name"])
        log = logs.get(name, "")
        if not has_witness(pod) or is_attested(pod, log):
            continue
        said = statements(log)
        for container, begun in _running(pod):
            told = said.get(container, Statement())
            if told.drift:
                return refuse(Reason.INTERPRETER_DRIFTED, _told(name, container, told.drift))
            waited = (moment(now) or 0) - begun
            if waited >= GRACE and not _since(told, begun):
                why = told.waiting or "No interpreter has reported."
                return refuse(
                    Reason.INTERPRETER_SILENT,
                    f"{_told(name, container, why)} It has run since {_time(begun)}. {REMEDY}",
                )
    return None


def statements(log: str) -> dict[str, Statement]:
    """The last word about each container; the application has written parts of it, so it is read with suspicion."""
    found: dict[str, Statement] = {}
    for event in events(log):
        container, kind = str(event.get("container")), event.get("event")
        said = sentence(str(event.get("sentence") or ""), 300)
        reported = event.get("reported")
        if kind == "reported" and isinstance(reported, int | float):
            found[container] = Statement(reported=reported)
        elif kind == "drift":
            found[container] = Statement(drift=said)
        elif kind == "waiting" and not found.get(container, Statement()).drift:
            found[container] = Statement(waiting=said)
    return found


def events(log: str) -> Iterator[Mapping[str, Any]]:
    """The lines of a witness' log."""
    for line in log.splitlines():
        if len(line) > LINE_LIMIT:
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def moment(time: str) -> float | None:
    """Seconds of a time as the API server writes it."""
    try:
        return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _time(seconds: float) -> str:
    """As the API server writes it. How long ago it was would be another sentence, and another write, at each look."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _running(pod: Pod) -> Iterator[tuple[str, float]]:
    """The protected containers that run, and since when."""
    for _, container in containers(pod.get("spec") or {}):
        if any(one.get("name") == names.ENV_REPORTS for one in container.get("env") or ()):
            running = ((status_of(pod, container["name"]) or {}).get("state") or {}).get("running")
            begun = moment(str((running or {}).get("startedAt")))
            if begun is not None:
                yield container["name"], begun


def _restarted(pod: Pod) -> dict[str, float]:
    """Those of them that were started again: the witness may be ready by what the run before has reported."""
    return {name: begun for name, begun in _running(pod) if (status_of(pod, name) or {}).get("restartCount")}


def _since(told: Statement | None, begun: float) -> bool:
    return told is not None and told.reported is not None and told.reported >= begun - ROUNDING


def _told(pod: str, container: str, why: str) -> str:
    return f"Pod {pod}, container {container}: {why}"
