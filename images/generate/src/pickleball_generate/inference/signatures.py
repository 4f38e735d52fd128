"""Which calls Python refuses for their arguments: nothing comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference.scopes import callee_name

if TYPE_CHECKING:
    from pickleball_generate.inference.arguments import Arguments
    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope

KEEPING = frozenset({"staticmethod", "classmethod", "abstractmethod", "final", "override"})  # leave parameters alone
PARAMETERS = frozenset({"__code__", "__defaults__", "__kwdefaults__"})  # what a function keeps its parameters in
PLAIN_KINDS = frozenset({"ABCMeta", "type"})
IMPLICIT = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


def refuses(function: Scope, args: Arguments, missing: int = 0) -> bool:
    """Tell whether a function cannot be called with arguments, nor with up to so many more in front of them."""
    return not args.open and cannot_take(function, len(args.positional), set(args.named.variables), missing)


def cannot_take(function: Scope, given: int, named: set[str], missing: int = 0, program: Program | None = None) -> bool:
    """Tell whether a function cannot be called with so many arguments by position and these by name.

    Not known of a function whose decorators may change its parameters, or that has another definition beside it.
    """
    if function.name in IMPLICIT or not is_plain(function, program):
        return False
    takes = function.parameters
    if not takes.more and given > len(takes.places):
        return True
    if not takes.named and not named <= takes.names:
        return True
    needed = (*takes.places[given + missing :], *takes.only_named)
    return any(name not in named for name in needed if name not in takes.defaults)


def is_plain(function: Scope, program: Program | None = None) -> bool:
    """Tell whether a function has the parameters that its definition shows; decorators are read with a program."""
    if program is None or not function.head.get("decorators"):
        return _is_plain(function, program)
    if function not in program.plain:
        program.plain[function] = _is_plain(function, program)
    return program.plain[function]


def _is_plain(function: Scope, program: Program | None) -> bool:
    for each in function.head.get("decorators", ()):
        kept = callee_name(each).rpartition(".")[2] in KEEPING
        if not kept and (program is None or not hands_back(program, function, each)):
            return False
    beside = function.parent.bound.get(function.name, ()) if function.parent is not None else ()
    return len(beside) == 1


def hands_back(program: Program, function: Scope, decorator: object) -> bool:
    """Tell whether a decorator with source gives the function itself back: one that writes a docstring, say."""
    named = decorator["call"] if isinstance(decorator, dict) and "call" in decorator else decorator
    found = program.resolve(named, function.parent or function)
    makers = [value[1] for value in found if value[0] == "fun"]
    if named is not decorator:  # `@d(...)` is what `d` returns
        makers = [inner for maker in makers for inner in maker.functions if _returns(maker, inner.name)]
    return bool(makers) and len(makers) == len(found) and all(map(_returns_given, makers))


def _returns_given(maker: Scope) -> bool:
    first = next(iter(maker.facts.get("params", ())), {"n": ""})["n"]
    stored = {item["to"] for item in maker.facts.get("assigns", ()) if isinstance(item["to"], str)}
    return _returns(maker, first) and stored.isdisjoint(f"{first}.{name}" for name in PARAMETERS)


def _returns(maker: Scope, name: str) -> bool:
    """Tell whether a function returns what a name stands for in its body, that is bound once, and nothing else."""
    returned = {str(item.get("v")) for item in maker.facts.get("returns", ())}
    return returned == {name} and len(maker.bound.get(name, ())) == 1 and not maker.decorators()


def makes_plainly(program: Program, cls: Scope) -> bool:
    """Tell whether calling a class calls its `__init__` with the same arguments, and nothing else has a say."""
    if program.method(cls, "__new__") is not None:
        return False
    for owner in program.mro(cls):
        if owner[0] != "cls":
            if owner[1].partition(".")[0] not in {"builtins", "abc", "typing", "collections"}:
                return False
        elif owner[1].decorators() or kind_of(owner[1]) not in PLAIN_KINDS:
            return False
    return True


def kind_of(cls: Scope) -> str:
    """Give the last name of the metaclass that a class names."""
    return str(cls.facts.get("kw", {}).get("metaclass", "type")).rpartition(".")[2]
