"""Scopes of the analysed modules: what each binds, and where a name that it reads comes from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pickleball_generate.facts.parts import CALLING, Facts, body, called_in

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = ("or", "tuple", "list", "set", "listof", "setof", "genof")
PUTTING = frozenset({"append", "add", "extend", "insert"})  # methods that put their last argument into a container
HANDING_ON = frozenset({"partial", "copy", "deepcopy"})  # calls that give what they are given, in a partial or a copy


class Parameters(NamedTuple):
    """What a function takes: by position, by name only, whichever; with defaults; more by position, more by name."""

    places: list[str]
    only_named: list[str]
    names: set[str]
    defaults: set[str]
    more: bool
    named: bool


class Scope:
    """A module, class or function body. Compared by identity: two definitions of one name are two scopes."""

    def __init__(self, module: str, kind: str, facts: Facts, parent: Scope | None, file: str) -> None:
        self.module = module
        self.kind = kind
        self.head = facts  # without what stands in its body, where that is a part of its own
        if "part" not in facts:
            self.facts = facts
        self.parent = parent
        self.file = file
        self.name: str = facts.get("name", "") if parent is not None else ""
        self.line: int = facts.get("line", 1)

    def __repr__(self) -> str:
        return f"<{self.dotted}:{self.line}>"

    @cached_property
    def facts(self) -> Facts:
        """What the source says of the body."""
        return body(self.head, self.root.facts["parts"])

    @property
    def _nesting(self) -> Facts:
        """The facts, where classes or functions may stand in the body."""
        return self.facts if self.head.get("inner", True) else {}

    @cached_property
    def dotted(self) -> str:
        """Module and qualified name as `__qualname__` has it."""
        if self.parent is None:
            return self.module
        inside = f"{self.parent.dotted}.<locals>" if self.parent.kind == "function" else self.parent.dotted
        return f"{inside}.{self.name}"

    @cached_property
    def identity(self) -> str:
        """A text that orders scopes and names no two of them."""
        return f"{self.dotted}@{self.line:06d}"

    @cached_property
    def kept(self) -> frozenset[str]:
        """The parameters of a method that it stores in attributes of its object as they are."""
        params = [item["n"] for item in self.facts.get("params", ())]
        stored = [item for item in self.facts.get("assigns", ()) if isinstance(item["to"], str)]
        return frozenset(
            item["v"]
            for item in stored
            if params and item["to"].startswith(f"{params[0]}.") and item.get("v") in params[1:]
        )

    @cached_property
    def parameters(self) -> Parameters:
        """The parameters of a function."""
        params = self.facts.get("params", ())
        kinds = {param.get("k") for param in params}
        return Parameters(
            [param["n"] for param in params if param.get("k") is None],
            [param["n"] for param in params if param.get("k") == "kw"],
            {param["n"] for param in params},
            {param["n"] for param in params if "d" in param},
            "*" in kinds,
            "**" in kinds,
        )

    @cached_property
    def classes(self) -> list[Scope]:
        """The classes that stand in this body."""
        return [Scope(self.module, "class", c, self, self.file) for c in self._nesting.get("classes", ())]

    @cached_property
    def functions(self) -> list[Scope]:
        """The functions that stand in this body."""
        return [Scope(self.module, "function", f, self, self.file) for f in self._nesting.get("functions", ())]

    @cached_property
    def inside(self) -> list[Scope]:
        """The functions that stand in this body, at any depth, also in its classes."""
        return [f for inner in self.functions for f in (inner, *inner.inside)] + [
            f for cls in self.classes for f in cls.inside
        ]

    @cached_property
    def starts(self) -> list[int]:
        """The first lines of all functions of the body, sorted."""
        return sorted(function.line for function in self.inside)

    @cached_property
    def bound(self) -> dict[str, list[tuple[str, Any]]]:
        """Every name that the body binds, with the statements and definitions that do it."""
        found: dict[str, list[tuple[str, Any]]] = {}

        def add(name: str, kind: str, what: object) -> None:
            found.setdefault(name, []).append((kind, what))

        for item in self.facts.get("imports", ()):
            if "import" in item:
                add(item.get("as") or item["import"].partition(".")[0], "import", item)
            elif item["name"] != "*":
                add(item.get("as") or item["name"], "from", item)
        for item in self.facts.get("assigns", ()):
            if isinstance(item["to"], str) and "." not in item["to"]:
                add(item["to"], "assign", item)
        for inner in self.classes:
            add(inner.name, "class", inner)
        for inner in self.functions:
            add(inner.name, "function", inner)
        for item in self.facts.get("params", ()):
            add(item["n"], "param", item)
        for name, value in self._inner_names():
            add(name, "walrus", value)
        return found

    @cached_property
    def rivals(self) -> dict[Scope, list[tuple[str, Any]]]:
        """Of the functions of a class, what else its body binds under a name of theirs: a condition may choose.

        Parts of a property are no rivals of one another.
        """
        found: dict[Scope, list[tuple[str, Any]]] = {}
        for bound in self.bound.values() if self.kind == "class" else ():
            named = [each for kind, what in bound for each in self._named(kind, what)]
            functions = [what for kind, what in named if kind == "function"]
            if len(named) > 1 and not any(
                function.decorated_by("setter", "deleter", "getter") for function in functions
            ):
                for function in functions:
                    found.setdefault(function, []).extend(each for each in named if each[1] is not function)
        return found

    def _named(self, kind: str, what: Any) -> list[tuple[str, Any]]:
        """Give what a statement of a class binds: of `a = b` the functions b; nothing where it only declares."""
        if kind == "function":
            return [] if what.decorated_by("overload") else [(kind, what)]
        if kind != "assign":
            return [(kind, what)]
        value = what.get("v") if not what.get("op") else None
        alias = self.bound.get(value, ()) if isinstance(value, str) else ()
        return [each for each in alias if each[0] == "function"] or ([(kind, what)] if "v" in what else [])

    @cached_property
    def statements(self) -> list[tuple[str, Facts]]:
        """The statements of a body with their kinds; the same objects each time."""
        return list(_statements(self.facts))

    @cached_property
    def encloses(self) -> bool:
        """Whether this is a function in whose body classes or functions stand."""
        return self.kind == "function" and bool(self._nesting.get("classes") or self._nesting.get("functions"))

    @property
    def root(self) -> Scope:
        """The module that the scope stands in."""
        return self if self.parent is None else self.parent.root

    @cached_property
    def chooses(self) -> bool:
        """Whether this is a function that only chooses what it returns, copies it or puts it into a partial.

        It calls nothing else but in conditions, or something that it returns is an item of what it was given.
        """
        if self._gives_item:
            return True
        statements = [item.get("v") for kind in ("assigns", "returns") for item in self.facts.get(kind, ())]
        return bool(self.facts.get("returns")) and not self.facts.get("calls") and not any(map(_has_call, statements))

    @cached_property
    def returns_first(self) -> bool:
        """Whether a function returns its first parameter, as `fit` returns its object."""
        params = self.facts.get("params", ())
        return bool(params) and any(item.get("v") == params[0]["n"] for item in self.facts.get("returns", ()))

    @cached_property
    def returned_callees(self) -> list[str]:
        """What is called for what a function returns: right there, or for names that it returns or puts into these."""
        waiting = [part for item in self.facts.get("returns", ()) for part in _parts(item.get("v"))]
        seen: set[str] = set()
        found: list[str] = []
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                if part not in seen:
                    seen.add(part)
                    waiting += [inner for each in self._given_to.get(part, ()) for inner in _parts(each)]
            elif isinstance(part, dict) and "call" in part:
                found.append(callee_name(_made_first(part)))
        return found

    def is_given(self, name: object) -> bool:
        """Tell whether a name is a parameter of the function, or what a loop or a row gives."""
        bound = self.bound.get(name, ()) if isinstance(name, str) and self.kind == "function" else ()
        return any(kind == "param" or (kind == "assign" and _from_a_row(what)) for kind, what in bound)

    @cached_property
    def makes_computed(self) -> bool:
        """Whether what a function returns is an item of something, or made by one: a class, a function, its method."""
        names = {name for callee in self.returned_callees for name in (callee, root_name(callee))}
        makers = (each for name in sorted(names) for each in self._given_to.get(name, ()))
        return self._gives_item or any(isinstance(each, dict) and "sub" in each for each in makers)

    @cached_property
    def _gives_item(self) -> bool:
        """Whether a function returns an item of something that it names, under a key that is not written out."""
        return any(_looked_up(part) for item in self.facts.get("returns", ()) for part in _parts(item.get("v")))

    @cached_property
    def _given_to(self) -> dict[str, list[Any]]:
        """What names of the body are bound to, and what is put into them."""
        found: dict[str, list[Any]] = {}
        for item in self.facts.get("assigns", ()):
            to = item["to"].get("sub") if isinstance(item["to"], dict) else item["to"]
            if isinstance(to, str):
                found.setdefault(to, []).append(item.get("v"))
        for item in self.facts.get("calls", ()):
            owner, _, method = callee_name(item.get("c")).rpartition(".")
            if owner and method in PUTTING:
                found.setdefault(owner, []).extend(item["c"].get("args", ())[-1:])
        return found

    @cached_property
    def called(self) -> frozenset[str]:
        """What the statements of the body call; those inside functions and classes in it are not its own."""
        if "part" in self.head:
            return frozenset(self.head["called"])
        return frozenset(called_in([self.facts.get(kind, ()) for kind in CALLING]))

    @cached_property
    def stars(self) -> list[Facts]:
        """The star imports of the body."""
        return [item for item in self.facts.get("imports", ()) if item.get("name") == "*"]

    @cached_property
    def touches(self) -> dict[str, list[tuple[str, Any]]]:
        """Statements that change what a name holds without binding it: stores into it, calls on it or with it.

        `@registry.register("name")` above a function or class is such a call.
        """
        found: dict[str, list[tuple[str, Any]]] = {}
        for item in self.facts.get("assigns", ()):
            root = root_name(item["to"])
            if root and root != item["to"]:
                found.setdefault(root, []).append(("assign", item))
        for item in self.facts.get("calls", ()):
            call = item["c"]
            if not isinstance(call, dict) or "call" not in call:
                continue
            names = {root_name(call["call"])} | {root_name(a) for a in call.get("args", ())[:2]}
            for root in sorted(name for name in names if name):
                found.setdefault(root, []).append(("call", item))
        for kind, defined in (("fun", self.functions), ("cls", self.classes)):
            for inner in defined:
                for decorator in inner.decorators():
                    called = decorator["call"] if isinstance(decorator, dict) and "call" in decorator else decorator
                    if (root := root_name(called)) and root != called:
                        found.setdefault(root, []).append(("decorator", {"d": decorator, "of": (kind, inner)}))
        return found

    @cached_property
    def declared_global(self) -> frozenset[str]:
        """Names that a `global` statement gives to the module."""
        return frozenset(self.facts.get("globals", ()))

    def decorators(self) -> list[Any]:
        """The decorators, outermost first."""
        return list(self.head.get("decorators", ()))

    def decorated_by(self, *names: str) -> bool:
        """Tell whether a decorator ends in one of these names."""
        return not self._decorator_names.isdisjoint(names)

    @cached_property
    def _decorator_names(self) -> frozenset[str]:
        return frozenset(callee_name(d).rpartition(".")[2] for d in self.head.get("decorators", ()))

    @cached_property
    def is_abstract(self) -> bool:
        """Whether a function is declared to be defined elsewhere."""
        return self.decorated_by("abstractmethod", "abstractproperty")

    @cached_property
    def abstract(self) -> set[str]:
        """The names under which a class body has a function that is declared abstract."""
        own = {function.name for function in self.functions if function.is_abstract}
        values = ((item["to"], item.get("v")) for item in (self.facts.get("assigns", ()) if own else ()))
        return own | {to for to, value in values if isinstance(to, str) and isinstance(value, str) and value in own}

    def _inner_names(self) -> Iterator[tuple[str, Any]]:
        """Targets of comprehensions and of `:=` in this body."""
        for item in (*self.facts.get("assigns", ()), *self.facts.get("returns", ())):
            if isinstance(value := item.get("v"), (dict, list)):
                yield from walrus_targets(value)
        for item in self.facts.get("calls", ()):
            if isinstance(value := item.get("c"), (dict, list)):
                yield from walrus_targets(value)


def _from_a_row(item: Facts) -> bool:
    """Tell whether an assignment takes something out of a container."""
    how = item.get("op", "")
    return bool(how.startswith("for") or how.endswith("unpack"))


def walrus_targets(expression: dict[str, Any] | list[Any]) -> list[tuple[str, Any]]:
    """Find `name := value` and `for name in iterable` inside an expression."""
    found: list[tuple[str, Any]] = []
    waiting: list[Any] = [expression]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if "walrus" in current and isinstance(current["walrus"], str):
                found.append((current["walrus"], {"to": current["walrus"], "v": current["v"], "line": 0}))
            for generator in current.get("in", ()):
                found += comprehension_targets(generator["for"], generator["of"])
            current = [inner for key, inner in current.items() if key != "str"]
        waiting += [inner for inner in reversed(current) if inner.__class__ is dict or inner.__class__ is list]
    return found


def comprehension_targets(target: object, iterable: object) -> Iterator[tuple[str, Any]]:
    """Turn the target of a comprehension into assignments of a `for` statement."""
    if isinstance(target, str):
        if "." not in target:
            yield target, {"to": target, "v": iterable, "op": "for", "line": 0}
    elif isinstance(target, dict):
        for at, inner in enumerate(target.get("tuple") or target.get("list") or ()):
            if isinstance(inner, str) and "." not in inner:
                yield inner, {"to": inner, "v": iterable, "op": "for.unpack", "at": at, "line": 0}


def root_name(expression: object) -> str:
    """Give the name at the left end of `a.b[c].d`."""
    while isinstance(expression, dict):
        expression = expression.get("sub", expression.get("of") if "attr" in expression else None)
    return expression.partition(".")[0] if isinstance(expression, str) else ""


def callee_name(expression: object) -> str:
    """Give the dotted name of a decorator or callee, with or without its arguments."""
    if isinstance(expression, dict) and "call" in expression:
        expression = expression["call"]
    return expression if isinstance(expression, str) else ""


def _statements(facts: Facts) -> Iterator[tuple[str, Facts]]:
    """Give the statements of a body with their kinds."""
    for kind, key in (("param", "params"), ("assign", "assigns"), ("call", "calls"), ("return", "returns")):
        for item in facts.get(key, ()):
            yield kind, item
    for item in _more_calls(facts):
        yield "call", item
    if "rann" in facts:
        yield "result", facts


def _more_calls(facts: Facts) -> Iterator[Facts]:
    """Calls in conditions and the like, which stand in no assignment, call or return."""
    seen = {str(call) for kind in ("assigns", "calls", "returns") for call in _callees(facts.get(kind, []))}
    for call in facts.get("reach", ()):
        if str(call["f"]) not in seen:
            yield {
                "c": {"call": call["f"], "args": call.get("args", []), "kw": call.get("kw", {}), "open": True},
                "line": call["line"],
            }


def _has_call(expression: object) -> bool:
    """Tell whether an expression calls, or gives what a generator's caller gets by and by."""
    if isinstance(expression, list):
        return any(map(_has_call, expression))
    if isinstance(expression, dict):
        calls = "call" in expression and callee_name(expression).rpartition(".")[2] not in HANDING_ON
        return calls or "yield" in expression or any(map(_has_call, expression.values()))
    return False


