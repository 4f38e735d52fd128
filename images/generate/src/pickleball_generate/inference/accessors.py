"""What a class runs when one of its attributes is changed: properties and other descriptors in bodies of classes.

What a body binds to the name is followed to where it is made. Functions, classes, plain values and what the standard
library makes of these have nothing that runs; what cannot be told may have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks
from pickleball_generate.inference.bodytypes import PLAIN, TEXT, UNKNOWN, Types
from pickleball_generate.inference.program import is_stdlib_top
from pickleball_generate.inference.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.callgraph import CallGraph
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

SET, DELETE = "__setattr__", "__delattr__"  # what a class has for all of its attributes
ACCESSORS = {SET: "setter", DELETE: "deleter"}  # decorators of what a property has
BY_CALL = {"builtins.setattr": SET, "builtins.delattr": DELETE}
DESCRIPTORS = {SET: "__set__", DELETE: "__delete__"}

_PROPERTIES = frozenset("builtins.property abc.abstractproperty enum.property types.DynamicClassAttribute".split())
_PARTS = frozenset({"setter", "getter", "deleter"})  # of a property, each gives another one
_PLACES = {SET: (1, "fset"), DELETE: (2, "fdel")}  # of what `property` is given
_PLAIN = frozenset("lit str list tuple set dict listof setof dictof genof lambda".split())
_GIVE_FUNCTIONS = frozenset({"functools.wraps", "functools.lru_cache", "functools.cache"})
_MAKERS = frozenset(  # of the standard library: what they make is no descriptor, unless they are given one
    (
        "builtins.staticmethod builtins.classmethod builtins.object collections.defaultdict collections.deque "
        "collections.namedtuple dataclasses.field enum.auto functools.cached_property functools.partial "
        "functools.partialmethod functools.singledispatchmethod itertools.count logging.getLogger operator.attrgetter "
        "operator.itemgetter os.environ.get os.getenv re.compile threading.local weakref.ref"
    ).split()
)


def changeable(cls: Scope) -> Iterator[str]:
    """Name what the body of a class itself binds to something that a change may run."""
    for name, bound in cls.bound.items():
        if any(kind != "function" or what.decorators() for kind, what in bound if not _is_plain(kind, what)):
            yield name


def _binds(scope: Scope, name: str) -> bool:
    """Tell whether a body binds a name, and does not only declare it."""
    return any(kind != "assign" or "v" in what or "op" in what for kind, what in scope.bound.get(name, ()))


def _is_plain(kind: str, what: Any) -> bool:
    """Tell whether a statement binds nothing but a plain value, as far as it shows that itself."""
    value = what.get("v", {"lit": ""}) if kind == "assign" and not what.get("op") else None
    return isinstance(value, dict) and not _PLAIN.isdisjoint(value)


class Accessors:
    """Follows what the change of an attribute runs for instances of a class."""

    def __init__(self, graph: CallGraph, cls: Scope, hook: str) -> None:
        self.graph = graph
        self.program = graph.program
        self.cls = cls
        self.hook = hook
        self._seen: set[tuple[Scope, str]] = set()
        self._decorators: set[Scope] = set()  # functions that get functions
        self._makers: set[Scope] = set()  # of these
        self._types: dict[Scope, Types] = {}

    def of(self, name: str | None) -> Iterator[Value]:
        """Give sites, classes of descriptors, names without source and what is unknown; without a name, of any."""
        seen: set[str] = set()
        for kind, owner in self.program.mro(self.cls):
            names = (owner.bound.keys() if name is None else {name}) if kind == "cls" else set[str]()
            bound = [each for each in names if each not in seen and _binds(owner, each)]
            for each in bound:
                yield from self._bound(owner, each)
            seen.update(bound)

    def _bound(self, scope: Scope, name: str) -> Iterator[Value]:
        if (scope, name) in self._seen:
            return
        self._seen.add((scope, name))
        for kind, what in scope.bound.get(name, ()):
            if kind == "function":
                yield from self._function(what, scope)
            elif kind == "class":
                yield from self._value(("cls", what))
            elif kind == "from":
                yield from self._member(("mod", self.program.absolute(what["from"], scope.module)), what["name"])
            elif kind in {"assign", "walrus"} and what.get("op") in {None, "aug"}:
                yield from self._expression(what["v"], scope) if "v" in what else ()
            elif kind == "assign" or (kind == "param" and scope not in self._decorators):
                yield UNKNOWN

    def _expression(self, expression: object, scope: Scope) -> Iterator[Value]:
        if isinstance(expression, str):
            yield from self._name(expression, scope)
        elif not isinstance(expression, dict):
            yield UNKNOWN
        elif "call" in expression:
            yield from self._call(expression, scope)
        elif "attr" in expression:
            for value in self._typed(expression["of"], scope):
                yield from self._member(value, expression["attr"])
        elif "sub" in expression:  # `dict[str, int]`, or an item
            values = self._typed(expression["sub"], scope)
            yield from (
                () if all(v[0] == "cls" or (v[0] == "ext" and self._harmless(v[1])) for v in values) else [UNKNOWN]
            )
        elif _PLAIN.isdisjoint(expression):
            parts = [*expression.get("or", ()), *(expression["of"] if "bin" in expression else ())]
            parts += [expression[key] for key, kind in (("un", "un"), ("v", "walrus")) if kind in expression]
            for part in parts:
                yield from self._expression(part, scope)
            yield from () if parts else [UNKNOWN]

    def _name(self, name: str, scope: Scope) -> Iterator[Value]:
        owner, dot, last = name.rpartition(".")
        if dot:
            for value in self._typed(owner, scope):
                yield from self._member(value, last)
            return
        where: Scope | None = scope
        while where is not None and (name not in where.bound or (where.kind == "class" and where is not scope)):
            where = where.parent
        if where is not None:
            yield from self._bound(where, name)
            return
        for value in self.program.name(name, scope) or [UNKNOWN]:
            yield from self._value(value)

    def _member(self, value: Value, name: str) -> Iterator[Value]:
        """Follow an attribute of a class or module."""
        where: Scope | None = None
        if value[0] == "cls":
            where = next((v[1] for v in self.program.mro(value[1]) if v[0] == "cls" and _binds(v[1], name)), None)
        elif value[0] == "mod":
            where = self.program.scope(value[1])
        if where is not None and name in where.bound:
            yield from self._bound(where, name)
            return
        for found in (self.program.member(value, name) if value[0] in {"mod", "ext"} else []) or [UNKNOWN]:
            yield from self._value(found)

    def _value(self, value: Value) -> Iterator[Value]:
        if value[0] == "obj":
            yield from self._instance(value[1])
        elif value[0] == "cls":
            for meta in self.graph.metaclasses(value[1]):
                yield from self._instance(meta)
        elif value[0] == "fun":
            yield from self._function(value[1], value[1].parent or value[1])
        elif not (
            value in (PLAIN, TEXT) or value[0] == "mod" or (value[0] in {"ext", "inst"} and self._harmless(value[1]))
        ):
            yield UNKNOWN

    def _instance(self, cls: Scope) -> Iterator[Value]:
        """Follow an instance of a class, which may be a descriptor."""
        if any(v[0] == "cls" and DESCRIPTORS[self.hook] in v[1].bound for v in self.program.mro(cls)):
            yield ("obj", cls)
        elif self.program.lost_bases(cls) or not all(map(self._makes_plain, self.program.roots(cls))):
            yield UNKNOWN

    def _function(self, function: Scope, scope: Scope) -> Iterator[Value]:
        """Follow what decorators make of a function."""
        for decorator in function.decorators():
            made = isinstance(decorator, dict) and "call" in decorator
            callee = decorator["call"] if made else decorator
            of, last = _split(callee)
            if last in _PARTS:
                if last == ACCESSORS[self.hook]:
                    yield ("site", Site(function, self.cls, scope if scope.kind == "class" else None))
                yield from self._expression(of, scope)
                continue
            for value in self._typed(callee, scope):
                if value[0] == "fun":
                    yield from self._decorated(value[1], made=made)
                elif value[0] == "cls" and made:
                    call = self.graph.method(value[1], "__call__")
                    yield from self._decorated(call.function, made=False) if call else [UNKNOWN]
                elif value[0] == "cls":
                    yield from () if self._is_property(value) else self._instance(value[1])
                elif value[0] != "ext" or not self._known(value[1]) or value[1] == "functools.partial":
                    yield UNKNOWN

    def _decorated(self, decorator: Scope, *, made: bool) -> Iterator[Value]:
        """Follow what a function gives that gets one; or, if `made`, what gives one that does."""
        kind = self._makers if made else self._decorators
        if decorator in kind:
            return
        kind.add(decorator)
        if decorator.decorators() and not made and not decorator.decorated_by("wraps"):
            yield UNKNOWN
        for item in decorator.facts.get("returns", ()):
            value = item.get("v")
            called = isinstance(value, dict) and "call" in value
            for each in self._typed(value["call"] if called and isinstance(value, dict) else value, decorator):
                if each[0] == "fun" and (called or made):
                    yield from self._decorated(each[1], made=made and called)
                elif made:
                    yield UNKNOWN
                else:
                    yield from self._expression(value, decorator)

    def _call(self, call: dict[str, Any], scope: Scope) -> Iterator[Value]:
        callee, args, names = call["call"], call.get("args", ()), call.get("kw", {})
        if isinstance(callee, dict) and "sub" in callee:  # `Kept[int]()`
            callee = callee["sub"]
        of, last = _split(callee)
        if last in _PARTS:
            if last == ACCESSORS[self.hook]:
                yield from self._given(args[0] if args else None, scope)
            yield from self._expression(of, scope)
            return
        found = self._typed(call, scope)
        if {*found} == {PLAIN}:
            return
        if isinstance(callee, dict) and "call" in callee:  # `wraps(f)(inner)`
            known = {value[-1] for value in self._typed(callee["call"], scope)} <= _GIVE_FUNCTIONS
            for value in found if known else [UNKNOWN]:
                yield from self._value(value)
            return
        for value in self._typed(callee, scope):
            if self._is_property(value):
                place, name = _PLACES[self.hook]
                told = not any(isinstance(each, dict) and "star" in each for each in args) and "**" not in names
                given = args[place] if len(args) > place else names.get(name, {"lit": "None"})
                yield from self._given(given if told else None, scope)
            elif value[0] == "cls" and not self._chooses(value[1]):
                yield from self._instance(value[1])
            elif value[0] == "fun" and not value[1].decorators():
                for item in value[1].facts.get("returns", ()):
                    yield from self._expression(item.get("v"), value[1])
            elif value[0] == "ext" and value[1] in _MAKERS:
                for each in (*args, *names.values()):
                    yield from self._expression(each, scope)
            elif value[0] == "ext" and value[1].rpartition(".")[2][:1].isupper():
                yield from self._value(("inst", value[1]))
            else:
                yield UNKNOWN

    def _chooses(self, cls: Scope) -> bool:
        """Tell whether code of a class says what calling it gives."""
        makers = [
            self.graph.method(cls, "__new__"),
            *(self.graph.method(m, "__call__") for m in self.graph.metaclasses(cls)),
        ]
        return any(maker is not None for maker in makers)

    def _is_property(self, value: Value) -> bool:
        """Tell whether a class makes properties, of what it is given."""
        if value[0] != "cls":
            return value[0] == "ext" and value[1] in _PROPERTIES
        own = {name for v in self.program.mro(value[1]) if v[0] == "cls" for name in v[1].bound}
        return own.isdisjoint({"__init__", "__new__", *DESCRIPTORS.values()}) and not _PROPERTIES.isdisjoint(
            self.program.roots(value[1])
        )

    def _given(self, accessor: object, scope: Scope) -> Iterator[Value]:
        """Follow what a property is given to run."""
        if isinstance(accessor, dict) and accessor.get("lit") == "None":
            return
        for value in self._typed(accessor, scope):
            if value[0] == "fun":
                owner = value[1].parent
                yield ("site", Site(value[1], self.cls, owner if owner is not None and owner.kind == "class" else None))
            else:
                yield value if value[0] == "ext" else UNKNOWN

    def _typed(self, expression: object, scope: Scope) -> list[Value]:
        if scope not in self._types:
            self._types[scope] = Types(self.graph, Site(scope))
        return self._types[scope].types(expression) or [UNKNOWN]

    def _known(self, name: str) -> bool:
        """Tell whether a name without source is one of the standard library, or of a package that a pack describes."""
        return is_stdlib_top(name) or self.graph.packs.package_of(name) is not None

    def _makes_plain(self, root: str) -> bool:
        """Tell whether instances of a class without source are no descriptors."""
        return self._known(root) and root not in _PROPERTIES

    def _harmless(self, name: str) -> bool:
        """Tell whether such a name stands for something that is known: what reflection gives is not."""
        return self._known(name) and not sinks.effect(name)


def _split(callee: object) -> tuple[object, str]:
    """Split `x.part` into what it is of, and the last name."""
    if isinstance(callee, dict):
        return callee.get("of"), callee.get("attr", "")
    of, _, last = callee.rpartition(".") if isinstance(callee, str) else ("", "", "")
    return of, last if of else ""
