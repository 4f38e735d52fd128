"""What a provenance says of a policy's entries, read with suspicion: its texts come from sources of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pickleball_enforce.policy import INSTANCES, LISTS
from pickleball_operator.text import clip

from .files import in_pod

GRADES = ("effects", "unknown", "not graded", "no source", "resolved", "trivial")
"""From what needs reading most to what needs it least."""
HARMFUL = ("effects", "unknown", "not graded")
WORD, LINE = 64, 512
LINKS, EFFECTS, STEPS = 64, 32, 64


@dataclass(frozen=True)
class Link:
    """One step of a reason chain: what is held, by which rule, at which line."""

    holds: str
    rule: str
    at: str
    inside: str = ""


@dataclass(frozen=True)
class Because:
    """Why one class's policy has an entry, and what its code can reach while a pickle loads."""

    model: str
    kind: str
    grade: str
    rule: str = ""
    at: str = ""
    chain: tuple[Link, ...] = ()
    effects: Mapping[str, tuple[str, ...]] | None = None
    """Each effect with the path of calls that shows it."""
    unknown: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    """Path and sha256 of the model files that asked for it."""

    @property
    def effect_words(self) -> tuple[str, ...]:
        """The effects without their paths."""
        return tuple(self.effects or ())


@dataclass(frozen=True)
class Refused:
    """A callable that the facts asked for, and that enters no policy by itself."""

    model: str
    name: str
    effect: str
    rule: str
    at: str
    chain: tuple[Link, ...]


@dataclass(frozen=True)
class Proposal:
    """A name that model files ask for beyond the policy, and what the generator says to it."""

    list: str
    name: str
    decision: str
    because: str
    grade: str
    effects: tuple[str, ...]
    at: str
    files: tuple[tuple[str, str], ...]
    asking: bool = False
    """Whether only calls of what a file gives could not be followed, which nothing of the policy answers."""

    @property
    def is_inert(self) -> bool:
        """Whether the generator found its code harmless, and knows which files ask for it."""
        known = bool(self.files) and all(digest for _, digest in self.files)
        harmless = self.grade not in HARMFUL or (self.grade == "unknown" and self.asking)
        return self.decision == "inert" and harmless and known


class Reasons:
    """Why the entries of one policy are there; made once, and asked for each entry."""

    def __init__(self, provenance: Mapping[str, Any]) -> None:
        self._recorded: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
        self._files = _files(provenance)
        self._by_hand = provenance.get("byHand")
        for model, described in _classes(provenance):
            for listed in LISTS:
                for name, entry in _object(described.get(listed)).items():
                    self._record(listed, name, model, entry)
        for one in _objects(provenance.get("extra")):
            extra = {"kind": "extra", "rule": one.get("reason"), "at": "spec.policy.extra"}
            self._record(one.get("list"), one.get("name"), "", extra)
        for one in _objects(provenance.get("accepted")):
            self._record(one.get("list"), one.get("name"), "", {"kind": "proposed", **one})

    def of(self, listed: str, name: str) -> tuple[Because, ...]:
        """Why an entry is there, for each class that has it; what nobody recorded is not graded."""
        found = self._recorded.get((_place(listed), name), [])
        if found:
            return tuple(_because(model, entry, self._files) for model, entry in found)
        if isinstance(self._by_hand, Mapping):
            where = _line(self._by_hand.get("configMap"))
            return (Because("", "by hand", "not graded", rule="written by a person", at=f"ConfigMap {where}"),)
        return (Because("", "unrecorded", "not graded", rule="the provenance does not say why"),)

    def _record(self, listed: object, name: object, model: str, entry: object) -> None:
        if isinstance(listed, str) and isinstance(name, str) and isinstance(entry, Mapping):
            self._recorded.setdefault((_place(listed), name), []).append((model, entry))


def _place(listed: str) -> str:
    """Give the list of a provenance that says why a name is in a list of a policy."""
    return "globals" if listed == INSTANCES else listed


def worst(found: Sequence[Because]) -> Because:
    """Of several reasons the one whose grade needs reading most."""
    return min(found, key=lambda one: severity(one.grade))


def severity(grade: str) -> int:
    """Place of a grade among all; an unheard-of one counts as not graded."""
    return GRADES.index(grade) if grade in GRADES else GRADES.index("not graded")


