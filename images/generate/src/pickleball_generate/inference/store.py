"""What attributes and elements hold, and the bodies that are reached.

Points-to analysis in the manner of Andersen, insensitive to flow: one heap object for each class, one for each display
or call that makes a container, methods apart for each class that receives them. Every statement is read once; what it
connects then grows by what is new (graph.py).

Values:
    ("cls", Scope)              a class                ("obj", Scope)         an instance of it
    ("fun", Scope, receiver)    a function             ("meth", Scope, recv)  a method bound to a receiver
    ("bound", name, method)     a method bound to an instance of a type that a pack describes
    ("mod", name)               a module               ("ext", name)          a name whose source is not there
    ("inst", name)              an instance of a class without source; ("inst", name, number) of one that keeps objects
    ("box", number, kind)       a list, tuple, dict, set, partial, or a collection that may be any of the first four;
                                "[]" its elements, "[k]" one of them, "{}" its keys
    ("vars", value)             the `__dict__` of an instance
    ("data", package)           the result of a computation in a package that a pack describes
    ("part", Scope, parameter)  what a caller gives to an instance of a class to keep, beside ("unk",)
    ("pick", module, ...)       a class of a module under a name that is computed; ("picked", ...) an instance of it
    ("unk",)                    anything
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.cycles import cycles
from pickleball_generate.inference.frames import Frame, Reason, Statement
from pickleball_generate.inference.graph import Graph, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs

UNKNOWN: Value = ("unk",)
MERGED = frozenset({"list", "tuple", "dict", "set", "collection"})
Key = tuple[Any, ...]
SeeField = Callable[[str, Variable], None]


class Store(Graph):
    """Variables by what they belong to, and the frames of functions that are reached."""

    def __init__(self, program: Program, packs: Packs, shuffle: Random | None = None) -> None:
        super().__init__(shuffle)
        self.program = program
        self.packs = packs
        self.variables: dict[Key, Variable] = {}
        self.frames: dict[Key, Frame] = {}
        self.held: dict[Value, tuple[Value | None, Reason]] = {}
        self.bounds: dict[Scope, Reason] = {}
        self.asked: dict[Value, dict[str, Reason]] = {}
        self._fields: dict[Value, dict[str, Variable]] = {}
        self._stored: dict[Value, dict[str, Variable]] = {}
        self._became: dict[Value, Value] = {}  # containers that are others now
        self._listeners: dict[Value, dict[object, tuple[Statement | None, SeeField]]] = {}
        self._numbers: dict[Key, int] = {}

    # Variables

    def variable(self, *key: Any) -> Variable:
        """Give the variable of a key."""
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = Variable()
        return found

    def number(self, *key: Any) -> int:
        """Give the number of a place, by which values are told apart: their own keys stay short."""
        return self._numbers.setdefault(key, len(self._numbers))

    def constant(self, value: Value) -> Variable:
        """Give a variable that holds one value and no more."""
        key = ("constant", value)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = Variable()
            self.add(found, value)
        return found

    def returned(self, frame: Frame) -> Variable:
        """Give what a body returns."""
        return self.variable("returned", frame.key)

    def select(self, source: Variable, target: Variable, kinds: frozenset[str]) -> None:
        """Let a variable hold the values of some kinds that another one holds."""

        def see(value: Value) -> None:
            if value[0] in kinds:
                self.add(target, value)

        self.watch(source, see)

    # Attributes and elements

    def field(self, owner: Value, name: str) -> Variable:
        """Give what is stored in an attribute or element under exactly this name."""
        fields = self._fields.get(owner)
        if fields is None:
            fields = self._fields[owner] = {}
        found = fields.get(name)
        if found is None:
            found = fields[name] = Variable((owner, name))
        return found

    def all_of(self, owner: Value) -> Variable:
        """Give what is stored in all attributes and elements."""
        owner = self.now(owner)
        key = ("all", owner)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = every = Variable()
            self.each_field(owner, lambda _, field: self.flow(field, every), "all")
        return found

    def contents(self, owner: Value) -> Variable:
        """Give the values in a container, keys left out where they are known."""
        if owner[0] == "vars":
            return self.all_of(owner[1])
        owner = self.now(owner)
        key = ("contents", owner)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = values = Variable()

            def see(name: str, field: Variable) -> None:
                if name != "{}":
                    self.flow(field, values)

            self.each_field(owner, see, "contents")
        return found

    def get(self, owner: Value, name: str, target: Variable) -> None:
        """Read an attribute or element; of a container also what was stored under keys that are not known.

        What was stored in an instance under names that are not known is held by it, but no attribute gives it: the code
        that does so (setattr in a loop) mostly puts back what it read.
        """
        if name == "*":
            self.flow(self.all_of(owner), target)
            return
        self.flow(self.field(owner, name), target)
        if name[:1] == "[" and name != "[]":
            self.flow(self.field(owner, "[]"), target)

    def put(self, owner: Value, name: str, value: Value, rule: str) -> None:
        """Store a value into an attribute or element."""
        if self.takes(owner, name):
            self.add(self._place(owner, name), value, rule)

    def put_all(self, owner: Value, name: str, source: Variable, rule: str) -> None:
        """Store all that a variable holds into an attribute or element."""
        if not self.takes(owner, name):
            return
        place = self._place(owner, name)
        place.assigned = True
        self.flow(source, place, rule)

    def takes(self, owner: Value, name: str) -> bool:
        """Tell whether an object keeps what is stored into it; those of machine code as their pack says."""
        if owner[0] != "inst":
            return True
        return ("elements" if name[:1] in {"[", "{"} else "attributes") in self.packs.keeps(owner[1])

    def _place(self, owner: Value, name: str) -> Variable:
        if owner[0] == "vars":
            owner, name = owner[1], name[1:-1] if name[:1] == "[" and name != "[]" else "*"
        return self.field(owner, name)

    def each_field(self, owner: Value, see: SeeField, key: object = None) -> None:
        """Show each attribute or element in which something is stored, once; the same again for a key shows none."""
        owner = self.now(owner)
        listeners = self._listeners.setdefault(owner, {})
        if key in listeners:
            return
        listeners[see if key is None else key] = (self.current, see)
        for name, variable in list(self._stored.get(owner, {}).items()):
            see(name, variable)

    def announce(self, variable: Variable) -> None:
        """Show an attribute or element that holds something for the first time."""
        owner, name = variable.field or (UNKNOWN, "*")
        self._stored.setdefault(owner, {})[name] = variable
        for statement, see in self._listeners.get(self.now(owner), {}).values():
            self.later(partial(see, name, variable), statement)

    # Containers in containers

    def merge_objects(self) -> bool:
        """Make one of the containers of a kind that hold each other in a cycle: each is somewhere in the others."""
        boxes = self._boxes()
        inside = self._inside(boxes)
        merged = False
        for found in list(cycles(inside, lambda box: self.values(inside[box]))):
            first: dict[str, Value] = {}
            for box in sorted(found, key=boxes.__getitem__):
                other = first.setdefault(box[2], box)
                if other is not box:
                    self._become(box, other)
                    merged = True
        return merged

    def _boxes(self) -> dict[Value, int]:
        """Number the containers that hold something, those left out that have become another one."""
        found = (v for v in self._stored if v[0] == "box" and v[2] in MERGED and v not in self._became)
        return {box: number for number, box in enumerate(found)}

    def _inside(self, boxes: Iterable[Value]) -> dict[Value, int]:
        """Give the containers that some hold, as bits; those left out that lead to no cycle."""
        found: dict[Value, int] = {}
        for box in boxes:
            held = 0
            for field in self._stored[box].values():
                held |= field.held if field.into is field else field.root.held
            found[box] = held
        before = 0
        while len(found) != before:
            before = len(found)
            mask = sum(map(self.mask, found))
            found = {box: there for box, held in found.items() if (there := held & mask)}
        return found

    def now(self, owner: Value) -> Value:
        """Give the container that one has become."""
        while owner in self._became:
            owner = self._became[owner]
        return owner

    def _become(self, box: Value, other: Value) -> None:
        """Let a container be another one from now on; who was shown its elements is shown those that it had not."""
        self._became[box] = other
        self.replace(box, other)
        shown = self._stored[box]
        for name, field in self._fields[box].items():
            same = self.field(other, name)
            same.assigned |= field.assigned
            self.flow(field, same)
            self.flow(same, field)
        listeners = self._listeners.setdefault(other, {})
        coming = self._listeners.pop(box, {})
        for kind, read in (("all", self.all_of), ("contents", self.contents)):
            if coming.pop(kind, None) is not None:
                self.flow(read(other), self.variables[kind, box])
        for key, (statement, see) in coming.items():
            if key in listeners:
                continue
            listeners[key] = statement, see
            for name, field in self._stored[other].items():
                if name not in shown:
                    self.later(partial(see, name, field), statement)
        self._fields[box] = self._fields[other]
        self._stored[box] = self._stored[other]

    # Reasons

    def reason(self, rule: str) -> Reason:
        """Describe the statement that runs."""
        return _reason(self.current, rule)

    def why(self, variable: Variable, value: Value) -> Reason:
        """Say which statement let a variable hold a value."""
        bit = self.mask(value)
        _, statement, rule = next(
            entry
            for entry in (*(variable.why or ()), *(variable.root.why or ()))
            if (entry[0] if isinstance(entry[0], int) else entry[0].values) & bit
        )
        return _reason(statement, rule)

    def why_inside(self, owner: Value, value: Value) -> Reason:
        """Say which statement stored a value somewhere in an object."""
        bit = self.mask(value)
        stored = self._stored.get(owner, {}).items()
        name, field = next(((n, f) for n, f in stored if f.values & bit), ("", self.all_of(owner)))
        reason = self.why(field, value)
        return Reason(reason.file, reason.line, f"{reason.rule} {name}", reason.what)

    def ask(self, part: Value, method: str) -> None:
        """Note that code calls a method of a part."""
        self.asked.setdefault(part, {}).setdefault(method, self.reason("asked of a part"))

    # Bodies

    def post(self, frame: Frame, kind: str, item: Any) -> None:
        """Let a statement be read."""
        self.later(partial(getattr(self, f"do_{kind}"), item, frame), Statement(frame, kind, item))

    def frame(self, scope: Scope, receiver: Value | None = None, owner: Scope | None = None) -> Frame:
        """Give the frame of a body and receiver."""
        key = (scope, receiver)
        if key not in self.frames:
            self.frames[key] = Frame(scope, receiver, owner)
        return self.frames[key]

    def enter(self, scope: Scope, receiver: Value | None, owner: Scope | None, depth: int = 0) -> Frame:
        """Reach a function's body: all its statements are read."""
        frame = self.frame(scope, receiver, owner)
        if frame.opened:
            self._come_nearer(frame, depth)
            return frame
        frame.opened = True
        frame.depth = depth
        for kind, item in scope.statements:
            self.post(frame, kind, item)
        return frame

    def _come_nearer(self, frame: Frame, depth: int) -> None:
        """Go on with the calls of a body that were too far, now that it is nearer."""
        if depth >= frame.depth:
            return
        frame.depth = depth
        blocked, frame.blocked = frame.blocked, []
        for statement, call in blocked:
            self.later(call, statement)
        for callee, more in list(frame.callees.items()):
            self._come_nearer(callee, depth + more)


def _reason(statement: Statement | None, rule: str) -> Reason:
    if statement is None:
        return Reason("", 0, rule, "")
    item, scope = statement.item, statement.frame.scope
    line = item.get("line", 0) if isinstance(item, dict) else 0
    return Reason(scope.file, line or scope.line, rule, scope.dotted)
