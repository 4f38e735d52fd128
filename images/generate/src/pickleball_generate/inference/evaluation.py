"""What expressions and statements mean: one method for each kind of fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.calls import Calls
from pickleball_generate.inference.scopes import Scope, callee_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.store import Frame, Key

UNKNOWN: Value = ("unk",)
SEQUENCES = {"list": "list", "tuple": "tuple", "set": "set"}
COMPREHENSIONS = {"listof": "list", "setof": "set", "genof": "list"}
OPERATORS = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow",
    "MatMult": "matmul", "BitOr": "or", "BitAnd": "and", "BitXor": "xor", "LShift": "lshift", "RShift": "rshift",
}  # fmt: skip
PLAIN = frozenset({"str", "lit", "x"})
CONTAINER_HINTS = frozenset(
    (
        "list tuple set frozenset dict List Tuple Set FrozenSet Dict Sequence Iterable Mapping "
        "MutableMapping Collection Iterator Generator MutableSequence DefaultDict OrderedDict deque"
    ).split()
)
WRAPPING_HINTS = frozenset(("Optional Union Final Annotated ClassVar Required NotRequired InitVar").split())


class Evaluation(Calls):
    """Evaluates expressions in a frame; reads through the store, so that constraints run again."""

    # Statements

    def do_assign(self, item: dict[str, Any], frame: Frame) -> None:
        """`target = value` and its kin."""
        how = item.get("op", "")
        values: Iterable[Value] = self.eval(item["v"], frame) if "v" in item else ()
        if how.startswith("for"):
            values = self.elements(values)
        elif how.startswith("with"):
            values = self.entered(values)
        if how.endswith("unpack"):
            values = self.component(values, item.get("at"))
        if how == "aug":
            for target in self.eval(item["to"], frame):
                if target[0] in {"box", "vars"}:
                    self.extend(target, values)
        self.assign(item["to"], values, frame, "assignment")
        if "ann" in item:
            self.assign(item["to"], self.declared(item["ann"], frame), frame, "annotation")

    def do_call(self, item: dict[str, Any], frame: Frame) -> None:
        """A call for its effect."""
        self.eval(item["c"], frame)

    def do_return(self, item: dict[str, Any], frame: Frame) -> None:
        """`return` and `yield`."""
        expression = item.get("v")
        if isinstance(expression, dict) and "yield" in expression:
            box = self.box(frame, expression, "list")
            for value in self.eval_all(expression["yield"], frame):
                self.store(box, "[]", value, "yield")
            self.add(("R", frame.key), box, "yield")
            return
        for value in self.eval(expression, frame):
            self.add(("R", frame.key), value, "return")

    def do_result(self, facts: dict[str, Any], frame: Frame) -> None:
        """The annotation of a function's result."""
        if "Generator" in str(facts["rann"]) or "Iterator" in str(facts["rann"]):
            return
        for value in self.declared(facts["rann"], frame):
            self.add(("R", frame.key), value, "result annotation")

    def do_param(self, item: dict[str, Any], frame: Frame) -> None:
        """A parameter: its default, its annotation, and the receiver for the first one of a method."""
        key = ("V", frame.key, item["n"])
        scope = frame.scope
        first = scope.facts["params"][0]["n"]
        if frame.receiver and item["n"] == first and scope.parent is not None and scope.parent.kind == "class":
            self.add(key, frame.receiver, "receiver")
            return
        if "d" in item:
            outer = self.frame(scope.parent) if scope.parent is not None else frame
            for value in self.eval(item["d"], outer):
                self.add(key, value, "default")
        if "ann" in item:
            outer = self.frame(scope.parent) if scope.parent is not None else frame
            for value in self.declared(item["ann"], outer):
                self.add(key, value, "annotation")
        self.add(key, UNKNOWN, "caller")
        if scope.name == "__init__" and frame.receiver and frame.receiver[0] == "obj":
            found = self.program.method(frame.receiver[1], "__init__")
            if found is not None and found[0] is scope:  # the constructor of a base gets what this one passes on
                self.add(key, ("part", frame.receiver[1], item["n"]), "caller")

    def do_declared(self, item: dict[str, Any], frame: Frame) -> None:
        """A class attribute with a declared type: a field of every instance."""
        for value in self.declared(item["ann"], frame):
            self.store(item["holder"], item["to"], value, "declared attribute")
        if "v" in item and isinstance(item["v"], dict) and "field" in callee_name(item["v"]):
            for name, default in item["v"].get("kw", {}).items():
                if name == "default":
                    values = self.eval(default, frame)
                elif name == "default_factory":
                    values = [w for v in self.eval(default, frame) for w in self.call(v, [], {}, frame, item["v"])]
                else:
                    continue
                for value in values:
                    self.store(item["holder"], item["to"], value, "field default")

    # Names

    def lookup(self, name: str, frame: Frame) -> tuple[Value, ...]:
        """Read a name as a body sees it."""
        where: Scope | None = frame.scope
        while where is not None and where.parent is not None:
            seen = where is frame.scope or where.kind == "function"
            if seen and name in where.bound and name not in where.declared_global:
                return self.local(where, name, frame)
            where = where.parent
        if where is None:
            return ()
        return self.module_variable(where, name)

    def local(self, where: Scope, name: str, frame: Frame) -> tuple[Value, ...]:
        """Give what a name of a function or class body can be."""
        if where.kind == "class":
            return self.class_variable(where, name)
        found: list[Value] = []
        for kind, what in where.bound[name]:
            if kind == "class":
                found.append(("cls", what))
            elif kind == "function":
                found.append(("fun", what, frame.receiver))
            elif kind in {"from", "import"}:
                found += self.binding(kind, what, where)
            elif kind == "walrus":
                found += self.walrus(what, frame)
        found += self.read(("V", (where, frame.receiver), name))
        if where is not frame.scope:
            found += self.read(("V*", where, name))
        return tuple(dict.fromkeys(found))

    def walrus(self, what: dict[str, Any], frame: Frame) -> Iterable[Value]:
        """Values of a comprehension's target; a target that reads itself has no more."""
        mark = ("W", id(what), frame.key)
        if mark in self.opened:
            return ()
        self.opened.add(mark)
        try:
            values: Iterable[Value] = self.eval(what["v"], frame)
            how = what.get("op", "")
            if how.startswith("for"):
                values = self.elements(values)
            return self.component(values, what.get("at")) if how.endswith("unpack") else values
        finally:
            self.opened.discard(mark)

    def module_variable(self, where: Scope, name: str) -> tuple[Value, ...]:
        """Read a module's variable; the first read makes its statements constraints."""
        key = ("V", (where, None), name)
        if key not in self.opened:
            self.opened.add(key)
            frame = self.frame(where)
            for kind, what in where.bound.get(name, ()):
                if kind == "assign":
                    self.post(frame, "assign", what)
            for kind, what in where.touches.get(name, ()):
                self.post(frame, kind, what)
        found = list(self.read(key))
        for value in self.program.name(name, where):
            if value[0] != "mod" and value[0] != "ext":
                found.append(("fun", value[1], None) if value[0] == "fun" else value)
            elif not self.assigned(where, name):
                found.append(self.constant(value))
        for kind, what in where.bound.get(name, ()):
            if kind == "from":
                origin = self.program.absolute(what["from"], where.module)
                source = self.program.scope(origin) if origin else None
                if source is not None and source is not where and what["name"] in source.bound:
                    found += self.module_variable(source, what["name"])
        return tuple(dict.fromkeys(found))

    def constant(self, value: Value) -> Value:
        """A name without source that a pack knows to be a plain value is a result of the package."""
        package = self.packs.constant(value[1]) if value[0] == "ext" else None
        return ("data", package) if package else value

    @staticmethod
    def assigned(where: Scope, name: str) -> bool:
        """Tell whether a name is bound by assignments only."""
        kinds = {kind for kind, _ in where.bound.get(name, ())}
        return bool(kinds) and kinds <= {"assign"}

    def binding(self, kind: str, what: dict[str, Any], where: Scope) -> list[Value]:
        """Resolve an import statement."""
        if kind == "import":
            return [("mod", what["import"] if "as" in what else what["import"].partition(".")[0])]
        origin = self.program.absolute(what["from"], where.module)
        source = self.program.scope(origin) if origin else None
        found = [self.constant(v) for v in self.program.imported(what, where.module)]
        if source is not None and what["name"] in source.bound:
            found += self.module_variable(source, what["name"])
        return found

    def class_variable(self, cls: Scope, name: str) -> tuple[Value, ...]:
        """Read what a class body binds to a name."""
        key = ("V", (cls, None), name)
        frame = self.frame(cls)
        if key not in self.opened:
            self.opened.add(key)
            for kind, what in cls.bound.get(name, ()):
                if kind == "assign":
                    self.post(frame, "assign", what)
        found = list(self.read(key))
        for kind, what in cls.bound.get(name, ()):
            if kind == "class":
                found.append(("cls", what))
            elif kind == "function":
                found.append(("fun", what, None))
            elif kind in {"from", "import"}:
                found += self.binding(kind, what, cls)
        return tuple(dict.fromkeys(found))

    # Targets

    def assign(self, target: object, values: Iterable[Value], frame: Frame, rule: str) -> None:
        """Store values where a target says; what it stands on is evaluated once for all of them."""
        values = list(dict.fromkeys(values))
        if not values:
            return
        if isinstance(target, str):
            owner, dot, name = target.rpartition(".")
            holders = self.eval(owner, frame) if dot else []
            for value in values:
                if not dot:
                    self.bind(target, value, frame, rule)
                for holder in holders:
                    self.store_attribute(holder, name, value, rule)
        elif isinstance(target, dict):
            if "attr" in target:
                for holder in self.eval(target["of"], frame):
                    for value in values:
                        self.store_attribute(holder, target["attr"], value, rule)
            elif "sub" in target:
                self.set_items(target, values, frame)
            elif "star" in target:
                self.assign(target["star"], values, frame, rule)

    def set_items(self, target: dict[str, Any], values: list[Value], frame: Frame) -> None:
        """`holder[index] = value`."""
        index = target.get("ix")
        name = f"[{index['str']}]" if isinstance(index, dict) and "str" in index else "[]"
        keys = self.eval(index, frame)
        for holder in self.eval(target["sub"], frame):
            if holder[0] == "obj":
                self.call_method(holder, "__setitem__", [keys, values], {}, frame, index)
                if not self.is_container(holder[1]):
                    continue
            elif holder[0] not in {"box", "vars", "inst"}:
                continue
            for value in values:
                self.store(holder, name, value, "item")
            for key in keys:
                if key[0] not in {"unk", "data"}:
                    self.store(holder, "{}", key, "key")

    def is_container(self, cls: Scope) -> bool:
        """Tell whether a class descends from a builtin container."""
        return any(self.packs.container(root) for root in self.program.roots(cls))

    def bind(self, name: str, value: Value, frame: Frame, rule: str) -> None:
        """Store into a local or module variable."""
        scope = frame.scope
        if name in scope.declared_global or scope.parent is None:
            while scope.parent is not None:
                scope = scope.parent
            self.add(("V", (scope, None), name), value, rule)
            return
        self.add(("V", (scope, None) if scope.kind == "class" else frame.key, name), value, rule)
        if scope.kind == "function" and (scope.facts.get("classes") or scope.facts.get("functions")):
            self.add(("V*", scope, name), value, rule)

    def store_attribute(self, holder: Value, name: str, value: Value, rule: str) -> None:
        """`holder.name = value`."""
        if holder[0] in {"obj", "inst", "box"}:
            if holder[0] == "obj" and self.setter(holder, name, value):
                return
            self.store(holder, name, value, rule)
        elif holder[0] == "cls":
            self.add(("F", holder, name), value, rule)
        elif holder[0] == "mod":
            scope = self.program.scope(holder[1])
            if scope is not None:
                self.add(("V", (scope, None), name), value, rule)

    def setter(self, holder: Value, name: str, value: Value) -> bool:
        """Store through a property's setter, where there is one."""
        found = self.program.method(holder[1], name)
        if found is None:
            return False
        _, owner = found
        for kind, function in owner.bound.get(name, ()):
            if kind == "function" and function.decorated_by("setter"):
                frame = self.enter(function, holder, owner)
                params = function.facts.get("params", ())
                if len(params) > 1:
                    self.add(("V", frame.key, params[1]["n"]), value, "property")
                return True
        return False

    # Expressions

    def eval(self, expression: object, frame: Frame) -> list[Value]:
        """Give the values that an expression can have."""
        if isinstance(expression, str):
            first, _, rest = expression.partition(".")
            values = list(self.lookup(first, frame))
            for name in rest.split(".") if rest else ():
                values = self.attributes(values, name)
            return values
        if not isinstance(expression, dict):
            return []
        if "call" in expression:
            return self.eval_call(expression, frame)
        if "or" in expression:
            return self.eval_all(expression["or"], frame)
        if "attr" in expression:
            return self.attributes(self.eval(expression["of"], frame), expression["attr"])
        if "sub" in expression:
            return self.eval_subscript(expression, frame)
        for kind, made in SEQUENCES.items():
            if kind in expression:
                return [self.display(expression, expression[kind], made, frame)]
        if "dict" in expression:
            return [self.eval_dict(expression, frame)]
        return self.eval_rest(expression, frame)

    def eval_rest(self, expression: dict[str, Any], frame: Frame) -> list[Value]:
        """Give what comprehensions, operators and the like can be."""
        for kind, made in COMPREHENSIONS.items():
            if kind in expression:
                box = self.box(frame, expression, made)
                for value in self.eval(expression[kind], frame):
                    self.store(box, "[]", value, "comprehension")
                return [box]
        if "dictof" in expression:
            box = self.box(frame, expression, "dict")
            for value in self.eval(expression["dictof"][0], frame):
                self.store(box, "{}", value, "comprehension")
            for value in self.eval(expression["dictof"][1], frame):
                self.store(box, "[]", value, "comprehension")
            return [box]
        if "bin" in expression:
            found = self.eval_all(expression["of"], frame)
            joined = expression["bin"] in {"Add", "BitOr"}
            kept = [v for v in found if v[0] in {"data", "unk", "inst"} or (joined and v[0] in {"box", "part"})]
            return [*kept, *self.operated(expression, frame)]
        if "un" in expression:
            return [v for v in self.eval(expression["un"], frame) if v[0] in {"data", "unk"}]
        for kind in ("walrus", "await", "star"):
            if kind in expression:
                return self.eval(expression["v" if kind == "walrus" else kind], frame)
        if "lambda" in expression:
            return [("lam", id(expression), frame.key)]
        return []

    def operated(self, expression: dict[str, Any], frame: Frame) -> list[Value]:
        """What the operator methods of instances give, those of the right side too."""
        name = OPERATORS.get(expression["bin"])
        if name is None or len(expression["of"]) != 2:
            return []
        left, right = (self.eval(operand, frame) for operand in expression["of"])
        found: list[Value] = []
        for method, receivers, other in ((f"__{name}__", left, right), (f"__r{name}__", right, left)):
            for value in receivers:
                if value[0] == "obj" and self.program.method(value[1], method):
                    found += self.call_method(value, method, [other], {}, frame, expression)
        return list(dict.fromkeys(found))

    def eval_all(self, expressions: Iterable[object], frame: Frame) -> list[Value]:
        """Give the values of several expressions together."""
        return list(dict.fromkeys(v for e in expressions for v in self.eval(e, frame)))

    def box(self, frame: Frame, expression: object, kind: str, part: str = "") -> Value:
        """The container that an expression makes in a frame."""
        return ("box", (frame.key, id(expression), part), kind)

    def display(self, expression: object, parts: list[Any], kind: str, frame: Frame) -> Value:
        """`[a, b]`, `(a, b)`, `{a, b}`."""
        box = self.box(frame, expression, kind)
        starred = False
        for at, part in enumerate(parts):
            if isinstance(part, dict) and "star" in part:
                starred = True
                self.extend(box, self.eval(part["star"], frame))
                continue
            name = f"[{at}]" if kind == "tuple" and not starred else "[]"
            for value in self.eval(part, frame):
                self.store(box, name, value, "element")
        return box

    def eval_dict(self, expression: dict[str, Any], frame: Frame) -> Value:
        """`{key: value}`."""
        box = self.box(frame, expression, "dict")
        for key, inner in expression["dict"]:
            if key == "**":
                self.extend(box, self.eval(inner, frame))
                continue
            name = f"[{key['str']}]" if isinstance(key, dict) and "str" in key else "[]"
            for value in self.eval(inner, frame):
                self.store(box, name, value, "element")
            for value in self.eval(key, frame):
                self.store(box, "{}", value, "key")
        return box

    def eval_subscript(self, expression: dict[str, Any], frame: Frame) -> list[Value]:
        """`value[index]`."""
        index = expression.get("ix")
        found: list[Value] = []
        for value in self.eval(expression["sub"], frame):
            if value[0] in {"data", "unk", "part", "cls"}:
                found.append(value)
            elif value[0] == "obj":
                found += self.call_method(value, "__getitem__", [self.eval(index, frame)], {}, frame, expression)
                if self.is_container(value[1]):
                    found += self.item(value, index)
            elif value[0] in {"box", "vars", "inst"}:
                found += self.item(value, index)
        if not found and isinstance(index, dict):
            self.eval(index, frame)
        return list(dict.fromkeys(found))

    def item(self, value: Value, index: object) -> list[Value]:
        """Read one element by a constant, or all of them."""
        if value[0] == "vars":
            name = index["str"] if isinstance(index, dict) and "str" in index else "*"
            return list(self.field(value[1], name))
        if isinstance(index, dict) and "x" in index:
            return [value]
        constant = index.get("str", index.get("v")) if isinstance(index, dict) else None
        if constant is not None and value[-1] in {"dict", "tuple"}:
            return list(self.field(value, f"[{constant}]"))
        return self.contents(value) if value[0] == "box" else self.elements([value])

    def elements(self, values: Iterable[Value]) -> list[Value]:
        """What iteration gives."""
        found: list[Value] = []
        for value in values:
            kind = value[0]
            if kind == "box" and value[2] == "dict":
                found += self.read(("F", value, "{}"))
            elif kind in {"box", "inst"}:
                found += self.read(("A", value))
            elif kind in {"data", "unk", "part"}:
                found.append(value)
            elif kind == "obj":
                if self.is_container(value[1]):
                    found += self.read(("F", value, "[]"))
                for result in self.call_method(value, "__iter__", [], {}, None, value):
                    found += self.elements([result]) if result != value else []
        return list(dict.fromkeys(found))

    def component(self, values: Iterable[Value], at: int | None) -> list[Value]:
        """What unpacking gives at a position."""
        found: list[Value] = []
        for value in values:
            if value[0] == "box" and value[2] == "tuple" and at is not None:
                found += self.field(value, f"[{at}]")
            else:
                found += self.elements([value])
        return list(dict.fromkeys(found))

    def entered(self, values: Iterable[Value]) -> list[Value]:
        """What `with value as` gives."""
        found: list[Value] = []
        for value in values:
            found.append(value)
            if value[0] == "obj":
                found += self.call_method(value, "__enter__", [], {}, None, value)
        return found

    def extend(self, target: Value, values: Iterable[Value]) -> None:
        """Put the elements of containers into another one, keys under their names."""
        for value in values:
            if value == target:
                continue
            if value[0] == "box" and value[-1] == "dict":
                for name in self.names(value):
                    self.flow(("F", value, name), target, name, "update")
            elif value[0] == "vars":
                self.flow(("A", value[1]), target, "[]", "update")
            elif value[0] in {"box", "inst"} and not (target[0] == "box" and target[-1] == "dict"):
                self.flow(("A", value), target, "[]", "extend")
            else:
                for inner in self.elements([value]):
                    if inner[0] == "box" and inner[-1] == "tuple":
                        self.flow(("A", inner), target, "[]", "update")
                    else:
                        self.store(target, "[]", inner, "extend")

    def flow(self, source: Key, target: Value, name: str, rule: str) -> None:
        """Store all that a variable holds; what was stored at an earlier time is not looked at again."""
        self.read(source)
        held = self.values.get(source, {})
        mark = (source, target, name)
        done = self.flowed.get(mark, 0)
        if done < len(held):
            self.flowed[mark] = len(held)
            for value in list(held)[done:]:
                self.store(target, name, value, rule)

    def names(self, box: Value) -> list[str]:
        """The attributes of a container that were stored so far."""
        self.read(("A", box))
        return list(self.stored.get(box, ()))

    # Annotations

    def declared(self, annotation: object, frame: Frame, *, inside: bool = False) -> list[Value]:
        """Instances that an annotation speaks of."""
        if isinstance(annotation, dict):
            if "str" in annotation:
                text = annotation["str"]
                return self.declared(text, frame) if text.replace(".", "").replace("_", "").isalnum() else []
            if "bin" in annotation:
                return [v for part in annotation["of"] for v in self.declared(part, frame)]
            if "tuple" in annotation:
                return [v for part in annotation["tuple"] for v in self.declared(part, frame)]
            if "sub" in annotation:
                name = annotation["sub"] if isinstance(annotation["sub"], str) else ""
                last = name.rpartition(".")[2]
                if last in WRAPPING_HINTS:
                    return self.declared(annotation.get("ix"), frame)
                if last in CONTAINER_HINTS:
                    box = self.box(frame, annotation, "dict" if "ict" in last or "Mapping" in last else "list")
                    for value in self.declared(annotation.get("ix"), frame):
                        self.store(box, "[]", value, "annotation")
                    return [box]
                return self.declared(annotation["sub"], frame)
            return []
        if not isinstance(annotation, str):
            return []
        return [w for v in self.program.resolve(annotation, frame.scope) for w in self.instance_of(v)]

    def instance_of(self, value: Value) -> list[Value]:
        """The instance that a declared class stands for; abstract and protocol classes stand for none."""
        if value[0] == "cls":
            described = self.packs.type_name(self.program.canonical(value[1]))
            if described:
                return [("inst", described)]
            if any(root.rpartition(".")[2] in {"Protocol", "TypedDict"} for root in self.program.roots(value[1])):
                return []
            self.bounds.setdefault(value[1], self.reason("annotation"))
            return [("obj", value[1])]
        if value[0] == "ext":
            return self.foreign_instance(value[1])
        return []
