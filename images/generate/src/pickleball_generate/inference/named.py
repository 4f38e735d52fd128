"""Names that are computed: `getattr(module, name)`, `globals()[name]`. They stand for some class of the module.

A value ("pick", module, begin, end) is what such an expression gives, as far as its name is known: how it begins and
ends. ("picked", ...) is an instance of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope


def pick(module: str, name: object) -> Value:
    """Make the value of an attribute of a module under a name that an expression computes."""
    return ("pick", module, *ends(name))


def ends(name: object) -> tuple[str, str]:
    """Tell how a computed text begins and ends, as far as its expression says so."""
    if not isinstance(name, dict):
        return "", ""
    if "str" in name:
        return str(name["str"]), str(name["str"])
    if name.get("bin") == "Add" and len(name["of"]) == 2:
        left, right = name["of"]
        return ends(left)[0], ends(right)[1]
    return "", ""


def classes(program: Program, value: Value, most: int) -> list[Scope] | None:
    """List the public classes that a picked value can be of; None when the module has more names than `most`."""
    _, module, begin, end = value
    names = {
        name
        for name in _names(program, module, set())
        if name.startswith(begin) and name.endswith(end) and not name.startswith("_")
    }
    if len(names) > most:
        return None
    found = {v[1]: None for name in sorted(names) for v in program.attribute(module, name) if v[0] == "cls"}
    return sorted(found, key=lambda cls: cls.identity)


def _names(program: Program, module: str, seen: set[str]) -> Iterator[str]:
    """The names that a module binds, those of its star imports too."""
    scope = program.scope(module) if module not in seen else None
    seen.add(module)
    if scope is None:
        return
    yield from scope.bound
    for star in scope.stars:
        origin = program.absolute(star["from"], module)
        if origin:
            yield from _names(program, origin, seen)
