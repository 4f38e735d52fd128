"""Effect grades: what the code that runs while an object is unpickled can reach.

A walk over calls, from the methods that pickle runs (`__new__`, `__setstate__`, `__del__`, attribute hooks), and for
what may be called also from the body or `__init__`. It says one of

    inert      every call leads to source without an effect, or to a name of the standard library without one
    effects    some call leads to a sink; the path there is kept
    unknown    some call leads nowhere that the sources show, and no sink was found
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks

if TYPE_CHECKING:
    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs

AT_LOAD = ("__new__", "__setstate__", "__del__", "__getattr__", "__getattribute__")
AT_CALL = ("__init__", "__call__")
CONTAINER = ("__setitem__", "append", "extend", "add", "update", "__hash__", "__eq__")
# Methods of plain values, whatever object they are called on.
_PLAIN = """
    add any append astype clear copy count decode discard encode endswith extend fill format get index insert item
    items join keys lower lstrip max mean min partition pop popitem ravel remove replace reshape reverse rpartition
    rsplit rstrip setdefault sort split splitlines startswith strip sum title tolist update upper values
"""
PLAIN = frozenset(_PLAIN.split())
LARGEST = 400  # functions; a walk that passes more says unknown


@dataclass(frozen=True)
class Grade:
    """What was found: the effects with a path to each, or what could not be followed."""

    word: str
    effects: dict[str, list[str]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the grade as the provenance holds it."""
        document: dict[str, Any] = {"grade": self.word}
        if self.effects:
            document["effects"] = self.effects
        if self.unknown:
            document["unknown"] = list(self.unknown[:8])
        return document


class Grader:
    """Grades definitions of one program; what was graded once is kept."""

    def __init__(self, program: Program, packs: Packs) -> None:
        self.program = program
        self.packs = packs
        self._known: dict[tuple[Scope, bool], Grade] = {}

    def grade(self, scope: Scope, *, called: bool) -> Grade:
        """Grade a class or function; `called` when a stream may call it."""
        key = (scope, called)
        if key not in self._known:
            self._known[key] = _Walk(self.program, self.packs, scope, called=called).grade()
        return self._known[key]


class _Walk:
    """One walk: functions still to visit, each with the path that led to it."""

    def __init__(self, program: Program, packs: Packs, scope: Scope, *, called: bool) -> None:
        self.program = program
        self.waiting: list[tuple[Scope, Scope | None, Scope | None, tuple[str, ...]]] = []
        self.seen: set[tuple[Scope, Scope | None]] = set()
        self.effects: dict[str, list[str]] = {}
        self.unknown: dict[str, None] = {}
        if scope.kind == "class":
            takes_items = any(packs.container(root) for root in program.roots(scope))
            for name in (*AT_LOAD, *(CONTAINER if takes_items else ()), *(AT_CALL if called else ())):
                self._method(scope, name, None, ())
            foreign = [root for root in program.roots(scope) if packs.subclass(root) is None]
            self.unknown |= {f"the base {root}": None for root in foreign if root != "builtins.object"}
        elif called:
            self._enter(scope, None, None, ())

    def grade(self) -> Grade:
        """Walk to the end."""
        while self.waiting:
            function, cls, owner, path = self.waiting.pop(0)
            if len(self.seen) > LARGEST:
                self.unknown["more calls than are followed"] = None
                break
            for call in function.facts.get("reach", ()):
                here = (*path, f"{function.file}:{call.get('line', 0)} {function.dotted}")
                self._call(call, function, cls, owner, here)
        word = "effects" if self.effects else "unknown" if self.unknown else "inert"
        return Grade(word, self.effects, tuple(self.unknown))

    def _enter(self, function: Scope, cls: Scope | None, owner: Scope | None, path: tuple[str, ...]) -> None:
        if (function, cls) not in self.seen:
            self.seen.add((function, cls))
            self.waiting.append((function, cls, owner, path))

    def _method(self, cls: Scope, name: str, after: Scope | None, path: tuple[str, ...]) -> bool:
        found = self.program.method(cls, name, after=after) if after else self.program.method(cls, name)
        if found is None:
            return False
        self._enter(found[0], cls, found[1], path)
        return True

    def _call(
        self, call: dict[str, Any], function: Scope, cls: Scope | None, owner: Scope | None, path: tuple[str, ...]
    ) -> None:
        callee = call.get("f")
        if isinstance(callee, dict) and cls is not None and _is_super(callee.get("of")):
            if not self._method(cls, callee["attr"], owner, path) and not callee["attr"].startswith("__"):
                self.unknown[f"super().{callee['attr']}"] = None
            return
        if not isinstance(callee, str):
            attribute = callee.get("attr") if isinstance(callee, dict) else None
            if attribute not in PLAIN:
                self.unknown[f".{attribute}()" if attribute else "a computed callee"] = None
            return
        head, _, rest = callee.partition(".")
        if callee == "super" or ".__dict__." in f".{callee}.":
            return  # reading or changing the object's own attributes
        if head in {"self", "cls"} and cls is not None and rest and "." not in rest:
            if not self._method(cls, rest, None, path):
                self.unknown[callee] = None
            return
        values = self.program.resolve(callee, function)
        if not values and callee.rpartition(".")[2] not in PLAIN:
            self.unknown[callee] = None
        for value in values:
            self._value(value, callee, call, path)

    def _value(self, value: Value, callee: str, call: dict[str, Any], path: tuple[str, ...]) -> None:
        kind = value[0]
        if kind == "ext":
            effect = sinks.effect(value[1])
            if effect and not _constant(call, value[1]):
                self.effects.setdefault(f"{effect}: {value[1]}", list(path))
        elif kind in {"fun", "meth"}:
            self._enter(value[1], None, None, path)
        elif kind == "cls":
            for name in (*AT_LOAD[:1], *AT_CALL[:1]):
                self._method(value[1], name, None, path)
        else:
            self.unknown[callee] = None


def _is_super(expression: object) -> bool:
    return isinstance(expression, dict) and expression.get("call") == "super"


def _constant(call: dict[str, Any], name: str) -> bool:
    """Tell whether the name that a reflective call asks for is written in the source; `type(x)` asks for none."""
    args = call.get("args", [])
    if name == "builtins.type":
        return len(args) == 1
    if name not in sinks.CONSTANT_IS_HARMLESS:
        return False
    at = 1 if name.endswith("attr") else 0
    return len(args) > at and isinstance(args[at], dict) and "str" in args[at]
