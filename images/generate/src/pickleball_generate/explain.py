"""`--explain`: why a name is in a policy, or why it is not, from its provenance and the sources."""

from __future__ import annotations

import difflib
from typing import Any

WIDTH = 118
STEPS = 6  # of a path, of a list of unresolved places
LINKS = 8  # of a chain: the first and the last of them
MAY = {
    "globals": "may be kept and instantiated",
    "reduces": "may be called",
    "instances": "may be instantiated, not kept",
}


def explain(provenance: dict[str, Any], name: str, judged: dict[str, Any] | None = None) -> dict[str, Any]:
    """Collect what is known of one name; `judged` says what its code can do when no policy has it."""
    found, known, unresolved = [], set[str](), []
    last = name.rpartition(".")[2]
    for model, described in provenance["classes"].items():
        for listed in ("globals", "reduces", "refused"):
            known |= set(described[listed])
            if name in described[listed]:
                entry = described[listed][name]
                found.append({"class": model, "in": entry.get("use", listed), **entry})
        unresolved += [item for item in described["unresolved"] if last and last in f"{item['what']} {item['in']}"]
    sources = [f"{source['name']} {source.get('version') or 'unknown'}" for source in provenance["sources"]]
    explanation: dict[str, Any] = {
        "name": name,
        "policy": provenance["policy"],
        "sources": sources,
        "unread": provenance["unread"],
        "found": found,
    }
    if not found:
        explanation |= {"near": difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5), "judged": judged}
        explanation["unresolved"] = unresolved
    return explanation


def text(explanation: dict[str, Any]) -> str:
    """Write an explanation for a screen."""
    shown = ", ".join(explanation["sources"])
    lines = [explanation["name"], f"  policy {explanation['policy'][:12]} from {shown}"[:WIDTH]]
    if explanation["unread"]:
        lines.append(f"  not read: {len(explanation['unread'])}, first {explanation['unread'][0]}"[:WIDTH])
    for entry in explanation["found"]:
        lines += _found(entry)
    return "\n".join(lines if explanation["found"] else [*lines, *_missing(explanation)])


def _found(entry: dict[str, Any]) -> list[str]:
    model = entry["class"]
    if entry["in"] == "refused":
        head = f"  is refused for {model}: it is a callable with an effect ({entry['effect']})"
    else:
        head = f"  in {entry['in']} of {model} ({MAY[entry['in']]}): {entry['kind']}, grade {entry['grade']}"
    lines = [head]
    links = entry["chain"]
    half = LINKS // 2
    for at, link in enumerate(links):
        if len(links) > LINKS and half <= at < len(links) - half:
            if at == half:
                lines.append(f"    ... {len(links) - LINKS} links more; --json has them all")
            continue
        lines.append(f"    {link['holds']}")
        lines.append(f"      {link['rule']}, {link['at']}" + (f", in {link['in']}" if "in" in link else ""))
    lines.append(f"    asks for it: {entry['rule']}" + (f", {entry['at']}" if entry["at"] else ""))
    lines += [f"    in {file['path']} ({file['sha256'][:12]})" for file in entry.get("files", ())]
    return lines + _effects(entry)


def _effects(entry: dict[str, Any]) -> list[str]:
    lines = []
    for effect, path in entry.get("effects", {}).items():
        lines += [f"    can reach {effect}", *(f"      {step}" for step in path[:STEPS])]
    if entry.get("unknown"):
        lines.append(f"    calls that could not be followed: {', '.join(entry['unknown'])}"[:WIDTH])
    return lines


def _missing(explanation: dict[str, Any]) -> list[str]:
    near = f" Near it: {', '.join(explanation['near'])}." if explanation["near"] else ""
    lines = [f"  is not in the policy: no fact asks for it.{near}"]
    judged = explanation["judged"]
    if judged:
        place = f"{judged['at']}, " if judged.get("at") else ""
        lines.append(f"  its code: {place}grade {judged['grade']}; {judged['because']}")
        lines += _effects(judged)
        if judged["decision"] != "refuse":
            lines.append("  A model that holds it needs its class with --model-class, or its file with --for-model.")
    if explanation["unresolved"]:
        lines.append("  What could not be resolved and speaks of it:")
        lines += [f"    {item['at']}: {item['what']} in {item['in']}" for item in explanation["unresolved"][:STEPS]]
    return lines
