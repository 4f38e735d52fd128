"""What calls give: functions with source, classes, methods, and forms whose meaning depends on their text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.arguments import Arguments, Call, anywhere
from pickleball_generate.inference.attributes import takes_class
from pickleball_generate.inference.containers import WITHOUT_KEYS, is_tuple, place_of
from pickleball_generate.inference.foreign import Foreign
from pickleball_generate.inference.graph import Variable
from pickleball_generate.inference.signatures import makes_plainly, refuses
from pickleball_generate.inference.store import UNKNOWN

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.wrappers import Wrapper

MADE = frozenset({"obj", "inst"})
OBJECTS = frozenset({"obj"})
WITH_NAMESPACE = frozenset({"obj", "mod"})
PASSED = {"meth": frozenset({"part"}), "fun": frozenset({"part", "obj"})}
ITEMS_OF = frozenset({"box", "vars", "inst"})
SETATTR = frozenset({"setattr", "object.__setattr__"})

# Calls are followed this far; what comes back from farther is unknown. Functions that make what they return, one more.
DEEPEST = 1


class Calls(Foreign, ABC):
    """The part of the evaluation that calls."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.makings: dict[Value, list[Arguments]] = {}  # what classes under computed names are called with

    @abstractmethod
    def eval(self, expression: object, frame: Frame) -> Variable:
        """Give what an expression can be (evaluation.py)."""

    @abstractmethod
    def lookup(self, name: str, frame: Frame) -> Variable:
        """Read a name as a body sees it (lookups.py)."""

    @abstractmethod
    def wrappers_of(self, function: Scope) -> list[Wrapper]:
        """Give what runs in the place of a decorated method (solver.py)."""

    @abstractmethod
    def enter_wrapper(self, wrapper: Wrapper, receiver: Value, depth: int) -> Frame:
        """Reach what runs in the place of a method of an object (solver.py)."""

    def eval_call(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """`callee(arguments)`."""
        callee = expression["call"]
        call = Call(self._arguments(expression, frame), frame, expression, result)
        if self._special(callee, expression, call.args, frame, result):
            return
        if frame.scope.kind != "function":
            for made in self.program.made_class(expression, frame.scope.root):
                self.add(result, made)
        if isinstance(callee, str) and "." in callee:
            owner, _, name = callee.rpartition(".")
        elif isinstance(callee, dict) and "attr" in callee:
            owner, name = callee["of"], callee["attr"]
        else:
            call.handed = frame.scope.is_given(callee)
            self.watch(self.eval(callee, frame), lambda value: self.call_value(value, call))
            return
        self.watch(self.eval(owner, frame), lambda receiver: self.call_method(receiver, name, call))

    def _arguments(self, expression: dict[str, Any], frame: Frame) -> Arguments:
        """Evaluate the arguments of a call."""
        args = Arguments([])
        args.open = bool(expression.get("open")) or "**" in expression.get("kw", {})
        starred = False  # then nobody knows the places of what follows
        for argument in expression.get("args", ()):
            args.open |= isinstance(argument, dict) and "count" in argument  # a list that was cut
            if isinstance(argument, dict) and "star" in argument:
                args.open = True
                row = self.eval(argument["star"], frame)
                if starred:
                    self.elements(row, args.named["*"])
                else:
                    self.watch(row, partial(self._spread_row, args))
                starred = True
            elif starred:
                self.flow(self.eval(argument, frame), args.named["*"])
            else:
                args.positional.append(self.eval(argument, frame))
                args.texts.append(argument.get("str") if isinstance(argument, dict) else None)
        for name, argument in expression.get("kw", {}).items():
            values = self.eval(argument, frame)
            if name == "**":
                self.watch(values, lambda value: self._spread(value, args))
            else:
                self.flow(values, args.named[name])
        return args

    def _spread_row(self, args: Arguments, value: Value) -> None:
        """`f(*value)`: the elements of a tuple keep their places."""
        if not is_tuple(value):
            self.flow(self.elements_of(value), args.named["*"])
            return

        def see(name: str, field: Variable) -> None:
            at = name[1:-1]
            self.flow(field, args.named[f"*{at}" if at.isdigit() else "*"])

        self.each_field(value, see, ("spread", args))

    def _spread(self, value: Value, args: Arguments) -> None:
        """`f(**value)`."""
        if value[0] != "box" or value[2] in WITHOUT_KEYS:
            return

        def see(name: str, field: Variable) -> None:
            if name != "{}":
                self.flow(field, args.named["**" if name == "[]" else name[1:-1]])

        self.each_field(value, see, ("spread", args))

    # Forms

    def _special(
        self, callee: object, expression: dict[str, Any], args: Arguments, frame: Frame, result: Variable
    ) -> bool:
        """Forms whose meaning depends on their text; tells whether this is one."""
        if not isinstance(callee, str):
            return False
        given = args.positional
        if callee == "super":
            self._super_of(expression, frame, result)
        elif callee == "getattr" and len(expression.get("args", ())) >= 2 and given:
            for default in given[2:3]:
                self.flow(default, result)
            if args.text(1) is None:
                self.add(result, UNKNOWN)
                self.watch(given[0], lambda owner: self.computed_attribute(owner, expression["args"][1], result))
            else:
                self.attribute(given[0], args.text(1) or "", result)
        elif callee in SETATTR and len(given) >= 3:
            self.watch(given[0], lambda holder: self.store_attribute(holder, args.text(1) or "*", given[2], "setattr"))
        elif callee == "super().__setattr__" and len(given) >= 2 and frame.receiver:
            self.store_attribute(frame.receiver, args.text(0) or "*", given[1], "setattr")
        elif callee == "vars" and given:
            owners = Variable()
            self.select(given[0], owners, WITH_NAMESPACE)
            self.attribute(owners, "__dict__", result)
        elif callee == "globals" and not given:
            self.add(result, ("mod", frame.scope.module))
        elif callee == "locals" and not given:
            self.add(result, self._namespace(expression, frame))
        elif callee == "type" and len(given) == 1:
            self.attribute(given[0], "__class__", result)
        else:
            return False
        return True

    def _namespace(self, expression: dict[str, Any], frame: Frame) -> Value:
        """`locals()`: what each name of the body can be, and in a method the class whose body that stands in."""
        box = self.box(frame, expression, "dict")
        for name in frame.scope.bound:
            self.put_all(box, f"[{name}]", self.lookup(name, frame), "element")
        if frame.owner is not None:
            self.put(box, "[__class__]", ("cls", frame.owner), "element")
        return box

    def _super_of(self, expression: dict[str, Any], frame: Frame, result: Variable) -> None:
        """`super()`, with or without arguments, in a method or a function inside one."""
        receiver, owner = frame.receiver, frame.owner
        scope: Scope | None = frame.scope
        while owner is None and scope is not None:
            owner = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
            scope = scope.parent
        if receiver is None or receiver[0] == "inst":
            return
        if expression.get("args"):
            named = Variable()
            self.select(self.eval(expression["args"][0], frame), named, frozenset({"cls"}))
            self.watch(named, lambda value: self.add(result, ("super", value[1], receiver)))
            if owner:
                self.unless(lambda: bool(named.values), lambda: self.add(result, ("super", owner, receiver)))
        elif owner:
            self.add(result, ("super", owner, receiver))

    # Methods

    def call_method(self, receiver: Value, name: str, call: Call) -> None:
        """`receiver.name(arguments)`."""
        kind = receiver[0]
        if kind in {"part", "picked"}:
            self.ask(receiver, name)
            return
        method = self.program.method(receiver[1], name) if kind == "obj" else None
        if method is not None and name.startswith("__"):
            value = ("cls", receiver[1]) if takes_class(method[0]) else receiver
            self.call_function(("meth", method[0], value), call)
            return
        contains = kind in ITEMS_OF or (kind == "obj" and method is None)
        if contains and self.container_method(receiver, name, call):
            return
        if kind == "super" and self.program.method(receiver[2][1], name, after=receiver[1]) is None:
            self._super_method(receiver, name, call)
        elif kind == "cls" and name == "_make":
            self.add(call.result, ("obj", receiver[1]))
        elif kind == "ext" and name == "__init__" and call.args.positional:
            rest = call.given(call.args.rest())
            self.watch(call.args.positional[0], lambda each: self._call_unbound_base(each, rest))
        elif kind == "ext" and (made := self.extension_instances(receiver[1])):
            for each in (*made, UNKNOWN):
                self.add(call.result, each)
        elif name == "__new__" and kind in {"cls", "obj", "ext"}:
            self._make_new(receiver, call)
        elif not (kind == "mod" and receiver[1] == "copyreg"):
            for each in self.foreign_instance(receiver[1], self.site(call.frame, call.site)) if kind == "ext" else ():
                self.add(call.result, each)  # another constructor: `date.today()`
            if call.callees is None:
                call.callees = Variable()
                self.watch(call.callees, lambda value: self.call_value(value, call))
            self.flow(self.attribute_of(receiver, name), call.callees)

    def _make_new(self, receiver: Value, call: Call) -> None:
        """`receiver.__new__(cls)`: an instance of the class that is given, or that is called."""
        if receiver[0] == "cls":
            self.add(call.result, ("obj", receiver[1]))

        def see(value: Value) -> None:
            if value[0] == "cls":
                self.add(call.result, ("obj", value[1]))

        for values in call.args.positional[:1]:
            self.watch(values, see)

    def _super_method(self, receiver: Value, name: str, call: Call) -> None:
        """A method of a base without source, called through super()."""
        holder, args, result = receiver[2], call.args, call.result
        if name == "__new__":
            self.add(result, ("obj", holder[1]))
            return
        if name == "__init__" and (
            fields := self._declared_fields(holder[1], after=receiver[1])
        ):  # a decorator writes it
            self._fill_fields(holder, args, fields)
        if name == "__setattr__" and len(args.positional) > 1:
            self.store_attribute(holder, "*", args.positional[1], "setattr")
        if name == "__getstate__":
            self.add(result, ("vars", holder))
        elif name in {"__reduce__", "__reduce_ex__"}:
            self.add(result, ("default", holder))
        else:
            if name == "__init__" and self.is_container(holder[1]):
                for values in args.positional:
                    self.extend(holder, values)
                    self.watch(values, partial(self._make_by, holder))
                self.each_named(args, lambda _, values: self.extend(holder, values))
            if not self.container_method(holder, name, call):
                self.add(result, UNKNOWN)

    def _make_by(self, holder: Value, factory: Value) -> None:
        """Let a container hold instances of a class that its constructor is given: `defaultdict(C)`."""
        if factory[0] == "cls":
            self.put(holder, "[]", ("obj", factory[1]), "factory")
        elif factory[0] == "lam":
            self.put_all(holder, "[]", self.lambda_result(factory), "factory")

    def _call_unbound_base(self, receiver: Value, call: Call) -> None:
        """`Base.__init__(instance, ...)` of a base without source."""
        if receiver[0] == "obj":
            self._super_method(("super", None, receiver), "__init__", call)

    # Calling

    def call_value(self, value: Value, call: Call) -> None:
        """Call a value."""
        kind = value[0]
        if kind in {"part", "picked"}:
            self.ask(value, "__call__")
        elif kind == "pick":
            made = ("picked", *value[1:])
            self.makings.setdefault(made, []).append(call.args)
            self.add(call.result, made)
        elif kind == "cls":
            self._construct(value, call)
        elif kind in {"fun", "meth"}:
            self.call_function(value, call)
        elif kind == "obj":
            method = self.program.method(value[1], "__call__")
            if method:
                self.call_function(("meth", method[0], value), call)
        elif kind == "ext":
            self.call_foreign(value[1], call)
        elif kind == "lam":
            self.flow(self.lambda_result(value), call.result)
        elif kind == "box" and value[2] == "partial":
            self._call_partial(value, call)
        elif kind in {"data", "unk"}:
            self.add(call.result, value)

    def _call_partial(self, value: Value, call: Call) -> None:
        """Call what a partial calls; partials inside partials may go round, so each is called once for a call."""
        if call.inside and value in call.partials:
            self.hand_on(call.args, call.partials[value])
            return
        if call.inside:
            args = call.partials[value] = Arguments([])
            self.hand_on(self.partial_arguments(value, call.args), args)
        else:
            args = self.partial_arguments(value, call.args)
        args.open = True
        inner = call.given(args)
        inner.inside = True
        self.watch(self.field(value, "[0]"), lambda target: self.call_value(target, inner))

    def hand_on(self, source: Arguments, target: Arguments) -> None:
        """Let arguments be among others, at any place."""
        for values in source.positional:
            self.flow(values, target.named["*"])
        self.each_named(source, lambda name, values: self.flow(values, target.named[anywhere(name)]))

    def _construct(self, value: Value, call: Call) -> None:
        """Make an instance: `__new__`, `__init__`, or the fields of a dataclass or named tuple."""
        cls: Scope = value[1]
        described = self.packs.type_name(self.program.canonical(cls))
        if described:
            self.call_opaque(described, call)
            return
        instance: Value = ("obj", cls)
        found = self.program.method(cls, "__init__")
        bare = call.args.after(self.nothing)
        if found is not None and refuses(found[0], bare) and makes_plainly(self.program, cls):
            return
        self.add(call.result, instance)
        method = self.program.method(cls, "__new__")
        if method is not None:
            made = Variable()
            self.call_function(("meth", method[0], value), Call(call.args, call.frame, call.site, made))
            self.select(made, call.result, MADE)
        method = self.program.method(cls, "__init__")
        if method is None:
            self._fill_fields(instance, call.args, self._declared_fields(cls))
            return
        self.call_function(("meth", method[0], instance), Call(call.args, call.frame, call.site, Variable()))
        declared = self._left_fields(cls, method[0])

        def see(name: str, values: Variable) -> None:
            if name == "**" or name in declared:
                self.put_all(instance, "*" if name == "**" else name, values, "keyword arguments")

        self.each_named(call.args, see)

    def _left_fields(self, cls: Scope, constructor: Scope) -> set[str]:
        """Name the declared fields that a constructor takes by `**` only: it, or what it calls, fills them."""
        params = constructor.facts.get("params", ())
        if all(param.get("k") != "**" for param in params):
            return set()
        return set(self._declared_fields(cls)) - {param["n"] for param in params}

    def _declared_fields(self, cls: Scope, after: Scope | None = None) -> list[str]:
        """Name what a class, or its bases after one of them, declares, in the order of a generated constructor."""
        owners = [value[1] for value in self.program.mro(cls) if value[0] == "cls"]
        return [
            item["to"]
            for owner in reversed(owners[owners.index(after) + 1 :] if after in owners else owners)
            for item in owner.facts.get("assigns", ())
            if "ann" in item and isinstance(item["to"], str)
        ]

    def _fill_fields(self, instance: Value, args: Arguments, fields: list[str]) -> None:
        """Store what a constructor that a decorator or a base writes is called with."""
        cls: Scope = instance[1]
        for at, values in enumerate(args.positional):
            self.put_all(instance, fields[at] if at < len(fields) else "*", values, "constructor")
            if self.is_container(cls):
                self.extend(instance, values)
        self.each_named(
            args,
            lambda name, values: self.put_all(instance, name if name[:1] != "*" else "*", values, "constructor"),
        )

    def call_function(self, value: Value, call: Call) -> None:
        """Pass arguments to a function with source and give its results."""
        function: Scope = value[1]
        if self.packs.opaque_function(function):
            for first in call.args.positional[:1] if function.returns_first else ():
                self.select(first, call.result, OBJECTS)
            for name in self.packs.results(function.dotted):
                self.add(call.result, self.described_instance(name, self.site(call.frame, call.site)))
            self.add(call.result, ("data", function.module.partition(".")[0]))
            return
        owner = function.parent if function.parent is not None and function.parent.kind == "class" else None
        if value[0] == "meth":
            call = call.given(call.args.after(self.constant(value[2])))
        elif owner is not None and not function.decorated_by("staticmethod") and call.args.positional:
            inner = call.given(call.args.rest())
            self.watch(call.args.positional[0], lambda each: self._call_unbound(function, each, inner))
            return
        self._call_body(value, owner, call)

    def _call_unbound(self, function: Scope, receiver: Value, call: Call) -> None:
        """`Class.method(instance, ...)`."""
        if receiver[0] == "obj":
            self.call_function(("meth", function, receiver), call)

    def _call_body(self, value: Value, owner: Scope | None, call: Call) -> None:
        """Reach a body, unless it is too far from the methods that anybody may call on what a pickle holds.

        A method of the same object, a constructor, the body itself, functions that stand in it and those that it was
        given are as far as their caller, any other function one step more.
        """
        function: Scope = value[1]
        args, result = call.args, call.result
        if refuses(function, args, 0 if value[0] == "meth" else 1):
            return
        depth = 0
        current = self.current
        if current is not None:
            caller = current.frame
            same = value[0] == "meth" and (function.name in {"__init__", "__new__"} or value[2] == caller.receiver)
            within = value[0] == "fun" and caller.scope in {function, function.parent}
            more = int(not (same or within or call.handed))
            depth = caller.depth + more
            deepest = DEEPEST + int(value[0] == "fun" and owner is None and self.program.hands_out(function))
            deepest = max(deepest, DEEPEST + int(caller.scope.makes_computed))
            if more and depth > deepest and not function.chooses:
                caller.blocked.append((current, partial(self._call_body, value, owner, call)))
                self.unless(lambda: caller.depth + more <= deepest, lambda: self._give_up(value, args, result))
                return
            callee = self.frame(function, value[2], owner)
            caller.callees[callee] = min(more, caller.callees.get(callee, more))
        frame = self.enter(function, value[2], owner, depth)
        self._bind(frame, args)
        if value[0] == "meth" and value[2][0] == "obj":
            for wrapper in self.wrappers_of(function):
                around = self.enter_wrapper(wrapper, value[2], depth)
                self._bind(around, args)
                if current is not None:
                    current.frame.callees[around] = min(more, current.frame.callees.get(around, more))
        returned = self.returned(frame)
        given = args.positional[1:2] if value[0] == "meth" else args.positional[:1]
        for first in given:  # `clone(part)`: a copy, or the part itself, comes back as something unknown
            self._pass_back(returned, first, PASSED[value[0]], result)
        if function.decorated_by("contextmanager"):
            self.elements(returned, result)
        else:
            self.flow(returned, result)

    def _give_up(self, value: Value, args: Arguments, result: Variable) -> None:
        """Give what comes back from a function that is not followed."""
        self.add(result, UNKNOWN)
        if value[0] == "fun" or value[1].returns_first:
            for first in args.positional[:1]:
                self.select(first, result, OBJECTS)

    def _pass_back(self, returned: Variable, first: Variable, kinds: frozenset[str], result: Variable) -> None:
        """Give values of some kinds among the first arguments of a function that returns something unknown."""

        def see(value: Value) -> None:
            if value == UNKNOWN:
                self.select(first, result, kinds)

        self.watch(returned, see)

    # Parameters

    def _bind(self, frame: Frame, args: Arguments) -> None:
        """Give arguments to the parameters of a body."""
        params = frame.scope.facts.get("params", [])
        names = [p["n"] for p in params if p.get("k") not in {"*", "**", "kw"}]
        rest = next((p["n"] for p in params if p.get("k") == "*"), None)
        more = next((p["n"] for p in params if p.get("k") == "**"), None)
        known = {p["n"] for p in params}
        for at, values in enumerate(args.positional):
            if at < len(names):
                self._pass(frame, names[at], values)
            elif rest:
                self._pass_rest(frame, rest, "tuple", place_of(at - len(names)), values)

        def see(name: str, values: Variable) -> None:
            if name in known:
                self._pass(frame, name, values)
            elif name[:1] == "*" and name[1:].isdigit():
                at = len(args.positional) + int(name[1:])
                if at < len(names):
                    self._pass(frame, names[at], values)
                elif rest:
                    self._pass_rest(frame, rest, "tuple", place_of(at - len(names)), values)
            elif name == "*":
                if rest:
                    self._pass_rest(frame, rest, "tuple", "[]", values)
                for each in names[len(args.positional) :]:
                    self._pass(frame, each, values)
            elif more:
                self._pass_rest(frame, more, "dict", "[]" if name == "**" else f"[{name}]", values)

        self.each_named(args, see)

    def _pass(self, frame: Frame, name: str, values: Variable) -> None:
        """Give values to a parameter."""
        self.flow(values, self.variable("name", frame.key, name), "argument")
        if frame.scope.encloses:
            self.flow(values, self.variable("seen inside", frame.scope, name), "argument")

    def _pass_rest(self, frame: Frame, name: str, kind: str, place: str, values: Variable) -> None:
        """Give values to `*args` or `**kwargs`."""
        box: Value = ("box", self.number(frame.key, name, "rest"), kind)
        self._pass(frame, name, self.constant(box))
        self.put_all(box, place, values, "argument")
