"""Calls of names without source: builtins, and what packs describe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.arguments import Arguments, Call, anywhere
from pickleball_generate.inference.attributes import Attributes
from pickleball_generate.inference.graph import Variable
from pickleball_generate.inference.machine import below
from pickleball_generate.inference.store import UNKNOWN

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

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
CONSTRUCTORS = ("__cinit__", "__init__")
ROWS = frozenset({"builtins.zip", "builtins.enumerate", "itertools.product", "itertools.zip_longest"})


class Foreign(Attributes, ABC):
    """The part of the evaluation that calls names without source."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.bound: dict[Value, int] = {}  # how many arguments a partial has beside the function
        self.lambdas: dict[Value, tuple[object, Frame]] = {}  # what they give, and where they stand

    @abstractmethod
    def call_value(self, value: Value, call: Call) -> None:
        """Call a value (calls.py)."""

    def lambda_result(self, value: Value) -> Variable:
        """Give what a lambda gives; its body is read where the lambda stands, once it is called."""
        key = ("of lambda", value)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = Variable()
            body, frame = self.lambdas[value]
            self.post(frame, "lambda", (body, found))
        return found

    def call_foreign(self, name: str, call: Call) -> None:
        """Call something without source."""
        given, result = call.args.positional, call.result
        if name in NOTHING:
            return
        if name in COPIES:
            for values in given[-1:] if name == "typing.cast" else given[:1]:
                self.flow(values, result)
        elif name in LISTS:
            self.add(result, self.fill(call, LISTS[name], self._elements_of_each(given)))
        elif name in ELEMENTS:
            for values in (*given, *self._elements_of_each(given)):
                self.flow(values, result)
        elif name == "builtins.dict":
            self.add(result, self._make_dict(call))
        elif name in PARTIALS:
            self.add(result, self._make_partial(call))
        elif name in WRAPPERS:
            for values in given:
                self.flow(values, result)
        elif name in ROWS:
            self.add(result, self._make_rows(call, int(name == "builtins.enumerate")))
        elif name == "builtins.map" and given:
            mapped = Variable()
            rows = Arguments(self._elements_of_each(given[1:]))
            rows.open = call.args.open
            inner = Call(rows, call.frame, ("map", id(call.site)), mapped)
            self.add(result, self.fill(call, "list", [mapped]))
            self.watch(given[0], lambda function: self.call_value(function, inner))
        else:
            self.call_opaque(name, call)

    def _elements_of_each(self, sources: list[Variable]) -> list[Variable]:
        found = [Variable() for _ in sources]
        for source, inner in zip(sources, found, strict=True):
            self.elements(source, inner)
        return found

    def _make_dict(self, call: Call) -> Value:
        """`dict(containers, key=value)`."""
        box = self.box(call.frame, call.site, "dict")
        for values in call.args.positional:
            self.extend(box, values)
        self.each_named(
            call.args,
            lambda key, values: self.put_all(box, f"[{key}]" if key[:1] != "*" else "[]", values, "element"),
        )
        return box

    def _make_partial(self, call: Call) -> Value:
        """`partial(function, ...)`."""
        box = self.box(call.frame, call.site, "partial")
        self.bound[box] = max(len(call.args.positional) - 1, self.bound.get(box, 0))
        for at, values in enumerate(call.args.positional):
            self.put_all(box, f"[{at}]", values, "partial")

        def see(key: str, values: Variable) -> None:
            self.put_all(box, f"[{anywhere(key)}]", values, "partial")

        self.each_named(call.args, see)
        return box

    def partial_arguments(self, value: Value, args: Arguments) -> Arguments:
        """Give the arguments that a partial passes on: its own, then those of its call."""
        bound = [self.field(value, f"[{at}]") for at in range(1, 1 + self.bound.get(value, 0))]
        given = Arguments([*bound, *args.positional])
        given.open = True
        self.each_named(args, lambda name, values: self.flow(values, given.named[name]))

        def see(name: str, field: Variable) -> None:
            key = name[1:-1]
            if not key.isdigit():
                for values in (field, *(args.positional if key == "*" else ())):
                    self.flow(values, given.named[key])

        self.each_field(value, see)
        return given

    def _make_rows(self, call: Call, first: int) -> Value:
        """`zip(...)`, `enumerate(...)`: a list of tuples."""
        row = self.box(call.frame, call.site, "tuple", "row")
        for at, values in enumerate(self._elements_of_each(call.args.positional)):
            self.put_all(row, f"[{at + first}]", values, "element")
        return self.fill(call, "list", [self.constant(row)])

    def call_opaque(self, name: str, call: Call) -> None:
        """Call a name of a package whose source is not analysed: a type makes an instance that holds its arguments."""
        package = self.packs.package_of(name)
        made = self.packs.results(name)
        site = self.site(call.frame, call.site)
        instances = [] if made else self.foreign_instance(name, site)
        for each in (*(self.described_instance(each, site) for each in made), *instances):
            self.add(call.result, each)
        for instance in instances:
            for values in call.args.positional:
                self._give(instance, values)
            self.each_named(call.args, partial(self._give_named, instance))
            for constructor in self.machine_constructors(instance):
                inner = Call(call.args, call.frame, call.site, Variable())
                self.call_value(("meth", constructor, instance), inner)
        if not instances and (package or not made):
            self.add(call.result, ("data", package) if package else UNKNOWN)
        if not instances:
            for values in call.args.positional[:1]:
                self.watch(values, partial(self._give_back, name, call.result))

    def _give_back(self, callee: str, result: Variable, value: Value) -> None:
        """`gelu = add_text(_nn.gelu, "...")`: machine code that is given a function beside it gives that back."""
        if value[0] != "ext" or value[1].rpartition(".")[2][:1].isupper():
            return
        module = callee.rpartition(".")[0]
        if value[1].startswith(f"{module}.") and self.program.environment.extension(module) is not None:
            self.add(result, value)

    def extension_instances(self, name: str) -> list[Value]:
        """What methods of a class of machine code may give: its instances, and those of classes below it."""
        module, _, last = name.rpartition(".")
        extension = self.program.environment.extension(module)
        if extension is None or extension.cython.find(last) is None:
            return []
        return [("inst", f"{module}.{each}") for each in below(extension, last)]

    def machine_constructors(self, instance: Value) -> list[Scope]:
        """The constructors that making an instance of machine code runs, as far as a Cython source shows them."""
        if self.packs.package_of(instance[1]):
            return []
        found = []
        for name in CONSTRUCTORS:
            bodies = (cls.functions for cls in self.program.machine_classes(instance[1]))
            found += [next((each for body in bodies for each in body if each.name == name), None)]
        return [each for each in found if each is not None]

    def _give_named(self, instance: Value, _: str, values: Variable) -> None:
        self._give(instance, values)

    def _give(self, instance: Value, values: Variable) -> None:
        """Let a foreign instance hold an argument, and what it may make with it when it is a class."""
        self.put_all(instance, "[]", values, "argument")

        def see(value: Value) -> None:
            if value[0] == "cls":
                self.put(instance, "[]", ("obj", value[1]), "factory")
            elif value[0] == "lam":
                self.put_all(instance, "[]", self.lambda_result(value), "factory")
            elif value[0] == "ext":
                for made in self.foreign_instance(value[1], self.number("factory", instance)):
                    self.put(instance, "[]", made, "factory")

        self.watch(values, see)
