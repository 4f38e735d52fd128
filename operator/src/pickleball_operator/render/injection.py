"""The one injection: what is put into a pod, and the pod with it. Controller and webhook both use it.

Everything that the API server would fill in stands here already, so that what is admitted equals what is rendered.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide.template import CONTAINERS, containers

from .analysis import RESTRICTED
from .environment import fill
from .witness import mount, witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pickleball_operator.decide.injection import Guard, Inject
    from pickleball_operator.settings import Settings

Manifest = dict[str, Any]
INHERITED = ("image", "imagePullPolicy", "workingDir", "envFrom", "securityContext", "resources")
"""What the self-test and the model check share with the application's container."""
COUNTED = ("cpu", "memory", "ephemeral-storage")
UNPRIVILEGED = 65532


@dataclass(frozen=True)
class Pieces:
    """Everything that is put into one pod; a container's own are listed by its name."""

    first: tuple[Manifest, ...]
    """Init containers in front of the pod's own."""
    last: tuple[Manifest, ...]
    """Init containers behind the pod's own."""
    volumes: tuple[Manifest, ...]
    mounts: Mapping[str, tuple[Manifest, ...]]
    env: Mapping[str, tuple[Manifest, ...]]
    """All variables of a container: its own with ours."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def inject(template: Mapping[str, Any], plan: Inject, settings: Settings) -> Manifest:
    """The pod template as the plan wants it; the given one stays as it is."""
    pod: Manifest = copy.deepcopy(dict(template["spec"]))
    put = pieces(pod, plan, settings)
    for container in [one for kind in CONTAINERS for one in pod.get(kind) or () if one["name"] in put.env]:
        name = container["name"]
        container["env"] = list(put.env[name])
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), *put.mounts[name]]
    pod["initContainers"] = [*put.first, *(pod.get("initContainers") or ()), *put.last]
    pod["volumes"] = [*(pod.get("volumes") or ()), *put.volumes]
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **put.labels}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **put.annotations}
    return {**template, "metadata": metadata, "spec": pod}


def pieces(pod: Mapping[str, Any], plan: Inject, settings: Settings) -> Pieces:
    """What the plan puts into this pod."""
    places = {one["name"]: one for _, one in containers(pod)}
    guarded = [(guard, places[guard.container]) for guard in plan.guards]
    first: list[Manifest] = []
    for guard, container in guarded:
        first += [_install(guard, pod, container, settings), _self_test(guard, container)]
    if settings.witness:
        first.append(witness(pod, plan, own_step(pod, guarded[0][1]), settings))
    last = [_verify(guard, container, plan) for guard, container in guarded if plan.files and guard.index == 0]
    return Pieces(
        first=tuple(first),
        last=tuple(last),
        volumes=tuple(_volumes(plan, settings)),
        mounts={guard.container: (*_mounts(guard), *_reports(guard, settings)) for guard in plan.guards},
        env={guard.container: (*_environment(container, plan), *_reporting(settings)) for guard, container in guarded},
        labels={names.PART: "workload", names.MODEL_DEPLOYMENT: plan.owner},
        annotations={names.POLICY: plan.policy, names.MODE: plan.mode},
    )


def own_step(pod: Mapping[str, Any], container: Mapping[str, Any]) -> Manifest:
    """What every container of our own image has in somebody's pod: restricted, without token, within its limits.

    It runs as the application's user, where that is not root, since a namespace may allow no other. Requests and
    limits are the application's, so that a LimitRange takes them and the pod as a whole asks for no more.
    """
    resources = {
        kind: bounded
        for kind, amounts in (container.get("resources") or {}).items()
        if kind in ("requests", "limits") and (bounded := {key: amounts[key] for key in COUNTED if key in amounts})
    }
    contexts = (container.get("securityContext") or {}, pod.get("securityContext") or {})
    user = next((one["runAsUser"] for one in contexts if one.get("runAsUser") is not None), None)
    security = {key: value for key, value in RESTRICTED.items() if key != "runAsUser"}
    if user is not None:
        security["runAsUser"] = user or UNPRIVILEGED
    if "seLinuxOptions" in contexts[0]:
        security["seLinuxOptions"] = contexts[0]["seLinuxOptions"]  # else it could not share a volume
    mount = {"name": names.NO_TOKEN_VOLUME, "mountPath": names.SERVICE_ACCOUNT_PATH, "readOnly": True}
    return {"restricted": security, "resources": resources, "no_token": mount}


def _install(guard: Guard, pod: Mapping[str, Any], container: Mapping[str, Any], settings: Settings) -> Manifest:
    return fill(
        "install.json.j2",
        {
            "name": f"{names.INSTALL}{guard.index}",
            "image": settings.enforce_image,
            "pull_policy": settings.image_pull_policy,
            "target": names.ENFORCER_PATH,
            "volume": _volume(guard),
            **own_step(pod, container),
        },
    )


def _self_test(guard: Guard, container: Mapping[str, Any]) -> Manifest:
    command = [guard.python, f"{names.ENFORCER_PATH}/selftest.py", "--target", names.ENFORCER_PATH]
    mount = {"name": _volume(guard), "mountPath": names.ENFORCER_PATH}
    own = list(container.get("env") or ())
    return _step(f"{names.SELF_TEST}{guard.index}", container, command, own, [mount])


def _verify(guard: Guard, container: Mapping[str, Any], plan: Inject) -> Manifest:
    policy = f"{names.POLICY_PATH}/{names.POLICY_FILE}"
    command = [guard.python, "-m", "pickleball_enforce", "verify", "--policy", policy, "--json", *plan.files]
    env = list(_environment(container, plan))
    return _step(f"{names.VERIFY}{guard.index}", container, command, env, _mounts(guard))


def _step(
    name: str, container: Mapping[str, Any], command: list[str], env: list[Manifest], mounts: list[Manifest]
) -> Manifest:
    filled = fill(
        "app-step.json.j2",
        {
            "name": name,
            "inherited": [(key, container[key]) for key in INHERITED if key in container],
            "command": command,
            "env": env,
            "mounts": [*(container.get("volumeMounts") or ()), *mounts],
        },
    )
    return {key: value for key, value in filled.items() if value != [] or key != "env"}


def _environment(container: Mapping[str, Any], plan: Inject) -> Iterator[Manifest]:
    """The container's variables with ours: every PYTHONPATH stands behind ours, in its own place."""
    found = False
    for variable in container.get("env") or ():
        if variable.get("name") != names.PYTHONPATH:
            yield dict(variable)
        elif variable.get("valueFrom") is not None:
            yield {**variable, "name": names.OWN_PYTHONPATH}
            yield _python_path(f"$({names.OWN_PYTHONPATH})")
            found = True
        elif variable.get("value"):
            yield {**variable, "value": _python_path(variable["value"])["value"]}
            found = True
    if not found:
        yield {"name": names.PYTHONPATH, "value": names.ENFORCER_PATH}
    yield {"name": names.ENV_POLICY, "value": f"{names.POLICY_PATH}/{names.POLICY_FILE}"}
    yield {"name": names.ENV_MODE, "value": plan.mode.lower()}


