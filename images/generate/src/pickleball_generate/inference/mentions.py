"""Where the text of a module names a variable or function otherwise than by reading it."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

READING = frozenset({"values", "items", "keys"})
COPYING = frozenset({"list", "tuple", "sorted", "reversed"})
OF_CLASS = frozenset({"__new__", "__init__", "__post_init__", "__setstate__"})
PARSED = 16  # modules that are kept

_NOT_READ = (SyntaxError, ValueError, RecursionError, MemoryError)  # as `ast` says of what it does not parse
_LISTED = (ast.List, ast.Tuple, ast.Constant, ast.Load)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Mentions(NamedTuple):
    """Where a text names something: in statements of the module, in which functions.

    Beside a method stands its class, since whoever has an object may run it; beside what Python runs by no name, an
    empty one.
    """

    outside: bool
    functions: frozenset[str]


ANYWHERE = Mentions(outside=True, functions=frozenset())


def read(text: bytes, name: str, *, defined: bool = False, home: bool = False) -> Mentions:
    """Read where a text names a variable, or (`defined`) a function; one that Python does not parse may do anything.

    What binds the variable in its `home` is no mention. Where nothing is imported under the name, it stands by itself
    for something else.
    """
    try:
        tree = _parse(text)
        if not defined and _imports_or_defines(tree, {"len", *COPYING}):
            return ANYWHERE
        reader = _Reader(name, defined=defined, taken=home or _imports(tree, name))
        for statement in tree.body:
            if not (home and not defined and name in _bound(statement)):
                reader.visit(statement)
    except _NOT_READ:
        return ANYWHERE
    return Mentions(reader.outside, frozenset(reader.functions))


@lru_cache(maxsize=PARSED)
def _parse(text: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python says of a text is its author's
        return ast.parse(text)


class _Reader(ast.NodeVisitor):
    """Notes each identifier and text that has the name; only a text that is a statement of its own does nothing."""

    def __init__(self, name: str, *, defined: bool, taken: bool) -> None:
        self.name = name
        self.defined = defined
        self.taken = taken
        self.word = re.compile(rf"\b{re.escape(name)}\b")
        self.around: tuple[str, ...] = ()
        self.cls = ""  # whose body is read
        self.outside = False
        self.functions: set[str] = set()

    def generic_visit(self, node: ast.AST) -> None:
        if self._names(node):
            self._note()
        read: list[ast.AST] = [] if self.defined else [each for each in _read(node) if self._is_variable(each)]
        for child in ast.iter_child_nodes(node):
            if child not in read:
                self.visit(child)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        listed = "__all__" in _bound(node) and all(isinstance(each, _LISTED) for each in ast.walk(node.value))
        if not listed:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: _Function) -> None:
        """Defaults, decorators and annotations run where the function is defined."""
        self._define(node)
        for part in (*node.decorator_list, node.args, node.returns):
            if part is not None:
                self.visit(part)
        outer = self.around, self.cls
        self.around = (*self.around, node.name)
        if node.name.startswith("_") and node.name.endswith("_") and node.name not in OF_CLASS:
            self.around = (*self.around, "")
        elif self.cls:  # machine code may call any method of an object
            self.around = (*self.around, self.cls)
        self.cls = ""
        for statement in node.body:
            self.visit(statement)
        self.around, self.cls = outer

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """What stands below a class has its methods."""
        self._define(node)
        around, self.around = self.around, (*self.around, node.name)
        for base in node.bases:
            self.visit(base)
        self.around = around
        outer, self.cls = self.cls, node.name
        for part in (*node.keywords, *node.decorator_list, *node.body):
            self.visit(part)
        self.cls = outer

    def _define(self, node: ast.ClassDef | _Function) -> None:
        """Note a definition of the name that is another value of the variable."""
        if node.name == self.name and self.taken and not self.defined:
            self._note()

    def _note(self) -> None:
        self.functions.update(self.around)
        self.outside |= not self.around

    def _names(self, node: ast.AST) -> bool:
        if isinstance(node, ast.alias):  # a plain import binds the name to the same thing
            return node.asname not in {None, node.name} and self.name in {node.asname, node.name}
        if isinstance(node, ast.Constant):
            text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            return isinstance(text, str) and self.word.search(text) is not None
        if isinstance(node, (ast.arg, ast.ImportFrom)):  # a parameter is another variable
            return False
        if isinstance(node, (ast.Name, ast.Global)) and not self.taken:
            return False
        values = [value for _, value in ast.iter_fields(node)]
        return self.name in values or any(self.name in value for value in values if isinstance(value, list))

    def _is_variable(self, node: ast.AST) -> bool:
        """Tell whether an expression is the variable, `module.NAME` too, or what reads it: `NAME.values`."""
        if isinstance(node, ast.Attribute) and node.attr in READING | {"get"}:
            node = node.value
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id != self.name:
            return node.attr == self.name
        return isinstance(node, ast.Name) and node.id == self.name


def _imports_or_defines(tree: ast.Module, names: set[str]) -> bool:
    """Tell whether a module has functions of its own under the names of some that only read."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name in names:
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) in names:
            return True
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node.id in names:
            return True
    return False


def _imports(tree: ast.Module, name: str) -> bool:
    """Tell whether a module imports something under a name, or whatever another one has."""
    aliases = (node for node in ast.walk(tree) if isinstance(node, ast.alias))
    return any(not {alias.name, alias.asname}.isdisjoint({name, "*"}) for alias in aliases)


def _read(node: ast.AST) -> Iterator[ast.AST]:
    """Give the parts of a node that it only reads, where they are a container."""
    match node:
        case ast.Call(func=ast.Name(id=callee), args=[argument], keywords=[]) if callee in {"len", *COPYING}:
            yield argument
        case ast.Call(func=ast.Attribute(attr=method) as function) if method in READING | {"get"}:
            yield function
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=comparators):
            yield from comparators
        case ast.For(iter=container) | ast.comprehension(iter=container):
            yield container
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.UnaryOp(op=ast.Not(), operand=test):
            yield test


def _bound(statement: ast.stmt) -> list[str]:
    """Name the variable that a statement binds, where it does nothing else with its value."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
