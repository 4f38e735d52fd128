"""Objects inside objects of machine code: extension types that hold others of their package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.facts.closure import absolute

if TYPE_CHECKING:
    from pickleball_generate.facts import Environment
    from pickleball_generate.facts.extensions import Extension
    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.packs import Packs

MOST_NAMED = 4  # classes that machine code names


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


def inherited_callees(environment: Environment, extension: Extension, name: str) -> tuple[str, ...]:
    """Name what unpickling calls where a class of another extension module, a base of this one, says it."""
    seen: set[str] = set()
    waiting = [(extension, name)]
    while waiting:
        current, cls = waiting.pop(0)
        found = current.cython.find(cls)
        for base in found.bases if found is not None else ():
            where, _, what = current.cython.imported.get(base, "").partition(":")
            other = environment.extension(absolute(where, current.module, package=False)) if what else current
            at = what or base
            if other is None or f"{other.module}.{at}" in seen:
                continue
            seen.add(f"{other.module}.{at}")
            if callees := other.callees(at):
                own = other.canonical(at)
                return tuple(extension.canonical(name) if callee == own else callee for callee in callees)
            waiting.append((other, at))
    return ()


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


def below(extension: Extension, name: str) -> list[str]:
    """Name a class of an extension module and those that descend from it there."""
    return [name, *sorted(cls for cls in classes(extension) if descends(extension, cls, name))]


def source_bases(program: Program, extension: Extension, name: str) -> list[Value]:
    """Find the classes with source of other modules that a class of a Cython source descends from."""
    found: list[Value] = []
    for cls in (each for each in map(extension.cython.find, above(extension, name)) if each is not None):
        for base in cls.bases:
            where, _, what = extension.cython.imported.get(base, "").partition(":")
            if what:
                module = absolute(where, extension.module, package=False)
                found += [value for value in program.attribute(module, what) if value[0] == "cls"]
    return found


def above(extension: Extension, name: str) -> list[str]:
    """Name a class of a source and those of it that it descends from."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        current = extension.cython.find(waiting.pop())
        if current is not None and current.name not in found:
            found[current.name] = None
            waiting += current.bases
    return list(found)


def data_packages(packs: Packs, extension: Extension) -> list[str]:
    """Name the packages with a pack that a Cython source imports; without a source, those that its strings name."""
    if extension.source is None:
        return sorted(package for package in packs.computing() if extension.mentions(package))
    origins = {origin.partition(":")[0] for origin in extension.cython.imported.values()}
    found = {packs.package_of(module) for module in (*extension.cython.modules, *origins) if module[:1] != "."}
    return sorted(package for package in found if package)


def named_bases(program: Program, extension: Extension, name: str) -> list[Value]:
    """Find the classes with source of the same package whose names, with their modules', stand in machine code.

    A class without a Cython source may descend from them; where there are many, nobody knows from which.
    """
    package = program.environment.package_of(extension.module)
    if extension.source is not None or package is None or not extension.words:
        return []
    found: list[Value] = []
    for module in sorted(package.modules):
        if "." in module and module != extension.module and program.has_source(module) and extension.mentions(module):
            scope = program.scope(module)
            beside = [cls for cls in (scope.classes if scope is not None else ()) if cls.name != name]
            found += [("cls", cls) for cls in beside if extension.mentions(cls.name)]
    return found if len(found) <= MOST_NAMED else []
