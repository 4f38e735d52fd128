"""The call graph: what the body of one function reaches directly.

Receivers are typed by what a body itself shows (`x = C()`, an import, a literal). Attributes of objects are not: a
stream fills them. A method of such an unknown object is followed nowhere; its name is kept in `asks`, since any object
of the stream may stand there, and only an object of an allowed class can.
"""

from __future__ import annotations

import builtins
import collections
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks
from pickleball_generate.inference.scopes import root_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs

PLAIN: Value = ("plain",)
UNKNOWN: Value = ("unk",)
DEEPEST = 6  # locals that are followed one into another
# Methods of strings, numbers, containers and arrays: on an unknown object they are asked of it, not followed.
_USUAL = """
    add all any append astype ceil clear copy count decode difference discard encode endswith extend extendleft
    appendleft fill find flatten floor format get index insert intersection is_integer isalnum isalpha isdigit
    isdisjoint isidentifier islower isspace issubset issubset issuperset isupper items join keys lower lstrip max mean
    min nonzero partition pop popitem popleft ravel remove removeprefix removesuffix replace reshape reverse rfind
    rindex rotate round rpartition rsplit rstrip setdefault sort split splitlines squeeze startswith std strip sum
    swapcase symmetric_difference title to_bytes tolist toordinal transpose union update upper values zfill
"""
USUAL = frozenset(_USUAL.split())
QUESTIONS = frozenset({"builtins.isinstance", "builtins.issubclass", "builtins.hasattr", "builtins.callable"})
CONSTRUCTING = ("__new__", "__init__", "__post_init__")


@dataclass(frozen=True)
class Site:
    """A function that runs for instances of a class (or for none); `owner` is the class in whose body it stands."""

    function: Scope
    cls: Scope | None = None
    owner: Scope | None = None


@dataclass
class Reached:
    """What one body reaches: sites with the line of the call, effects by name, calls that lead nowhere, questions."""

    sites: dict[Site, int] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    asks: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)  # attributes by a computed name, of objects that are no modules


class CallGraph:
    """Bodies of a program; each is read once."""

    def __init__(self, program: Program, packs: Packs) -> None:
        self.program = program
        self.packs = packs
        self._known: dict[Site, Reached] = {}

    def reached(self, site: Site) -> Reached:
        """Give what a body reaches directly."""
        if site not in self._known:
            self._known[site] = _Body(self, site).read()
        return self._known[site]

    def method(self, cls: Scope, name: str, after: Scope | None = None) -> Site | None:
        """Give the method that a class has for a name; after a class, the one that `super()` gives there."""
        found = self.program.method(cls, name, after=after)
        return Site(found[0], cls, found[1]) if found else None

    def constructors(self, cls: Scope) -> list[Site]:
        """Give the methods that run when a class is called."""
        found = [self.method(cls, name) for name in CONSTRUCTING]
        for meta in self.metaclasses(cls):
            found += [self.method(meta, "__call__")]
        return [site for site in found if site is not None]

    def metaclasses(self, cls: Scope) -> list[Scope]:
        """Give the metaclasses with source of a class and its bases."""
        found = []
        for owner in self.program.mro(cls):
            named = owner[1].facts.get("kw", {}).get("metaclass") if owner[0] == "cls" else None
            if named is not None:
                found += [v[1] for v in self.program.resolve(named, owner[1].parent or owner[1]) if v[0] == "cls"]
        return found

    def foreign(self, name: str) -> tuple[str, str] | None:
        """Say what calling a name without source does: an effect, something unknown, or nothing that counts."""
        effect = sinks.effect(name)
        if effect:
            return "effect", f"{effect}: {name}"
        parts = name.split(".")
        modules = (".".join(parts[:length]) for length in range(1, len(parts)))
        if self.packs.package_of(name) is None and any(map(self.program.environment.extension, modules)):
            return "unknown", f"machine code of {name}"
        return None

    def decorators(self, function: Scope) -> list[Site]:
        """Give the decorators with source of a function, with what they define: a wrapper runs in its place."""
        found: list[Site] = []
        for decorator in function.decorators():
            named = decorator["call"] if isinstance(decorator, dict) and "call" in decorator else decorator
            for value in self.program.resolve(named, function.parent or function):
                if value[0] == "fun":
                    found += [Site(value[1]), *(Site(inner) for inner in value[1].inside)]
        return found


