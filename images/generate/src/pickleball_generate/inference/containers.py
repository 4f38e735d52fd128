"""Containers: what iteration, unpacking and subscripts give, what their methods do."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.annotations import Annotations
from pickleball_generate.inference.graph import Variable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.arguments import Arguments, Call, SeeNamed
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

ADDING = frozenset({"append", "add", "appendleft", "insert", "push", "put"})
MERGING = frozenset({"extend", "update", "extendleft", "union", "intersection", "difference"})
IN_PLACE = frozenset({"extend", "update", "extendleft"})
TAKING = frozenset({"pop", "popleft", "get", "popitem", "setdefault", "__getitem__", "get_nowait"})
SAME = frozenset({"copy", "__copy__", "fromkeys", "most_common"})
SILENT = frozenset({"index", "count", "sort", "remove", "clear", "discard", "reverse", "__init__", "__setitem__"})
TYPES: dict[str, type] = {
    "list": list, "tuple": tuple, "set": set, "dict": OrderedDict, "partial": functools.partial,
}  # fmt: skip
CHANGING = frozenset({"list", "set", "dict", "collection"})
WITHOUT_KEYS = frozenset({"list", "tuple", "set"})
OPAQUE = frozenset({"data", "unk", "part"})
KEYLESS = frozenset({"unk", "data"})
LONGEST = 12  # elements of a tuple that are told apart where it is made of others


class Containers(Annotations, ABC):
    """The part of the evaluation that knows containers."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.lengths: dict[Value, int] = {}  # of the tuples that displays make

    @abstractmethod
    def call_method(self, receiver: Value, name: str, call: Call) -> None:
        """`receiver.name(arguments)` (calls.py)."""

    def is_container(self, cls: Scope) -> bool:
        """Tell whether a class descends from a builtin container."""
        return any(self.packs.container(root) for root in self.program.roots(cls))

    def is_enumeration(self, cls: Scope) -> bool:
        """Tell whether the members of a class are its instances."""
        return any(root.startswith("enum.") for root in self.program.roots(cls))

    # Taking out

    def elements(self, source: Variable, result: Variable) -> None:
        """Give what iteration gives."""
        self.watch(source, lambda value: self.flow(self.elements_of(value), result))

    def elements_of(self, value: Value) -> Variable:
        """Give what iteration over one value gives."""
        key = ("elements", value)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = Variable()
            self._iterate(value, found)
        return found

    def _iterate(self, value: Value, result: Variable) -> None:
        kind = value[0]
        if kind == "box" and value[2] == "dict":
            self.flow(self.field(value, "{}"), result)
        elif kind in {"box", "inst"}:
            self.flow(self.all_of(value), result)
        elif kind in OPAQUE:
            self.add(result, value)
        elif kind == "cls" and self.is_enumeration(value[1]):
            self.add(result, ("obj", value[1]))
        elif kind == "obj":
            if self.is_container(value[1]):
                self.flow(self.field(value, "[]"), result)
            method = self.program.method(value[1], "__iter__")
            if method is not None:
                self.elements(self.returned(self.enter(method[0], value, method[1])), result)

    def component(self, source: Variable, at: int | None, result: Variable) -> None:
        """Give what unpacking gives at a position."""

        def see(value: Value) -> None:
            if value[0] == "box" and value[2] == "tuple" and at is not None:
                self.get(value, f"[{at}]", result)
            else:
                self.flow(self.elements_of(value), result)

        self.watch(source, see)

    def item(self, value: Value, index: object, call: Call) -> None:
        """Give one element by a constant, or all of them."""
        result = call.result
        if value[0] == "vars":
            name = index["str"] if isinstance(index, dict) and "str" in index else "*"
            self.get(value[1], name, result)
            return
        if isinstance(index, dict) and "x" in index:
            self.add(result, self.part_of(value, call))
            return
        if isinstance(index, dict) and "str" in index and value[0] == "box" and value[2] in WITHOUT_KEYS:
            return
        constant = index.get("str", index.get("v")) if isinstance(index, dict) else None
        if constant is not None and value[-1] in {"dict", "tuple"}:
            self.get(value, f"[{constant}]", result)
        elif value[0] == "box":
            self.flow(self.contents(value), result)
        else:
            self.flow(self.elements_of(value), result)

    def part_of(self, value: Value, call: Call) -> Value:
        """Give the container itself for a slice of it; of a tuple, one whose elements have moved."""
        if not is_tuple(value):
            return value
        row = self.box(call.frame, call.site, "tuple")
        self.put_all(row, "[]", self.all_of(value), "element")
        return row

    def concatenate(self, left: Variable, right: Variable, call: Call) -> None:
        """`left + right` of tuples: elements of the right one move by the length of the left one, if that is known."""
        row = self.box(call.frame, call.site, "tuple")
        lengths: dict[int | None, None] = {}
        moved: list[Value] = []

        def move(value: Value, length: int | None) -> None:
            def see(name: str, field: Variable) -> None:
                at = name[1:-1]
                place = place_of(length + int(at)) if length is not None and at.isdigit() else "[]"
                self.put_all(row, place, field, "element")

            self.each_field(value, see, ("moved", row, length))

        def see_left(value: Value) -> None:
            if not is_tuple(value):
                return
            self.add(call.result, row)
            self.each_field(value, lambda name, field: self.put_all(row, name, field, "element"), ("first", row))
            length = self.lengths.get(value)
            if length not in lengths:
                lengths[length] = None
                for each in moved:
                    move(each, length)

        def see_right(value: Value) -> None:
            if not is_tuple(value):
                return
            moved.append(value)
            self.add(call.result, row)
            for length in list(lengths):
                move(value, length)

        self.watch(left, see_left)
        self.watch(right, see_right)

    # Putting in

    def extend(self, target: Value, source: Variable) -> None:
        """Put the elements of containers into another one, keys under their names."""
        self.watch(source, lambda value: self.extend_by(target, value))

    def extend_by(self, target: Value, value: Value) -> None:
        """Put the elements of one container into another one."""
        value, target = self.now(value), self.now(target)
        if value == target:
            return
        if value[0] == "box" and value[-1] == "dict":
            self._extend_by_dict(target, value)
        elif value[0] == target[0] == "vars":
            key = ("update", target)
            self.each_field(value[1], lambda name, field: self.put_all(target[1], name, field, "update"), key)
        elif value[0] == "vars":
            self.put_all(target, "[]", self.all_of(value[1]), "update")
        elif value[0] in {"box", "inst"} and not (target[0] == "box" and target[-1] == "dict"):
            self.put_all(target, "[]", self.all_of(value), "extend")
        elif target[0] == "box" and target[-1] != "dict":
            self.put_all(target, "[]", self.elements_of(value), "extend")
        else:
            self.put_all(target, "[]", self.pairs_of(value), "extend")

    def _extend_by_dict(self, target: Value, value: Value) -> None:
        """Put the keys and values of a dict into a mapping, or its keys into another container."""
        if target[0] == "box" and target[-1] in WITHOUT_KEYS:
            self.put_all(target, "[]", self.field(value, "{}"), "extend")
        else:
            self.each_field(value, lambda name, field: self.put_all(target, name, field, "update"), ("update", target))

    def pairs_of(self, value: Value) -> Variable:
        """Give what iteration over one value gives; of pairs, what they hold."""
        key = ("pairs", value)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = pairs = Variable()

            def see(row: Value) -> None:
                if is_tuple(row):
                    self.flow(self.all_of(row), pairs)
                else:
                    self.add(pairs, row)

            self.watch(self.elements_of(value), see)
        return found

    def fill(self, call: Call, kind: str, values: Iterable[Variable]) -> Value:
        """Make the container that a call gives, with elements."""
        box = self.box(call.frame, call.site, kind)
        for each in values:
            self.put_all(box, "[]", each, "element")
        return box

    # Methods

    def container_method(self, receiver: Value, name: str, call: Call) -> bool:
        """Methods of lists, dicts, sets and their kin; tells whether this is one."""
        if receiver[0] == "obj" and not self.is_container(receiver[1]):
            return False
        if receiver[0] == "box" and receiver[2] in TYPES and not hasattr(TYPES[receiver[2]], name):
            return False
        given, result = call.args.positional, call.result
        if name in ADDING:
            for values in given[-1:]:
                self.put_all(receiver, "[]", values, name)
        elif name in MERGING:
            self._merge(receiver, name, call)
        elif name in TAKING:
            key = call.args.text(0)
            if name == "setdefault" and len(given) > 1:
                self.put_all(receiver, "[]" if key is None else f"[{key}]", given[1], name)
            if key is None:
                self.flow(self.contents(receiver), result)
            elif receiver[0] == "vars":
                self.get(receiver[1], key, result)
            else:
                self.get(receiver, f"[{key}]", result)
            for default in given[1:2]:
                self.flow(default, result)
        elif name in {"values", "keys", "items"}:
            self.add(result, self._view(receiver, name, call))
        elif name in SAME:
            self.add(result, receiver)
        elif name in SILENT:
            if name == "__setitem__" and len(given) > 1:
                self.put_all(receiver, "[]", given[1], "item")
        else:
            return False
        return True

    def _merge(self, receiver: Value, name: str, call: Call) -> None:
        """`receiver.update(containers, key=value)` and its kin."""
        for values in call.args.positional:
            self.extend(receiver, values)

        def see(key: str, values: Variable) -> None:
            self.put_all(receiver, f"[{key}]" if key[:1] != "*" else "[]", values, name)

        self.each_named(call.args, see)
        if name not in IN_PLACE:
            self.add(call.result, receiver)

    def _view(self, receiver: Value, name: str, call: Call) -> Value:
        """The list that `keys()`, `values()` or `items()` gives."""
        if name == "values":
            return self.fill(call, "list", [self.contents(receiver)])
        if name == "keys":
            return self.fill(call, "list", [self.field(receiver, "{}")])
        pair = self.box(call.frame, call.site, "tuple", "pair")
        self.put_all(pair, "[0]", self.field(receiver, "{}"), name)
        self.put_all(pair, "[1]", self.contents(receiver), name)
        return self.fill(call, "list", [self.constant(pair)])

    def each_named(self, args: Arguments, see: SeeNamed) -> None:
        """Show the arguments that are given by name, those that become known later too."""
        for name, values in list(args.named.variables.items()):
            see(name, values)
        statement = self.current
        args.named.listeners.append(lambda name, values: self.later(partial(see, name, values), statement))


def changes(value: Value) -> bool:
    """Tell whether statements can change the elements of a value: not those of tuples."""
    return value[0] in {"vars", "inst"} or (value[0] == "box" and value[2] in CHANGING)


def place_of(at: int) -> str:
    """Name a place in a tuple made of others; those far behind are not told apart, so that loops come to an end."""
    return f"[{at}]" if at < LONGEST else "[]"


def is_tuple(value: Value) -> bool:
    """Tell whether a value is a tuple whose elements have places."""
    return bool(value[0] == "box" and value[2] == "tuple")
