"""Attributes: what reading one gives, where storing one goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.containers import Containers
from pickleball_generate.inference.graph import Variable
from pickleball_generate.inference.named import pick
from pickleball_generate.inference.scopes import callee_name
from pickleball_generate.inference.store import UNKNOWN

if TYPE_CHECKING:
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

SAME = frozenset({"data", "unk", "part"})  # whose attributes nobody can tell from themselves
READ = frozenset({"obj", "cls", "mod", "ext", "super", "inst"})
TAKING_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


class Attributes(Containers, ABC):
    """The part of the evaluation that knows attributes."""

    @abstractmethod
    def module_variable(self, where: Scope, name: str) -> Variable:
        """Give what a name of a module can be (variables.py)."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.declaring: set[Value] = set()  # the instances whose declared attributes are read

    @abstractmethod
    def declare(self, value: Value) -> None:
        """Let an instance have what the annotations of class bodies declare (evaluation.py)."""

    @abstractmethod
    def class_variable(self, cls: Scope, name: str) -> Variable:
        """Give what a name of a class body can be (variables.py)."""

    # Reading

    def attribute(self, source: Variable, name: str, result: Variable) -> None:
        """Read an attribute of each value."""
        self.watch(source, lambda value: self.flow(self.attribute_of(value, name), result))

    def attribute_of(self, value: Value, name: str) -> Variable:
        """Read an attribute of one value."""
        if value[0] in SAME:
            return self.constant(value)
        if value[0] == "inst" and "attributes" not in self.packs.keeps(value[1]):
            value = ("inst", value[1])  # whichever it is, it has those of its type
        elif value[0] not in READ and value[-1] != "partial":
            return self.nothing
        key = ("attribute", value, name)
        found = self.variables.get(key)
        if found is None:
            found = self.variables[key] = Variable()
            self._read_attribute(value, name, found)
        return found

    def computed_attribute(self, value: Value, name: object, result: Variable) -> None:
        """Read an attribute under a name that an expression computes: of a module, one of its classes."""
        if value[0] != "mod" or not self.program.has_source(value[1]):
            return
        if isinstance(name, dict) and "str" in name:
            self.flow(self.attribute_of(value, name["str"]), result)
        else:
            self.add(result, pick(value[1], name))

    def _read_attribute(self, value: Value, name: str, result: Variable) -> None:
        kind = value[0]
        if kind == "obj":
            self._object_attribute(value, name, result)
        elif kind == "cls":
            self._class_attribute(value, name, result)
        elif kind == "mod" and name == "__dict__":
            self.add(result, value)
        elif kind == "mod":
            scope = self.program.scope(value[1])
            if scope is not None and name in scope.bound:
                self.flow(self.module_variable(scope, name), result)
            else:
                for each in self.program.attribute(value[1], name):
                    self.add(result, self.plain(each))
        elif kind == "ext":
            self.add(result, self.foreign_attribute(value[1]))
        elif kind == "super":
            found = self.program.method(value[2][1], name, after=value[1])
            if found:
                self.add(result, ("meth", found[0], value[2]))
        elif kind == "inst" or value[-1] == "partial":
            self._foreign_instance_attribute(value, name, result)

    def _foreign_instance_attribute(self, value: Value, name: str, result: Variable) -> None:
        """Read an attribute of a container, or of an instance of a class without source."""
        if name == "__class__":
            if value[0] == "inst":
                self.add(result, ("ext", value[1]))
            return
        self.get(value, name, result)
        if value[0] == "inst" and name in self.packs.methods(value[1]):
            self.add(result, ("bound", value[1], name))
        package = self.packs.package_of(value[1]) if value[0] == "inst" else None
        if package:
            self.add(result, ("data", package))

    def foreign_attribute(self, owner: str) -> Value:
        """Read an attribute of a class or function without source: a value of its package, else unknown."""
        package = self.packs.package_of(owner)
        return ("data", package) if package else UNKNOWN

    def plain(self, value: Value) -> Value:
        """A name without source that a pack knows to be a plain value is a result of the package."""
        package = self.packs.constant(value[1]) if value[0] == "ext" else None
        return ("data", package) if package else value

    def _object_attribute(self, value: Value, name: str, result: Variable) -> None:
        """Read an attribute of an instance: its own, a method, a property, a class attribute."""
        cls: Scope = value[1]
        if name == "__dict__":
            self.add(result, ("vars", value))
            return
        if name == "__class__":
            self.add(result, ("cls", cls))
            return
        self.declare(value)
        if not name.startswith("__"):
            self.get(value, name, result)
        method = self.program.method(cls, name)
        if method is not None:
            self._method_attribute(value, name, *method, result)
            return
        if name == "value" and self.is_enumeration(cls):
            for member in members(cls):
                self.flow(self.class_variable(cls, member), result)
            return
        self._inherited(cls, name, result)
        self.unless(lambda: bool(result.values), lambda: self._absent_attribute(value, name, result))

    def _method_attribute(self, value: Value, name: str, function: Scope, owner: Scope, result: Variable) -> None:
        """Read a method, or what a property gives."""
        if any(callee_name(d).rpartition(".")[2].endswith(("property", "setter")) for d in function.decorators()):
            for kind, each in owner.bound.get(name, ()):
                if kind == "function":
                    self.flow(self.returned(self.enter(each, value, owner)), result)
        elif function.decorated_by("staticmethod"):
            self.add(result, ("fun", function, None))
        else:
            self.add(result, ("meth", function, ("cls", value[1]) if takes_class(function) else value))

    def _absent_attribute(self, value: Value, name: str, result: Variable) -> None:
        """Read an attribute that nothing stores: what `__getattr__` gives, or what a base without source has."""
        for method in self._machine_methods(value[1], name):
            self.enter(method, value, method.parent)
        fallback = self.program.method(value[1], "__getattr__")
        if fallback is not None and not hasattr(object, name) and not self._is_assigned(value, name):
            self.flow(self.returned(self.enter(fallback[0], value, fallback[1])), result)
        if self.program.roots(value[1]):
            self.unless(lambda: bool(result.values), lambda: self.add(result, UNKNOWN))

    def _machine_methods(self, cls: Scope, name: str) -> list[Scope]:
        """Methods of bases in machine code that store an attribute, as far as a Cython source shows them."""
        found = [each for root in self.program.roots(cls) for each in self.program.machine_classes(root)]
        return [method for each in found for method in each.functions if stores(method, name)]

    def _is_assigned(self, value: Value, name: str) -> bool:
        """Tell whether some statement binds an attribute, if only to a plain value: `__getattr__` is not asked then."""
        owners = [value, *(owner for owner in self.program.mro(value[1]) if owner[0] == "cls")]
        return any(self.field(owner, name).assigned for owner in owners) or any(
            name in owner[1].bound for owner in owners[1:]
        )

    def _inherited(self, cls: Scope, name: str, result: Variable) -> None:
        """Read a class attribute from the first class of the MRO that has it."""
        for owner in self.program.mro(cls):
            if owner[0] != "cls":
                continue
            self.flow(self.field(owner, name), result)
            if name in owner[1].bound:
                self.flow(self.class_variable(owner[1], name), result)
                break

    def _class_attribute(self, value: Value, name: str, result: Variable) -> None:
        """Read an attribute of a class."""
        method = self.program.method(value[1], name)
        if method is None:
            if self.is_enumeration(value[1]) and name in members(value[1]):
                self.add(result, ("obj", value[1]))
            self._inherited(value[1], name, result)
        else:
            function = method[0]
            self.add(result, ("meth", function, value) if takes_class(function) else ("fun", function, None))

    # Storing

    def store_attribute(self, holder: Value, name: str, source: Variable, rule: str) -> None:
        """`holder.name = value`."""
        kind = holder[0]
        if kind == "obj" and name == "__dict__":
            self.extend(("vars", holder), source)
        elif kind == "obj" and name == "__class__":
            self._become_instance(holder, source, rule)
        elif kind in {"obj", "inst"} or holder[-1] == "partial":
            setter = self._setter(holder, name) if kind == "obj" else None
            if setter is None:
                self.put_all(holder, name, source, rule)
            else:
                self._store_property(holder, *setter, source)
        elif kind == "cls":
            self.put_all(holder, name, source, rule)
        elif kind == "mod":
            scope = self.program.scope(holder[1])
            if scope is not None:
                self.flow(source, self.variable("name", (scope, None), name), rule)

    def _become_instance(self, holder: Value, source: Variable, rule: str) -> None:
        """`self.__class__ = C`: no attribute keeps C, an instance of it stands where the object stands."""

        def see(value: Value) -> None:
            self.put(holder, "__class__", ("obj", value[1]) if value[0] == "cls" else value, rule)

        self.watch(source, see)

    def _setter(self, holder: Value, name: str) -> tuple[Scope, Scope] | None:
        """Find a property's setter and the class that has it."""
        found = self.program.method(holder[1], name)
        if found is not None:
            for kind, function in found[1].bound.get(name, ()):
                if kind == "function" and function.decorated_by("setter"):
                    return function, found[1]
        return None

    def _store_property(self, holder: Value, function: Scope, owner: Scope, source: Variable) -> None:
        frame = self.enter(function, holder, owner)
        params = function.facts.get("params", ())
        if len(params) > 1:
            self.flow(source, self.variable("name", frame.key, params[1]["n"]), "property")


def stores(method: Scope, name: str) -> bool:
    """Tell whether a method stores an attribute of its object."""
    params = method.facts.get("params", ())
    return bool(params) and any(item["to"] == f"{params[0]['n']}.{name}" for item in method.facts.get("assigns", ()))


def takes_class(function: Scope) -> bool:
    """Tell whether the first argument of a method is the class."""
    return function.decorated_by("classmethod") or function.name in TAKING_CLASS


def members(cls: Scope) -> list[str]:
    """Name the members of an enumeration: what its body assigns."""
    return [name for name, bound in cls.bound.items() if name[:1] != "_" and any(kind == "assign" for kind, _ in bound)]
