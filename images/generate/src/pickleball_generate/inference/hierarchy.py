"""Subclasses over packages: headers say where to look, facts say what is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pickleball_generate.distributions import dependents
from pickleball_generate.inference.program import tooling
from pickleball_generate.sources import module_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope

MOST_READ = 40  # modules


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
        found = self._named_below({base.name for base in wanted}, self._around(wanted, package), most)
        return None if found is None else self._really_below(found, wanted)

    def defining(self, base: Scope, name: str) -> list[Scope] | None:
        """List the classes below one, in all packages, that have a name; None where too many modules may bind it."""
        binding = re.compile(
            rf"^[ \t]+(?:async[ \t]+)?(?:def[ \t]+)?{re.escape(name)}[ \t]*(?:[(:]|=(?!=))".encode(), re.MULTILINE
        )
        found = self._named_below({base.name}, self._around({base}), None) or {}
        texts = {module: self.program.environment.text(module) or b"" for module, _ in found}
        modules = {module for module, text in texts.items() if binding.search(text)}
        if len(modules) > MOST_READ:
            return None
        below = self._really_below({each: None for each in found if each[0] in modules}, {base})
        owners = {cls: [kind[1] for kind in self.program.mro(cls) if kind[0] == "cls"] for cls in below}
        return [cls for cls in below if any(name in owner.bound for owner in owners[cls])]

    def _around(self, bases: set[Scope], package: str | None = None) -> list[str]:
        return [package] if package else self.packages({base.module.partition(".")[0] for base in bases})

    def _named_below(
        self, names: set[str], packages: list[str], most: int | None
    ) -> dict[tuple[str, str], None] | None:
        """List the classes that may descend from one of a name, by headers alone."""
        found: dict[tuple[str, str], None] = {}
        waiting = sorted(names)
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
            if most is not None and len(found) > most:
                return None
        return found

    def _really_below(self, found: dict[tuple[str, str], None], wanted: set[Scope]) -> list[Scope]:
        """Give those of some classes that descend from one of others, sorted by name."""
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
