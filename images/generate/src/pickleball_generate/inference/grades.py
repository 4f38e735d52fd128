"""Effect grades: what the code that runs while a pickle loads can reach.

From the methods that loading runs, calls are followed over the facts until a sink, or a call that cannot be resolved.
A class is *trivial* without such methods, *inert* when every call is resolved and none is a sink, has *effects*, or is
*unknown*.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks
from pickleball_generate.inference.scopes import Scope, callee_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.packs import Packs

# What loading runs on an instance that is made without a call, and what it runs on one that is called into being.
LOADING = ("__new__", "__setstate__", "__del__", "__getattr__", "__getattribute__", "__setattr__")
CONTAINER = ("__setitem__", "append", "extend", "add", "update", "__hash__", "__eq__")
CALLED = ("__init__", "__call__", "_missing_", "__post_init__")
# Methods of plain values, whatever object they are called on.
HARMLESS_METHODS = frozenset(
    "append extend update get items keys values pop copy setdefault add discard remove insert index count sort reverse clear "
    "join split rsplit strip lstrip rstrip startswith endswith format lower upper replace encode decode partition "
    "rpartition splitlines title isdigit isidentifier issubset issuperset union intersection difference popitem "
    "__setitem__ __getitem__ __contains__ __len__ __iter__ mro tolist astype reshape ravel flatten shape dtype any all sum "
    "min max mean fill item view is_alive debug info warning error exception log acquire release".split()
)
DEEPEST = 12


@dataclass
class Grade:
    """The verdict on one class or function."""

    grade: str
    effects: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def inert(self) -> bool:
        """Whether loading an instance does nothing but fill it."""
        return self.grade in {"trivial", "inert"}

    def as_dict(self) -> dict[str, Any]:
        """Give what provenance.json says."""
        found: dict[str, Any] = {"grade": self.grade}
        if self.effects:
            found["effects"] = self.effects
        if self.unknown:
            found["unknown"] = self.unknown
        return found


class Grades:
    """Grades classes and functions over the facts' calls."""

    def __init__(self, program: Program, packs: Packs) -> None:
        self.program = program
        self.packs = packs
        self._known: dict[tuple[Scope, bool], Grade] = {}

    def of(self, scope: Scope | None, *, called: bool = False) -> Grade:
        """Grade a class (called or only instantiated) or a function that is called."""
        if scope is None:
            return Grade("no source")
        if (scope, called) not in self._known:
            self._known[(scope, called)] = self._grade(scope, called=called)
        return self._known[(scope, called)]

    def _grade(self, scope: Scope, *, called: bool) -> Grade:
        if scope.kind == "function":
            entries = [(scope, None)] if called else []
        else:
            entries = list(self.entries(scope, called=called))
        result = Grade("inert" if entries else "trivial")
        foreign = [root for root in self.program.roots(scope) if self.packs.subclass(root) is None] \
            if scope.kind == "class" else []  # fmt: skip
        result.unknown += [f"the base {root}" for root in foreign if root != "builtins.object"]
        seen: set[tuple[Scope, Scope | None]] = set()
        for function, cls in entries:
            self._follow(function, cls, [scope.dotted], result, seen)
        if result.effects:
            result.grade = "effects"
        elif result.unknown:
            result.grade = "unknown"
            result.unknown = sorted(set(result.unknown))[:8]
        return result

    def entries(self, cls: Scope, *, called: bool) -> Iterator[tuple[Scope, Scope | None]]:
        """The methods that loading runs."""
        names = list(LOADING)
        if any(self.packs.container(root) for root in self.program.roots(cls)):
            names += CONTAINER
        if called:
            names += CALLED
        for name in names:
            found = self.program.method(cls, name)
            if found is not None:
                yield found[0], cls

    def _follow(
        self, function: Scope, cls: Scope | None, path: list[str], result: Grade, seen: set[tuple[Scope, Scope | None]]
    ) -> None:
        """Walk over the calls of a body and of the functions that it defines."""
        if (function, cls) in seen:
            return
        seen.add((function, cls))
        here = [*path, f"{function.dotted}:{function.line}"]
        if len(here) > DEEPEST:
            result.unknown.append(f"what lies below {function.dotted}")
            return
        for call in function.facts.get("reach", ()):
            self._call(call, function, cls, here, result, seen)
        for inner in function.functions:
            self._follow(inner, cls, here, result, seen)

    def _call(
        self, call: dict[str, Any], function: Scope, cls: Scope | None, here: list[str], result: Grade,
        seen: set[tuple[Scope, Scope | None]],
    ) -> None:  # fmt: skip
        callee = call["f"]
        if not isinstance(callee, str):
            self._member_of_expression(callee, function, cls, here, result, seen)
            return
        targets = list(self.targets(callee, function, cls))
        if not targets and callee.rpartition(".")[2] not in HARMLESS_METHODS:
            result.unknown.append(f"{callee} in {function.dotted}")
        for target in targets:
            self._target(target, call, function, cls, here, result, seen)

    def _member_of_expression(
        self, callee: object, function: Scope, cls: Scope | None, here: list[str], result: Grade,
        seen: set[tuple[Scope, Scope | None]],
    ) -> None:  # fmt: skip
        """`super().m()`, and methods of what an expression gives."""
        if isinstance(callee, dict) and "attr" in callee:
            owner = callee.get("of")
            if callee_name(owner) == "super" and cls is not None:
                after = function.parent if function.parent is not None and function.parent.kind == "class" else cls
                found = self.program.method(cls, callee["attr"], after=after)
                if found is not None:
                    self._follow(found[0], cls, here, result, seen)
                return
            if callee["attr"] in HARMLESS_METHODS:
                return
            result.unknown.append(f".{callee['attr']} in {function.dotted}")
            return
        result.unknown.append(f"a computed callee in {function.dotted}")

    def targets(self, callee: str, function: Scope, cls: Scope | None) -> Iterator[Value]:
        """Resolve a callee to definitions; a method of the receiver through the class."""
        first, _, rest = callee.partition(".")
        params = function.facts.get("params", ())
        if cls is not None and rest and params and first == params[0]["n"] and "." not in rest:
            found = self.program.method(cls, rest)
            if found is not None:
                yield ("meth", found[0], cls)
            return
        if first in function.bound and all(kind in {"param", "assign", "walrus"} for kind, _ in function.bound[first]):
            yield from self.program.resolve(callee, function) if not params_have(params, first) else ()
            return
        yield from self.program.resolve(callee, function)

    def _target(
        self, target: Value, call: dict[str, Any], function: Scope, cls: Scope | None, here: list[str], result: Grade,
        seen: set[tuple[Scope, Scope | None]],
    ) -> None:  # fmt: skip
        if target[0] == "ext":
            name = self.packs.reference(target[1])
            effect = sinks.effect(name)
            if effect is not None and not harmless_call(name, call):
                result.effects.setdefault(effect, [*here, f"{name}:{call['line']}"])
        elif target[0] == "meth":
            self._follow(target[1], target[2], here, result, seen)
        elif target[0] == "fun":
            name = self.program.canonical(target[1])
            effect = sinks.effect(name)
            if effect is not None:
                result.effects.setdefault(effect, [*here, f"{name}:{call['line']}"])
            self._follow(target[1], None, here, result, seen)
        elif target[0] == "cls":
            for inner, owner in self.entries(target[1], called=True):
                self._follow(inner, owner, here, result, seen)


def params_have(params: Any, name: str) -> bool:
    """Tell whether a name is a parameter."""
    return any(p["n"] == name for p in params)


def harmless_call(name: str, call: dict[str, Any]) -> bool:
    """Tell whether a reflective callee is called with a constant name: then the source says what it reaches."""
    if name not in sinks.CONSTANT_IS_HARMLESS:
        return name == "builtins.type" and len(call.get("args", ())) == 1
    arguments = call.get("args", ())
    at = 1 if name in {"builtins.getattr", "builtins.setattr", "builtins.delattr"} else 0
    return len(arguments) > at and isinstance(arguments[at], dict) and "str" in arguments[at]
