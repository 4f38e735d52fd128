"""Callees that Joern's type recovery finds, compared with our own resolution of the same calls."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_generate.inference.program import Program
from pickleball_generate.inference.scopes import callee_name
from pickleball_generate.recovery import recover_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.scopes import Scope

SITE = Path(sysconfig.get_paths()["purelib"])
JOERN = re.compile(r"(?P<module>[\w/]+?)(?:/__init__)?\.py:<module>\.(?P<name>[\w.]+?)(?:\.__init__)?\Z")


def scopes(scope: Scope) -> Iterator[Scope]:
    """Walk over a body and those inside it."""
    yield scope
    for inner in (*scope.classes, *scope.functions):
        yield from scopes(inner)


def calls(expression: object) -> Iterator[dict[str, Any]]:
    """Find the calls in an expression."""
    if isinstance(expression, dict):
        if "call" in expression:
            yield expression
        for inner in expression.values():
            yield from calls(inner)
    elif isinstance(expression, list):
        for inner in expression:
            yield from calls(inner)


def joerns(call: dict[str, Any], program: Program, module: str) -> set[str]:
    """Give the canonical names of the definitions that Joern takes a call to reach."""
    found = set()
    for text in call.get("to", ()):
        match = JOERN.match(text) if isinstance(text, str) else None
        if match is None:
            continue
        home, name = match["module"].replace("/", "."), match["name"]
        for value in program.resolve(name, program.scope(home) or program.scope(module)):
            if value[0] in {"cls", "fun"}:
                found.add(program.canonical(value[1]))
    return found


@pytest.mark.parametrize("module", ["lightgbm.sklearn"])
def test_joerns_callees_are_ours_where_both_have_one(module: str, environment_of: Callable[..., Environment]) -> None:
    """Where a name is called that both resolve to definitions with source, they differ in fewer than one of fifty."""
    environment = environment_of(SITE)
    assert recover_types(environment, module), environment.notes
    program = Program(environment)
    agreed, differing = 0, []
    for name in [m for m in environment.library.package("lightgbm").modules if environment.module(m)]:  # type: ignore[union-attr]
        body = program.scope(name)
        assert body is not None
        for scope in scopes(body):
            for item in (
                *scope.facts.get("assigns", ()),
                *scope.facts.get("returns", ()),
                *scope.facts.get("calls", ()),
            ):
                for call in calls(item.get("v", item.get("c"))):
                    theirs = joerns(call, program, name)
                    resolved = program.resolve(callee_name(call), scope)
                    ours = {program.canonical(value[1]) for value in resolved if value[0] in {"cls", "fun"}}
                    if theirs and ours:
                        agreed += bool(theirs & ours)
                        differing += [] if theirs & ours else [(scope.file, item["line"], theirs, ours)]
    assert agreed > 200
    assert len(differing) * 50 < agreed, differing[:5]
    assert environment.typed
