"""The import closure of a module inside its own package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.facts.environment import Environment


def imported(scope: dict[str, Any], module: str, *, package: bool) -> Iterator[str]:
    """Name every module that a scope imports, those of its functions and classes included.

    `from a import b` gives `a.b` and `a`: which of them is a module, the reader of the facts knows.
    """
    for found in scope.get("imports", ()):
        if "import" in found:
            yield found["import"]
        else:
            origin = absolute(found["from"], module, package=package)
            if origin:
                yield f"{origin}.{found['name']}"
                yield origin
    for inner in (*scope.get("classes", ()), *scope.get("functions", ())):
        yield from imported(inner, module, package=package)


def absolute(origin: str, module: str, *, package: bool) -> str:
    """Resolve the dots of a relative import; empty where they lead above the top."""
    name = origin.lstrip(".")
    level = len(origin) - len(name)
    if level == 0:
        return name
    parts = module.split(".")
    parts = parts[: len(parts) - (level - 1 if package else level)]
    return ".".join([*parts, name] if name else parts)


def closure(environment: Environment, module: str) -> list[str]:
    """List the modules of the same top-level package that importing `module` reaches, sorted.

    The imports of packages' own `__init__` are not followed, but for the module's own: they pull in everything.
    """
    top = module.partition(".")[0]
    found: set[str] = set()
    wave = {module}
    while wave:
        environment.prepare(sorted(wave))
        found |= wave
        reached = {
            name
            for reader in wave
            if reader == module or not environment.is_package(reader)
            for name in imported(environment.module(reader) or {}, reader, package=environment.is_package(reader))
        }
        wave = {name for name in reached - found if name.partition(".")[0] == top and environment.has_module(name)}
    return sorted(found)
