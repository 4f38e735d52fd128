"""Find the class that a user named, and the definition behind a name of a stream."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_generate.errors import ClassNotFound

if TYPE_CHECKING:
    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs


@dataclass(frozen=True)
class Located:
    """A class: the name that pickle writes, the module that defines it, its body; None where it is machine code."""

    name: str
    module: str
    scope: Scope | None

    @property
    def at(self) -> str:
        """File and line of the definition, as far as there is one."""
        return f"{self.scope.file}:{self.scope.line}" if self.scope is not None else self.module


def locate_class(program: Program, packs: Packs, name: str) -> Located:
    """Resolve a dotted name, a re-export as well as the place of definition; types of machine code too."""
    described = packs.type_name(packs.reference(name))
    if described and program.environment.package_of(name) is not None:
        return Located(described, described.rpartition(".")[0], None)
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        if not program.has_source(module):
            continue
        values = program.attribute(module, parts[length])
        for part in parts[length + 1 :]:
            values = [w for v in values for w in program.member(v, part)]
        for value in values:
            if value[0] == "cls":
                return Located(program.canonical(value[1]), value[1].module, value[1])
            if value[0] == "ext" and (foreign := extension_type(program, value[1])):
                return Located(foreign, value[1].rpartition(".")[0], None)
        break
    if foreign := extension_type(program, name):
        return Located(foreign, name.rpartition(".")[0], None)
    where = ", ".join(str(path) for path in program.environment.library.paths)
    raise ClassNotFound(name, near(program, name), where)


def extension_type(program: Program, name: str) -> str | None:
    """Give the name that pickle writes for a class of an extension module; None where it is none."""
    module, _, last = name.rpartition(".")
    extension = program.environment.extension(module)
    return extension.canonical(last) if extension is not None and extension.has_class(last) else None


def near(program: Program, name: str) -> list[str]:
    """Name classes of the same package that resemble a name, at most five."""
    package = name.partition(".")[0]
    if program.environment.library.package(package) is None:
        return difflib.get_close_matches(package, program.environment.library.names, 5)
    wanted = name.rpartition(".")[2]
    classes = {last: places[0] for last, places in program.definitions(package).items()}
    lowered = {last.lower(): last for last in classes}
    found = difflib.get_close_matches(wanted.lower(), sorted(lowered), 5, 0.7)
    return [f"{classes[lowered[word]]}.{lowered[word]}" for word in found]


def definitions(program: Program, name: str) -> list[Value]:
    """What a stream gets that imports a name: every definition that its module, or an outer class, can bind to it.

    Nothing is guessed: a name that only a module's `__getattr__` could give has no definition.
    """
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        scope = program.scope(module)
        if scope is None:
            if program.is_module(module):
                return program.without_source(module, parts[length]) if length == len(parts) - 1 else []
            continue
        if opaque_binding(program, scope, parts[length]):
            return []
        values = program.attribute(module, parts[length])
        for part in parts[length + 1 :]:
            values = [w for v in values for w in program.member(v, part)]
        return values
    return []


def opaque_binding(program: Program, scope: Scope, name: str) -> bool:
    """Tell whether a module's name may hold something that no definition of the sources is."""
    if name not in scope.bound:
        return not scope.stars
    for kind, what in scope.bound[name]:
        if kind != "assign" or constant(kind, what) or _fails(program, scope, what.get("v")):
            continue
        if not program.resolve(what.get("v"), scope, skip=name):
            return True
    return False


def _fails(program: Program, scope: Scope, value: Any) -> bool:
    """Tell whether an assigned name comes from imports of packages that are not there: they fail, and it is not run."""
    bound = scope.bound.get(value.partition(".")[0], ()) if isinstance(value, str) else ()
    return bool(bound) and all(
        kind in {"from", "import"} and not program.is_there(program.absolute(what.get(kind, ""), scope.module))
        for kind, what in bound
    )


def constant(kind: str, what: Any) -> bool:
    """Tell whether a binding of a module or class is to a number, a text or another literal."""
    value = what.get("v") if kind == "assign" else None
    return isinstance(value, dict) and not value.keys().isdisjoint({"lit", "str"})
