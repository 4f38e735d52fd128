"""A fixpoint over what variables and attributes can hold.

Points-to analysis in the manner of Andersen, insensitive to flow: one heap object for each class, one for each display
or call that makes a container, methods apart for each class that receives them. Every statement is a constraint that
runs again when something grows that it has read. Values only ever get more, so the result does not depend on the order.

Values:
    ("cls", Scope)              a class                ("obj", Scope)         an instance of it
    ("fun", Scope, receiver)    a function             ("meth", Scope, recv)  a method bound to a receiver
    ("mod", name)               a module               ("ext", name)          a name whose source is not there
    ("inst", name)              an instance of a class without source
    ("box", site, kind)         a list, tuple, dict, set, partial; "[]" its elements, "[k]" one of them, "{}" its keys
    ("vars", value)             the `__dict__` of an instance
    ("data", package)           the result of a computation in a package that a pack describes
    ("part", Scope, parameter)  what a caller gives to the constructor of a class, beside ("unk",)
    ("unk",)                    anything
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Reason:
    """Why a variable holds a value: the statement, and the rule that was applied to it."""

    file: str
    line: int
    rule: str
    what: str


class Frame:
    """The body of a function for one receiver; the body of a module or class."""

    __slots__ = ("constraints", "depth", "key", "owner", "receiver", "scope")

    def __init__(self, scope: Scope, receiver: Value | None, owner: Scope | None) -> None:
        self.scope = scope
        self.receiver = receiver
        self.owner = owner
        self.key = (scope, receiver)
        self.depth = 0
        self.constraints: list[Constraint] = []


class Constraint:
    """One statement of one frame."""

    __slots__ = ("frame", "item", "kind", "queued", "reads")

    def __init__(self, frame: Frame, kind: str, item: Any) -> None:
        self.frame = frame
        self.kind = kind
        self.item = item
        self.queued = False
        self.reads: set[Key] = set()


class Store:
    """Variables, the constraints that read them, and the frames of functions that are reached."""

    def __init__(self, program: Program, packs: Packs, shuffle: Random | None = None) -> None:
        self.program = program
        self.packs = packs
        self.shuffle = shuffle
        self.values: dict[Key, dict[Value, Reason]] = {}
        self.readers: dict[Key, dict[Constraint, None]] = {}
        self.frames: dict[Key, Frame] = {}
        self.held: dict[Value, tuple[Value | None, Reason]] = {}
        self.queue: deque[Constraint] = deque()
        self.current: Constraint | None = None
        self.opened: set[Key] = set()
        self.stored: dict[Value, dict[str, None]] = {}
        self.bounds: dict[Scope, Reason] = {}
        self.asked: dict[Value, dict[str, Reason]] = {}
        self.flowed: dict[Key, int] = {}
        self.steps = 0

    def read(self, key: Key) -> tuple[Value, ...]:
        """Give what a variable holds now; the constraint that runs will run again when it grows."""
        current = self.current
        if current is not None and key not in current.reads:
            current.reads.add(key)
            self.readers.setdefault(key, {})[current] = None
        return tuple(self.values.get(key, ()))

    def add(self, key: Key, value: Value, rule: str) -> None:
        """Let a variable hold a value."""
        held = self.values.setdefault(key, {})
        if value in held:
            return
        held[value] = self.reason(rule)
        for reader in self.readers.get(key, ()):
            self.wake(reader)

    def reason(self, rule: str) -> Reason:
        """Describe the statement that runs."""
        current = self.current
        if current is None:
            return Reason("", 0, rule, "")
        item = current.item
        line = item.get("line", 0) if isinstance(item, dict) else 0
        scope = current.frame.scope
        return Reason(scope.file, line or scope.line, rule, scope.dotted)

    def ask(self, part: Value, method: str) -> None:
        """Note that code calls a method of a part."""
        self.asked.setdefault(part, {}).setdefault(method, self.reason("asked of a part"))

    def wake(self, constraint: Constraint) -> None:
        """Queue a constraint unless it waits already."""
        if not constraint.queued:
            constraint.queued = True
            self.queue.append(constraint)

    def field(self, owner: Value, name: str) -> tuple[Value, ...]:
        """Read an attribute or element; of a container also what was stored under keys that are not known.

        What was stored in an instance under names that are not known is held by it, but no attribute gives it: the code
        that does so (setattr in a loop) mostly puts back what it read.
        """
        if name == "*":
            return self.read(("A", owner))
        if name[0] == "[":
            return (*self.read(("F", owner, name)), *self.read(("F", owner, "[]")))
        return self.read(("F", owner, name))

    def store(self, owner: Value, name: str, value: Value, rule: str) -> None:
        """Store into an attribute or element."""
        if owner[0] == "vars":
            owner, name = owner[1], name[1:-1] if name[0] == "[" and name != "[]" else "*"
        if value in self.values.get(("F", owner, name), ()):
            return
        self.stored.setdefault(owner, {})[name] = None
        self.add(("F", owner, name), value, rule)
        self.add(("A", owner), value, f"{rule} {name}")

    def post(self, frame: Frame, kind: str, item: Any) -> None:
        """Add a constraint and let it run."""
        constraint = Constraint(frame, kind, item)
        frame.constraints.append(constraint)
        self.wake(constraint)

    def frame(self, scope: Scope, receiver: Value | None = None, owner: Scope | None = None) -> Frame:
        """Give the frame of a body and receiver."""
        key = (scope, receiver)
        if key not in self.frames:
            self.frames[key] = Frame(scope, receiver, owner)
        return self.frames[key]

    def enter(self, scope: Scope, receiver: Value | None, owner: Scope | None, depth: int = 0) -> Frame:
        """Reach a function's body: all its statements become constraints."""
        frame = self.frame(scope, receiver, owner)
        if ("B", *frame.key) in self.opened:
            if depth < frame.depth:
                frame.depth = depth
                for constraint in frame.constraints:
                    self.wake(constraint)
            return frame
        self.opened.add(("B", *frame.key))
        frame.depth = depth
        facts = scope.facts
        for item in facts.get("params", ()):
            self.post(frame, "param", item)
        for item in facts.get("assigns", ()):
            self.post(frame, "assign", item)
        for item in facts.get("calls", ()):
            self.post(frame, "call", item)
        for item in facts.get("returns", ()):
            self.post(frame, "return", item)
        for item in self.more_calls(facts):
            self.post(frame, "call", item)
        if "rann" in facts:
            self.post(frame, "result", facts)
        return frame

    def more_calls(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        """Calls in conditions and the like, which stand in no assignment, call or return."""
        seen: set[str] = set()

        def note(expression: object) -> None:
            if isinstance(expression, list):
                for inner in expression:
                    note(inner)
            elif isinstance(expression, dict):
                if "call" in expression:
                    seen.add(str(expression["call"]))
                for inner in expression.values():
                    if isinstance(inner, (dict, list)):
                        note(inner)

        for kind in ("assigns", "calls", "returns"):
            note(facts.get(kind, []))
        found = []
        for call in facts.get("reach", ()):
            if str(call["f"]) not in seen:
                expression = {"call": call["f"], "args": call.get("args", []), "kw": call.get("kw", {})}
                found.append({"c": expression, "line": call["line"]})
        return found

    # Holding
