"""Types by what is asked of them: the only class of a package that has all methods which code calls on a value."""

from __future__ import annotations

import re
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
        self._defined: dict[str, dict[str, set[str]]] = {}

    def only_class(self, package: str, methods: Iterable[str]) -> Scope | None:
        """Give the class of a package that has all of some methods, when there is one, its subclasses aside."""
        names = sorted(methods)
        if len(names) < FEWEST:
            return None
        places = [self._methods(package).get(name, set()) for name in names]
        found: list[Scope] = []
        for module in sorted(set.intersection(*places)):
            scope = self.program.scope(module)
            classes = scope.classes if scope is not None else []
            found += [cls for cls in classes if all(self.program.method(cls, name) for name in names)]
        tops = [cls for cls in found if not any(("cls", other) in self.program.mro(cls)[1:] for other in found)]
        return tops[0] if len(tops) == 1 else None

    def _methods(self, package: str) -> dict[str, set[str]]:
        """Index the modules of a package by the names of functions that their text defines."""
        if package not in self._defined:
            index: dict[str, set[str]] = {}
            known = self.program.environment.library.package(package)
            modules = known.modules if known is not None and len(known.modules) <= MOST_MODULES else {}
            for module, file in modules.items():
                if known is not None and not tooling(module) and self.program.has_source(module):
                    for name in re.findall(rb"\bdef +(\w+)", known.path(file).read_bytes()):
                        index.setdefault(name.decode(), set()).add(module)
            self._defined[package] = index
        return self._defined[package]
