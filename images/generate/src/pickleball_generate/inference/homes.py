"""Where definitions claim to come from: the module that pickle writes before a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference.scopes import callee_name

if TYPE_CHECKING:
    from pickleball_generate.inference.scopes import Scope


def home(scope: Scope) -> str:
    """The module that a definition claims to come from."""
    outer = scope
    while outer.parent is not None and outer.parent.parent is not None:
        outer = outer.parent
    for decorator in outer.decorators():
        if callee_name(decorator).rpartition(".")[2] == "set_module" and isinstance(decorator, dict):
            for argument in decorator.get("args", ()):
                if isinstance(argument, dict) and "str" in argument:
                    return str(argument["str"])
    for item in outer.facts.get("assigns", ()):
        if item["to"] == "__module__" and isinstance(item.get("v"), dict) and "str" in item["v"]:
            return str(item["v"]["str"])
    return _assigned(outer) or scope.module


def _assigned(outer: Scope) -> str | None:
    """`C.__module__ = "a.b"`, also through a loop over a display that names the class."""
    module = outer.parent
    if module is None:
        return None
    loops = {
        item["to"]: item.get("v")
        for item in module.facts.get("assigns", ())
        if item.get("op") == "for" and isinstance(item["to"], str)
    }
    for item in module.facts.get("assigns", ()):
        if not isinstance(item["to"], str) or not item["to"].endswith(".__module__"):
            continue
        value, owner = item.get("v"), item["to"].removesuffix(".__module__")
        text = value.get("str") if isinstance(value, dict) else module.module if value == "__name__" else None
        looped = loops.get(owner)
        display = (looped.get("tuple") or looped.get("list") or ()) if isinstance(looped, dict) else ()
        if text and (owner == outer.name or outer.name in display):
            return str(text)
    return None
