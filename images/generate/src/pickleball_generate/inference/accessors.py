"""What a class runs when one of its attributes is changed: properties and other descriptors in its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.bodytypes import Types
from pickleball_generate.inference.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.callgraph import CallGraph
    from pickleball_generate.inference.scopes import Scope

SET, DELETE = "__setattr__", "__delattr__"  # what a class has for all of its attributes
ACCESSORS = {SET: "setter", DELETE: "deleter"}  # decorators of what a property has
BY_CALL = {"builtins.setattr": SET, "builtins.delattr": DELETE}

_DESCRIPTORS = {SET: "__set__", DELETE: "__delete__"}


def accessors(graph: CallGraph, cls: Scope, name: str | None, hook: str) -> Iterator[Site]:
    """Give what the change of an attribute runs; of any attribute, where its name is not known."""
    for owner, bound in _binding(graph, cls, name):
        for kind, what in owner.bound[bound]:
            if kind == "function" and what.decorated_by(ACCESSORS[hook]):
                yield Site(what, cls, owner)
            elif kind == "assign" and isinstance(made := what.get("v"), dict) and "call" in made:
                yield from _made(graph, made, owner, cls, hook)


def _binding(graph: CallGraph, cls: Scope, name: str | None) -> Iterator[tuple[Scope, str]]:
    """Give the attributes with the class that binds each first."""
    seen: set[str] = set()
    for kind, owner in graph.program.mro(cls):
        names = (owner.bound.keys() if name is None else owner.bound.keys() & {name}) if kind == "cls" else set[str]()
        yield from ((owner, each) for each in names if each not in seen)
        seen |= {*names}


def _made(graph: CallGraph, made: dict[str, Any], owner: Scope, cls: Scope, hook: str) -> Iterator[Site]:
    """Follow what the body of a class makes for an attribute: `part = property(get, put)`, `part = Kept()`."""
    for value in Types(graph, Site(owner)).types(made["call"]):
        if value[0] == "cls" and (site := graph.method(value[1], _DESCRIPTORS[hook])) is not None:
            yield site
        elif value == ("ext", "builtins.property"):
            for given in (*made.get("args", ())[1:], *made.get("kw", {}).values()):
                bound = owner.bound.get(given, ()) if isinstance(given, str) else ()
                yield from (Site(what, cls, owner) for kind, what in bound if kind == "function")
