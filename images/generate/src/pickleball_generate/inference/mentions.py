"""Where the text of a module names a variable or function otherwise than by reading it."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from bisect import bisect_left
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READING = frozenset({"values", "items", "keys"})
COPYING = frozenset({"list", "tuple", "sorted", "reversed"})
OF_CLASS = frozenset({"__new__", "__init__", "__post_init__", "__setstate__"})
VERSION = "1-{}.{}".format(*sys.version_info)  # of what is read, and of `ast`
PARSED = 16  # modules that are kept

_BREAK = re.compile(rb"\r\n?|\n")
_BETWEEN = rb"""\s*(?:\#[^\r\n]*\s*)*[A-Za-z]{0,2}["']"""  # of two literals that Python joins
# What may name something unspelled: escapes, what is no ASCII, joined literals. Of three quotes the next tells.
_UNSPELLED = re.compile(rb"""(?:\"{3}|'{3})(?!%b)|([\\\x80-\xff]|["']%b)""" % (_BETWEEN, _BETWEEN))
_IMPORT = re.compile(rb"\bimport\b")
_TAKEN = "|".join(["len", *sorted(COPYING)]).encode()
_TAKING = re.compile(rb"\b(?:def|class)\s+(?:%b)\b|\b(?:%b)\b(?!\s*\()|\bimport\b" % (_TAKEN, _TAKEN))
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
        source = _parse(text)
        if not defined and source.takes_readers:
            return ANYWHERE
        reader = _Reader(source, name, defined=defined, taken=home or source.imports(name))
        for statement in source.tree.body:
            if not (home and not defined and name in _bound(statement)):
                reader.visit(statement)
    except _NOT_READ:
        return ANYWHERE
    return Mentions(reader.outside, frozenset(reader.functions))


class _Source:
    """The syntax tree of a text, and on which lines something stands: statements on others need no visit."""

    def __init__(self, text: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python says of a text is its author's
            self.tree = ast.parse(text)
        self._text = text
        self._breaks = [found.end() for found in _BREAK.finditer(text)]

    def lines(self, word: re.Pattern[bytes]) -> list[int]:
        """Number the lines on which something stands, and those that may name anything, from 1 on and in order."""
        return sorted({*self._span(word.finditer(self._text)), *self._unspelled})

    def _span(self, places: Iterable[re.Match[bytes]]) -> Iterator[int]:
        for found in places:
            first, last = (bisect_left(self._breaks, place + 1) + 1 for place in found.span())
            yield from range(first, last + 1)

    @cached_property
    def _unspelled(self) -> frozenset[int]:
        return frozenset(self._span(each for each in _UNSPELLED.finditer(self._text) if each[1]))

    def walk(self, lines: list[int]) -> Iterator[ast.AST]:
        """Give the nodes of the tree, but for statements that have none of these lines."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(each for each in ast.iter_child_nodes(node) if _has_line(each, lines))

    @cached_property
    def takes_readers(self) -> bool:
        """Whether the module has something of its own under the names of functions that only read."""
        names = {"len", *COPYING}
        for node in self.walk(self.lines(_TAKING)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name in names:
                return True
            if isinstance(node, ast.alias) and (node.asname or node.name) in names:
                return True
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node.id in names:
                return True
        return False

    @cached_property
    def _imported(self) -> frozenset[str | None]:
        aliases = (node for node in self.walk(self.lines(_IMPORT)) if isinstance(node, ast.alias))
        return frozenset(name for alias in aliases for name in (alias.name, alias.asname))

    def imports(self, name: str) -> bool:
        """Tell whether a module imports something under a name, or whatever another one has."""
        return not self._imported.isdisjoint({name, "*"})


_parse = lru_cache(maxsize=PARSED)(_Source)


def _has_line(node: ast.AST, lines: list[int]) -> bool:
    """Tell whether a node is no statement, or stands on one of these lines."""
    if not isinstance(node, ast.stmt):
        return True
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    at = bisect_left(lines, first)
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


class _Reader(ast.NodeVisitor):
    """Notes each identifier and text that has the name; only a text that is a statement of its own does nothing."""

    def __init__(self, source: _Source, name: str, *, defined: bool, taken: bool) -> None:
        self.name = name
        self.lines = source.lines(re.compile(re.escape(name.encode())))
        self.defined = defined
        self.taken = taken
        self.word = re.compile(rf"\b{re.escape(name)}\b")
        self.around: tuple[str, ...] = ()
        self.cls = ""  # whose body is read
        self.outside = False
        self.functions: set[str] = set()

    def visit(self, node: ast.AST) -> None:
        if _has_line(node, self.lines):
            super().visit(node)

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
