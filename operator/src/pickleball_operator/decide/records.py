"""Violation records in termination messages: written by containers that may be hostile, so read with suspicion."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_operator.model import ViolationStatus
from pickleball_operator.model.spec import DOTTED, NAME_LIMIT
from pickleball_operator.model.status import VIOLATIONS_KEPT
from pickleball_operator.text import clip, sentence

from .containers import messages
from .evidence import events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MESSAGE_LIMIT = 16384
LOG_LIMIT = 256 * 1024
WANTED_KEPT = 200
DEPTH_LIMIT = 4
WIDTH = 256


@dataclass(frozen=True)
class Wanted:
    """An entry that a pod in mode Audit would have needed."""

    list: str
    name: str
    pod: str
    path: str
    sha256: str


def wanted(pods: Iterable[Mapping[str, Any]], logs: Iterable[tuple[str, str]]) -> list[Wanted]:
    """What audited pods wanted: from their termination messages, and from the records among the lines of their logs."""
    texts = [(str(pod["metadata"]["name"]), message) for pod in pods for _, message in messages(pod)]
    found: dict[tuple[str, str], Wanted] = {}
    for pod, record in [(pod, record) for pod, text in texts for record in records(text)] + [
        (pod, record) for pod, text in logs for record in _logged(text)
    ]:
        allow = record.get("allow")
        listed, name = (allow.get("list"), allow.get("entry")) if isinstance(allow, dict) else (None, None)
        if record.get("mode") != "audit" or listed not in ("globals", "reduces") or not isinstance(name, str):
            continue
        if len(found) < WANTED_KEPT and len(name) <= NAME_LIMIT and re.fullmatch(DOTTED, name):
            source = record.get("source")
            path, digest = (source.get("path"), source.get("sha256")) if isinstance(source, dict) else (source, None)
            one = Wanted(str(listed), name, pod, _text(path) or "", _text(digest) or "")
            found.setdefault((one.list, one.name), one)
    return list(found.values())


def _logged(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text[-LOG_LIMIT:].splitlines():
        if '"rule"' in line and len(line) <= MESSAGE_LIMIT:
            value = _loads(line)
            if isinstance(value, dict):
                yield value


def violations(pods: Iterable[Mapping[str, Any]], testimony: Mapping[str, str]) -> Iterator[ViolationStatus]:
    """The violations that pods report: in termination messages, and through their witnesses."""
    for pod in pods:
        name = str(pod["metadata"]["name"])
        for event in events(testimony.get(name, "")):
            if event.get("event") == "violation":
                for record in _records(event, {}, 0):
                    yield _status(name, clip(str(event.get("container")), 63), record)
        for container, message in messages(pod):
            for record in records(message):
                yield _status(name, container, record)


def merged(old: Iterable[ViolationStatus], new: Iterable[ViolationStatus]) -> list[ViolationStatus]:
    """The last few, the newest first; one that is known already stays as it was.

    The order does not depend on what was known: who sees the same again keeps the same.
    """
    known = {_identity(one): one for one in old}
    seen: dict[tuple[object, ...], ViolationStatus] = {}
    for one in new:
        seen.setdefault(_identity(one), known.get(_identity(one), one))
    ranked = sorted({**known, **seen}.items(), key=lambda item: (item[0] not in seen, repr(item[0])))
    ranked.sort(key=lambda item: item[1].time or "", reverse=True)
    return [one for _, one in ranked[:VIOLATIONS_KEPT]]


def records(message: str) -> list[Mapping[str, Any]]:
    """Every violation record in a termination message: JSON lines, or one JSON document that holds them."""
    text = message[:MESSAGE_LIMIT]
    found: list[Mapping[str, Any]] = []
    whole = _loads(text)
    for value in [whole] if whole is not None else map(_loads, text.splitlines()):
        found += _records(value, {}, 0)
    return found[: 4 * VIOLATIONS_KEPT]


def last_object(message: str) -> Mapping[str, Any] | None:
    """The last JSON object that stands on a line of its own (or the whole message, when it is one)."""
    text = message[-MESSAGE_LIMIT:]
    for candidate in (text, *reversed(text.splitlines())):
        value = _loads(candidate)
        if isinstance(value, dict):
            return value
    return None


def _records(value: object, outer: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > DEPTH_LIMIT:
        return
    if isinstance(value, list):
        for item in value:
            yield from _records(item, outer, depth + 1)
    elif isinstance(value, dict):
        if isinstance(value.get("rule"), str) and isinstance(value.get("sentence"), str):
            yield {**outer, **value}
            return
        context = {key: value[key] for key in ("source", "path", "mode", "time") if key in value}
        for inner in value.values():
            if isinstance(inner, list | dict):
                yield from _records(inner, {**outer, **context}, depth + 1)


def _loads(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _status(pod: str, container: str, record: Mapping[str, Any]) -> ViolationStatus:
    source = record.get("source")
    path = source.get("path") if isinstance(source, dict) else source or record.get("path")
    offset = record.get("offset")
    return ViolationStatus.model_validate(
        {
            "pod": pod,
            "container": container,
            "time": _text(record.get("time")),
            "mode": _text(record.get("mode")),
            "rule": clip(record["rule"], 64),
            "name": _text(record.get("name")),
            "opcode": _text(record.get("opcode")),
            "offset": offset if isinstance(offset, int) and 0 <= offset < 2**53 else None,
            "path": _text(path),
            "sentence": sentence(record["sentence"], WIDTH * 2),
        }
    )


def _text(value: object) -> str | None:
    return clip(value, WIDTH) if isinstance(value, str) and value else None


def _identity(one: ViolationStatus) -> tuple[object, ...]:
    return (one.pod, one.container, one.rule, one.name, one.opcode, one.offset, one.path)
