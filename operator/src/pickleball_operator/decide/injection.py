"""What the injection into a pod template is to be: Inject, Skip or Deny, each with its reason."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_operator import names

from .reasons import Reason

if TYPE_CHECKING:
    from pickleball_operator.model import Spec

Template = Mapping[str, Any]
OURS = re.compile(r"pickleball-(install|self-test|verify|enforcer)-[0-9]+|pickleball-policy")
PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)[0-9.]*")
NEEDS_VALUE = "cmWX"
"""Options of the interpreter after which nothing more of the word is an option."""


@dataclass(frozen=True)
class Guard:
    """One container that gets the enforcer."""

    index: int
    container: str
    list: str
    python: str
    own_path: str | None
    """The template's literal PYTHONPATH."""


@dataclass(frozen=True)
class Inject:
    """Put the enforcer into these containers."""

    guards: tuple[Guard, ...]
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


def injection(template: Template, spec: Spec, policy: str, render: Renderer) -> Injection:
    """Decide on one pod template; only exact equality with what `render` gives counts as already injected."""
    broken = _shape(template)
    if broken is not None:
        return broken
    taken = _taken(template)
    if taken is None:
        return _fresh(template, spec, policy)
    bare = strip(template)
    again = _fresh(bare, spec, policy)
    if isinstance(again, Inject) and render(bare, again) == template:
        return Skip(Reason.ALREADY_INJECTED, "The template equals what would be injected.")
    return Deny(
        Reason.NAME_TAKEN,
        f"The template has {taken}, a name that PickleBall uses, and is not what PickleBall would inject. Rename it.",
    )


def strip(template: Template) -> dict[str, Any]:
    """The template without anything that bears our names."""
    pod = dict(template["spec"])
    metadata = _without_ours(template.get("metadata") or {})
    for kind in ("initContainers", "containers"):
        if kind in pod:
            pod[kind] = [_strip_container(one) for one in pod[kind] if not OURS.fullmatch(one["name"])]
    if "volumes" in pod:
        pod["volumes"] = [one for one in pod["volumes"] if not OURS.fullmatch(str(one.get("name")))]
    stripped = {**template, "metadata": metadata, "spec": _without_empty(pod)}
    return stripped if metadata else {key: value for key, value in stripped.items() if key != "metadata"}


def _strip_container(container: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(container)
    if "env" in kept:
        kept["env"] = [bare for one in kept["env"] if (bare := _strip_variable(one)) is not None]
    if "volumeMounts" in kept:
        kept["volumeMounts"] = [one for one in kept["volumeMounts"] if not OURS.fullmatch(str(one.get("name")))]
    return _without_empty(kept)


def _strip_variable(variable: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if str(variable.get("name")).startswith(names.ENV_PREFIX):
        return None
    if variable.get("name") == "PYTHONPATH" and isinstance(variable.get("value"), str):
        path = variable["value"]
        if path == names.ENFORCER_PATH:
            return None
        return {**variable, "value": path.removeprefix(f"{names.ENFORCER_PATH}:")}
    return variable


def _without_ours(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(metadata)
    for kind in ("labels", "annotations"):
        if kept.get(kind):
            kept[kind] = {key: value for key, value in kept[kind].items() if not key.startswith(f"{names.GROUP}/")}
    return _without_empty(kept)


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item not in ([], {})}


def _fresh(template: Template, spec: Spec, policy: str) -> Inject | Deny:
    pod = template["spec"]
    places = {one["name"]: (kind, one) for kind in ("initContainers", "containers") for one in pod.get(kind) or ()}
    wanted = spec.enforcement.containers or [pod["containers"][0]["name"]]
    source = spec.source.from_image if spec.source else None
    guards = []
    for index, name in enumerate(dict.fromkeys(wanted)):
        if name not in places:
            return Deny(
                Reason.CONTAINER_NOT_FOUND,
                f"spec.enforcement.containers names {name}, and the template has: {', '.join(places)}.",
            )
        kind, container = places[name]
        refused = _refuse_container(container)
        if refused is not None:
            return refused
        is_source = source is not None and name == (source.container or pod["containers"][0]["name"])
        python = source.python if source is not None and is_source else "python3"
        guards.append(Guard(index, name, kind, python, _own_path(container)))
    mode = spec.enforcement.mode
    return Inject(tuple(guards), policy, mode, tuple(spec.model.files) if mode == "Enforce" else ())


def _shape(template: Template) -> Deny | None:
    """Deny what is no pod template, as far as the injection touches it."""
    pod = template.get("spec")
    if not isinstance(pod, Mapping):
        return _broken("spec", "is missing")
    if not isinstance(template.get("metadata") or {}, Mapping):
        return _broken("metadata", "is no object")
    if not pod.get("containers"):
        return _broken("spec.containers", "is missing or empty")
    seen = set()
    for kind in ("initContainers", "containers", "volumes"):
        if not _objects(pod.get(kind)):
            return _broken(f"spec.{kind}", "is no list of objects")
        for place, one in enumerate(pod.get(kind) or ()):
            if not isinstance(one.get("name"), str):
                return _broken(f"spec.{kind}[{place}].name", "is missing")
            if kind == "volumes":
                continue
            if one["name"] in seen:
                return _broken(f"spec.{kind}[{place}].name", f"{one['name']} stands twice")
            seen.add(one["name"])
            for inner in ("env", "envFrom", "volumeMounts", "volumeDevices"):
                if not _objects(one.get(inner)):
                    return _broken(f"spec.{kind}[{place}].{inner}", "is no list of objects")
            for inner in ("command", "args"):
                words = one.get(inner) or []
                if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                    return _broken(f"spec.{kind}[{place}].{inner}", "is no list of strings")
    return None


def _objects(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, Mapping) for one in value))