def _parts(expression: object) -> list[object]:
    """What an expression can be: the alternatives, and of a display or comprehension its elements."""
    if isinstance(expression, dict):
        for kind in PARTS:
            if inner := expression.get(kind):
                return [part for each in (inner if isinstance(inner, list) else [inner]) for part in _parts(each)]
        if "dict" in expression:
            return [part for _, each in expression["dict"] for part in _parts(each)]
    return [expression]


def _looked_up(expression: object) -> bool:
    """Tell whether an expression is an item of a name, under a key that is not written out."""
    if not isinstance(expression, dict) or not isinstance(expression.get("sub"), str):
        return False
    return isinstance(expression.get("ix"), str)


def _made_first(call: dict[str, Any]) -> dict[str, Any]:
    """Of `C(...).fit(...)` the call of C."""
    while isinstance(callee := call["call"], dict) and isinstance(inner := callee.get("of"), dict) and "call" in inner:
        call = inner
    return call


def _callees(expression: object) -> Iterator[object]:
    """Find what is called inside an expression."""
    if isinstance(expression, list):
        for inner in expression:
            yield from _callees(inner)
    elif isinstance(expression, dict):
        if "call" in expression:
            yield expression["call"]
        for inner in expression.values():
            if isinstance(inner, (dict, list)):
                yield from _callees(inner)
