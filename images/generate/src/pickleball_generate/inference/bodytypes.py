"""What expressions of a body can be, as far as the body itself shows it.

Attributes of objects are not typed: a stream fills them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks
from pickleball_generate.inference.sites import Reached, Site

if TYPE_CHECKING:
    from pickleball_generate.inference.callgraph import CallGraph
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

PLAIN: Value = ("plain",)
TEXT: Value = ("text",)  # a text, or an instance of a subclass of `str`
UNKNOWN: Value = ("unk",)
BY_NAME = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__delattr__"})  # get a name beside the object
DEEPEST = 6  # locals that are followed one into another


class Types:
    """Types expressions by what the body that they stand in shows itself."""

    def __init__(self, graph: CallGraph, site: Site) -> None:
        self.graph = graph
        self.program = graph.program
        self.site = site
        self.out = Reached()
        self._known: dict[tuple[str, int], list[Value]] = {}  # of names, by how many others were followed before
        self.line = site.function.line  # of the statement that is read
        params = site.function.facts.get("params", ())
        bound = site.cls is not None and not site.function.decorated_by("staticmethod")
        self.me = params[0]["n"] if params and bound and site.function.parent is site.owner else None
        named = self.me is not None and site.function.name in BY_NAME and not site.by_anything
        self.name = params[1]["n"] if named and len(params) > 1 and params[1].get("k") is None else None

    def types(self, expression: object, depth: int = 0) -> list[Value]:
        """Type an expression by what the body itself shows; an empty list where nothing is known."""
        if isinstance(expression, str):
            return self._named(expression, depth)
        if not isinstance(expression, dict) or depth > DEEPEST:
            return []
        if "call" in expression:
            return self._result(expression, depth)
        if "or" in expression:
            parts = [self.types(part, depth + 1) for part in expression["or"]]
            return [v for part in parts for v in part or [UNKNOWN]]
        if "attr" in expression:
            if is_super(expression["of"]):
                return []
            return [w for v in self.types(expression["of"], depth + 1) for w in self._read(v, expression["attr"])]
        if "sub" in expression:
            inner = self.types(expression["sub"], depth + 1)
            return [("ext", f"{v[1]}.*") for v in inner if v[0] == "ext" and sinks.effect(v[1])]
        if not expression.keys().isdisjoint(
            {"str", "lit", "list", "tuple", "set", "dict", "listof", "setof", "dictof", "genof"}
        ):
            return [PLAIN]
        return []

    def _named(self, name: str, depth: int) -> list[Value]:
        found = self._known.get((name, depth))
        if found is None:
            owner, dot, part = name.rpartition(".")
            if dot:
                found = [w for v in self._named(owner, depth) for w in self._read(v, part)]
            else:
                found = self._local(name, depth)
            self._known[name, depth] = found
        return found

    def _read(self, value: Value, name: str) -> list[Value]:
        """Read an attribute: of modules, classes and names without source only, and properties of instances."""
        if value[0] in {"mod", "cls", "ext"}:
            return self.program.member(value, name)
        if value[0] == "obj":
            site = self.graph.method(value[1], name)
            if site and any("property" in shown(d) for d in site.function.decorators()):
                self.out.sites.setdefault(site, self.line)
        return []

    def _local(self, name: str, depth: int) -> list[Value]:
        if name == self.me and self.site.cls is not None:
            kind = "cls" if self._takes_class() else "obj"
            return [(kind, self.site.cls)]
        function = self.site.function
        kinds = function.bound.get(name, ())
        if not kinds:
            return self.program.name(name, function) or self._of_module(name, depth)
        found: list[Value] = []
        added = [what for kind, what in kinds if kind == "assign" and what.get("op") == "aug"]
        for kind, what in kinds:
            if what in added:
                continue
            if kind == "assign" and not what.get("op") and depth <= DEEPEST and what.get("v") != name:
                found += self.types(what.get("v"), depth + 1) or [UNKNOWN]
            elif kind == "param":
                found.append(TEXT if name == self.name else ("param", name))
            elif kind in {"assign", "walrus"}:
                found.append(self._element(what))
        if added and not self._is_plain_sum(found, added, depth):
            found.append(UNKNOWN)
        known = [v for v in self.program.name(name, function) if v[0] != "ext" or not v[1].startswith("builtins.")]
        return [*found, *(v for v in known if v not in found)] or [UNKNOWN]

    def _element(self, statement: dict[str, Any]) -> Value:
        """Type what a loop gives: an element of a variable that the module binds to an empty container, or anything."""
        over = statement.get("v") if statement.get("op", "").startswith("for") else None
        variable = self.graph.empty.variable(over, self.site.function) if over is not None else None
        return ("elem", *variable) if variable else UNKNOWN

    def _is_plain_sum(self, values: list[Value], added: list[dict[str, Any]], depth: int) -> bool:
        """Tell whether `x += y` gives a plain value: each of them is one, and no object has a say by its `__radd__`."""
        sums = [self.types(what.get("v"), depth + 1) for what in added] if depth <= DEEPEST else [[UNKNOWN]]
        return all(each and set(each) == {PLAIN} for each in (values, *sums))

    def _of_module(self, name: str, depth: int) -> list[Value]:
        """A module's variable that is set once, by an expression that this understands."""
        module = self.site.function
        while module.parent is not None:
            if module is not self.site.function and name in module.bound:
                return []
            module = module.parent
        kinds = module.bound.get(name, ())
        if len(kinds) != 1 or kinds[0][0] != "assign" or kinds[0][1].get("op") or depth > DEEPEST:
            return []
        value = kinds[0][1].get("v")
        return Types(self.graph, Site(module)).types(value, depth + 1) if isinstance(value, dict) else []

    def _takes_class(self) -> bool:
        function = self.site.function
        return function.decorated_by("classmethod") or function.name in {"__new__", "__init_subclass__"}

    def _result(self, call: dict[str, Any], depth: int) -> list[Value]:
        """Type what a call gives: instances of classes that are called, plain values of builtins."""
        callee = call["call"]
        if isinstance(callee, dict) and "call" in callee:  # `lru_cache(maxsize=1)(f)`
            makers = {v[1] for v in self.types(callee["call"], depth + 1) if v[0] == "ext"}
            arguments = call.get("args", [])
            return self.types(arguments[0], depth + 1) if makers & sinks.WRAPPERS and arguments else []
        if isinstance(callee, dict) and is_text(callee.get("of")):  # `", ".join(names)`
            return [PLAIN]
        if not isinstance(callee, str):
            return []
        found: list[Value] = []
        for value in self.types(callee, depth + 1):
            if value[0] == "cls":
                found.append(("obj", value[1]))
            elif value[0] == "ext":
                imported = _imported(call, value[1])
                if imported:
                    found.append(("mod", imported))
                elif value[1] in sinks.WRAPPERS and call.get("args"):
                    found += self.types(call["args"][0], depth + 1)
                elif value[1] in sinks.PLAIN_RESULTS:
                    found.append(PLAIN)
                elif value[1] in sinks.RESULTS:
                    found.append(("inst", sinks.RESULTS[value[1]]))
                elif value[1].rpartition(".")[2][:1].isupper():
                    found.append(("inst", value[1]))
                else:
                    found.append(UNKNOWN)
            elif value[0] == "fun":
                found += self._returned(value[1], depth)
            else:
                found.append(UNKNOWN)
        return found

    def _returned(self, function: Scope, depth: int) -> list[Value]:
        """Type what a function gives, when it is what stands in its own return statements, whoever calls it."""
        key = (function, depth)
        if key not in self.graph.returned:
            body = Types(self.graph, Site(function))
            returns = () if function.decorators() else function.facts.get("returns", ())
            found = [v for item in returns for v in body.types(item.get("v"), depth + 1) or [UNKNOWN]]
            kept = [v if v[0] in {"inst", "plain"} else UNKNOWN for v in found]
            self.graph.returned[key] = kept or [UNKNOWN]
        return self.graph.returned[key]


def _imported(call: dict[str, Any], name: str) -> str | None:
    """Give the module that `import_module("m")` or `sys.modules.get("m")` gives."""
    args = call.get("args", [])
    if name not in {"importlib.import_module", "builtins.__import__", "sys.modules.get"} or len(args) != 1:
        return None
    text = args[0].get("str") if isinstance(args[0], dict) else None
    return str(text) if text and not text.startswith(".") else None


def is_text(expression: object) -> bool:
    """Tell whether an expression is a text that the source writes out: its methods give plain values."""
    return isinstance(expression, dict) and ("str" in expression or expression.get("lit") == "str")


def is_super(expression: object) -> bool:
    """Tell whether an expression is `super()`."""
    return isinstance(expression, dict) and expression.get("call") == "super"


def shown(callee: object) -> str:
    """Write a callee as a person reads it."""
    if isinstance(callee, str):
        return callee
    if isinstance(callee, dict) and "attr" in callee:
        return f"{shown(callee['of'])}.{callee['attr']}"
    if isinstance(callee, dict) and "call" in callee:
        return f"{shown(callee['call'])}(...)"
    return "a computed value"
