"""Namespaces that a body takes as dicts: `function.__globals__`, and of a module `vars(module)`, `module.__dict__`.

Under a computed key they give any variable of the module, as `globals()` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference import sinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.bodytypes import Types
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

STATEMENTS = ("assigns", "returns", "calls", "reach")
PARTS = frozenset({"__globals__", "__dict__"})


class Namespaces:
    """Finds them; what a body spells is read once, whichever object it belongs to."""

    def __init__(self) -> None:
        self._spelled: dict[Scope, list[tuple[object, str, int]]] = {}

    def taken(self, types: Types) -> Iterator[tuple[str, int]]:
        """Give the effect of each namespace of a module that a body takes, with the line."""
        function = types.site.function
        if function not in self._spelled:
            self._spelled[function] = [*_spelled(function)]
        for owner, part, line in self._spelled[function]:
            if part == "__globals__" or any(map(_is_module, types.types(owner))):
                yield f"{sinks.effect('builtins.globals')}: {part}", line


def _spelled(function: Scope) -> Iterator[tuple[object, str, int]]:
    for kind in STATEMENTS:
        for item in function.facts.get(kind, ()):
            yield from ((owner, part, item.get("line", function.line)) for owner, part in _named(item))


def _is_module(value: Value) -> bool:
    return value[0] == "mod" or (value[0] == "ext" and str(value[1]).startswith("sys.modules"))


def _named(expression: object) -> Iterator[tuple[object, str]]:
    """Give what stands before each `.__globals__` or `.__dict__` of an expression, and what `vars` is given."""
    waiting = [expression]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "__" in value:
                names = value.split(".")
                yield from ((".".join(names[:at]), names[at]) for at in range(1, len(names)) if names[at] in PARTS)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if value.get("attr") in PARTS:
                yield value["of"], value["attr"]
            if "vars" in (value.get("call"), value.get("f")) and len(value.get("args", ())) == 1:
                yield value["args"][0], "vars"
            waiting += (each for key, each in value.items() if key not in {"str", "lit", "kw"})
            waiting += value.get("kw", {}).values()  # its keys are names of the source
