"""What calls give: functions with source, classes, builtins, and names without source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.scopes import callee_name
from pickleball_generate.inference.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.store import Frame

UNKNOWN: Value = ("unk",)
ADDING = frozenset({"append", "add", "appendleft", "insert", "push", "put"})
MERGING = frozenset({"extend", "update", "extendleft", "union", "intersection", "difference"})
TAKING = frozenset({"pop", "popleft", "get", "popitem", "setdefault", "__getitem__", "get_nowait"})
SAME = frozenset({"copy", "__copy__", "fromkeys", "most_common"})
NOTHING = frozenset(
    "builtins." + name
    for name in (
        "len isinstance issubclass hasattr callable id hash repr str int float bool bytes print abs "
        "round ord chr format input range all any bin hex oct pow divmod dir bytearray memoryview "
        "open"
    ).split()
)
ELEMENTS = frozenset({"builtins.min", "builtins.max", "builtins.next", "random.choice", "functools.reduce"})
LISTS = {
    **dict.fromkeys(("builtins.list", "builtins.sorted", "builtins.reversed", "builtins.iter"), "list"),
    **dict.fromkeys(
        ("builtins.filter", "itertools.chain", "itertools.chain.from_iterable", "itertools.islice"), "list"
    ),
    "builtins.tuple": "tuple",
    "builtins.set": "set",
    "builtins.frozenset": "set",
}
COPIES = frozenset({"copy.copy", "copy.deepcopy", "typing.cast", "weakref.proxy"})
PARTIALS = frozenset({"functools.partial", "functools.partialmethod"})
WRAPPERS = frozenset({"functools.lru_cache", "functools.cache", "functools.wraps", "functools.singledispatch"})

# Calls are followed this far; what comes back from farther is unknown.
DEEPEST = 1

Arguments = list[list["Value"]]
Keywords = dict[str, list["Value"]]


class Calls(Store, ABC):
    """The part of the evaluation that calls."""

    @abstractmethod
    def eval(self, expression: object, frame: Frame) -> list[Value]:
        """Give what an expression can be (evaluation.py)."""

    @abstractmethod
    def elements(self, values: Iterable[Value]) -> list[Value]:
        """Give what the containers among values hold (evaluation.py)."""

    @abstractmethod
    def extend(self, target: Value, values: Iterable[Value]) -> None:
        """Let a container hold the elements of others (evaluation.py)."""

    @abstractmethod
    def is_container(self, cls: Scope) -> bool:
        """Tell whether instances take elements (evaluation.py)."""

    @abstractmethod
    def module_variable(self, where: Scope, name: str) -> tuple[Value, ...]:
        """Give what a name of a module can be (evaluation.py)."""

    @abstractmethod
    def class_variable(self, cls: Scope, name: str) -> tuple[Value, ...]:
        """Give what a name of a class body can be (evaluation.py)."""

    @abstractmethod
    def constant(self, value: Value) -> Value:
        """Give a name of a pack that is known to be a plain value as data (evaluation.py)."""

    @abstractmethod
    def names(self, box: Value) -> list[str]:
        """Give the names under which something is stored in a container (evaluation.py)."""

    @abstractmethod
    def store_attribute(self, holder: Value, name: str, value: Value, rule: str) -> None:
        """Store into an attribute as an assignment does (evaluation.py)."""

    def eval_call(self, expression: dict[str, Any], frame: Frame) -> list[Value]:
        """`callee(arguments)`."""
        callee = expression["call"]
        positional: Arguments = []
        spread: list[Value] = []
        for argument in expression.get("args", ()):
            if isinstance(argument, dict) and "star" in argument:
                spread += self.elements(self.eval(argument["star"], frame))
            else:
                positional.append(self.eval(argument, frame))
        keywords: Keywords = {}
        for name, argument in expression.get("kw", {}).items():
            values = self.eval(argument, frame)
            if name != "**":
                keywords[name] = values
                continue
            for value in values:
                if value[0] == "box":
                    for stored in self.names(value):
                        inner = list(self.read(("F", value, stored)))
                        if stored not in {"[]", "{}"}:
                            keywords.setdefault(stored[1:-1], []).extend(inner)
                        elif stored == "[]":
                            keywords.setdefault("**", []).extend(inner)
        keywords = {name: list(dict.fromkeys(values)) for name, values in keywords.items()}
        if spread:
            keywords["*"] = list(dict.fromkeys(spread))
        special = self.special(callee, expression, positional, keywords, frame)
        if special is not None:
            return special
        found: list[Value] = []
        if isinstance(callee, str) and "." in callee:
            owner, _, name = callee.rpartition(".")
            for receiver in self.eval(owner, frame):
                found += self.call_method(receiver, name, positional, keywords, frame, expression)
        elif isinstance(callee, dict) and "attr" in callee:
            for receiver in self.eval(callee["of"], frame):
                found += self.call_method(receiver, callee["attr"], positional, keywords, frame, expression)
        else:
            for value in self.eval(callee, frame):
                found += self.call(value, positional, keywords, frame, expression)
        return list(dict.fromkeys(found))

    def special(
        self, callee: object, expression: dict[str, Any], args: Arguments, kw: Keywords, frame: Frame
    ) -> list[Value] | None:
        """Forms whose meaning depends on their text: super(), getattr, setattr, globals."""
        if not isinstance(callee, str):
            return None
        texts = [a.get("str") if isinstance(a, dict) else None for a in expression.get("args", ())]
        if callee == "super":
            return self.super_of(expression, frame)
        if callee == "getattr" and len(texts) >= 2:
            found = list(args[2]) if len(args) > 2 else []
            if texts[1] is not None:
                return list(dict.fromkeys([*self.attributes(args[0], texts[1]), *found]))
            return list(dict.fromkeys([*found, UNKNOWN]))
        if callee in {"setattr", "object.__setattr__"} and len(args) >= 3:
            for holder in args[0]:
                for value in args[2]:
                    self.store_attribute(holder, texts[1] or "*", value, "setattr")
            return []
        if callee == "super().__setattr__" and len(args) >= 2 and frame.receiver:
            for value in args[1]:
                self.store_attribute(frame.receiver, texts[0] or "*", value, "setattr")
            return []
        if callee == "vars" and args:
            return [("vars", value) for value in args[0] if value[0] == "obj"]
        if callee == "type" and len(args) == 1:
            return [v for value in args[0] for v in self.attributes([value], "__class__")]
        return None

    def super_of(self, expression: dict[str, Any], frame: Frame) -> list[Value]:
        """`super()`, with or without arguments, in a method or a function inside one."""
        receiver, owner = frame.receiver, frame.owner
        scope: Scope | None = frame.scope
        while owner is None and scope is not None:
            owner = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
            scope = scope.parent
        if expression.get("args"):
            named = [v[1] for v in self.eval(expression["args"][0], frame) if v[0] == "cls"]
            owner = named[0] if named else owner
        return [("super", owner, receiver)] if receiver and owner else []

    # Attributes

    def attributes(self, values: Iterable[Value], name: str) -> list[Value]:
        """Read an attribute of each value."""
        return list(dict.fromkeys(w for v in values for w in self.attribute(v, name)))

    def attribute(self, value: Value, name: str) -> list[Value]:
        """Read an attribute."""
        kind = value[0]
        if kind == "obj":
            return self.object_attribute(value, name)
        if kind == "cls":
            return self.class_attribute(value, name)
        if kind == "mod":
            scope = self.program.scope(value[1])
            if scope is not None and name in scope.bound:
                return list(self.module_variable(scope, name))
            return [self.constant(v) for v in self.program.attribute(value[1], name)]
        if kind == "ext":
            return self.foreign_attribute(value[1])
        if kind in {"data", "unk", "part"}:
            return [value]
        if kind == "super":
            found = self.program.method(value[2][1], name, after=value[1])
            return [("meth", found[0], value[2])] if found else []
        if kind in {"inst", "box"}:
            if name == "__class__":
                return [("ext", value[1])] if kind == "inst" else []
            package = self.packs.package_of(value[1]) if kind == "inst" else None
            return [*self.field(value, name), *([("data", package)] if package else [])]
        return []

    def foreign_attribute(self, owner: str) -> list[Value]:
        """Read an attribute of a class or function without source: a value of its package, else unknown."""
        package = self.packs.package_of(owner)
        return [("data", package)] if package else [UNKNOWN]

    def object_attribute(self, value: Value, name: str) -> list[Value]:
        """Read an attribute of an instance: its own, a method, a property, a class attribute."""
        cls: Scope = value[1]
        if name == "__dict__":
            return [("vars", value)]
        if name == "__class__":
            return [("cls", cls)]
        found = [] if name.startswith("__") else list(self.field(value, name))
        method = self.program.method(cls, name)
        if method is not None:
            function, owner = method
            if any(callee_name(d).rpartition(".")[2].endswith(("property", "setter")) for d in function.decorators()):
                for kind, each in owner.bound.get(name, ()):
                    if kind == "function":
                        frame = self.enter(each, value, owner)
                        found += self.read(("R", frame.key))
            elif function.decorated_by("staticmethod"):
                found.append(("fun", function, None))
            else:
                found.append(("meth", function, ("cls", cls) if self.takes_class(function) else value))
        else:
            found += self.inherited(cls, name)
            if self.program.method(cls, "__getattr__") and not found:
                found += self.call_method(value, "__getattr__", [[]], {}, None, name)
        if not found and self.program.roots(cls):
            found.append(UNKNOWN)
        return found

    def inherited(self, cls: Scope, name: str) -> list[Value]:
        """Read a class attribute from the first class of the MRO that has it."""
        found: list[Value] = []
        for owner in self.program.mro(cls):
            if owner[0] != "cls":
                continue
            found += self.read(("F", owner, name))
            if name in owner[1].bound:
                found += self.class_variable(owner[1], name)
                break
        return found

    def class_attribute(self, value: Value, name: str) -> list[Value]:
        """Read an attribute of a class."""
        method = self.program.method(value[1], name)
        if method is None:
            return self.inherited(value[1], name)
        function, _ = method
        return [("meth", function, value)] if self.takes_class(function) else [("fun", function, None)]

    @staticmethod
    def takes_class(function: Scope) -> bool:
        """Tell whether the first argument is the class."""
        return function.decorated_by("classmethod") or function.name in {
            "__new__", "__init_subclass__", "__class_getitem__",
        }  # fmt: skip

    # Calling

    def call_method(
        self, receiver: Value, name: str, args: Arguments, kw: Keywords, frame: Frame | None, site: object
    ) -> list[Value]:
        """`receiver.name(arguments)`."""
        kind = receiver[0]
        if kind == "part":
            self.ask(receiver, name)
            return []
        if kind == "obj" and name.startswith("__"):
            method = self.program.method(receiver[1], name)
            if method is not None:
                value = ("cls", receiver[1]) if self.takes_class(method[0]) else receiver
                return self.call_function(("meth", method[0], value), args, kw)
        if kind in {"box", "vars", "inst"} or (kind == "obj" and self.program.method(receiver[1], name) is None):
            known = self.container_method(receiver, name, args, kw, frame, site)
            if known is not None:
                return known
        if kind == "super" and self.program.method(receiver[2][1], name, after=receiver[1]) is None:
            return self.super_method(receiver, name, args, kw, frame, site)
        if kind == "cls" and name in {"__new__", "_make"}:
            return [("obj", receiver[1])]
        if kind == "mod" and receiver[1] == "copyreg":
            return []
        return [w for v in self.attribute(receiver, name) for w in self.call(v, args, kw, frame, site)]

    def super_method(
        self, receiver: Value, name: str, args: Arguments, kw: Keywords, frame: Frame | None, site: object
    ) -> list[Value]:
        """A method of a base without source, called through super()."""
        holder = receiver[2]
        if name == "__new__":
            return [("obj", holder[1])]
        if name == "__setattr__" and len(args) > 1:
            for value in args[1]:
                self.store_attribute(holder, "*", value, "setattr")
        if name == "__getstate__":
            return [("vars", holder)]
        if name in {"__reduce__", "__reduce_ex__"}:
            return [("default", holder)]
        if name == "__init__" and self.is_container(holder[1]):
            for values in (*args, *kw.values()):
                self.extend(holder, values)
        known = self.container_method(holder, name, args, kw, frame, site)
        return known if known is not None else [UNKNOWN]

    def container_method(
        self, receiver: Value, name: str, args: Arguments, kw: Keywords, frame: Frame | None, site: object
    ) -> list[Value] | None:
        """Methods of lists, dicts, sets and their kin."""
        if receiver[0] == "obj" and not self.is_container(receiver[1]):
            return None
        if name in ADDING:
            for value in args[-1] if args else ():
                self.store(receiver, "[]", value, name)
            return []
        if name in MERGING:
            for values in args:
                self.extend(receiver, values)
            for key, values in kw.items():
                for value in values:
                    self.store(receiver, f"[{key}]" if key[:1] != "*" else "[]", value, name)
            return [receiver] if name not in {"extend", "update", "extendleft"} else []
        if name in TAKING:
            if name == "setdefault" and len(args) > 1:
                for value in args[1]:
                    self.store(receiver, "[]", value, name)
            default = args[1] if len(args) > 1 else []
            return list(dict.fromkeys([*self.contents(receiver), *default]))
        if name == "values":
            return self.fill(frame, site, "list", self.contents(receiver))
        if name == "keys":
            return self.fill(frame, site, "list", self.read(("F", receiver, "{}")))
        if name == "items":
            pair = self.box_at(frame, site, "tuple", "pair")
            for value in self.read(("F", receiver, "{}")):
                self.store(pair, "[0]", value, name)
            for value in self.contents(receiver):
                self.store(pair, "[1]", value, name)
            return self.fill(frame, site, "list", [pair])
        if name in SAME:
            return [receiver]
        if name in {"index", "count", "sort", "remove", "clear", "discard", "reverse", "__init__", "__setitem__"}:
            if name == "__setitem__" and len(args) > 1:
                for value in args[1]:
                    self.store(receiver, "[]", value, "item")
            return []
        return None

    def contents(self, value: Value) -> list[Value]:
        """The values in a container, keys left out where they are known."""
        if value[0] == "vars":
            return list(self.read(("A", value[1])))
        found: list[Value] = []
        for name in self.names(value):
            if name != "{}":
                found += self.read(("F", value, name))
        return list(dict.fromkeys(found))

    def box_at(self, frame: Frame | None, site: object, kind: str, part: str = "") -> Value:
        """The container that a call makes."""
        return ("box", (frame.key if frame else None, id(site) if isinstance(site, dict) else site, part), kind)

    def fill(self, frame: Frame | None, site: object, kind: str, values: Iterable[Value]) -> list[Value]:
        """Make a container with elements."""
        box = self.box_at(frame, site, kind)
        for value in values:
            self.store(box, "[]", value, "element")
        return [box]

    def call(self, value: Value, args: Arguments, kw: Keywords, frame: Frame | None, site: object) -> list[Value]:
        """Call a value."""
        kind = value[0]
        if kind == "part":
            self.ask(value, "__call__")
            return []
        if kind == "cls":
            return self.construct(value, args, kw)
        if kind in {"fun", "meth"}:
            return self.call_function(value, args, kw)
        if kind == "obj":
            method = self.program.method(value[1], "__call__")
            return self.call_function(("meth", method[0], value), args, kw) if method else []
        if kind == "ext":
            return self.call_foreign(value[1], args, kw, frame, site)
        if kind == "box" and value[2] == "partial":
            bound = [list(self.read(("F", value, f"[{at}]"))) for at in range(1, 9)]
            while bound and not bound[-1]:
                bound.pop()
            found = []
            for target in self.read(("F", value, "[0]")):
                if target != value:
                    found += self.call(target, [*bound, *args], kw, frame, site)
            return found
        if kind in {"data", "unk"}:
            return [value]
        return []

    def construct(self, value: Value, args: Arguments, kw: Keywords) -> list[Value]:
        """Make an instance: `__new__`, `__init__`, or the fields of a dataclass or named tuple."""
        cls: Scope = value[1]
        described = self.packs.type_name(self.program.canonical(cls))
        if described:
            return self.call_opaque(described, args, kw)
        instance: Value = ("obj", cls)
        results: list[Value] = [instance]
        method = self.program.method(cls, "__new__")
        if method is not None:
            results += [v for v in self.call_function(("meth", method[0], value), args, kw) if v[0] in {"obj", "inst"}]
        method = self.program.method(cls, "__init__")
        if method is not None:
            self.call_function(("meth", method[0], instance), args, kw)
            for each in kw.get("**", ()):
                self.store(instance, "*", each, "keyword arguments")
        else:
            fields = [
                item["to"]
                for owner in reversed(self.program.mro(cls))
                if owner[0] == "cls"
                for item in owner[1].facts.get("assigns", ())
                if "ann" in item and isinstance(item["to"], str)
            ]
            for at, values in enumerate(args):
                for each in values:
                    self.store(instance, fields[at] if at < len(fields) else "*", each, "constructor")
            for name, values in kw.items():
                for each in values:
                    self.store(instance, name if name[:1] != "*" else "*", each, "constructor")
        if self.is_container(cls) and method is None:
            for values in args:
                self.extend(instance, values)
        return list(dict.fromkeys(results))

    def call_function(self, value: Value, args: Arguments, kw: Keywords) -> list[Value]:
        """Pass arguments to a function with source and give its results."""
        function: Scope = value[1]
        if self.packs.opaque_function(function):
            made = self.packs.results(function.dotted)
            return [*(("inst", name) for name in made), ("data", function.module.partition(".")[0])]
        owner = function.parent if function.parent is not None and function.parent.kind == "class" else None
        params = function.facts.get("params", [])
        receiver = value[2]
        if value[0] == "meth":
            args = [[receiver], *args]
        elif owner is not None and not function.decorated_by("staticmethod") and args:
            found: list[Value] = []
            for each in args[0]:
                if each[0] == "obj":
                    found += self.call_function(("meth", function, each), args[1:], kw)
            return found
        depth = self.depth_of(value)
        if depth > DEEPEST and not choosing(function):
            return [UNKNOWN, *(v for v in (args[0] if args and value[0] == "fun" else ()) if v[0] == "obj")]
        frame = self.enter(function, receiver, owner, depth)
        names = [p["n"] for p in params if p.get("k") not in {"*", "**", "kw"}]
        rest = next((p["n"] for p in params if p.get("k") == "*"), None)
        more = next((p["n"] for p in params if p.get("k") == "**"), None)
        for at, values in enumerate(args):
            if at < len(names):
                self.pass_values(frame, names[at], values)
            elif rest:
                self.pass_rest(frame, rest, "tuple", "[]", values)
        known = {p["n"] for p in params}
        for name, values in kw.items():
            if name in known:
                self.pass_values(frame, name, values)
            elif name == "*":
                if rest:
                    self.pass_rest(frame, rest, "tuple", "[]", values)
                for each in names[len(args) :]:
                    self.pass_values(frame, each, values)
            elif name == "**":
                if more:
                    self.pass_rest(frame, more, "dict", "[]", values)
            elif more:
                self.pass_rest(frame, more, "dict", f"[{name}]", values)
        results = list(self.read(("R", frame.key)))
        given = args[1:2] if value[0] == "meth" else args[:1]
        if UNKNOWN in results and given:  # `clone(part)`: a copy, or the part itself, comes back as something unknown
            results += [v for v in given[0] if v[0] == "part" or (v[0] == "obj" and value[0] == "fun")]
        return self.decorated(function, results)

    def depth_of(self, value: Value) -> int:
        """How far a callee is from the methods that anybody may call on what a pickle holds.

        A method of the same object and a constructor are as far as their caller, any other function one step more.
        """
        current = self.current
        if current is None:
            return 0
        caller = current.frame
        same = value[0] == "meth" and (value[1].name in {"__init__", "__new__"} or value[2] == caller.receiver)
        return caller.depth if same else caller.depth + 1

    def decorated(self, function: Scope, results: list[Value]) -> list[Value]:
        """Results of a function behind its decorators; a context manager gives what it yields."""
        if function.decorated_by("contextmanager"):
            return self.elements(results)
        return results

    def pass_values(self, frame: Frame, name: str, values: Iterable[Value]) -> None:
        """Give values to a parameter."""
        for value in values:
            self.add(("V", frame.key, name), value, "argument")
            if frame.scope.facts.get("classes") or frame.scope.facts.get("functions"):
                self.add(("V*", frame.scope, name), value, "argument")

    def pass_rest(self, frame: Frame, name: str, kind: str, place: str, values: Iterable[Value]) -> None:
        """Give values to `*args` or `**kwargs`."""
        box: Value = ("box", (frame.key, name, "rest"), kind)
        self.add(("V", frame.key, name), box, "argument")
        if frame.scope.facts.get("classes") or frame.scope.facts.get("functions"):
            self.add(("V*", frame.scope, name), box, "argument")
        for value in values:
            self.store(box, place, value, "argument")

    # Names without source

    def foreign_instance(self, name: str) -> list[Value]:
        """An instance of a class without source, as far as something is known of it."""
        known = self.packs.type_name(name)
        if known:
            return [("inst", known)]
        if self.extension_class(name):
            return [("inst", name)]
        return []

    def extension_class(self, name: str) -> bool:
        """Tell whether an extension module has a class of this name."""
        module, _, last = name.rpartition(".")
        extension = self.program.environment.extension(module)
        return extension is not None and extension.has_class(last)

    def call_foreign(self, name: str, args: Arguments, kw: Keywords, frame: Frame | None, site: object) -> list[Value]:
        """Call something without source."""
        if name in NOTHING:
            return []
        if name in COPIES:
            return list(args[-1] if name == "typing.cast" else args[0]) if args else []
        if name in LISTS:
            return self.fill(frame, site, LISTS[name], [w for values in args for w in self.elements(values)])
        if name in ELEMENTS:
            return list(dict.fromkeys([*(w for values in args for w in [*self.elements(values), *values])]))
        if name == "builtins.dict":
            box = self.box_at(frame, site, "dict")
            for values in args:
                self.extend(box, values)
            for key, values in kw.items():
                for value in values:
                    self.store(box, f"[{key}]" if key[:1] != "*" else "[]", value, "element")
            return [box]
        if name in PARTIALS:
            box = self.box_at(frame, site, "partial")
            for at, values in enumerate(args):
                for value in values:
                    self.store(box, f"[{at}]", value, "partial")
            for key, values in kw.items():
                for value in values:
                    self.store(box, f"[{key}]", value, "partial")
            return [box]
        if name in WRAPPERS:
            return [v for values in args for v in values]
        if name in {"builtins.zip", "builtins.enumerate", "itertools.product", "itertools.zip_longest"}:
            row = self.box_at(frame, site, "tuple", "row")
            for at, values in enumerate(args):
                for value in self.elements(values):
                    self.store(row, f"[{at + (name == 'builtins.enumerate')}]", value, "element")
            return self.fill(frame, site, "list", [row])
        if name == "builtins.map" and args:
            rows = [self.elements(values) for values in args[1:]]
            return self.fill(
                frame, site, "list", [w for f in args[0] for w in self.call(f, rows, {}, frame, ("map", id(site)))]
            )
        return self.call_opaque(name, args, kw)

    def call_opaque(self, name: str, args: Arguments, kw: Keywords) -> list[Value]:
        """Call a name of a package whose source is not analysed: a type makes an instance that holds its arguments."""
        instances = self.foreign_instance(name)
        package = self.packs.package_of(name)
        if results := self.packs.results(name):
            return [*(("inst", made) for made in results), *([("data", package)] if package else [])]
        for instance in instances:
            for values in (*args, *kw.values()):
                for value in values:
                    self.store(instance, "[]", value, "argument")
                    if value[0] == "cls":
                        self.store(instance, "[]", ("obj", value[1]), "factory")
                    elif value[0] == "ext":
                        for made in self.foreign_instance(value[1]):
                            self.store(instance, "[]", made, "factory")
        if instances:
            return instances
        return [("data", package)] if package else [UNKNOWN]


def choosing(function: Scope) -> bool:
    """Tell whether a function only chooses what it returns: it calls nothing but in conditions."""
    facts = function.facts
    statements = [item.get("v") for kind in ("assigns", "returns") for item in facts.get(kind, ())]
    return bool(facts.get("returns")) and not facts.get("calls") and not any(map(has_call, statements))


def has_call(expression: object) -> bool:
    """Tell whether an expression calls, or gives what a generator's caller gets by and by."""
    if isinstance(expression, list):
        return any(map(has_call, expression))
    if isinstance(expression, dict):
        return not expression.keys().isdisjoint({"call", "yield"}) or any(map(has_call, expression.values()))
    return False
