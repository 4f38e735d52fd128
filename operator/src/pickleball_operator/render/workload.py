"""The protected pod: a pod template with the enforcer injected, and the Deployment made of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pickleball_operator import names

from .analysis import RESTRICTED
from .environment import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.decide.injection import Guard, Inject
    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings

Manifest = dict[str, Any]
INHERITED = ("image", "imagePullPolicy", "workingDir", "envFrom", "securityContext", "resources")
"""What the self-test and the model check share with the application's container."""


def inject(template: Mapping[str, Any], plan: Inject, settings: Settings) -> Manifest:
    """The pod template as the plan wants it; the given one stays as it is."""
    pod: Manifest = copy.deepcopy(dict(template["spec"]))
    places = {one["name"]: one for kind in ("initContainers", "containers") for one in pod.get(kind) or ()}
    before: list[Manifest] = []
    after: list[Manifest] = []
    for guard in plan.guards:
        container = places[guard.container]
        before += [_install(guard, settings), _self_test(guard, container)]
        if plan.files and guard.index == 0:
            after.append(_verify(guard, container, plan))
    for guard in plan.guards:
        _protect(places[guard.container], guard, plan)
    pod["initContainers"] = [*before, *(pod.get("initContainers") or ()), *after]
    pod["volumes"] = [*(pod.get("volumes") or ()), *_volumes(plan, settings)]
    return {**template, "metadata": _metadata(template.get("metadata") or {}, plan), "spec": pod}


def deployment(owner: ModelDeployment, template: Mapping[str, Any], annotations: Mapping[str, str]) -> Manifest:
    """The Deployment of an injected template; the annotations say which policy it has, and where that comes from."""
    selector = {names.MODEL_DEPLOYMENT: owner.name}
    labels = {"app.kubernetes.io/managed-by": "pickleball", names.PART: "workload", **selector}
    metadata = dict(template["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), names.PART: "workload", **selector}
    return fill(
        "deployment.json.j2",
        {
            "name": owner.name,
            "namespace": owner.namespace,
            "labels": labels,
            "annotations": annotations,
            "owner": owner.controller,
            "replicas": owner.spec.replicas,
            "selector": selector,
            "template": {**template, "metadata": metadata},
        },
    )


def _metadata(metadata: Mapping[str, Any], plan: Inject) -> Manifest:
    annotations = {**(metadata.get("annotations") or {}), names.POLICY: plan.policy, names.MODE: plan.mode}
    return {**metadata, "annotations": annotations}


def _install(guard: Guard, settings: Settings) -> Manifest:
    return fill(
        "install.json.j2",
        {
            "name": f"{names.INSTALL}{guard.index}",
            "image": settings.enforce_image,
            "pull_policy": settings.image_pull_policy,
            "target": names.ENFORCER_PATH,
            "restricted": RESTRICTED,
            "volume": _volume(guard),
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
    return _step(
        f"{names.VERIFY}{guard.index}", container, command, _environment(container, guard, plan), _mounts(guard)
    )


def _step(
    name: str, container: Mapping[str, Any], command: list[str], env: list[Manifest], mounts: list[Manifest]
) -> Manifest:
    return fill(
        "app-step.json.j2",
        {
            "name": name,
            "inherited": [(key, container[key]) for key in INHERITED if key in container],
            "command": command,
            "env": env,
            "mounts": [*(container.get("volumeMounts") or ()), *mounts],
        },
    )


def _protect(container: Manifest, guard: Guard, plan: Inject) -> None:
    container["env"] = _environment(container, guard, plan)
    container["volumeMounts"] = [*(container.get("volumeMounts") or ()), *_mounts(guard)]


def _environment(container: Mapping[str, Any], guard: Guard, plan: Inject) -> list[Manifest]:
    """The container's variables with ours: PYTHONPATH in its own place when it has a value, else behind."""
    path = names.ENFORCER_PATH if guard.own_path is None else f"{names.ENFORCER_PATH}:{guard.own_path}"
    ours = {"name": "PYTHONPATH", "value": path}
    own = [dict(one) for one in container.get("env") or () if one.get("name") != "PYTHONPATH" or guard.own_path]
    env = [ours if one.get("name") == "PYTHONPATH" else one for one in own]
    if guard.own_path is None:
        env.append(ours)
    env.append({"name": names.ENV_POLICY, "value": f"{names.POLICY_PATH}/{names.POLICY_FILE}"})
    env.append({"name": names.ENV_MODE, "value": plan.mode.lower()})
    return env


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
            "policy_volume": names.POLICY_VOLUME,
            "policy": plan.policy,
            "policy_file": names.POLICY_FILE,
        },
    )
    volumes: list[Manifest] = filled["volumes"]
    return volumes


def _volume(guard: Guard) -> str:
    return f"{names.ENFORCER_VOLUME}{guard.index}"
