"""Types by what is asked of them: the only class of a package that has all methods which code calls on a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference.program import tooling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope

FEWEST = 2  # methods that tell a class
MOST_MODULES = 2000  # of larger packages the text is not searched


class Asked:
    """Finds classes by their methods; the text of a package is searched once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._defined: dict[str, dict[str, list[str]]] = {}

    def only_class(self, package: str, methods: Iterable[str]) -> Scope | None:
        """Give the class of a package that has all of some methods, when there is one, its subclasses aside."""
        names = sorted(methods)
        if len(names) < FEWEST:
            return None
        places = [self._definers(package, name) for name in names]
        found: list[Scope] = []
        for module in sorted(set.intersection(*places)):
            scope = self.program.scope(module)
            classes = scope.classes if scope is not None else []
            found += [cls for cls in classes if all(self.program.method(cls, name) for name in names)]
        tops = [cls for cls in found if not any(("cls", other) in self.program.mro(cls)[1:] for other in found)]
        return tops[0] if len(tops) == 1 else None

    def _definers(self, package: str, name: str) -> set[str]:
        """Name the modules of a package whose text defines a function of a name."""
        if package not in self._defined:
            environment = self.program.environment
            known = environment.library.package(package)
            small = known is not None and len(known.modules) <= MOST_MODULES
            self._defined[package] = environment.definers(known) if known is not None and small else {}
        modules = self._defined[package].get(name, ())
        return {module for module in modules if not tooling(module) and self.program.has_source(module)}
