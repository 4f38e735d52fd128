"""Widening: where a value is not known but a bound of it is, classes inside the bound that are graded inert.

Four bounds are used, each visible in the provenance as `widened`:

    declared    an annotation in the package of the model's class names a class of it: its subclasses
    part        a caller gives a value to a constructor, and code calls methods of it that the holder has itself (a
                pipeline calls `fit` of its steps): classes that share a base with the holder and have such a method
    named       code looks a class of a module up under a name that it computes: the public classes of that module
    member      nothing is known of what an attribute holds, and the module of the object's class names a member of an
                enumeration of its package: that enumeration

They enter `globals` only; a class that pickles by calling itself enters `reduces` when its construction is inert too.
With them come the instances that their methods make: of inert classes right into an attribute, and of types of machine
code, whose packs and extension modules say what is called.
A bound with more classes than a person reads is narrowed to the package of the model's class, then given up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pickleball_generate.inference import named
from pickleball_generate.inference.asked import Asked
from pickleball_generate.inference.bodies import USUAL
from pickleball_generate.inference.clashes import Member
from pickleball_generate.inference.closedworld import apart, needed
from pickleball_generate.inference.construction import annotated, described, extension_types, fields, kept
from pickleball_generate.inference.enumerations import enumerations
from pickleball_generate.inference.frames import Reason
from pickleball_generate.inference.makers import makers
from pickleball_generate.inference.pickling import Because
from pickleball_generate.inference.signatures import makes_plainly, refuses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.effects import Grader
    from pickleball_generate.inference.pickling import Pickling
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

MOST = 250  # classes of one bound
MOST_NAMED = 60  # classes of one module that is looked into under computed names


class Widening:
    """Adds to a solved system the inert classes of its bounds."""

    def __init__(self, solver: Pickling, model: Scope | None, grader: Grader) -> None:
        self.solver = solver
        self.model = model
        self.grader = grader
        self.hierarchy = grader.graph.hierarchy
        self._searched: set[Scope] = set()  # for types that it makes: once let in, they are in

    def run(self) -> None:
        """Widen each bound."""
        self._hold_asked()
        if self.model is None:  # of machine code, which bounds nothing
            return
        chosen: dict[Scope, Because] = {}
        bounds = [
            *self._parts(self.model),
            *self._declared(self.model),
            *self._named(self.model),
            *self._enumerations(),
        ]
        for value, rule, reason, classes in bounds:
            because = Because(value, rule, reason.file, reason.line, "widened")
            for cls in classes:
                if self._is_new(cls) and self.grader.grade(cls, called=False).inert:
                    chosen.setdefault(cls, because)
        self._add_kept(chosen)
        for cls in apart(self.grader, [self._member(cls) for cls in chosen], needed(self.solver)):
            chosen.pop(cls)
        for cls, because in chosen.items():
            self._enter(cls, because)
        lists = (self.solver.globals, self.solver.reduces)
        before = [set(listed) for listed in lists]
        for cls, because in chosen.items():
            self._enter_types(cls, because)
        self.solver.run()
        for listed, known in zip(lists, before, strict=True):
            for name in listed.keys() - known:
                listed[name] = replace(listed[name], kind="widened")

    def _hold_asked(self) -> None:
        """Hold the classes that alone have what code asks of a part, with what their makers give them."""
        solver, program = self.solver, self.solver.program
        asked = Asked(program)
        for part, methods in self._asked():
            holder: Scope = part[1]
            wanted = {name for name in methods if name not in USUAL and not name.startswith("__")}
            if part not in solver.held or any(program.method(holder, name) for name in wanted):
                continue
            cls = asked.only_class(holder.module.partition(".")[0], wanted)
            if cls is None or ("obj", cls) in solver.held or not self.grader.grade(cls, called=False).inert:
                continue
            rule = f"the only class with {', '.join(sorted(wanted)[:3])}, which are asked of {part[2]}"
            reason = methods[min(wanted)]
            solver.hold(("obj", cls), part, Reason(reason.file, reason.line, rule, reason.what))
            for maker in makers(program, cls):
                solver.reach(maker)
        solver.run()

    def _asked(self) -> list[tuple[Value, dict[str, Reason]]]:
        """The parts that callers give, with what is asked of them."""
        return [(part, methods) for part, methods in self.solver.asked.items() if part[0] == "part"]

    def _add_kept(self, chosen: dict[Scope, Because]) -> None:
        """Add the inert classes whose instances methods of chosen ones put into attributes."""
        waiting = list(chosen)
        seen: set[Scope] = set()  # what their bodies hold is chosen, or never will be
        while waiting:
            cls = waiting.pop(0)
            why = chosen[cls]
            for owner in self._owners(cls):
                if owner in seen:
                    continue
                seen.add(owner)
                for body in (owner, *owner.functions):
                    for held, how in self._held_by(body):
                        if held in chosen or not self._is_new(held) or not self._concrete(held):
                            continue
                        if self.grader.grade(held, called=False).inert:
                            rule = f"{how} {cls.name}, which is widened"
                            chosen[held] = Because(why.value, rule, body.file, body.line, "widened")
                            waiting.append(held)

    def _held_by(self, body: Scope) -> Iterator[tuple[Scope, str]]:
        """The classes whose instances a method or class body puts into attributes, and how that is known."""
        if body.kind == "class":
            yield from ((cls, "declared by") for cls in fields(self.solver.program, body))
            return
        yield from ((cls, "made by") for cls in kept(self.solver.program, body))
        yield from ((cls, "annotated by") for cls in annotated(self.solver.program, body))

    def _enter_types(self, cls: Scope, because: Because) -> None:
        """Let in the types of machine code that methods of a class make instances of."""
        solver = self.solver
        for owner in self._owners(cls):
            if owner in self._searched:
                continue
            self._searched.add(owner)
            for name in sorted(described(solver.program, solver.packs, owner) | extension_types(solver.program, owner)):
                reason = Reason(owner.file, owner.line, f"made by {owner.name}, which is widened", owner.dotted)
                solver.hold(("inst", name), because.value, reason)

    def _owners(self, cls: Scope) -> list[Scope]:
        return [value[1] for value in self.solver.program.mro(cls) if value[0] == "cls"]

    def _is_new(self, cls: Scope) -> bool:
        name = self.solver.program.canonical(cls)
        return name not in self.solver.globals and name not in self.solver.reduces

    def _member(self, cls: Scope) -> Member:
        """Say what a stream may do with a class when it enters."""
        called = self.grader.builds_itself(cls)
        return Member(cls, kept=called or not self._only_made(cls), called=called)

    def _enter(self, cls: Scope, because: Because) -> None:
        name = self.solver.program.canonical(cls)
        self.solver.scopes.setdefault(name, cls)
        if not self.grader.builds_itself(cls):
            self.solver.instantiate(name, because)
            if not self._only_made(cls):
                self.solver.kept.add(name)
        elif self.grader.grade(cls, called=True).inert:
            self.solver.invoke(name, because)

    def _only_made(self, cls: Scope) -> bool:
        """Tell whether a pickle only makes instances of a class: nothing that rebuilds them gets the class."""
        solver = self.solver
        return solver.registered(cls) is None and solver.reducing(cls) is None and solver.only_made(cls)

    def _parts(self, model: Scope) -> Iterator[tuple[Value, str, Reason, list[Scope]]]:
        """Parts of the holder's own kind, that some held object keeps."""
        program = self.solver.program
        seen: set[tuple[Scope, ...]] = set()
        for part, asked in self._asked():
            holder: Scope = part[1]
            shared = {name for name in asked if name not in USUAL and program.method(holder, name)}
            if part not in self.solver.held or not shared:
                continue
            kin = tuple(v[1] for v in program.mro(holder)[1:] if v[0] == "cls")
            inherited = {name for name in shared if any(program.method(base, name) for base in kin)}
            shared = shared - inherited or shared
            if kin in seen:
                continue
            seen.add(kin)
            methods = ", ".join(sorted(shared)[:3])
            found = self._narrow(model, kin, lambda cls, names=shared: any(program.method(cls, name) for name in names))
            rule = f"part given to {holder.name} as {part[2]}, asked for {methods}: classes that share a base"
            yield part, rule, asked[min(shared)], found

    def _declared(self, model: Scope) -> Iterator[tuple[Value, str, Reason, list[Scope]]]:
        """Subclasses of the classes that annotations name, as far as an object is held for them."""
        own = model.module.partition(".")[0]
        for bound, reason in sorted(self.solver.bounds.items(), key=lambda item: item[0].identity):
            value = ("obj", bound)
            inside = reason.file.partition("/")[0].removesuffix(".py") == own == bound.module.partition(".")[0]
            if bound is model or value not in self.solver.held or not inside:
                continue
            yield (
                value,
                f"subclass of {bound.name}, which an annotation names",
                reason,
                self._narrow(model, (bound,), None),
            )

    def _named(self, model: Scope) -> Iterator[tuple[Value, str, Reason, list[Scope]]]:
        """Classes of modules that code looks up under computed names, as far as an object of one is held."""
        program, solver = self.solver.program, self.solver
        for value in sorted((value for value in solver.held if value[0] == "picked"), key=lambda value: value[1:]):
            found = named.classes(program, value, 2 * MOST)
            if found is not None:
                found = [cls for cls in found if self._concrete(cls) and self._makes(cls, value)]
            if found is None or len(found) > MOST_NAMED:
                solver.note(model, f"which of the classes of {value[1]} it holds: too many to list")
                continue
            wanted = {name for name in solver.asked.get(value, ()) if not name.startswith("__")}
            wanted = {name for name in wanted if any(program.method(cls, name) for cls in found)}
            fitting = [cls for cls in found if all(program.method(cls, name) for name in wanted)]
            if ("pick", *value[1:]) in solver.held:
                solver.kept |= {program.canonical(cls) for cls in fitting}
            yield value, f"class of {value[1]}, looked up under a computed name", solver.held[value][1], fitting

    def _enumerations(self) -> Iterator[tuple[Value, str, Reason, list[Scope]]]:
        """Enumerations of whose members the modules of objects speak that hold something unknown."""
        program = self.solver.program
        seen: set[Scope] = set()
        for cls in sorted(self.solver.open, key=lambda cls: cls.identity):
            for module in dict.fromkeys(owner.root for owner in self._owners(cls)):
                if module not in seen and program.has_source(module.module):
                    seen.add(module)
                    rule = f"enumeration of which {module.module} names a member, and {cls.name} holds unknown values"
                    reason = Reason(cls.file, cls.line, rule, cls.dotted)
                    yield ("obj", cls), rule, reason, enumerations(self.solver, module)

    def _makes(self, cls: Scope, value: Value) -> bool:
        """Tell whether a class can be called with what a class under a computed name is called with."""
        program = self.solver.program
        found = program.method(cls, "__init__")
        if found is None or not makes_plainly(program, cls):
            return True
        holder = self.solver.constant(("obj", cls))
        return any(not refuses(found[0], args.after(holder)) for args in self.solver.makings.get(value, ()))

    def _narrow(self, model: Scope, bases: tuple[Scope, ...], fits: object) -> list[Scope]:
        """Give the classes below some, of all packages or of the model's own when they are too many."""
        own = model.module.partition(".")[0]
        for package in (None, own):
            found = self.hierarchy.below(bases, 2 * MOST, package)
            if found is None:
                continue
            found = [cls for cls in found if self._concrete(cls) and (not callable(fits) or fits(cls))]
            if len(found) <= MOST:
                return found
        names = ", ".join(base.dotted for base in bases[:2])
        self.solver.note(model, f"which of the classes below {names} it holds: too many to list")
        return []

    def _concrete(self, cls: Scope) -> bool:
        """Tell whether a class can have instances that a pickle names: not abstract, not local to a function."""
        if "<locals>" in cls.dotted:
            return False
        for name in {name for owner in self._owners(cls) for name in owner.abstract}:
            found = self.solver.program.method(cls, name)
            if found and found[0].is_abstract:
                return False
        return True
