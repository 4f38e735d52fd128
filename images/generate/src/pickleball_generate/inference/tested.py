"""Methods of what code tested before: `if isinstance(x, C): x.method()`, where x is a parameter, never bound again.

The method is that of C or of a class below it: of all of them, since the object may be one that the library has made.
A stream may also give an object whose class answers `isinstance` itself (`__class__`); the closed world counts these.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pickleball_generate.inference import sinks
from pickleball_generate.inference.bodytypes import UNKNOWN
from pickleball_generate.inference.sites import Given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pickleball_generate.inference.bodytypes import Types
    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope

OBJECT = "builtins.object"
TEST = ("ext", "builtins.isinstance")
NOTHING = Given(0, (), more=False)


def method(types: Types, owner: str, call: dict[str, Any]) -> list[Value]:
    """Say what the call of a method of a name runs, by the test that it stands below; nothing where none is plain."""
    name = call["f"].rpartition(".")[2]
    if "." in owner or types.types(owner) != [("param", owner)] or types.types("isinstance") != [TEST]:
        return []
    text = types.program.source(types.site.function)
    tested = _class_tested(text, owner, types.line - types.site.function.line + 1) if text else None
    if tested is None:
        return []
    kinds = types.types(tested)
    return [
        each for kind in kinds for each in (_of_class(types, kind[1], name, call) if kind[0] == "cls" else [UNKNOWN])
    ]


def _of_class(types: Types, cls: Scope, name: str, call: dict[str, Any]) -> list[Value]:
    """Give the method of a class, and those of classes below it.

    Machine code counts as harmless that gets no argument, of a type that a pack describes.
    """
    graph, program = types.graph, types.program
    owners = [kind[1] for kind in program.mro(cls) if kind[0] == "cls"]
    if program.lost_bases(cls) or any("metaclass" in owner.facts.get("kw", {}) for owner in owners):
        return [UNKNOWN]
    roots = [root for root in program.roots(cls) if root != OBJECT]
    tops = {graph.packs.package_of(root) for root in roots}
    if None in tops or tops & program.opaque:
        return [UNKNOWN]
    having = [owner for owner in owners if name in owner.bound][:1]
    if not having:
        known = [sinks.is_method_of(cls.name, name), *(graph.foreign(f"{root}.{name}") for root in roots)]
        if not roots or any(known) or Given.of(call) != NOTHING:
            return [UNKNOWN]
    below = graph.hierarchy.defining(cls, name)
    if below is None or any(_sets(program, owner, name) for owner in owners):
        return [UNKNOWN]
    sites = [(graph.method(each, name), each) for each in (*having, *below)]
    if any(site is None or site.owner is not each or site.function.decorators() for site, each in sites):
        return [UNKNOWN]  # no plain function of the class
    return [("below", name, cls.dotted), *(("site", site) for site, _ in sites)]


def _sets(program: Program, cls: Scope, name: str) -> bool:
    """Tell whether the module of a class may put something else in the place of a method."""
    return (
        re.search(rf"\.{re.escape(name)}\b\s*(?:=(?!=)|:|,)".encode(), program.environment.text(cls.module) or b"")
        is not None
    )


def _class_tested(text: str, name: str, line: int) -> str | None:
    """Name the class that a parameter of a function was tested for where a line of its text stands."""
    if f"isinstance({name}" not in text:
        return None
    try:
        [function] = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or _binds(function, name) != 1:
        return None
    if _binds(function, "__class__") or any(getattr(each, "value", None) == "__class__" for each in ast.walk(function)):
        return None
    tests = [each for each in ast.walk(function) if isinstance(each, ast.If) and _is_below(each, line)]
    for test in tests:
        kind = _tests(test.test, name)
        if kind is not None:
            return kind
    return None


def _is_below(test: ast.If, line: int) -> bool:
    first, last = test.body[0].lineno, test.body[-1].end_lineno or 0
    return (test.test.end_lineno or first) < first <= line <= last


def _tests(test: ast.expr, name: str) -> str | None:
    if not (isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "isinstance"):
        return None
    match [ast.unparse(each) for each in test.args]:
        case [first, kind] if first == name and not test.keywords and kind.replace(".", "").isidentifier():
            return kind
        case _:
            return None


def _binds(function: ast.AST, name: str) -> int:
    """Count what binds a name within a function, in whichever way and scope, its parameter included."""
    return sum(1 for node in ast.walk(function) for each in _bound(node) if each == name)


def _bound(node: ast.AST) -> Iterator[str | None]:
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.Attribute):
        if not isinstance(node.ctx, ast.Load):
            yield node.attr
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.arg):
        yield node.arg
    else:  # definitions, handlers, patterns, declarations
        yield from (getattr(node, field, None) for field in ("name", "rest"))
        yield from getattr(node, "names", ()) if isinstance(node, (ast.Global, ast.Nonlocal)) else ()
