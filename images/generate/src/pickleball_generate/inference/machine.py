"""Objects inside objects of machine code: extension types that hold others of their package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.facts.closure import absolute

if TYPE_CHECKING:
    from pickleball_generate.facts import Environment
    from pickleball_generate.facts.extensions import Extension


def extension_parts(environment: Environment, extension: Extension, name: str) -> set[str]:
    """Name the extension types that an instance of a type can hold: those that its source imports, and those below.

    Only of types that pickle by a call of their own, since others have no state that they made.
    """
    found: set[str] = set()
    if extension.source is None or not extension.callees(name):
        return found
    for origin in extension.cython.imported.values():
        where, _, what = origin.partition(":")
        module = absolute(where, extension.module, package=False)
        other = environment.extension(module)
        if other is not None and other.module != extension.module and other.cython.find(what):
            found |= {f"{module}.{cls}" for cls in classes(other) if cls == what or descends(other, cls, what)}
    return found


def classes(extension: Extension) -> set[str]:
    """Name the classes of an extension module: those whose methods its string table names, that its source defines."""
    depth = extension.module.count(".") + 1
    named = {parts[depth] for name in extension.names if len(parts := name.split(".")) > depth}
    return {name for name in named if extension.cython.find(name)}


def descends(extension: Extension, name: str, base: str) -> bool:
    """Tell whether a class of a source descends from another one of it."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = extension.cython.find(waiting.pop())
        if current is None or current.name in seen:
            continue
        seen.add(current.name)
        waiting += current.bases
    return base in seen and name != base
