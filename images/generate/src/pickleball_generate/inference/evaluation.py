"""What expressions and statements mean: one method for each kind of fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.arguments import Arguments, Call
from pickleball_generate.inference.containers import WITHOUT_KEYS, changes, is_tuple
from pickleball_generate.inference.graph import Variable
from pickleball_generate.inference.lookups import Lookups
from pickleball_generate.inference.program import tooling
from pickleball_generate.inference.store import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

FACTORIES = frozenset({"default_factory", "factory"})  # of `field()` and its kin
SEQUENCES = {"list": "list", "tuple": "tuple", "set": "set"}
COMPREHENSIONS = {"listof": "list", "setof": "set", "genof": "list"}
OPERATORS = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv", "Mod": "mod", "Pow": "pow",
    "MatMult": "matmul", "BitOr": "or", "BitAnd": "and", "BitXor": "xor", "LShift": "lshift", "RShift": "rshift",
}  # fmt: skip
SIGNS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul",
    "|": "or", "&": "and", "^": "xor", "<<": "lshift", ">>": "rshift",
}  # fmt: skip
AUGMENTED = {"list": "+", "collection": "+|^", "set": "|^", "dict": "|"}
CALCULATED = frozenset({"data", "unk"})
OPERATED = CALCULATED | {"inst"}
JOINED = OPERATED | {"box", "part"}
SELF_EVIDENT = frozenset({"data", "unk", "part", "cls"})
HOLDING = frozenset({"box", "vars", "inst"})
OBJECTS = frozenset({"obj"})


class Evaluation(Lookups):
    """Evaluates expressions and statements in a frame, once each; what they connect grows by itself."""

    # Statements

    def do_assign(self, item: dict[str, Any], frame: Frame) -> None:
        """`target = value` and its kin."""
        how = item.get("op", "")
        values = self.eval(item["v"], frame) if "v" in item else self.nothing
        if how.startswith("for"):
            values, source = Variable(), values
            self.elements(source, values)
        elif how.startswith("with"):
            values, source = Variable(), values
            self._entered(source, values)
        if how.endswith("unpack"):
            values, source = Variable(), values
            self.component(source, item.get("at"), values)
        if how == "aug":
            values = self._augmented(item, values, frame)
        self.assign(item["to"], values, frame, "assignment")
        if "ann" in item and frame.scope.kind != "class":  # there it declares what instances have
            declared = self.declared(item["ann"], frame.scope, self.site(frame, item))
            self.assign(item["to"], self._fixed(declared), frame, "annotation")

    def _augmented(self, item: dict[str, Any], right: Variable, frame: Frame) -> Variable:
        """`target += value` and its kin: lists take elements by `+=`, sets and dicts by `|=`; tuples are new.

        Of instances the operator's methods are called.
        """
        sign = self.program.sign(frame.scope.module, item.get("line", 0))
        kinds = frozenset(kind for kind, signs in AUGMENTED.items() if sign is None or sign in signs)
        target, result = self.eval(item["to"], frame), Variable()

        def see(value: Value) -> None:
            if value[0] == "vars" or (value[0] == "box" and value[2] in kinds):
                self.extend(value, right)

        self.watch(target, see)
        self.watch(right, lambda value: self.add(result, value) if value[0] != "obj" else None)
        if sign is not None:
            for prefix in ("i", ""):
                self._operate(f"__{prefix}{SIGNS[sign]}__", target, Call(Arguments([right]), frame, item, result))
            self._operate(f"__r{SIGNS[sign]}__", right, Call(Arguments([target]), frame, item, result))
        if sign in {None, "+"}:
            self.concatenate(target, right, Call(Arguments([]), frame, item, result))
        return result

    def do_call(self, item: dict[str, Any], frame: Frame) -> None:
        """A call for its effect."""
        self.eval(item["c"], frame)

    def do_decorator(self, item: dict[str, Any], frame: Frame) -> None:
        """`@decorator` above a function or class: a call with it."""
        kind, defined = item["of"]
        value: Value = ("fun", defined, None) if kind == "fun" else ("cls", defined)
        call = Call(Arguments([self._fixed([value])]), frame, item["d"], Variable())
        self._call_each(self.eval(item["d"], frame), call)

    def do_lambda(self, item: tuple[object, Variable], frame: Frame) -> None:
        """The body of a lambda that is called."""
        body, result = item
        self.flow(self.eval(body, frame), result)

    def do_return(self, item: dict[str, Any], frame: Frame) -> None:
        """`return` and `yield`."""
        expression = item.get("v")
        if isinstance(expression, dict) and "yield" in expression:
            box = self.box(frame, expression, "list")
            for each in expression["yield"]:
                self.put_all(box, "[]", self.eval(each, frame), "yield")
            self.add(self.returned(frame), box, "yield")
            return
        self.flow(self.eval(expression, frame), self.returned(frame), "return")

    def do_result(self, facts: dict[str, Any], frame: Frame) -> None:
        """The annotation of a function's result."""
        if "Generator" in str(facts["rann"]) or "Iterator" in str(facts["rann"]):
            return
        for value in self.declared(facts["rann"], frame.scope, self.site(frame, facts)):
            self.add(self.returned(frame), value, "result annotation")

    def do_param(self, item: dict[str, Any], frame: Frame) -> None:
        """A parameter: its default, its annotation, and the receiver for the first one of a method."""
        variable = self.variable("name", frame.key, item["n"])
        scope = frame.scope
        first = scope.facts["params"][0]["n"]
        if frame.receiver and item["n"] == first and scope.parent is not None and scope.parent.kind == "class":
            self.add(variable, frame.receiver, "receiver")
            return
        outer = self.frame(scope.parent) if scope.parent is not None else frame
        if "d" in item:
            self.flow(self.eval(item["d"], outer), variable, "default")
        if "ann" in item:
            for value in self.declared(item["ann"], outer.scope, self.site(frame, item)):
                self.add(variable, value, "annotation")
        self.add(variable, UNKNOWN, "caller")
        receiver = frame.receiver
        if receiver is None or receiver[0] != "obj":
            return
        self._namesake(item["n"], scope, variable)
        if scope.name == "__init__":  # the constructor of a base gets what this one passes on
            found = self.program.method(receiver[1], "__init__")
            taken = found is not None and found[0] is scope
        else:
            taken = item["n"] in scope.kept
        if taken:
            self.add(variable, ("part", receiver[1], item["n"]), "caller")

    def _namesake(self, name: str, scope: Scope, variable: Variable) -> None:
        """Give a parameter that a method calls the function of that name beside its class, and what this one makes."""
        module = scope.parent.parent if scope.parent is not None else None
        if module is None or module.parent is not None or name not in scope.called:
            return
        for kind, function in module.bound.get(name, ()):
            if kind == "function" and not tooling(function.module):
                self.add(variable, ("fun", function, None), "function of the parameter's name")
                made = self.returned(self.enter(function, None, None))
                self.flow(made, variable, "made by the function of the parameter's name")
                self.watch(made, self._enter_function)

    def _enter_function(self, value: Value) -> None:
        """Reach a function that anybody may call."""
        if value[0] == "fun":
            self.enter(value[1], None, None)

    def declare(self, value: Value) -> None:
        """Let an instance have what the annotations of class bodies declare, once it is asked for."""
        if value in self.declaring:
            return
        self.declaring.add(value)
        for owner in self.program.mro(value[1]):
            for item in owner[1].facts.get("assigns", ()) if owner[0] == "cls" else ():
                if "ann" in item and isinstance(item["to"], str) and "." not in item["to"]:
                    self.post(self.frame(owner[1]), "declared", {**item, "holder": value})

    def do_declared(self, item: dict[str, Any], frame: Frame) -> None:
        """A class attribute with a declared type: a field of every instance."""
        holder: Value = item["holder"]
        for value in self.declared(item["ann"], frame.scope, self.number(frame.key, holder, item["to"])):
            self.put(holder, item["to"], value, "declared attribute")
        field = item.get("v")
        if not isinstance(field, dict) or "call" not in field:
            return
        for name, default in field.get("kw", {}).items():
            if name == "default":
                self.put_all(holder, item["to"], self.eval(default, frame), "field default")
            elif name in FACTORIES:
                made = Call(Arguments([]), frame, field, Variable())
                self.put_all(holder, item["to"], made.result, "field default")
                self._call_each(self.eval(default, frame), made)

    def _call_each(self, callees: Variable, call: Call) -> None:
        """Call all that a variable holds."""
        self.watch(callees, lambda value: self.call_value(value, call))

    def _entered(self, source: Variable, result: Variable) -> None:
        """What `with value as` gives."""

        def see(value: Value) -> None:
            if value[0] == "obj":
                self.call_method(value, "__enter__", Call(Arguments([]), None, value, result))

        self.flow(source, result)
        self.watch(source, see)

    def _fixed(self, values: Iterable[Value]) -> Variable:
        """Give a variable that holds some values and no more."""
        found = Variable()
        for value in values:
            self.add(found, value)
        return found

    # Targets

    def assign(self, target: object, values: Variable, frame: Frame, rule: str) -> None:
        """Store values where a target says."""
        if isinstance(target, str):
            owner, dot, name = target.rpartition(".")
            if dot:
                self.watch(self.eval(owner, frame), lambda holder: self.store_attribute(holder, name, values, rule))
            else:
                self.bind(target, values, frame, rule)
        elif isinstance(target, dict):
            if "attr" in target:
                self.watch(
                    self.eval(target["of"], frame),
                    lambda holder: self.store_attribute(holder, target["attr"], values, rule),
                )
            elif "sub" in target:
                self._set_items(target, values, frame)
            elif "star" in target:
                self.assign(target["star"], values, frame, rule)

    def _set_items(self, target: dict[str, Any], values: Variable, frame: Frame) -> None:
        """`holder[index] = value`."""
        index = target.get("ix")
        name = f"[{index['str']}]" if isinstance(index, dict) and "str" in index else "[]"
        keys, names = self.eval(index, frame), Variable()
        self.watch(keys, lambda key: self.add(names, key) if key[0] not in CALCULATED else None)

        call = Call(Arguments([keys, values]), frame, index, Variable())

        def see(holder: Value) -> None:
            if holder[0] == "data":
                self._set_in_array(target, values, frame)
            if holder[0] == "obj":
                self.call_method(holder, "__setitem__", call)
                if not self.is_container(holder[1]):
                    return
            elif not changes(holder):
                return
            if holder[-1] not in WITHOUT_KEYS:
                self.put_all(holder, "{}", names, "key")
            elif name != "[]":
                return
            self.put_all(holder, name, values, "item")

        self.watch(self.eval(target["sub"], frame), see)

    def _set_in_array(self, target: dict[str, Any], values: Variable, frame: Frame) -> None:
        """`array[index] = instance`: where the array is kept, a list of such instances is kept as well."""
        objects = Variable()
        self.select(values, objects, OBJECTS)
        box = self.box(frame, target, "list", "array")

        def see(value: Value) -> None:
            self.put(box, "[]", value, "element of an array")
            self.assign(target["sub"], self.constant(box), frame, "array of instances")

        self.watch(objects, see)

    # Expressions

    def eval(self, expression: object, frame: Frame) -> Variable:
        """Give the variable of what an expression can be; it is read when it is asked for first."""
        if isinstance(expression, str):
            found = frame.expressions.get(expression)
            return self._eval_name(expression, frame) if found is None else found
        if not isinstance(expression, dict):
            return self.nothing
        found = frame.expressions.get(id(expression))
        if found is None:
            found = frame.expressions[id(expression)] = Variable()
            self._eval_form(expression, frame, found)
        return found

    def _eval_name(self, expression: str, frame: Frame) -> Variable:
        """`a.b.c`."""
        owner, dot, name = expression.rpartition(".")
        if not dot:
            found = self.lookup(expression, frame)
        else:
            found = Variable()
            self.attribute(self.eval(owner, frame), name, found)
        frame.expressions[expression] = found
        return found

    def _eval_form(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """Give what calls, attributes, subscripts and displays can be."""
        if "call" in expression:
            self.eval_call(expression, frame, result)
        elif "or" in expression:
            for each in expression["or"]:
                self.flow(self.eval(each, frame), result)
        elif "attr" in expression:
            self.attribute(self.eval(expression["of"], frame), expression["attr"], result)
        elif "sub" in expression:
            self._eval_subscript(expression, frame, result)
        elif "dict" in expression:
            self._eval_dict(expression, frame, result)
        elif kind := next((kind for kind in SEQUENCES if kind in expression), None):
            self._eval_display(expression, expression[kind], SEQUENCES[kind], frame, result)
        else:
            self._eval_rest(expression, frame, result)

    def _eval_rest(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """Give what comprehensions, operators and the like can be."""
        if kind := next((kind for kind in COMPREHENSIONS if kind in expression), None):
            box = self.box(frame, expression, COMPREHENSIONS[kind])
            self.put_all(box, "[]", self.eval(expression[kind], frame), "comprehension")
            self.add(result, box)
        elif "dictof" in expression:
            box = self.box(frame, expression, "dict")
            for name, each in zip(("{}", "[]"), expression["dictof"], strict=False):
                self.put_all(box, name, self.eval(each, frame), "comprehension")
            self.add(result, box)
        elif "bin" in expression:
            self._eval_sum(expression, frame, result)
            self._eval_operator(expression, frame, result)
        elif "un" in expression:
            self.select(self.eval(expression["un"], frame), result, CALCULATED)
        elif "lambda" in expression:
            value = ("lam", id(expression), frame.key)
            self.lambdas[value] = (expression["lambda"], frame)
            self.add(result, value)
        else:
            for kind in ("walrus", "await", "star"):
                if kind in expression:
                    self.flow(self.eval(expression["v" if kind == "walrus" else kind], frame), result)

    def _eval_sum(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """What operators that are not methods give: results of computations, containers that hold what both did."""
        call = Call(Arguments([]), frame, expression, result)
        operands = [self.eval(operand, frame) for operand in expression["of"]]
        adding = expression["bin"] == "Add" and len(operands) == 2
        kinds = JOINED if expression["bin"] in {"Add", "BitOr", "Mult"} else OPERATED

        def see(value: Value) -> None:
            if value[0] not in kinds or (adding and is_tuple(value)):
                return
            self.add(result, self.part_of(value, call) if expression["bin"] == "Mult" else value)

        for operand in operands:
            self.watch(operand, see)
        if adding:
            self.concatenate(operands[0], operands[1], call)

    def _eval_operator(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """What the operator methods of instances give, those of the right side too."""
        name = OPERATORS.get(expression["bin"])
        if name is None or len(expression["of"]) != 2:
            return
        left, right = (self.eval(operand, frame) for operand in expression["of"])
        for method, receivers, other in ((f"__{name}__", left, right), (f"__r{name}__", right, left)):
            self._operate(method, receivers, Call(Arguments([other]), frame, expression, result))

    def _operate(self, method: str, receivers: Variable, call: Call) -> None:
        """Call the method of an operator on the instances that have it."""

        def see(value: Value) -> None:
            if value[0] == "obj" and self.program.method(value[1], method):
                self.call_method(value, method, call)

        self.watch(receivers, see)

    def _eval_display(
        self, expression: dict[str, Any], parts: list[Any], kind: str, frame: Frame, result: Variable
    ) -> None:
        """`[a, b]`, `(a, b)`, `{a, b}`."""
        box = self.box(frame, expression, kind)
        starred = False
        for at, part in enumerate(parts):
            if isinstance(part, dict) and "star" in part:
                starred = True
                self.extend(box, self.eval(part["star"], frame))
                continue
            name = f"[{at}]" if kind == "tuple" and not starred else "[]"
            self.put_all(box, name, self.eval(part, frame), "element")
        if kind == "tuple" and not starred and not any(isinstance(part, dict) and "count" in part for part in parts):
            self.lengths[box] = len(parts)
        self.add(result, box)

    def _eval_dict(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """`{key: value}`."""
        box = self.box(frame, expression, "dict")
        for key, inner in expression["dict"]:
            if key == "**":
                self.extend(box, self.eval(inner, frame))
                continue
            name = f"[{key['str']}]" if isinstance(key, dict) and "str" in key else "[]"
            self.put_all(box, name, self.eval(inner, frame), "element")
            self.put_all(box, "{}", self.eval(key, frame), "key")
        self.add(result, box)

    def _eval_subscript(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """`value[index]`."""
        index = expression.get("ix")
        call = Call(Arguments([self.eval(index, frame)]), frame, expression, result)

        def see(value: Value) -> None:
            if value[0] == "cls" and self.is_enumeration(value[1]):
                self.add(result, ("obj", value[1]))
            elif value[0] in SELF_EVIDENT:
                self.add(result, value)
            elif value[0] == "obj":
                self.call_method(value, "__getitem__", call)
                if self.is_container(value[1]):
                    self.item(value, index, call)
            elif value[0] == "mod":  # globals()["name"]
                self.computed_attribute(value, index, result)
            elif value[0] in HOLDING:
                self.item(value, index, call)

        self.watch(self.eval(expression["sub"], frame), see)