def refused(provenance: Mapping[str, Any]) -> Iterator[Refused]:
    """What was asked for and refused."""
    for model, described in _classes(provenance):
        for name, entry in sorted(_object(described.get("refused")).items()):
            if isinstance(entry, Mapping):
                effect, rule, at = (_line(entry.get(key)) for key in ("effect", "rule", "at"))
                yield Refused(model, _line(name), effect, rule, at, _chain(entry.get("chain")))


def unresolved(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What the facts leave open: what, in which definition, at which line."""
    for _, described in _classes(provenance):
        for item in _objects(described.get("unresolved")):
            yield _line(item.get("what")), _line(item.get("in")), _line(item.get("at"))


def proposals(provenance: Mapping[str, Any]) -> Iterator[Proposal]:
    """What the model files ask for beyond what was inferred."""
    files = _files(provenance)
    for item in _objects(_object(provenance.get("proposals")).get("names")):
        name = item.get("name")
        if item.get("list") in (*LISTS, INSTANCES) and isinstance(name, str):
            paths = [path for path in _list(item.get("files")) if isinstance(path, str)]
            yield Proposal(
                list=str(item["list"]),
                name=_line(name),
                decision=_word(item.get("decision")) if _is_dotted(name) else "refuse",
                because=_line(item.get("because")),
                grade=_grade(item),
                effects=tuple(_line(effect) for effect in list(_object(item.get("effects")))[:EFFECTS]),
                at=_line(item.get("at")),
                files=tuple((_line(in_pod(path)), files.get(path, "")) for path in paths[:LINKS]),
                asking=_asks(item),
            )


def _asks(item: Mapping[str, Any]) -> bool:
    unknown, answered = _list(item.get("unknown")), _list(item.get("open"))
    return bool(unknown) and all(call in answered for call in unknown)


def sources(provenance: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, version and digest of each package that was read."""
    return [
        (_line(one.get("name")), _word(one.get("version")), _line(one.get("digest")))
        for one in _objects(provenance.get("sources"))
    ]


def models(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Each class that was analysed, and the line that defines it."""
    return {model: _line(described.get("at")) for model, described in _classes(provenance)}


def _because(model: str, entry: Mapping[str, Any], files: Mapping[str, str]) -> Because:
    effects = _object(entry.get("effects"))
    asked = [one for one in _objects(entry.get("files")) if isinstance(one.get("path"), str)]
    return Because(
        model=model,
        kind=_word(entry.get("kind")) or "unrecorded",
        grade=_grade(entry),
        rule=_line(entry.get("rule")),
        at=_line(entry.get("at")),
        chain=_chain(entry.get("chain")),
        effects={
            _line(effect): tuple(_line(step) for step in _list(path)[:STEPS])
            for effect, path in list(effects.items())[:EFFECTS]
        },
        unknown=tuple(_line(call) for call in _list(entry.get("unknown"))[:EFFECTS]),
        files=tuple(
            (_line(in_pod(one["path"])), _line(one.get("sha256")) or files.get(one["path"], "")) for one in asked
        ),
    )


def _grade(entry: Mapping[str, Any]) -> str:
    grade = entry.get("grade")
    return grade if isinstance(grade, str) and grade in GRADES else "not graded"


def _chain(value: object) -> tuple[Link, ...]:
    return tuple(
        Link(_line(one.get("holds")), _line(one.get("rule")), _line(one.get("at")), _line(one.get("in")))
        for one in _objects(value)[:LINKS]
    )


def _files(provenance: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each scanned file, by its path in the analysis."""
    given = _objects(_object(provenance.get("proposals")).get("files"))
    return {str(one["path"]): _line(one.get("sha256")) for one in given if isinstance(one.get("path"), str)}


def _classes(provenance: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for model, described in sorted(_object(provenance.get("classes")).items()):
        if isinstance(described, Mapping):
            yield _line(model), described


def _is_dotted(name: str) -> bool:
    return len(name) <= LINE and all(step.isprintable() and step and " " not in step for step in name.split("."))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in _list(value) if isinstance(one, Mapping)]


def _line(value: object) -> str:
    return clip(value, LINE) if isinstance(value, str) else ""


def _word(value: object) -> str:
    return clip(value, WORD) if isinstance(value, str) else ""
