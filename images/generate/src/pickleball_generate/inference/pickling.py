"""What held values pickle as, over protocols 0 to 5: names that a stream references and names that it calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_generate.facts.parts import imports
from pickleball_generate.inference import machine, sinks
from pickleball_generate.inference.arguments import Arguments, Call
from pickleball_generate.inference.construction import described
from pickleball_generate.inference.frames import Reason
from pickleball_generate.inference.graph import Variable
from pickleball_generate.inference.scopes import callee_name
from pickleball_generate.inference.solver import Solver
from pickleball_generate.inference.store import UNKNOWN
from pickleball_generate.packs import Needs

if TYPE_CHECKING:
    from pickleball_generate.facts.extensions import Extension
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

DEFAULT = "object"
UNPICKLABLE_ROOTS = frozenset({"threading.Thread", "socket.socket"})
BOXES = {"set": ("builtins.set", "builtins.frozenset"), "partial": ("functools.partial",)}
DEFAULTS = "collections.defaultdict"
# Types of plain data, which partials may make.
DATA = frozenset(f"builtins.{name}" for name in ("bool", "complex", "dict", "float", "int", "list", "set", "tuple"))
REGISTERED = 2  # arguments of copyreg.pickle: the class, the function that reduces its instances
HELPERS = frozenset({"copyreg.__newobj__", "copyreg.__newobj_ex__", "copyreg._reconstructor", "_codecs.encode"})


@dataclass(frozen=True)
class Because:
    """The value that asks for an entry, the rule, and where the rule read it."""

    value: Value
    rule: str
    file: str
    line: int
    kind: str = "needed"


class Pickling(Solver):
    """Adds to the fixpoint what the pickles of held values contain."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.globals: dict[str, Because] = {}
        self.reduces: dict[str, Because] = {}
        self.kept: set[str] = set()  # of `globals`: what some rule asks for otherwise than to make instances of it
        self.refused: dict[str, tuple[str, str, Because]] = {}  # the effect, the list that was asked for
        self.unresolved: dict[tuple[str, str, int], str] = {}
        self.scopes: dict[str, Scope] = {}
        self.unreduced: dict[Value, tuple[Scope, Because]] = {}
        self.in_partials: dict[Scope, Because] = {}
        self.open: set[Scope] = set()  # classes of objects that hold something of which nothing is known
        self.made: dict[Scope, list[str]] = {}
        self.taken: set[tuple[Needs, str]] = set()  # what packs say, with the package that a value is of
        self.imported: dict[Scope, list[str]] = {}
        self.world: frozenset[Scope] | None = None  # None: instances of any class

    def run(self) -> None:
        """Run to the fixpoint; where a reduce method stays unresolved there, go on with the protocol of `object`."""
        super().run()
        settled: set[Value] = set()
        while waiting := {value: why for value, why in self.unreduced.items() if value not in settled}:
            settled |= set(waiting)
            for value, (function, because) in waiting.items():
                self.note(function, "the value of a reduce method")
                frame = self.frame(value[1])
                self.post(frame, "fallback", (value, because))
            super().run()

    def do_fallback(self, item: tuple[Value, Because], frame: Frame) -> None:
        """Take an instance for one that pickles by default; what its reduce method does with the class is open."""
        value, because = item
        name = self.program.canonical(value[1])
        self.default_state(value[1], name, value, because)
        self.kept.add(name)

    # Entries

    @property
    def instances(self) -> list[str]:
        """The classes of `globals` that a stream only makes instances of, and does not call either."""
        return sorted(self.globals.keys() - self.kept - self.reduces.keys())

    def wanted(self, listed: str) -> dict[str, Because]:
        """Give what may be used as the names of a list of a policy may."""
        if listed == "reduces":
            return self.reduces
        return {name: why for name, why in self.globals.items() if listed == "instances" or name in self.kept}

    def reference(self, name: str, because: Because) -> None:
        """Let a name into `globals`, unless it is a sink itself; a stream may keep it."""
        self.kept.add(name)
        self._enter(self.globals, name, because)

    def instantiate(self, name: str, because: Because) -> None:
        """Let a class into `globals`, unless it is a sink itself; a stream may make instances of it."""
        self._enter(self.globals, name, because)

    def invoke(self, name: str, because: Because) -> None:
        """Let a name into `reduces`, unless it is a sink itself."""
        if name not in HELPERS:
            self._enter(self.reduces, name, because)

    def _enter(self, listed: dict[str, Because], name: str, because: Because) -> None:
        if name in listed or "<" in name:
            return
        danger = sinks.effect(name)
        if danger is not None:
            where = "globals" if listed is self.globals else "reduces"
            if name not in self.refused or (where == "reduces" and self.refused[name][1] == "globals"):
                self.refused[name] = (danger, where, because)
            return
        listed[name] = because

    def pack_needs(self, needs: Needs, value: Value, rule: str, reason: Reason) -> None:
        """Take over what a pack says, but for names of modules that are not there."""
        because = Because(value, rule, reason.file, reason.line, "pack")
        owner = value[1].partition(".")[0] if isinstance(value[1], str) else ""
        if (needs, owner) in self.taken:
            return
        self.taken.add((needs, owner))
        for name in needs.globals:
            if self.program.may_exist(name, owner):
                self.reference(name, because)
        for name in needs.reduces:
            if self.program.may_exist(name, owner):
                self.invoke(name, because)

    # Held values

    def hold(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """Say what a value pickles as, once."""
        if value in self.held:
            if value == UNKNOWN:
                self.hold_unknown(holder, reason)
            return
        if value[0] == "obj" and self.absent(value[1]):
            return
        super().hold(value, holder, reason)
        kind = value[0]
        handler = getattr(self, f"hold_{kind}", None)
        if kind != "obj" and handler is not None:
            handler(value, holder, reason)
        elif kind == "unk":
            self.hold_unknown(holder, reason)

    def absent(self, cls: Scope) -> bool:
        """Tell whether no instance of a class can be there: its name would be, but for what a reduce method writes."""
        if self.world is None or cls in self.world:
            return False
        if self.registered(cls) is not None or self.reducing(cls) is not None:
            return False
        roots = (root for root in self.program.roots(cls) if root != "builtins.object")
        return all(self.packs.subclass(root) is not None for root in roots)

    def hold_cls(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """A class is pickled by reference."""
        self.name_scope(value, "class held by reference", reason)

    def hold_fun(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """A function is pickled by reference; one inside a function cannot be pickled."""
        self.name_scope(value, "function held by reference", reason)

    def hold_meth(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """A bound method is pickled as getattr(receiver, name): under the class of the receiver."""
        name = self.bound_name(value)
        self.scopes[name] = value[1]
        self.reference(name, Because(value, "bound method", reason.file, reason.line))

    def bound_name(self, value: Value) -> str:
        """Name a bound method as a stream does that takes it from what it is bound to."""
        _, function, receiver = value
        if receiver[0] not in {"obj", "cls"}:
            return self.program.canonical(function)
        return f"{self.program.canonical(receiver[1])}.{function.name}"

    def hold_bound(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """A bound method of a type that a pack describes is pickled as an attribute of what rebuilds the instance."""
        _, name, method = value
        self.hold(("inst", name), value, reason)
        because = Because(value, "bound method of a type that a pack describes", reason.file, reason.line)
        if danger := sinks.effect(f"{name}.{method}"):
            self.refused.setdefault(f"{name}.{method}", (danger, "globals", because))
            return
        needs = self.packs.instance(name)
        for callee in needs.reduces if needs is not None else ():
            self.reference(f"{callee}.{method}", because)

    def name_scope(self, value: Value, rule: str, reason: Reason) -> None:
        """Reference a definition by its canonical name."""
        name = self.program.canonical(value[1])
        self.scopes[name] = value[1]
        self.reference(name, Because(value, rule, reason.file, reason.line))

    def hold_ext(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """A name without source is pickled by reference."""
        name = self.packs.reference(value[1])
        top = name.partition(".")[0]
        if self.program.is_module(name) or (top == "builtins" and name.count(".") != 1):
            return
        self.reference(name, Because(value, "name held by reference", reason.file, reason.line))

    def hold_data(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """Results of computations pickle as the pack says."""
        self.pack_needs(self.packs.data(value[1]), value, f"result of a computation in {value[1]}", reason)

    def hold_unknown(self, holder: Value | None, reason: Reason) -> None:
        """A value that nothing is known of may be data of a package that the holder's modules import."""
        seen: set[Value] = set()
        while holder is not None and holder[0] in {"box", "vars"} and holder not in seen and holder in self.held:
            seen.add(holder)
            holder = self.held[holder][0]
        if holder is None or holder[0] != "obj":
            return
        self.open.add(holder[1])
        for owner in self.program.mro(holder[1]):
            if owner[0] != "cls":
                continue
            for package in self.data_packages(owner[1]):
                rule = f"attribute of unknown value in a class whose module imports {package}"
                self.pack_needs(self.packs.data(package), ("data", package), rule, reason)
                self.held.setdefault(("data", package), (holder, reason))
            for name in self.types_made(owner[1]):
                self.hold(("inst", name), holder, reason)

    def types_made(self, cls: Scope) -> list[str]:
        """Types of packs that the functions of a class's module make instances of."""
        module = cls.root
        if module not in self.made:
            self.made[module] = sorted(described(self.program, self.packs, module))
        return self.made[module]

    def data_packages(self, cls: Scope) -> list[str]:
        """Packages with a pack that the module of a class imports, in functions too."""
        module = cls.root
        if module not in self.imported:
            names = [item.get("import") or item.get("from", "") for item in imports(module.facts)]
            packages = (self.packs.package_of(name) for name in names if not name.startswith("."))
            self.imported[module] = list(dict.fromkeys(filter(None, packages)))
        return self.imported[module]

    def hold_box(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """Sets and partials are called into being by some protocols."""
        for name in BOXES.get(value[2], ()):
            needs = self.packs.instance(name)
            if needs:
                self.pack_needs(needs, value, f"{value[2]} in the state", reason)
        if value[2] == "partial":
            self.watch(self.field(value, "[0]"), lambda inner: self._see_bound(inner, value, reason))

    def _see_bound(self, inner: Value, holder: Value, reason: Reason) -> None:
        """Remember a function that a partial calls; whether a stream may, its grade says (partials.py)."""
        because = Because(holder, "function of a partial", reason.file, reason.line)
        if inner[0] == "fun":
            self.in_partials.setdefault(inner[1], because)
        elif inner[0] == "ext" and inner[1] == DEFAULTS:
            self.invoke(DEFAULTS, because)
            self.watch(self.field(holder, "[1]"), lambda given: self._see_bound(given, holder, reason))
        elif inner[0] == "ext" and inner[1] in DATA:
            self.invoke(inner[1], because)

    def hold_inst(self, value: Value, holder: Value | None, reason: Reason) -> None:
        """An instance of a type without source: a pack or the extension module's names say how it pickles."""
        name = value[1]
        needs = self.packs.instance(name)
        if needs is not None:
            self.pack_needs(needs, value, "instance of a type that a pack describes", reason)
            return
        module, _, last = name.rpartition(".")
        extension = self.program.environment.extension(module)
        if extension is None:
            return
        callees = extension.callees(last)
        inherited = () if callees else machine.inherited_callees(self.program.environment, extension, last)
        rule = "extension type that is called into being" if callees or inherited else "extension type"
        because = Because(value, rule, extension.source or extension.file, 0)
        for callee in (*callees, *inherited):
            self.invoke(callee, because)
        self.reference(extension.canonical(last), because)
        for constructor in self.machine_constructors(value):
            self.enter(constructor, value, constructor.parent)
        if not callees:
            self.hold_state(extension, last, value)
        for part in sorted(machine.extension_parts(self.program.environment, extension, last)):
            self.hold(("inst", part), value, Reason(because.file, 0, "extension type that its source imports", name))

    def hold_state(self, extension: Extension, last: str, value: Value) -> None:
        """Hold what an instance of a class in Cython keeps in attributes: as its bases do, and data of packages."""
        bases = machine.source_bases(self.program, extension, last)
        bases += machine.named_bases(self.program, extension, last)
        reason = Reason(extension.source or extension.file, 0, "class in Cython", value[1])
        for package in machine.data_packages(self.packs, extension):
            self.hold(("data", package), value, reason)
        for base in bases:
            self.hold(("obj", base[1]), value, reason)

    # Instances of classes with source

    def do_state(self, value: Value, frame: Frame) -> None:
        """What an instance pickles as."""
        cls: Scope = value[1]
        name = self.program.canonical(cls)
        self.scopes[name] = cls
        because = Because(value, "instance", cls.file, cls.line)
        registered = self.registered(cls)
        function = (registered, None) if registered is not None else self.reducing(cls)
        if function is None:
            self.default_state(cls, name, value, because)
            return
        reduce, owner = function
        why = Because(value, f"{reduce.name} of the class", reduce.file, reduce.line)
        self.unreduced[value] = (reduce, because)
        if owner is None:
            results = Variable()
            given = Arguments([self.constant(value)])
            self.call_function(("fun", reduce, None), Call(given, frame, ("copyreg", cls), results))
        else:
            results = self.returned(self.enter(reduce, value, owner))
        self.watch(results, lambda result: self.reduce_value(result, cls, name, value, why))

    def registered(self, cls: Scope) -> Scope | None:
        """The function that the module of a class gives to `copyreg.pickle` for it: pickle calls it first."""
        if cls.parent is None or cls.parent.parent is not None:
            return None
        for item in cls.parent.facts.get("calls", ()):
            call = item["c"]
            if not isinstance(call, dict) or len(call.get("args", ())) < REGISTERED:
                continue
            if callee_name(call).rpartition(".")[2] != "pickle":
                continue
            of, function, *_ = call["args"]
            if ("cls", cls) in self.program.resolve(of, cls.parent) and ("ext", "copyreg.pickle") in (
                self.program.resolve(callee_name(call), cls.parent)
            ):
                return next((v[1] for v in self.program.resolve(function, cls.parent) if v[0] == "fun"), None)
        return None

    def reducing(self, cls: Scope) -> tuple[Scope, Scope] | None:
        """The reduce method that pickle would call, if the class has one with source, and the class that has it."""
        return self.program.method(cls, "__reduce_ex__") or self.program.method(cls, "__reduce__")

    def reduce_value(self, result: Value, cls: Scope, name: str, value: Value, because: Because) -> None:
        """Follow one result of a reduce method: (callee, arguments, state, ...), or what a base gives."""
        if result == ("default", value):
            self.unreduced.pop(value, None)
            self.default_state(cls, name, value, because)
        if result[0] != "box" or result[2] != "tuple":
            return
        for place in ("[0]", "[]"):
            self.watch(self.field(result, place), lambda callee: self.reduce_callee(callee, value, because))
        for place in ("[1]", "[2]", "[3]", "[4]", "[5]", "[]"):
            self.hold_all(self.field(result, place), value)

    def hold_all(self, source: Variable, holder: Value) -> None:
        """Hold all that a variable holds."""

        def see(inner: Value) -> None:
            if inner not in self.held or inner == UNKNOWN:
                self.hold(inner, holder, self.why(source, inner))

        self.watch(source, see)

    def reduce_callee(self, callee: Value, value: Value, because: Because) -> None:
        """Let what a reduce method names as callee be called."""
        kind = callee[0]
        if kind in {"cls", "fun", "meth"}:
            name = self.bound_name(callee) if kind == "meth" else self.program.canonical(callee[1])
            self.scopes[name] = callee[1]
            self.invoke(name, because)
            if kind == "cls":
                self.reference(name, because)
        elif kind == "ext":
            self.invoke(self.packs.reference(callee[1]), because)
        else:
            return
        self.unreduced.pop(value, None)

    def default_state(self, cls: Scope, name: str, value: Value, because: Because) -> None:
        """The protocol of `object`, or of the foreign type that the class descends from; then its attributes."""
        listed = self.globals
        for root in self.program.roots(cls):
            known = self.packs.subclass(root)
            if known is None:
                if root != "builtins.object" and not self.extension_base(root, name, value):
                    self.note(cls, f"how subclasses of {root} are pickled")
                continue
            if known[0] == "reduces":
                listed = self.reduces
            self.pack_needs(known[1], value, f"subclass of {root}", Reason(cls.file, cls.line, "base", cls.dotted))
        self._enter(listed, name, because)
        if not self.only_made(cls):
            self.kept.add(name)
        if listed is self.reduces:
            because = Because(value, "class that is called with its value", cls.file, cls.line)
        for method in ("__getstate__", "__getnewargs__", "__getnewargs_ex__"):
            found = self.program.method(cls, method)
            if found is not None:
                self.hold_all(self.returned(self.enter(found[0], value, found[1])), value)
        self.hold_inside(value)
        self.each_field(value, lambda name, field: self.replacements(cls, name, field))

    def only_made(self, cls: Scope) -> bool:
        """Tell whether instances of a class pickle by making one of it, where no reduce method says otherwise.

        What rebuilds instances of other types gets the class as an argument: arrays, types of machine code.
        """
        described = (self.packs.subclass(root) for root in self.program.roots(cls) if root != "builtins.object")
        return all(known is not None and known[1] == Needs() for known in described)

    def replacements(self, cls: Scope, name: str, field: Variable) -> None:
        """Let be called what an instance keeps in the place of a method: whoever calls the method calls it."""
        if self.program.method(cls, name) is None:
            return

        def see(inner: Value) -> None:
            if inner[0] in {"fun", "meth"}:
                reason = self.why(field, inner)
                rule = f"function in the place of the method {name}"
                called = self.bound_name(inner) if inner[0] == "meth" else self.program.canonical(inner[1])
                self.scopes[called] = inner[1]
                self.invoke(called, Because(inner, rule, reason.file, reason.line))

        self.watch(field, see)

    def extension_base(self, root: str, name: str, value: Value) -> bool:
        """A class with source that descends from an extension type pickles as that type does, under its own name."""
        module, _, last = root.rpartition(".")
        extension = self.program.environment.extension(module)
        if extension is None or not extension.has_class(last):
            return False
        because = Because(value, f"subclass of the extension type {root}", extension.source or extension.file, 0)
        for callee in extension.callees(last):
            self.invoke(name if callee == extension.canonical(last) else callee, because)
        return True

    def note(self, scope: Scope, what: str) -> None:
        """Remember what could not be resolved."""
        self.unresolved[(what, scope.file, scope.line)] = scope.dotted
