"""Which calls Python refuses for their arguments: nothing comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference.scopes import callee_name

if TYPE_CHECKING:
    from pickleball_generate.inference.arguments import Arguments
    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope

KEEPING = frozenset({"staticmethod", "classmethod", "abstractmethod", "final", "override"})  # leave parameters alone
PLAIN_KINDS = frozenset({"ABCMeta", "type"})
IMPLICIT = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


def refuses(function: Scope, args: Arguments, missing: int = 0) -> bool:
    """Tell whether a function cannot be called with arguments, nor with up to so many more in front of them."""
    return not args.open and cannot_take(function, len(args.positional), set(args.named.variables), missing)


def cannot_take(function: Scope, given: int, named: set[str], missing: int = 0) -> bool:
    """Tell whether a function cannot be called with so many arguments by position and these by name.

    Not known of a function whose decorators may change its parameters, or that has another definition beside it.
    """
    if function.name in IMPLICIT or not is_plain(function):
        return False
    params = function.facts.get("params", ())
    kinds = {param.get("k") for param in params}
    places = [param for param in params if param.get("k") is None]
    if "*" not in kinds and given > len(places):
        return True
    if "**" not in kinds and not named <= {param["n"] for param in params}:
        return True
    given += missing
    needed = [param for param in (*places[given:], *(p for p in params if p.get("k") == "kw")) if "d" not in param]
    return any(param["n"] not in named for param in needed)


def is_plain(function: Scope) -> bool:
    """Tell whether a function has the parameters that its definition shows."""
    if any(callee_name(each).rpartition(".")[2] not in KEEPING for each in function.decorators()):
        return False
    beside = function.parent.bound.get(function.name, ()) if function.parent is not None else ()
    return len(beside) == 1


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
