"""Methods of what code tested before: `if isinstance(x, C): x.method()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference import sinks
from pickleball_generate.inference.bodytypes import UNKNOWN

if TYPE_CHECKING:
    from pickleball_generate.inference.bodytypes import Types
    from pickleball_generate.inference.callgraph import CallGraph
    from pickleball_generate.inference.program import Value

OBJECT = "builtins.object"


def kinds(types: Types, owner: str) -> list[Value]:
    """Type a name by the test that the line of a call stands below."""
    if "." in owner or any(value[0] not in {"param", "unk"} for value in types.types(owner)):
        return []
    named = types.program.tested(types.site.function, owner, types.line)
    found = types.types(named) if named else []
    return found if all(_holds(types.graph, kind) for kind in found) else []


def _holds(graph: CallGraph, kind: Value) -> bool:
    """Tell whether what `isinstance` says of a class holds: no metaclass answers, and a pack has what lies below."""
    if kind[0] not in {"cls", "ext"}:
        return False
    if kind[0] == "cls" and (graph.metaclasses(kind[1]) or graph.program.lost_bases(kind[1])):
        return False
    return all(graph.packs.package_of(root) for root in _roots(graph, kind))


def method(graph: CallGraph, kind: Value, name: str) -> list[Value]:
    """Give a method of an instance of a class, and the question what its subclasses have."""
    what = kind[1]
    dotted: str = what.dotted if kind[0] == "cls" else what
    site = graph.method(what, name) if kind[0] == "cls" else None
    roots = _roots(graph, kind)
    if site is None and (not roots or sinks.is_method_of(dotted.rpartition(".")[2], name)):
        return [UNKNOWN]
    found: list[Value] = [("site", site)] if site is not None else [("ext", f"{root}.{name}") for root in roots]
    return [*found, ("below", name, dotted)]


def _roots(graph: CallGraph, kind: Value) -> list[str]:
    return [root for root in graph.program.roots(kind[1]) if root != OBJECT] if kind[0] == "cls" else [kind[1]]
