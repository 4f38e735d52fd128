"""Who makes the model: code of its package that calls the class, and stores into what it made.

A results object gets its parts from the method that returns it, a booster its scores from the function that trains it.
Nothing that the class itself says leads there, so the package is searched for the calls.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.program import tooling
from pickleball_generate.inference.scopes import callee_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope

TESTS = frozenset({"isinstance", "issubclass", "super"})
MOST = 24  # modules beside the class, and modules farther away; of more of these, none is read


def makers(program: Program, cls: Scope) -> list[Scope]:
    """Find the functions and methods of the package of a class that call it, or hand it on to something that may.

    A method that hands it on says that its object makes instances: all methods of that object count.
    """
    found: dict[Scope, None] = {}
    for module in modules(program, cls):
        scope = program.scope(module)
        for function in named(scope) if scope is not None else ():
            if function.name == "__init__" or not mentions(program, function, cls):
                continue  # what a constructor makes is a part of its own object
            owner = function.parent
            if owner is None or owner.kind != "class" or calls(program, function, cls):
                found[function] = None
            elif owner is not cls:
                owners = [v[1] for v in program.mro(owner) if v[0] == "cls"]
                found |= {method: None for each in owners for method in each.functions}
    return [*found, *callers(list(found))]


def callers(found: list[Scope]) -> list[Scope]:
    """Find the functions beside makers that call them: they say what the makers are given."""
    made: list[Scope] = []
    for maker in found:
        if maker.parent is None or maker.parent.parent is not None:
            continue
        for function in maker.parent.functions:
            if function not in found and function not in made and maker.name in function.called:
                made.append(function)
    return made


def modules(program: Program, cls: Scope) -> list[str]:
    """Name the modules beside a class whose text has its name, and those farther away whose text has a call of it."""
    package = program.environment.package_of(cls.module)
    if package is None:
        return []
    name = cls.name.encode()
    call, mention = (re.compile(rb"\b%s%s" % (re.escape(name), end)) for end in (rb"\(", rb"\b"))
    near: list[str] = []
    far: list[str] = []
    for module, file in package.modules.items():
        if tooling(module) or not program.has_source(module):
            continue
        beside = module.rpartition(".")[0] == cls.module.rpartition(".")[0]
        text = package.path(file).read_bytes()
        if name in text and (mention if beside else call).search(text):
            (near if beside else far).append(module)
    near.sort(key=lambda module: (module != cls.module, module))
    found = [*near[:MOST], *(sorted(far) if len(far) <= MOST else ())]
    program.environment.prepare(found)
    return found


def named(scope: Scope) -> Iterator[Scope]:
    """The functions of a module and the methods of its classes."""
    yield from scope.functions
    for cls in scope.classes:
        yield from named(cls)


def mentions(program: Program, function: Scope, cls: Scope) -> bool:
    """Tell whether the body of a function has a class as a value, or calls it."""
    texts = {text for text in values(function.facts) if text.rpartition(".")[2] == cls.name}
    return any(("cls", cls) in program.resolve(text, function) for text in sorted(texts))


def calls(program: Program, function: Scope, cls: Scope) -> bool:
    """Tell whether the body of a function has a call of a class."""
    texts = {text for text in function.called if text.rpartition(".")[2] == cls.name}
    return any(("cls", cls) in program.resolve(text, function) for text in sorted(texts))


def inside(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The expressions of a body's statements, with those inside them; tests of a type are left out."""
    waiting: list[Any] = [facts.get(kind, ()) for kind in ("assigns", "calls", "returns")]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if callee_name(current) in TESTS:
                continue
            yield current
            waiting += [inner for name, inner in current.items() if name != "ann" and isinstance(inner, (dict, list))]
        elif isinstance(current, (list, tuple)):
            waiting += current


def values(facts: dict[str, Any]) -> Iterator[str]:
    """The names that stand for values in a body's statements."""
    for expression in inside(facts):
        for name, inner in expression.items():
            if isinstance(inner, str) and name in {"v", "call", "c"}:
                yield inner
            elif isinstance(inner, list):
                yield from (part for row in inner for part in (row if isinstance(row, list) else [row])
                            if isinstance(part, str))  # fmt: skip
