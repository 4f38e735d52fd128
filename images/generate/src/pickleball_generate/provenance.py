"""provenance.json: why each entry is in a policy, what was refused and what could not be resolved.

docs/reference/policy.md describes the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_generate import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pickleball_enforce.policy import Policy
    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.effects import Grader
    from pickleball_generate.inference.names import Located
    from pickleball_generate.inference.pickling import Because, Pickling
    from pickleball_generate.inference.program import Value

SCHEMA = 1
LONGEST_CHAIN = 24


@dataclass(frozen=True)
class Told:
    """What is written of one class, apart from the fixpoint that it was read off."""

    name: str
    entries: dict[str, Any]
    modules: frozenset[str]
    packs: tuple[dict[str, str], ...]


def tell(found: Located, solver: Pickling, grader: Grader) -> Told:
    """Write down how the policy of a class came about."""
    return Told(
        found.name, _class(found, solver, grader), frozenset(solver.program.loaded), tuple(solver.packs.describe())
    )


def describe(told: Sequence[Told], environment: Environment, policy: Policy) -> dict[str, Any]:
    """Put what is told of the classes together."""
    packs = {(pack["name"], pack["version"]): pack for each in told for pack in each.packs}
    read = {module for each in told for module in each.modules}
    tops = {module.partition(".")[0] for module in read}
    return {
        "schema": SCHEMA,
        "policy": policy.digest,
        "tools": {"pickleball-generate": __version__, "extractor": environment.joern.version},
        "options": {"types": environment.typed},
        "sources": [_package(environment, name) for name in sorted(tops & environment.used)],
        "searched": sorted(environment.used - tops),
        "packs": [packs[key] for key in sorted(packs)],
        "classes": {each.name: each.entries for each in told},
        "unread": _unread(environment, read),
    }


def _package(environment: Environment, name: str) -> dict[str, Any]:
    package = environment.library.package(name)
    return (
        {"name": name, "version": package.version, "digest": environment.digest(package)} if package else {"name": name}
    )


def _class(found: Located, solver: Pickling, grader: Grader) -> dict[str, Any]:
    instances = {name: {"use": "instances"} for name in solver.instances}
    return {
        "at": found.at,
        "globals": {
            name: _entry(name, why, solver, grader, called=False) | instances.get(name, {})
            for name, why in sorted(solver.globals.items())
        },
        "reduces": {
            name: _entry(name, why, solver, grader, called=True) for name, why in sorted(solver.reduces.items())
        },
        "refused": {
            name: {
                "effect": effect,
                "list": listed,
                "rule": why.rule,
                "at": _place(why.file, why.line),
                "chain": chain(why.value, solver),
            }
            for name, (effect, listed, why) in sorted(solver.refused.items())
        },
        "unresolved": [
            {"what": what, "in": where, "at": _place(file, line)}
            for (what, file, line), where in sorted(solver.unresolved.items())
        ],
    }


def _entry(name: str, why: Because, solver: Pickling, grader: Grader, *, called: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "kind": why.kind,
        "rule": why.rule,
        "at": _place(why.file, why.line),
        "chain": chain(why.value, solver),
    }
    scope = solver.scopes.get(name)
    entry |= grader.grade(scope, called=called).to_dict() if scope is not None else {"grade": "no source"}
    return entry


def chain(value: Value, solver: Pickling) -> list[dict[str, str]]:
    """Follow from a value to the model: who holds it, by which statement."""
    links: list[dict[str, str]] = []
    seen: set[Value] = set()
    current: Value | None = value
    while current is not None and current not in seen and current in solver.held and len(links) < LONGEST_CHAIN:
        seen.add(current)
        holder, reason = solver.held[current]
        link = {"holds": spoken(current), "rule": reason.rule, "at": _place(reason.file, reason.line)}
        if reason.what:
            link["in"] = reason.what
        links.append(link)
        current = holder
    return links[::-1]


def spoken(value: Value) -> str:
    """Say what a value of the analysis is."""
    kind = value[0]
    if kind == "obj":
        return f"an instance of {value[1].dotted}"
    if kind in {"cls", "fun", "meth"}:
        return f"{({'cls': 'the class', 'fun': 'the function', 'meth': 'the method'})[kind]} {value[1].dotted}"
    if kind == "inst":
        return f"an instance of {value[1]}"
    if kind == "bound":
        return f"the method {value[2]} of an instance of {value[1]}"
    if kind == "box":
        return f"a {value[2]}"
    if kind == "vars":
        return f"the attributes of {spoken(value[1])}"
    if kind == "data":
        return f"data of {value[1]}"
    if kind == "part":
        return f"what a caller gives to {value[1].dotted} as {value[2]}"
    if kind in {"pick", "picked"}:
        return f"{'a class' if kind == 'pick' else 'an instance of a class'} of {value[1]} under a computed name"
    return "something unknown" if kind == "unk" else str(value[1])


def _place(file: str, line: int) -> str:
    return f"{file}:{line}" if line else file


def _unread(environment: Environment, read: set[str]) -> list[str]:
    """What the analysis asked for and did not get in full."""
    return [*environment.library.unread, *environment.unread(read)]