def _broken(place: str, problem: str) -> Deny:
    return Deny(Reason.TEMPLATE_INVALID, f"spec.template.{place} {problem}; write a pod template as in a Deployment.")


def _taken(template: Template) -> str | None:
    """The first name of ours that the template uses."""
    pod = template["spec"]
    for kind in ("initContainers", "containers", "volumes"):
        for one in pod.get(kind) or ():
            if OURS.fullmatch(one["name"]):
                return f"{kind[:-1]} {one['name']}"
            for variable in one.get("env") or () if kind != "volumes" else ():
                if str(variable.get("name")).startswith(names.ENV_PREFIX):
                    return f"variable {variable['name']}"
    return None


def _refuse_container(container: Mapping[str, Any]) -> Deny | None:
    name = container["name"]
    for variable in container.get("env") or ():
        if variable.get("name") == "PYTHONPATH" and variable.get("valueFrom") is not None:
            return Deny(
                Reason.PYTHONPATH_NOT_LITERAL,
                f"Container {name} takes PYTHONPATH from valueFrom, so ours cannot be put in front of it."
                " Write its value into the template, or set it in the image or through envFrom.",
            )
    mounts = [(one.get("mountPath"), bool(one.get("readOnly"))) for one in container.get("volumeMounts") or ()]
    mounts += [(one.get("devicePath"), False) for one in container.get("volumeDevices") or ()]
    for path, read_only in mounts:
        clash = _clash(str(path), read_only=read_only)
        if clash is not None:
            return Deny(Reason.PATH_TAKEN, f"Container {name} mounts {path}, {clash}. Mount it elsewhere.")
    return _ignoring(container)


def _clash(path: str, *, read_only: bool) -> str | None:
    mine = "/" + posixpath.normpath(path).lstrip("/")
    for ours in names.MOUNT_PATHS:
        if mine == ours or mine.startswith(f"{ours}/"):
            return f"and PickleBall mounts {ours}"
        if read_only and ours.startswith(f"{mine.rstrip('/')}/"):
            return f"read-only, and PickleBall has to mount {ours} below it"
    return None


def _ignoring(container: Mapping[str, Any]) -> Deny | None:
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    for line in (words, *(_shell_words(word) for word in words if " " in word)):
        option = _isolating(line)
        if option is not None:
            return Deny(
                Reason.ENVIRONMENT_IGNORED,
                f"Container {container['name']} starts Python with {option}: -I and -E skip PYTHONPATH and -S skips"
                " sitecustomize, so the enforcer would not start. Remove the option.",
            )
    return None


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _isolating(words: list[str]) -> str | None:
    """The option of an interpreter on this command line that makes it skip the environment or site."""
    for place, word in enumerate(words):
        if not PYTHON.fullmatch(word):
            continue
        for option in words[place + 1 :]:
            if not option.startswith("-") or option in ("-", "--"):
                break
            if option.startswith("--"):
                continue
            for letter in option[1:]:
                if letter in "IES":
                    return option
                if letter in NEEDS_VALUE:
                    break
            if option[1:2] in "cm":
                break
    return None


def _own_path(container: Mapping[str, Any]) -> str | None:
    for variable in container.get("env") or ():
        if variable.get("name") == "PYTHONPATH":
            return str(variable.get("value") or "") or None
    return None
