"""Names: what a body, a module, a class binds them to."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.calls import Calls
from pickleball_generate.inference.graph import Variable

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.scopes import Scope


class Lookups(Calls, ABC):
    """The part of the evaluation that reads and binds names."""

    def lookup(self, name: str, frame: Frame) -> Variable:
        """Read a name as a body sees it."""
        where: Scope | None = frame.scope
        while where is not None and where.parent is not None:
            seen = where is frame.scope or where.kind == "function"
            if seen and name in where.bound and name not in where.declared_global:
                return self.class_variable(where, name) if where.kind == "class" else self._local(where, name, frame)
            where = where.parent
        return self.nothing if where is None else self.module_variable(where, name)

    def _local(self, where: Scope, name: str, frame: Frame) -> Variable:
        """Give what a name of a function body can be."""
        result = Variable()
        for kind, what in where.bound[name]:
            if kind == "class":
                self.add(result, ("cls", what))
            elif kind == "function":
                self.add(result, ("fun", what, frame.receiver))
            elif kind in {"from", "import"}:
                self._imported(kind, what, where, result)
            elif kind == "walrus":
                self.flow(self._walrus(what, frame), result)
        self.flow(self.variable("name", (where, frame.receiver), name), result)
        if where is not frame.scope:
            self.flow(self.variable("seen inside", where, name), result)
        return result

    def _walrus(self, what: dict[str, Any], frame: Frame) -> Variable:
        """Values of a comprehension's target."""
        key = ("target", id(what))
        found = frame.expressions.get(key)
        if found is None:
            found = frame.expressions[key] = Variable()
            values = self.eval(what["v"], frame)
            how = what.get("op", "")
            if how.startswith("for"):
                elements = Variable()
                self.elements(values, elements)
                values = elements
            if how.endswith("unpack"):
                self.component(values, what.get("at"), found)
            else:
                self.flow(values, found)
        return found

    def module_variable(self, where: Scope, name: str) -> Variable:
        """Read a module's variable; the first read reads its statements."""
        key = ("of module", where, name)
        result = self.variables.get(key)
        if result is not None:
            return result
        result = self.variables[key] = Variable()
        frame = self.frame(where)
        for kind, what in where.bound.get(name, ()):
            if kind == "assign":
                self.post(frame, "assign", what)
        for kind, what in where.touches.get(name, ()):
            self.post(frame, kind, what)
        self.flow(self.variable("name", (where, None), name), result)
        for value in self.program.name(name, where):
            if value[0] != "mod" and value[0] != "ext":
                self.add(result, ("fun", value[1], None) if value[0] == "fun" else value)
            elif not _only_assigned(where, name):
                self.add(result, self.plain(value))
        for kind, what in where.bound.get(name, ()):
            if kind == "from":
                self._from_module(what, where, result)
        return result

    def _from_module(self, what: dict[str, Any], where: Scope, result: Variable) -> None:
        """Read the variable of another module that a `from` statement names."""
        origin = self.program.absolute(what["from"], where.module)
        source = self.program.scope(origin) if origin else None
        if source is not None and source is not where and what["name"] in source.bound:
            self.flow(self.module_variable(source, what["name"]), result)

    def _imported(self, kind: str, what: dict[str, Any], where: Scope, result: Variable) -> None:
        """Resolve an import statement of a function or class body."""
        if kind == "import":
            self.add(result, ("mod", what["import"] if "as" in what else what["import"].partition(".")[0]))
            return
        for value in self.program.imported(what, where.module):
            self.add(result, self.plain(value))
        self._from_module(what, where, result)

    def class_variable(self, cls: Scope, name: str) -> Variable:
        """Read what a class body binds to a name."""
        key = ("of class", cls, name)
        result = self.variables.get(key)
        if result is not None:
            return result
        result = self.variables[key] = Variable()
        frame = self.frame(cls)
        self.flow(self.variable("name", (cls, None), name), result)
        for kind, what in cls.bound.get(name, ()):
            if kind == "assign":
                self.post(frame, "assign", what)
            elif kind == "class":
                self.add(result, ("cls", what))
            elif kind == "function":
                self.add(result, ("fun", what, None))
            elif kind in {"from", "import"}:
                self._imported(kind, what, cls, result)
        return result

    def bind(self, name: str, source: Variable, frame: Frame, rule: str) -> None:
        """Store into a local or module variable."""
        scope = frame.scope
        if name in scope.declared_global or scope.parent is None:
            self.flow(source, self.variable("name", (scope.root, None), name), rule)
            return
        key = (scope, None) if scope.kind == "class" else frame.key
        self.flow(source, self.variable("name", key, name), rule)
        if scope.encloses:
            self.flow(source, self.variable("seen inside", scope, name), rule)


def _only_assigned(where: Scope, name: str) -> bool:
    """Tell whether a name is bound by assignments only."""
    kinds = {kind for kind, _ in where.bound.get(name, ())}
    return bool(kinds) and kinds <= {"assign"}