class _Body:
    """Reads the calls of one body."""

    def __init__(self, graph: CallGraph, site: Site) -> None:
        self.graph = graph
        self.program = graph.program
        self.site = site
        self.out = Reached()
        params = site.function.facts.get("params", ())
        bound = site.cls is not None and not site.function.decorated_by("staticmethod")
        self.me = params[0]["n"] if params and bound and site.function.parent is site.owner else None

    def read(self) -> Reached:
        """Read the calls, and the assignments that change state of the process."""
        function = self.site.function
        for call in function.facts.get("reach", ()):
            self.line = call.get("line", function.line)
            self._call(call)
        for item in function.facts.get("assigns", ()):
            self.line = item.get("line", function.line)
            if isinstance(item["to"], dict):
                self._stored(item["to"])
        for line in self._lost():
            self.out.unknown.setdefault("a line that could not be read", line)
        return self.out

    def _lost(self) -> Iterable[int]:
        """Lines of this body that the parser gave up."""
        module = self.site.function
        while module.parent is not None:
            module = module.parent
        lost = [item["line"] for kind in ("lost", "errors") for item in module.facts.get(kind, ())]
        if not lost:
            return
        for line in lost:
            before = [start for start in module.starts if start <= line]
            if before and before[-1] == self.site.function.line:
                yield line

    # What a call does

    def _call(self, call: dict[str, Any]) -> None:
        callee = call.get("f")
        shown = _shown(callee)
        if callee == "super":
            return
        head = callee.partition(".")[0] if isinstance(callee, str) else ""
        if isinstance(callee, str) and callee.startswith((f"{self.me}.__dict__.", f"super.{self.me}")):
            return  # reading or changing the object's own attributes
        if isinstance(callee, (str, dict)) and (values := self._callee(callee)):
            for value in values:
                self._value(value, shown, call)
        elif head and "." not in str(callee):
            self._unknown(shown)
        self._arguments(call, callee)

    def _callee(self, callee: str | dict[str, Any]) -> list[Value]:
        """Give what a callee can be; a method of an unknown object is ("asked", name)."""
        if isinstance(callee, str):
            if "." not in callee:
                return self._types(callee) or [UNKNOWN]
            owner, _, name = callee.rpartition(".")
            return self._members(self._types(owner), name)
        if "attr" in callee:
            if _is_super(callee["of"]):
                return self._super(callee["attr"])
            return self._members(self._types(callee["of"]), callee["attr"])
        return [UNKNOWN]

    def _super(self, name: str) -> list[Value]:
        cls, owner = self.site.cls, self.site.owner
        if cls is None:
            return [UNKNOWN]
        found = self.graph.method(cls, name, after=owner)
        if found:
            return [("site", found)]
        return [("ext", f"{root}.{name}") for root in self.program.roots(cls)] or [PLAIN]

    def _members(self, owners: list[Value], name: str) -> list[Value]:
        found: list[Value] = []
        for value in owners or [UNKNOWN]:
            kind = value[0]
            if kind in {"obj", "cls"}:
                site = self.graph.method(value[1], name)
                found += [("site", site)] if site else self._inherited(value[1], name)
            elif kind == "inst":
                found.append(("ext", f"{value[1]}.{name}"))
            elif kind in {"mod", "ext"}:
                found += self.program.member(value, name) or [UNKNOWN]
            elif kind == "plain":
                found.append(PLAIN)
            else:
                found.append(("asked", name))
        return found

    def _inherited(self, cls: Scope, name: str) -> list[Value]:
        """An attribute that is no method with source: of the class body, a builtin base, else asked of the object."""
        bound = self.program.member(("cls", cls), name)
        roots = [root for root in self.program.roots(cls) if _has(root, name)]
        return bound or [("ext", f"{root}.{name}") for root in roots] or [("asked", name)]

    def _value(self, value: Value, shown: str, call: dict[str, Any]) -> None:
        kind = value[0]
        if kind == "ext":
            self._foreign(value[1], call)
        elif kind == "site":
            self.out.sites.setdefault(value[1], self.line)
        elif kind in {"fun", "meth"}:
            owner = value[1].parent if value[1].parent is not None and value[1].parent.kind == "class" else None
            self.out.sites.setdefault(Site(value[1], owner, owner), self.line)
        elif kind == "cls":
            self._construct(value[1])
        elif kind == "asked" and value[1] in USUAL:
            self.out.asks.setdefault(value[1], self.line)
        elif kind != "plain":
            self._unknown(shown)

    def _construct(self, cls: Scope) -> None:
        for site in self.graph.constructors(cls):
            self.out.sites.setdefault(site, self.line)
        for root in self.program.roots(cls):
            self._note(self.graph.foreign(root))

    def _foreign(self, name: str, call: dict[str, Any]) -> None:
        args = call.get("args", [])
        if name in sinks.BY_NAME and _constant(args, name):
            return
        if name in sinks.OWN_ATTRIBUTES and args and args[0] == self.me and self.me:
            return
        if name == "builtins.getattr" and args and not self._is_module(args[0]):
            self.out.reads.setdefault(f"{sinks.effect(name)}: {name}", self.line)
            return
        if name in sinks.CALLS_ARGUMENT:
            self._argument_called(name, args)
            return
        if name in sinks.COPIES:
            for each in ("__deepcopy__", "__copy__", "__reduce_ex__"):
                self.out.asks.setdefault(each, self.line)
            return
        self._note(self.graph.foreign(name))

    def _is_module(self, argument: object) -> bool:
        """Tell whether an argument may be a module, class or function that the source names."""
        if not isinstance(argument, str):
            return True
        return any(value[0] in {"mod", "cls", "ext", "fun"} for value in self._types(argument))

    def _argument_called(self, name: str, args: list[Any]) -> None:
        """`map(f, ...)` and its kin: what is called is an argument; it is followed by `_arguments` when it is named."""
        if name == "builtins.type":
            if len(args) != 1:
                self._note(("effect", f"{sinks.effect(name)}: {name}"))
            return
        first = args[0] if args else None
        values = self._types(first) if isinstance(first, str) else []
        if not values or any(v[0] in {"unk", "asked", "param"} for v in values):
            self._unknown(f"{name}({_shown(first)})")

    def _arguments(self, call: dict[str, Any], callee: object) -> None:
        """Functions that are passed on may be called by whoever gets them."""
        asked = {v[1] for v in self._types(callee) if v[0] == "ext"} if isinstance(callee, str) else set()
        if asked & QUESTIONS:
            return
        for argument in (*call.get("args", ()), *call.get("kw", {}).values()):
            if not isinstance(argument, str):
                continue
            first, _, name = argument.partition(".")
            if self.me and first == self.me and self.site.cls is not None:
                site = self.graph.method(self.site.cls, name)
                if site:
                    self.out.sites.setdefault(site, self.line)
                continue
            for value in self._types(argument):
                if value[0] == "fun":
                    self._value(value, argument, {})
                elif value[0] == "ext" and sinks.effect(value[1]) and value[1] not in sinks.TYPES:
                    self._note(("effect", f"{sinks.effect(value[1])}: {value[1]}"))

    def _stored(self, target: dict[str, Any]) -> None:
        """`os.environ[...] = x`, `sys.modules[...] = x` and the like."""
        root = root_name(target)
        if not root or "sub" not in target:
            return
        for value in self._types(target["sub"]) if isinstance(target["sub"], (str, dict)) else ():
            if value[0] == "ext" and (effect := sinks.effect(f"{value[1]}.__setitem__")):
                self._note(("effect", f"{effect}: {value[1]}"))

    def _note(self, found: tuple[str, str] | None) -> None:
        if found is not None:
            (self.out.effects if found[0] == "effect" else self.out.unknown).setdefault(found[1], self.line)

    def _unknown(self, shown: str) -> None:
        self.out.unknown.setdefault(shown, self.line)

    # What an expression can be

    def _types(self, expression: object, depth: int = 0) -> list[Value]:
        """Type an expression by what the body itself shows; an empty list where nothing is known."""
        if isinstance(expression, str):
            return self._named(expression, depth)
        if not isinstance(expression, dict) or depth > DEEPEST:
            return []
        if "call" in expression:
            return self._result(expression, depth)
        if "or" in expression:
            parts = [self._types(part, depth + 1) for part in expression["or"]]
            return [v for part in parts for v in part or [UNKNOWN]]
        if "attr" in expression:
            if _is_super(expression["of"]):
                return []
            return [w for v in self._types(expression["of"], depth + 1) for w in self._read(v, expression["attr"])]
        if "sub" in expression:
            inner = self._types(expression["sub"], depth + 1)
            return [("ext", f"{v[1]}.*") for v in inner if v[0] == "ext" and sinks.effect(v[1])]
        if not expression.keys().isdisjoint(
            {"str", "lit", "list", "tuple", "set", "dict", "listof", "setof", "dictof", "genof"}
        ):
            return [PLAIN]
        return []

    def _named(self, name: str, depth: int) -> list[Value]:
        first, *rest = name.split(".")
        found = self._local(first, depth)
        for part in rest:
            found = [w for v in found for w in self._read(v, part)]
        return found

    def _read(self, value: Value, name: str) -> list[Value]:
        """Read an attribute: of modules, classes and names without source only, and properties of instances."""
        if value[0] in {"mod", "cls", "ext"}:
            return self.program.member(value, name)
        if value[0] == "obj":
            site = self.graph.method(value[1], name)
            if site and any("property" in _shown(d) for d in site.function.decorators()):
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
        for kind, what in kinds:
            if kind == "assign" and not what.get("op") and depth <= DEEPEST and what.get("v") != name:
                found += self._types(what.get("v"), depth + 1) or [UNKNOWN]
            elif kind == "param":
                found.append(("param", name))
            elif kind in {"assign", "walrus"}:
                found.append(UNKNOWN)
        known = [v for v in self.program.name(name, function) if v[0] != "ext" or not v[1].startswith("builtins.")]
        return [*found, *(v for v in known if v not in found)] or [UNKNOWN]

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
        return _Body(self.graph, Site(module)).types(value, depth + 1) if isinstance(value, dict) else []

    def types(self, expression: object, depth: int = 0) -> list[Value]:
        """Type an expression that stands in this body."""
        return self._types(expression, depth)

    def _takes_class(self) -> bool:
        function = self.site.function
        return function.decorated_by("classmethod") or function.name in {"__new__", "__init_subclass__"}

    def _result(self, call: dict[str, Any], depth: int) -> list[Value]:
        """Type what a call gives: instances of classes that are called, plain values of builtins."""
        callee = call["call"]
        if isinstance(callee, dict) and "call" in callee:  # `lru_cache(maxsize=1)(f)`
            makers = {v[1] for v in self._types(callee["call"], depth + 1) if v[0] == "ext"}
            arguments = call.get("args", [])
            return self._types(arguments[0], depth + 1) if makers & sinks.WRAPPERS and arguments else []
        if not isinstance(callee, str):
            return []
        found: list[Value] = []
        for value in self._types(callee, depth + 1):
            if value[0] == "cls":
                found.append(("obj", value[1]))
            elif value[0] == "ext":
                imported = _imported(call, value[1])
                if imported:
                    found.append(("mod", imported))
                elif value[1] in sinks.WRAPPERS and call.get("args"):
                    found += self._types(call["args"][0], depth + 1)
                elif value[1] in sinks.PLAIN_RESULTS:
                    found.append(PLAIN)
                elif value[1].rpartition(".")[2][:1].isupper():
                    found.append(("inst", value[1]))
                else:
                    found.append(UNKNOWN)
            else:
                found.append(UNKNOWN)
        return found


