"""The witness: a native sidecar that is ready when the application's own interpreters have reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide.template import containers

from .environment import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.decide.injection import Guard, Inject
    from pickleball_operator.settings import Settings

Manifest = dict[str, Any]
LIMITS = {"cpu": "200m", "memory": "64Mi"}
REQUESTS = {"cpu": "10m", "memory": "32Mi"}
HIGHEST_PORT = 65535


def witness(pod: Mapping[str, Any], plan: Inject, own: Mapping[str, Any], settings: Settings) -> Manifest:
    """The sidecar's container; `own` is what every container of our image has in this pod."""
    port = _port(pod, settings)
    policy = f"{names.POLICY_PATH}/{names.POLICY_FILE}"
    command = ["pickleball", "witness", "--reports", names.REPORTS_PATH, "--policy", policy]
    command += ["--policy-name", plan.policy, "--mode", plan.mode.lower(), "--port", str(port)]
    if pod.get("hostPID") or pod.get("shareProcessNamespace"):
        command.append("--shared-processes")
    for guard in plan.guards:
        command += ["--container", f"{guard.container}={guard.index}"]
    return fill(
        "witness.json.j2",
        {
            **own,
            "name": names.WITNESS,
            "image": settings.enforce_image,
            "pull_policy": settings.image_pull_policy,
            "command": command,
            "port": port,
            "port_name": names.WITNESS_PORT,
            "mark": f"{names.REPORTS_PATH}/ready",
            "resources": _resources(pod),
            "reports_volume": names.REPORTS_VOLUME,
            "reports": names.REPORTS_PATH,
            "policy_volume": names.POLICY_VOLUME,
            "policy_path": names.POLICY_PATH,
        },
    )


def mount(guard: Guard) -> Manifest:
    """The folder of one container: it cannot report for another."""
    return {"name": names.REPORTS_VOLUME, "mountPath": names.REPORTS_PATH, "subPath": str(guard.index)}


def _port(pod: Mapping[str, Any], settings: Settings) -> int:
    """The first port from the setting on that no container names; 0 on the node's network, which many pods share."""
    if pod.get("hostNetwork"):
        return 0
    taken = {port.get("containerPort") for _, one in containers(pod) for port in one.get("ports") or ()}
    return next(port for port in range(settings.witness_port, HIGHEST_PORT) if port not in taken)


def _resources(pod: Mapping[str, Any]) -> Manifest:
    """A little; as much guaranteed as allowed in a pod that is guaranteed all, so that it stays so."""
    for _, container in containers(pod):
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        if not {"cpu", "memory"} <= limits.keys() or any(
            limits.get(name) != amount for name, amount in requests.items()
        ):
            return {"requests": REQUESTS, "limits": LIMITS}
    return {"requests": LIMITS, "limits": LIMITS}
