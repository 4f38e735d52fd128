"""What is known of one container by its reports: whether its own interpreter is hooked, and what it refused."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

RULE = re.compile(r"[a-z0-9-]{1,64}")
TEXT = 300
RULES_KEPT = 100
TOLD_LIMIT = 1000
OTHER = "other"
OWN = 1
"""The first process of a container, in its own process namespace."""

RECORD: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("time", "pid", "mode", "rule", "name", "opcode", "offset", "sentence"), ()),
    "allow": ("list", "entry"),
    "source": ("path", "sha256"),
    "policy": ("path", "sha256"),
}
"""The fields of a record, and of the objects in it."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """What every interpreter of the application has to report."""

    sha256: str
    mode: str
    shared_processes: bool = False
    """Whether the pod's containers see one another's processes: then nobody can tell who began one."""


@dataclass
class Account:
    """The account of one container; `take_start` and `take_violation` give what is to be logged."""

    container: str
    expected: Expected
    instance: str | None = None
    confirmed: dict[str, Any] | None = None
    """The first report of this run of the container that is as expected."""
    drift: str = ""
    """What was reported that is not as expected."""
    runs: int = 0
    starts: dict[str, int] = field(default_factory=lambda: {"application": 0, "exec": 0})
    engines: dict[str, int] = field(default_factory=lambda: {"rust": 0, "python": 0})
    """Processes that have imported pickle, by the verifier that judges for them."""
    violations: dict[tuple[str, str], int] = field(default_factory=dict)
    unreadable: int = 0
    kept: list[str] = field(default_factory=list)
    """The lines that a new witness would need."""
    _told: set[tuple[Any, ...]] = field(default_factory=set)

    @property
    def enforced(self) -> bool:
        """Whether the container's own interpreter has said so, and no other has said otherwise."""
        return self.confirmed is not None and not self.drift

    @property
    def sentence(self) -> str:
        """How it stands."""
        if self.drift:
            return self.drift
        if self.confirmed is not None:
            return "Its interpreter has reported, with the policy in force."
        if self.starts["exec"]:
            return "Only what a probe or `kubectl exec` began has reported, not the application's own interpreter."
        return "No interpreter has reported."

    def take_start(self, line: str) -> Event | None:
        """Count a start; what changes by it."""
        start = self._loads(line)
        engine = (start or {}).get("engine")
        if isinstance(engine, str) and engine in self.engines:
            self.engines[engine] += 1
            return None
        if start is None or not isinstance(start.get("sha256"), str) or not isinstance(start.get("instance"), str):
            self.unreadable += start is not None
            return None
        instance = start["instance"]
        if self.expected.shared_processes:  # process 1 is not the container's, and outlives it
            instance = f"{instance}-{_text(start.get('began'))}"
        if instance != self.instance:
            self.instance, self.confirmed, self.drift, self.kept = instance, None, "", []
            self.runs += 1
        own = self.expected.shared_processes or start.get("root") in (OWN, 0)
        self.starts["application" if own else "exec"] += 1
        if not own:
            return None
        wrong = self._wrong(start)
        if wrong and not self.drift:
            self.drift = wrong
            self.kept.append(line)
            return {"event": "drift", "level": "error", "sentence": wrong, **_shown(start)}
        if not wrong and self.confirmed is None:
            self.confirmed = start
            self.kept.append(line)
            return self.standing()
        return None

    def standing(self) -> Event:
        """How it stands, for whoever reads only the end of the log."""
        if self.enforced and self.confirmed is not None:
            return {"event": "reported", "level": "info", "sentence": self.sentence, **_shown(self.confirmed)}
        return {"event": "drift" if self.drift else "waiting", "level": "warning", "sentence": self.sentence}

    def take_violation(self, line: str) -> Event | None:
        """Count a violation; its record, when it is the first of its kind."""
        record = self._loads(line)
        if record is None or not isinstance(record.get("rule"), str) or not isinstance(record.get("sentence"), str):
            self.unreadable += record is not None
            return None
        mode = record.get("mode")
        key = (record["rule"] if RULE.fullmatch(record["rule"]) else OTHER, mode if mode == "audit" else "enforce")
        if key not in self.violations and len(self.violations) >= RULES_KEPT:
            key = (OTHER, key[1])
        self.violations[key] = self.violations.get(key, 0) + 1
        source = record.get("source")
        path = source.get("path") if isinstance(source, dict) else None
        identity = (*(str(record.get(name)) for name in ("rule", "name", "opcode", "offset")), str(path))
        if identity in self._told or len(self._told) >= TOLD_LIMIT:
            return None
        self._told.add(identity)
        return {"event": "violation", "level": "warning", **_clipped(record)}

    def _loads(self, line: str) -> dict[str, Any] | None:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        self.unreadable += 1
        return None

    def _wrong(self, start: dict[str, Any]) -> str:
        policy = _text(start.get("policy"))
        if not start["sha256"]:
            return f"An interpreter cannot read its policy, {policy}: it refuses every load."
        if start["sha256"] != self.expected.sha256:
            return f"An interpreter has another policy, {policy} with sha256 {_text(start['sha256'])}."
        if start.get("mode") != self.expected.mode:
            return (
                f"An interpreter runs in mode {_text(start.get('mode'))}, and is to run in mode {self.expected.mode}."
            )
        return ""


def _text(value: object) -> str:
    return str(value)[:TEXT]


def _clipped(record: dict[str, Any]) -> dict[str, Any]:
    """What the log tells of a violation: the fields of a record, no long texts."""
    shown: dict[str, Any] = {}
    for name, inner in RECORD.items():
        value = record.get(name)
        if isinstance(value, dict):
            shown[name] = {key: _text(value[key]) for key in inner if isinstance(value.get(key), str)}
        elif isinstance(value, str):
            shown[name] = _text(value)
        elif type(value) is int:
            shown[name] = value
    return shown


def _shown(start: dict[str, Any]) -> dict[str, Any]:
    """What the log tells of a start."""
    texts = ("enforcer", "python", "executable", "mode", "sha256", "instance")
    numbers = ("pid", "time")
    shown = {name: _text(start[name]) for name in texts if isinstance(start.get(name), str)}
    shown |= {name: start[name] for name in numbers if isinstance(start.get(name), (int, float))}
    if "time" in shown:
        shown["reported"] = shown.pop("time")
    return shown
