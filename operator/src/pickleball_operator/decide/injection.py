"""What the injection into a pod is to be: Inject, Skip or Deny, each with its reason."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_operator import names

from .commands import bypass
from .ours import strip, taken
from .reasons import Reason
from .template import Template, containers, fault

if TYPE_CHECKING:
    from pickleball_operator.model import ModelDeployment, Spec


@dataclass(frozen=True)
class Guard:
    """One container that gets the enforcer."""

    index: int
    container: str
    python: str


@dataclass(frozen=True)
class Inject:
    """Put the enforcer into these containers of a pod that holds nothing of ours."""

    guards: tuple[Guard, ...]
    owner: str
    """The ModelDeployment."""
    policy: str
    mode: str
    files: tuple[str, ...]
    reason: Reason = Reason.INJECTED

    @property
    def sentence(self) -> str:
        """What was done."""
        return f"The enforcer is injected into: {', '.join(guard.container for guard in self.guards)}."


@dataclass(frozen=True)
class Skip:
    """There is nothing to do."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class Deny:
    """It cannot be protected, so it does not run."""

    reason: Reason
    sentence: str


Injection = Inject | Skip | Deny
Renderer = Callable[[Template, Inject], Template]
INJECTED = Skip(Reason.ALREADY_INJECTED, "It equals what would be injected.")


def injection(template: Template, deployment: ModelDeployment, policy: str, render: Renderer) -> Injection:
    """Decide on a template that is ours to run; what bears our names and is not ours is refused."""
    broken = fault(template)
    if broken is not None:
        return Deny(Reason.TEMPLATE_INVALID, f"spec.template.{broken}; write a pod template as in a Deployment.")
    named = taken(template)
    if named is None:
        return fresh(template, deployment, policy)
    if is_injected(template, deployment, policy, render):
        return INJECTED
    return Deny(
        Reason.NAME_TAKEN,
        f"The template has {named}, a name that PickleBall uses, and is not what PickleBall would inject. Rename it.",
    )


def is_injected(template: Template, deployment: ModelDeployment, policy: str, render: Renderer) -> bool:
    """Whether it holds exactly what `render` gives: nothing less counts as injected."""
    bare = strip(template)
    plan = fresh(bare, deployment, policy)
    return isinstance(plan, Inject) and render(bare, plan) == template


def fresh(template: Template, deployment: ModelDeployment, policy: str) -> Inject | Deny:
    """Decide on a template that holds nothing of ours."""
    spec, pod = deployment.spec, template["spec"]
    if _is_windows(pod):
        return Deny(
            Reason.PLATFORM_UNSUPPORTED, "The pod is for Windows, and the enforcer runs on Linux. Run it there."
        )
    first = pod["containers"][0]["name"]
    if spec.selector is not None and not spec.enforcement.containers and len(pod["containers"]) > 1:
        several = ", ".join(one["name"] for one in pod["containers"])
        return Deny(
            Reason.CONTAINER_UNNAMED,
            f"The pod has several containers ({several}), and others may put theirs first. Name those that load models"
            f" in spec.enforcement.containers of ModelDeployment {deployment.name}.",
        )
    places = {one["name"]: one for _, one in containers(pod)}
    source = spec.source.from_image if spec.source else None
    guards = []
    for index, name in enumerate(dict.fromkeys(spec.enforcement.containers or [first])):
        if name not in places:
            return Deny(
                Reason.CONTAINER_NOT_FOUND,
                f"spec.enforcement.containers names {name}, and the containers are: {', '.join(places)}.",
            )
        refused = _refuse_container(places[name])
        if refused is not None:
            return refused
        is_source = source is not None and name == (source.container or first)
        guards.append(Guard(index, name, source.python if source is not None and is_source else "python3"))
    return Inject(tuple(guards), deployment.name, policy, spec.enforcement.mode, _files(spec))


def _files(spec: Spec) -> tuple[str, ...]:
    return tuple(spec.model.files) if spec.enforcement.mode == "Enforce" else ()


def _is_windows(pod: Mapping[str, Any]) -> bool:
    return "windows" in ((pod.get("os") or {}).get("name"), (pod.get("nodeSelector") or {}).get("kubernetes.io/os"))


def _refuse_container(container: Mapping[str, Any]) -> Deny | None:
    name = container["name"]
    mounts = [(one.get("mountPath"), bool(one.get("readOnly"))) for one in container.get("volumeMounts") or ()]
    mounts += [(one.get("devicePath"), False) for one in container.get("volumeDevices") or ()]
    for path, read_only in mounts:
        clash = _clash(str(path), read_only=read_only)
        if clash is not None:
            return Deny(Reason.PATH_TAKEN, f"Container {name} mounts {path}, {clash}. Mount it elsewhere.")
    avoided = bypass(container)
    return Deny(Reason.ENVIRONMENT_IGNORED, f"Container {name} {avoided}") if avoided is not None else None


def _clash(path: str, *, read_only: bool) -> str | None:
    mine = "/" + posixpath.normpath(path).lstrip("/")
    for ours in names.MOUNT_PATHS:
        if mine == ours or mine.startswith(f"{ours}/"):
            return f"and PickleBall mounts {ours}"
        if read_only and ours.startswith(f"{mine.rstrip('/')}/"):
            return f"read-only, and PickleBall has to mount {ours} below it"
    return None
