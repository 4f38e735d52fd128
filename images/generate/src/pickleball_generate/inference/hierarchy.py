"""Subclasses over packages: headers say where to look, facts say what is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.distributions import dependents
from pickleball_generate.inference.program import tooling
from pickleball_generate.sources import module_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope


class Hierarchy:
    """Finds the classes below others, in all packages that no pack describes in place of their source."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._headers: dict[str, dict[str, list[tuple[str, str]]]] = {}

    def below(self, bases: Iterable[Scope], most: int, package: str | None = None) -> list[Scope] | None:
        """List the classes that descend from one of some classes; in one package, or in all. Sorted by name.

        None where headers alone show more than `most` classes that may: their modules are not read.
        """
        wanted = set(bases)
        packages = [package] if package else self.packages({base.module.partition(".")[0] for base in wanted})
        found: dict[tuple[str, str], None] = {}
        waiting = sorted({base.name for base in wanted})
        seen = set(waiting)
        while waiting:
            last = waiting.pop()
            for top in packages:
                for module, qualname in self.headers(top).get(last, ()) if self._may_derive(top, last) else ():
                    found[module, qualname] = None
                    name = qualname.rpartition(".")[2]
                    if name not in seen:
                        seen.add(name)
                        waiting.append(name)
            if len(found) > most:
                return None
        self.program.environment.prepare(sorted({module for module, _ in found}))
        scopes = (scope for module, qualname in sorted(found) for scope in self._scopes(module, qualname))
        return [cls for cls in scopes if any(v[0] == "cls" and v[1] in wanted for v in self.program.mro(cls)[1:])]

    def packages(self, homes: set[str]) -> list[str]:
        """List the packages that build on some, and that no pack describes in place of their source."""
        library = self.program.environment.library
        found = {name for home in homes for name in dependents(library, home)}
        return sorted(found - self.program.opaque)

    def headers(self, package: str) -> dict[str, list[tuple[str, str]]]:
        """Index the classes of a package, as modules and qualified names, by the last parts of their bases' names."""
        if package not in self._headers:
            index: dict[str, list[tuple[str, str]]] = {}
            known = self.program.environment.library.package(package)
            for file, classes in sorted(self.program.environment.classes(known).items()) if known else ():
                module = module_name(file)
                if module is None or tooling(module) or not self.program.has_source(module):
                    continue
                for qualname, bases, _ in classes:
                    for base in bases:
                        index.setdefault(base.rpartition(".")[2], []).append((module, qualname))
            self._headers[package] = index
        return self._headers[package]

    def _may_derive(self, package: str, last: str) -> bool:
        """Tell whether a class of a package may have a base of a name, without an index of its classes."""
        environment = self.program.environment
        known = environment.library.package(package)
        return known is not None and (package in self._headers or environment.may_name_class(known, last))

    def _scopes(self, module: str, qualname: str) -> list[Scope]:
        """Find the classes of a module by a qualified name."""
        scope = self.program.scope(module)
        found = [scope] if scope is not None else []
        for part in qualname.split("."):
            found = [cls for outer in found for cls in outer.classes if cls.name == part]
        return found