def _has(root: str, name: str) -> bool:
    """Tell whether a builtin type has an attribute."""
    module, _, last = root.rpartition(".")
    home = {"builtins": builtins, "collections": collections}.get(module)
    return hasattr(getattr(home, last, None), name)


def _imported(call: dict[str, Any], name: str) -> str | None:
    """Give the module that `import_module("m")` gives."""
    args = call.get("args", [])
    if name not in {"importlib.import_module", "builtins.__import__"} or len(args) != 1:
        return None
    text = args[0].get("str") if isinstance(args[0], dict) else None
    return str(text) if text and not text.startswith(".") else None


def _constant(args: list[Any], name: str) -> bool:
    """Tell whether the name that a reflective call asks for is written in the source."""
    at = 1 if name.endswith("attr") else 0
    return len(args) > at and isinstance(args[at], dict) and "str" in args[at]


def _is_super(expression: object) -> bool:
    return isinstance(expression, dict) and expression.get("call") == "super"


def _shown(callee: object) -> str:
    """Write a callee as a person reads it."""
    if isinstance(callee, str):
        return callee
    if isinstance(callee, dict) and "attr" in callee:
        return f"{_shown(callee['of'])}.{callee['attr']}"
    if isinstance(callee, dict) and "call" in callee:
        return f"{_shown(callee['call'])}(...)"
    return "a computed value"
