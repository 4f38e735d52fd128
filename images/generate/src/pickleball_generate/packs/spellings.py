"""Other names of what a pack describes: re-exports, and the names that older versions wrote."""

from __future__ import annotations

import importlib
import itertools
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any

from pickleball_generate.packs.observation import Needs, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pickleball_generate.packs.recipes import Recipe


def aliases(recipe: Recipe, described: dict[str, Any]) -> dict[str, str]:
    """Other names under which the packages offer what the pack describes, and functions with another home."""
    found = {}
    for package in recipe.packages:
        module = sys.modules[package]
        for name in sorted(vars(module)):
            value: Any = getattr(module, name, None)
            if package == "typing" and isinstance(getattr(value, "__origin__", None), type):
                value = value.__origin__
            if isinstance(value, type):
                target = name_of(value)
                if target in described and target != f"{package}.{name}":
                    found[f"{package}.{name}"] = target
            elif callable(value) and not name.startswith("_") and package.partition(".")[0] in recipe.opaque:
                home = referenced(value)
                if home and home != f"{package}.{name}":
                    found[f"{package}.{name}"] = home
    return dict(sorted(found.items()))


def constants(recipe: Recipe) -> list[str]:
    """Names of the packages that are plain values: neither called nor imported from."""
    found = []
    for package in recipe.packages:
        for name, value in vars(sys.modules[package]).items():
            if not callable(value) and not isinstance(value, types.ModuleType) and not name.startswith("_"):
                found.append(f"{package}.{name}")
    return sorted(found)


def referenced(value: object) -> str | None:
    """The name under which a function is pickled by reference."""
    needs = Needs()
    if needs.observe(value) and len(needs.globals) == 1 and not needs.reduces:
        return next(iter(needs.globals))
    return None


def spellings(names: Iterable[str]) -> dict[str, list[str]]:
    """Give for names of packages those under which the same objects can be had, and once were pickled.

    Libraries move modules and leave the old ones behind: the same path without leading underscores, and the module in
    which a class or function with another `__module__` is really defined.
    """
    found = {}
    for name in sorted(set(names)):
        if name.partition(".")[0] in sys.stdlib_module_names:
            continue
        value = lookup(name)
        others = {other for other in (*without_underscores(name), *defining(value)) if other != name}
        same = sorted(other for other in others if value is not None and lookup(other) is value)
        if same:
            found[name] = same
    return found


def lookup(name: str) -> Any:
    """Import what a dotted name stands for; None where nothing does."""
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value: Any = importlib.import_module(".".join(parts[:size]))
                for part in parts[size:]:
                    value = getattr(value, part)
        except (ImportError, AttributeError):
            continue
        return value
    return None


def without_underscores(name: str) -> Iterator[str]:
    """Vary the modules of a name: each part with and without its leading underscores."""
    *modules, last = name.split(".")
    for path in itertools.product(*({part, part.lstrip("_")} for part in modules)):
        yield ".".join([*path, last])


def defining(value: object) -> Iterator[str]:
    """Name a class or function by the module whose code defines it."""
    members = (
        [value]
        if isinstance(value, types.FunctionType)
        else list(vars(value).values())
        if isinstance(value, type)
        else []
    )
    for member in members:
        code = getattr(member, "__wrapped__", member)
        if isinstance(code, types.FunctionType) and code.__qualname__.startswith(value.__qualname__):  # type: ignore[attr-defined]
            yield f"{code.__globals__['__name__']}.{value.__qualname__}"  # type: ignore[attr-defined]
