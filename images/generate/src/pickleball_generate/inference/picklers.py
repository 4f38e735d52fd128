"""What subclasses of pickle's Pickler write beside the objects themselves: wrappers that libraries put around them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pickleball_generate.inference.frames import Reason
from pickleball_generate.inference.pickling import Pickling
from pickleball_generate.inference.program import tooling

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope


class Picklers(Pickling):
    """Adds to the fixpoint what the picklers of libraries write."""

    def serializers(self) -> None:
        """Wrappers that Pickler subclasses put around objects: what their `save` makes and saves is in the stream.

        Of packages that the modules read so far import, and of others that import a package whose data is held: anybody
        may write a model with them.
        """
        imported = {module for package in self.program.packages() for module in self.program.pickling_modules(package)}
        held = {name.partition(".")[0] for name in (*self.globals, *self.reduces)}
        for module in sorted(imported | self.program.serializing_modules()):
            for cls in self.picklers([module]):
                if module in imported or not held.isdisjoint(self.data_packages(cls)):
                    self.serialize(cls)

    def serialize(self, cls: Scope) -> None:
        """Reach the `save` of a pickler, and hold what it saves."""
        instance: Value = ("obj", cls)
        found = self.program.method(cls, "save")
        if found is None or tooling(cls.module):
            return
        self.enter(found[0], instance, found[1])
        made = self.program.method(cls, "__init__")
        if made is not None:
            self.enter(made[0], instance, made[1])
        self.post(self.frame(found[0], instance, found[1]), "saved", instance)

    def picklers(self, modules: list[str]) -> list[Scope]:
        """Classes of modules that descend from a pickler and override what it writes."""
        found = []
        for module in modules:
            scope = self.program.scope(module)
            for cls in scope.classes if scope is not None else ():
                roots = set(self.program.roots(cls))
                if roots & {"pickle._Pickler", "pickle.Pickler", "_pickle.Pickler"} and "save" in cls.bound:
                    found.append(cls)
        return found

    def do_saved(self, instance: Value, frame: Frame) -> None:
        """Hold the objects that a pickler's `save` passes on to the pickler below it."""
        for item in (*frame.scope.facts.get("calls", ()), *frame.scope.facts.get("returns", ())):
            call = item.get("c", item.get("v"))
            if not isinstance(call, dict) or "call" not in call or not str(call["call"]).endswith(".save"):
                continue
            reason = Reason(frame.scope.file, item["line"], "written by a pickler", frame.scope.dotted)
            for argument in call.get("args", ()):
                self.watch(self.eval(argument, frame), partial(self._saved, instance, reason))

    def _saved(self, instance: Value, reason: Reason, value: Value) -> None:
        if value[0] == "obj" and value != instance:
            self.hold(value, instance, reason)