def _reporting(settings: Settings) -> Iterator[Manifest]:
    if settings.witness:
        yield {"name": names.ENV_REPORTS, "value": names.REPORTS_PATH}


def _reports(guard: Guard, settings: Settings) -> Iterator[Manifest]:
    if settings.witness:
        yield mount(guard)


def _python_path(own: str) -> Manifest:
    return {"name": names.PYTHONPATH, "value": f"{names.ENFORCER_PATH}:{own}"}


def _mounts(guard: Guard) -> list[Manifest]:
    policy = [
        {"name": names.POLICY_VOLUME, "mountPath": path, "readOnly": True}
        for path in (names.ROOT_POLICY_PATH, names.POLICY_PATH)
    ]
    return [{"name": _volume(guard), "mountPath": names.ENFORCER_PATH, "readOnly": True}, *policy]


def _volumes(plan: Inject, settings: Settings) -> list[Manifest]:
    filled = fill(
        "volumes.json.j2",
        {
            "enforcers": [_volume(guard) for guard in plan.guards],
            "disk": settings.enforcer_disk,
            "reports": names.REPORTS_VOLUME if settings.witness else "",
            "reports_disk": f"{4 * len(plan.guards)}Mi",
            "no_token": names.NO_TOKEN_VOLUME,
            "policy_volume": names.POLICY_VOLUME,
            "policy": plan.policy,
            "policy_file": names.POLICY_FILE,
        },
    )
    volumes: list[Manifest] = filled["volumes"]
    return volumes


def _volume(guard: Guard) -> str:
    return f"{names.ENFORCER_VOLUME}{guard.index}"
