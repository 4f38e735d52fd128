"""What a pickle of the model can contain is opened, until nothing grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.attributes import takes_class
from pickleball_generate.inference.evaluation import Evaluation
from pickleball_generate.inference.frames import Frame
from pickleball_generate.inference.program import tooling
from pickleball_generate.inference.scopes import Scope
from pickleball_generate.inference.store import UNKNOWN
from pickleball_generate.inference.wrappers import Wrapper, wrappers

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Reason
    from pickleball_generate.inference.program import Value


class Solver(Evaluation):
    """Holds values, and what they contain in turn."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.wrapped: dict[Scope, list[Wrapper]] = {}  # what runs in the place of decorated methods

    def run(self) -> None:
        """Run to the fixpoint."""
        self.settle()

    def hold(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """Note that a pickle can contain a value, and follow what it contains in turn."""
        if value in self.held:
            return
        self.held[value] = (holder, reason)
        kind = value[0]
        if kind == "obj":
            self.hold_object(value)
        elif kind in {"box", "inst"}:
            self.post(self.frame_of(value), "contents", value)
        elif kind == "meth":
            self.hold(value[2], value, reason)
        elif kind == "vars":
            self.hold(value[1], value, reason)

    def frame_of(self, value: Value) -> Frame:
        """A frame for statements that belong to a value, not to a body."""
        scope = self.current.frame.scope if self.current else Scope("", "module", {}, None, "")
        return Frame(scope, None, None)

    def hold_object(self, value: Value) -> None:
        """Anybody may call the methods of an instance that a pickle contains: reach all of them."""
        cls: Scope = value[1]
        seen: set[str] = set()
        for owner in self.program.mro(cls):
            if owner[0] != "cls":
                continue
            for function in owner[1].functions:
                if function.name in seen or function.decorated_by("overload") or tooling(function.module):
                    continue
                seen.add(function.name)
                self.reach_method(function, owner[1], value)
        self.declare(value)
        self.post(self.frame(cls), "state", value)

    def reach(self, function: Scope) -> None:
        """Reach a function or method that somebody may call on an instance of the class that it stands in."""
        owner = function.parent
        if owner is None or owner.kind != "class":
            self.enter(function, None, None)
        else:
            self.reach_method(function, owner, ("obj", owner))

    def reach_method(self, function: Scope, owner: Scope, receiver: Value) -> None:
        """Reach a method for a receiver, called by somebody unknown."""
        if function.decorated_by("staticmethod"):
            self.enter(function, None, owner)
            return
        if takes_class(function):
            self.enter(function, ("cls", receiver[1]), owner)
            return
        frame = self.enter(function, receiver, owner)
        if function.decorated_by("cached_property"):  # whoever reads it leaves what it gives in the object
            self.put_all(receiver, function.name, self.returned(frame), "cached property")
        for wrapper in self.wrappers_of(function):
            self.enter_wrapper(wrapper, receiver, 0)

    def wrappers_of(self, function: Scope) -> list[Wrapper]:
        """Give what runs in the place of a decorated method."""
        if not function.decorators():
            return []
        if function not in self.wrapped:
            self.wrapped[function] = list(wrappers(self.program, function))
        return self.wrapped[function]

    def enter_wrapper(self, wrapper: Wrapper, receiver: Value, depth: int) -> Frame:
        """Read what runs in the place of a decorated method, for the object that the method is called on."""
        frame = self.enter(wrapper.function, receiver, None, depth)
        self._pass(frame, wrapper.function.facts["params"][0]["n"], self.constant(receiver))
        if wrapper.cls is not None:  # the decorator is a class method: what it defines sees the class
            outer = self.frame(wrapper.decorator, receiver, None)
            self._pass(outer, wrapper.decorator.facts["params"][0]["n"], self.constant(("cls", wrapper.cls)))
        return frame

    def do_contents(self, value: Value, frame: Frame) -> None:
        """What a container or foreign instance holds is held."""
        self.hold_inside(value)

    def hold_inside(self, holder: Value) -> None:
        """Hold what is stored in an object."""

        def see(inner: Value) -> None:
            if inner not in self.held or inner == UNKNOWN:
                self.hold(inner, holder, self.why_inside(holder, inner))

        self.watch(self.all_of(holder), see)
