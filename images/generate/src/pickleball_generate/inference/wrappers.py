"""What runs in the place of a decorated method: a function that its decorator defines and returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.attributes import takes_class
from pickleball_generate.inference.scopes import root_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope


@dataclass(frozen=True)
class Wrapper:
    """A function that takes the place of a method, its decorator, and the class that the decorator is a method of."""

    function: Scope
    decorator: Scope
    cls: Scope | None


def wrappers(program: Program, method: Scope) -> Iterator[Wrapper]:
    """Find the functions that the decorators of a method return and that change the object or hand it on."""
    for decorator in method.decorators():
        named = decorator["call"] if isinstance(decorator, dict) and "call" in decorator else decorator
        for value in program.resolve(named, method.parent or method):
            if value[0] != "fun":
                continue
            function: Scope = value[1]
            owner = function.parent if function.parent is not None and function.parent.kind == "class" else None
            cls = owner if owner is not None and takes_class(function) else None
            yield from (Wrapper(inner, function, cls) for inner in function.inside if _changes(inner))


def _changes(function: Scope) -> bool:
    """Tell whether a function stores into its first argument, or gives it to something that the module names."""
    params = function.facts.get("params", ())
    if not params or params[0].get("k") or function.parent is None or function.parent.kind != "function":
        return False
    first = params[0]["n"]
    if any(root_name(item["to"]) == first != item["to"] for item in function.facts.get("assigns", ())):
        return True
    around = {name for scope in _functions_around(function) for name in _parameters(scope)}
    calls = [*function.facts.get("calls", ()), *function.facts.get("returns", ())]
    return any(_hands_on(item.get("c", item.get("v")), first, around) for item in calls)


def _functions_around(function: Scope) -> Iterator[Scope]:
    scope = function.parent
    while scope is not None and scope.kind == "function":
        yield scope
        scope = scope.parent


def _parameters(scope: Scope) -> list[str]:
    return [item["n"] for item in scope.facts.get("params", ())]


def _hands_on(call: object, first: str, around: set[str]) -> bool:
    """Tell whether a call has a name among its arguments and calls more than what the decorator was given."""
    if not isinstance(call, dict) or "call" not in call:
        return False
    arguments: list[Any] = [*call.get("args", ()), *call.get("kw", {}).values()]
    return first in arguments and (root_name(call["call"]) != call["call"] or call["call"] not in around)
