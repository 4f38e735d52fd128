"""What changed between two policies, with grades: `--diff OLD` and `pickleball-generate diff OLD NEW`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_enforce.errors import PolicyError
from pickleball_enforce.policy import INSTANCES, Policy
from pickleball_generate.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SHOWN = 30  # lines of each kind; the rest is counted
ELSEWHERE = {"added": "before", "removed": "after"}
SAID = {"before": " (before only instances of it)", "after": " (instances of it stay allowed)"}
FIRST = ("effects", "unknown", "no source", "resolved", "trivial", "")


@dataclass(frozen=True)
class Side:
    """One policy, with its provenance as far as there is one."""

    where: str
    policy: Policy
    provenance: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Side:
        """Read a policy, and the provenance beside it when it is that of this policy."""
        try:
            policy = Policy.load(path)
        except PolicyError as error:
            raise BadInput(f"{error}.", reason="bad-policy") from error
        beside = path.with_name("provenance.json")
        try:
            provenance = json.loads(beside.read_text(encoding="utf-8"))
        except FileNotFoundError:
            provenance = {}
        except ValueError as error:
            raise BadInput(f"{beside} is no JSON: {error}. Remove it or make it anew.", reason="bad-policy") from error
        return cls(str(path), policy, provenance if provenance.get("policy") == policy.digest else {})

    def entry(self, listed: str, name: str) -> dict[str, Any]:
        """Describe an entry: its grade, kind and place where the provenance has them."""
        where = "globals" if listed == INSTANCES else listed
        for described in self.provenance.get("classes", {}).values():
            if name in described[where]:
                known = described[where][name]
                return {key: known[key] for key in ("grade", "kind", "rule", "at", "effects") if known.get(key)}
        return {}

    def header(self) -> dict[str, Any]:
        """Say which policy this is, what it was made from, and what was not read."""
        return {
            "path": self.where,
            "sha256": self.policy.digest,
            "tools": self.provenance.get("tools", {}),
            "sources": {source["name"]: source for source in self.provenance.get("sources", ())},
            "packs": self.provenance.get("packs", []),
            "unread": self.provenance.get("unread", []),
        }


def compare(old: Side, new: Side) -> dict[str, Any]:
    """List what one policy has and the other has not, each entry as the provenance describes it."""
    changes: dict[str, Any] = {"old": old.header(), "new": new.header(), "added": {}, "removed": {}}
    for what, side, other in (("added", new, old), ("removed", old, new)):
        before = {**other.policy.lists(), INSTANCES: other.policy.allowed(INSTANCES)}
        for listed, names in side.policy.lists().items():
            fewer = names - before[listed]
            mark = {name: {ELSEWHERE[what]: INSTANCES} for name in fewer & other.policy.instances}
            changes[what][listed] = {name: side.entry(listed, name) | mark.get(name, {}) for name in sorted(fewer)}
    return changes


def text(changes: dict[str, Any]) -> str:
    """Show the changes on a screen: what has an effect first, then by module."""
    old, new = changes["old"], changes["new"]
    lines = [f"{old['path']} ({old['sha256'][:12]}) -> {new['path']} ({new['sha256'][:12]})", *_versions(old, new)]
    for what in ("added", "removed"):
        for listed in reversed(changes[what]):
            entries = changes[what][listed]
            if entries:
                lines.append(f"{what} {'to' if what == 'added' else 'from'} {listed}: {len(entries)}")
                lines += [f"  {line}" for line in grouped(entries)]
    if not any(entries for what in ("added", "removed") for entries in changes[what].values()):
        lines.append("the same entries")
    if new["unread"]:
        lines.append(f"not read in {new['path']}: {len(new['unread'])}, first {new['unread'][0]}")
    return "\n".join(lines)


def grouped(entries: dict[str, dict[str, Any]]) -> list[str]:
    """Write entries by grade and module, those with effects one a line with what they reach."""
    lines = []
    for grade in FIRST:
        chosen = [name for name, entry in entries.items() if entry.get("grade", "") == grade]
        for said in ("", *SAID):
            names = [name for name in chosen if said in entries[name] or (not said and not SAID.keys() & entries[name])]
            mark = SAID.get(said, "") + (f" [{grade}]" if grade else "")
            lines += [f"{module}: {', '.join(short)}{mark}" for module, short in by_module(names)]
        if grade == "effects":
            lines += [f"  {name} can reach {', '.join(entries[name].get('effects', {}))}" for name in chosen]
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"and {rest} lines more; --json has them all"]


def by_module(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Group dotted names by their module, both sorted."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        module, _, last = name.rpartition(".")
        found.setdefault(module, []).append(last)
    return sorted(found.items())


def _versions(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Name the packages whose sources differ, with their versions, and the tools when they do."""
    lines = []
    if not old["sources"] or not new["sources"]:
        return ["  no provenance belongs to one of them: their sources are not compared"]
    for name in sorted(old["sources"].keys() & new["sources"].keys()):
        before, after = old["sources"][name], new["sources"][name]
        if before != after:
            lines.append(f"  {name}: {_version(before)} -> {_version(after)}")
    for what, names in (
        ("only the old one read", old["sources"].keys() - new["sources"].keys()),
        ("only the new one read", new["sources"].keys() - old["sources"].keys()),
    ):
        if names:
            lines.append(f"  {what}: {', '.join(sorted(names))}")
    for tool in sorted({*old["tools"], *new["tools"]}):
        made, makes = (str(side["tools"].get(tool, "none"))[:12] for side in (old, new))
        if made != makes:
            lines.append(f"  {tool}: {made} -> {makes}")
    return lines


def _version(source: dict[str, Any]) -> str:
    return f"{source.get('version') or 'unknown'} ({source.get('digest', '')[:12]})"
