"""What bears our names in a pod template, and the template without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pickleball_operator import names

from .template import CONTAINERS, containers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .template import Template

OURS = re.compile("|".join([*(f"{re.escape(one)}[0-9]+" for one in names.NUMBERED), *map(re.escape, names.SINGLE)]))
"""Names of our containers and volumes."""
FILLED = (*CONTAINERS, "volumes", "env", "volumeMounts", "labels", "annotations")
"""What the injection fills; where nothing of others is in it, it goes."""


def taken(template: Template) -> str | None:
    """The first name of ours that the template uses."""
    pod = template["spec"]
    for kind in (*CONTAINERS, "volumes"):
        for one in pod.get(kind) or ():
            if OURS.fullmatch(one["name"]):
                return f"{kind[:-1]} {one['name']}"
    for _, container in containers(pod):
        for variable in container.get("env") or ():
            if str(variable.get("name")).startswith(names.ENV_PREFIX):
                return f"variable {variable['name']}"
    return None


def is_guarded(pod: Mapping[str, Any]) -> bool:
    """Whether a pod was made with a self-test, and so by an injection."""
    steps = (pod.get("spec") or {}).get("initContainers") or ()
    return any(str(one.get("name")).startswith(names.SELF_TEST) for one in steps)


def strip(template: Template) -> dict[str, Any]:
    """The template without anything that bears our names."""
    pod = dict(template["spec"])
    for kind in CONTAINERS:
        if kind in pod:
            pod[kind] = [_strip_container(one) for one in pod[kind] if not OURS.fullmatch(one["name"])]
    if "volumes" in pod:
        pod["volumes"] = [one for one in pod["volumes"] if not OURS.fullmatch(one["name"])]
    metadata = _without_ours(template.get("metadata") or {})
    stripped = {**template, "metadata": metadata, "spec": _without_empty(pod)}
    return stripped if metadata else {key: value for key, value in stripped.items() if key != "metadata"}


def _strip_container(container: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(container)
    if "env" in kept:
        kept["env"] = list(_own_variables(kept["env"]))
    if "volumeMounts" in kept:
        kept["volumeMounts"] = [one for one in kept["volumeMounts"] if not OURS.fullmatch(str(one.get("name")))]
    return _without_empty(kept)


def _own_variables(variables: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The container's own variables: a PYTHONPATH without ours in front, one of valueFrom under its own name."""
    moved: Mapping[str, Any] | None = None
    for variable in variables:
        name = str(variable.get("name"))
        if name == names.OWN_PYTHONPATH:
            moved = {**variable, "name": names.PYTHONPATH}
        elif name == names.PYTHONPATH and isinstance(variable.get("value"), str):
            path = _behind_ours(variable["value"])
            if path == f"$({names.OWN_PYTHONPATH})" and moved is not None:
                yield moved
            elif path:
                yield {**variable, "value": path}
        elif not name.startswith(names.ENV_PREFIX):
            yield variable


def _behind_ours(path: str) -> str:
    return "" if path == names.ENFORCER_PATH else path.removeprefix(f"{names.ENFORCER_PATH}:")


def _without_ours(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(metadata)
    for kind in ("labels", "annotations"):
        if kept.get(kind):
            kept[kind] = {key: value for key, value in kept[kind].items() if key not in names.WRITTEN}
    return _without_empty(kept)


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item not in ([], {}) or key not in FILLED}
