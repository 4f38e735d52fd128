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

STATEMENTS = ("assigns", "returns", "calls", "reach")
PARTS = frozenset({"__globals__", "__dict__"})


def taken(types: Types) -> Iterator[tuple[str, int]]:
    """Give the effect of each namespace of a module that a body takes, with the line."""
    function = types.site.function
    for kind in STATEMENTS:
        for item in function.facts.get(kind, ()):
            for owner, part in _named(item):
                if part == "__globals__" or any(map(_is_module, types.types(owner))):
                    yield f"{sinks.effect('builtins.globals')}: {part}", item.get("line", function.line)


def _is_module(value: Value) -> bool:
    return value[0] == "mod" or (value[0] == "ext" and str(value[1]).startswith("sys.modules"))


def _named(value: object) -> Iterator[tuple[object, str]]:
    """Give what stands before each `.__globals__` or `.__dict__` of an expression, and what `vars` is given."""
    if isinstance(value, str):
        names = value.split(".")
        yield from ((".".join(names[:at]), names[at]) for at in range(1, len(names)) if names[at] in PARTS)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)
    elif isinstance(value, dict):
        if value.get("attr") in PARTS:
            yield value["of"], value["attr"]
        if "vars" in (value.get("call"), value.get("f")) and len(value.get("args", ())) == 1:
            yield value["args"][0], "vars"
        for key, each in value.items():
            if key not in {"str", "lit"}:
                yield from _named([*each.values()] if key == "kw" else each)  # its keys are names of the source
