"""Methods of machine code of what code tested before: `if isinstance(x, C): x.method()`, where x is a parameter.

The object may be one that the library has made, of any class below C, so nothing with source may stand in the place of
the method. A stream may also give an object whose class answers `isinstance` itself (`__class__`), or has something in
the place of the method: the closed world counts these.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pickleball_generate.inference import sinks
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
    """Say whom the call of a method of a name asks, by the test that it stands below; nothing where none is plain."""
    name = call["f"].rpartition(".")[2]
    if "." in owner or types.types(owner) != [("param", owner)] or types.types("isinstance") != [TEST]:
        return []
    text = types.program.source(types.site.function)
    tested = _class_tested(text, owner, types.line - types.site.function.line + 1) if text else None
    if tested is None:
        return []
    scope, bound = types.site.function.root, tested.partition(".")[0]
    plainly = all(kind in {"import", "from", "class"} for kind, _ in scope.bound.get(bound, [("", None)]))
    kinds = types.types(tested)
    if not plainly or len(kinds) != 1 or kinds[0][0] != "cls" or Given.of(call) != NOTHING:
        return []
    return [("below", name, kinds[0][1].dotted)] if _is_plain(types, kinds[0][1], name) else []


def _is_plain(types: Types, cls: Scope, name: str) -> bool:
    """Tell whether a class, and each below it, has a method of a type of machine code that a pack describes.

    Without an argument, that counts as harmless.
    """
    graph, program = types.graph, types.program
    owners = [kind[1] for kind in program.mro(cls) if kind[0] == "cls"]
    roots = [root for root in program.roots(cls) if root != OBJECT]
    tops = {graph.packs.package_of(root) for root in roots}
    if not roots or None in tops or tops & program.opaque or program.lost_bases(cls):
        return False
    if any("metaclass" in owner.facts.get("kw", {}) or owner.decorators() for owner in owners):
        return False
    if any(name in owner.bound or _sets(program, owner, name) for owner in owners):
        return False
    if sinks.is_method_of(cls.name, name) or any(graph.foreign(f"{root}.{name}") for root in roots):
        return False
    return graph.hierarchy.defining(cls, name) == []


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
