"""The call graph: what the body of one function reaches directly.

Receivers are typed by what a body itself shows (`x = C()`, an import, a literal). Attributes of objects are not: a
stream fills them. A method of such an unknown object is followed nowhere; its name is kept in `asks`, since any object
of the stream may stand there, and only an object of an allowed class can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference import sinks
from pickleball_generate.inference.accessors import changeable
from pickleball_generate.inference.bodies import Body
from pickleball_generate.inference.empty import Empty
from pickleball_generate.inference.hierarchy import Hierarchy
from pickleball_generate.inference.namespaces import Namespaces
from pickleball_generate.inference.sites import Reached, Site

if TYPE_CHECKING:
    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs

CONSTRUCTING = ("__new__", "__init__", "__post_init__")


class CallGraph:
    """Bodies of a program; each is read once."""

    def __init__(self, program: Program, packs: Packs) -> None:
        self.program = program
        self.packs = packs
        self.empty = Empty(program)
        self.hierarchy = Hierarchy(program)
        self.namespaces = Namespaces()
        self._known: dict[Site, Reached] = {}
        self._members: dict[tuple[Scope, str], Reached] = {}
        self._changeable: dict[Scope, frozenset[str]] = {}
        self._changes: dict[tuple[Scope, str | None, str], Reached] = {}
        self._foreign: dict[str, tuple[str, str] | None] = {}
        self.returned: dict[tuple[Scope, int], list[Value]] = {}
        """What functions give, by how many expressions were followed to the call of each."""

    def reached(self, site: Site) -> Reached:
        """Give what a body reaches directly."""
        if site not in self._known:
            self._known[site] = Body(self, site).read()
        return self._known[site]

    def method(self, cls: Scope, name: str, after: Scope | None = None) -> Site | None:
        """Give the method that a class has for a name; after a class, the one that `super()` gives there."""
        found = self.program.method(cls, name, after=after)
        return Site(found[0], cls, found[1]) if found else None

    def constructors(self, cls: Scope) -> list[Site]:
        """Give the methods that run when a class is called."""
        found = [self.method(cls, name) for name in CONSTRUCTING]
        for meta in self.metaclasses(cls):
            found += [self.method(meta, "__call__")]
        return [site for site in found if site is not None]

    def member(self, owner: Scope, name: str) -> Reached:
        """Give what a call of a name reaches that the body of a class binds to something else than its own method."""
        if (owner, name) not in self._members:
            self._members[owner, name] = Body(self, Site(owner)).bound(name)
        return self._members[owner, name]

    def changed(self, cls: Scope, name: str | None, hook: str) -> Reached:
        """Give what a class runs for the change of an attribute beside the hook itself; without a name, of any."""
        key = (cls, name, hook)
        if key not in self._changes:
            self._changes[key] = Body(self, Site(cls)).changed(name, hook)
        return self._changes[key]

    def changeable(self, owner: Scope) -> frozenset[str]:
        """Name what the body of a class binds to something that a change may run."""
        if owner not in self._changeable:
            self._changeable[owner] = frozenset(changeable(owner))
        return self._changeable[owner]

    def metaclasses(self, cls: Scope) -> list[Scope]:
        """Give the metaclasses with source of a class and its bases."""
        found = []
        for owner in self.program.mro(cls):
            named = owner[1].facts.get("kw", {}).get("metaclass") if owner[0] == "cls" else None
            if named is not None:
                found += [v[1] for v in self.program.resolve(named, owner[1].parent or owner[1]) if v[0] == "cls"]
        return found

    def foreign(self, name: str) -> tuple[str, str] | None:
        """Say what calling a name without source does: an effect, something unknown, or nothing that counts."""
        if name not in self._foreign:
            self._foreign[name] = self._find_foreign(name)
        return self._foreign[name]

    def _find_foreign(self, name: str) -> tuple[str, str] | None:
        effect = sinks.effect(name)
        if effect:
            return "effect", f"{effect}: {name}"
        parts = name.split(".")
        modules = (".".join(parts[:length]) for length in range(1, len(parts)))
        if self.packs.package_of(name) is None and any(map(self.program.environment.extension, modules)):
            return "unknown", f"machine code of {name}"
        return None

    def decorators(self, function: Scope) -> list[Site]:
        """Give the decorators with source of a function, with what they define: a wrapper runs in its place."""
        found: list[Site] = []
        for decorator in function.decorators():
            named = decorator["call"] if isinstance(decorator, dict) and "call" in decorator else decorator
            for value in self.program.resolve(named, function.parent or function):
                if value[0] == "fun":
                    found += [Site(value[1]), *(Site(inner) for inner in value[1].inside)]
                elif value[0] == "cls" and named is decorator:
                    sites = [self.method(value[1], name) for name in ("__get__", "__call__")]
                    found += [site for site in sites if site is not None]
        return found
