"""`--explain`: why a name is in a policy, or why it is not, from its provenance."""

from __future__ import annotations

import difflib
from typing import Any

WIDTH = 118
SHOWN = 4


def text(provenance: dict[str, Any], name: str) -> str:
    """Explain one name, on a screen."""
    lines: list[str] = []
    known: set[str] = set()
    for model, described in provenance["classes"].items():
        for listed in ("globals", "reduces", "refused"):
            known |= set(described[listed])
            if name in described[listed]:
                lines += _found(model, listed, described[listed][name])
    if lines:
        return "\n".join([name, *lines])
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    hint = f" Near it: {', '.join(near)}." if near else ""
    last = name.rpartition(".")[2]
    unresolved = [
        f"  {item['at']}: {item['what']} in {item['in']}"
        for described in provenance["classes"].values()
        for item in described["unresolved"]
        if last and last in f"{item['what']} {item['in']}"
    ]
    answer = [f"{name}", f"  is not in the policy: no fact asks for it.{hint}"]
    if unresolved:
        answer += ["  What could not be resolved and speaks of it:", *unresolved[:SHOWN]]
    return "\n".join(answer)


def _found(model: str, listed: str, entry: dict[str, Any]) -> list[str]:
    if listed == "refused":
        head = f"  is refused for {model}: it is a callable with an effect ({entry['effect']})"
    else:
        may = "may be called" if listed == "reduces" else "may be referenced and instantiated"
        head = f"  in {listed} of {model} ({may}): {entry['kind']}, grade {entry['grade']}"
    lines = [head]
    for link in entry["chain"]:
        lines.append(f"    {link['holds']}")
        lines.append(f"      {link['rule']}, {link['at']}" + (f", in {link['in']}" if "in" in link else ""))
    lines.append(f"    asks for it: {entry['rule']}" + (f", {entry['at']}" if entry["at"] else ""))
    for effect, path in entry.get("effects", {}).items():
        lines.append(f"    can reach {effect}")
        lines += [f"      {step}" for step in path[:SHOWN]]
    if entry.get("unknown"):
        lines.append(f"    calls that could not be followed: {', '.join(entry['unknown'])}"[:WIDTH])
    return lines
