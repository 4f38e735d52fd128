"""Variables that a module binds to an empty container, and who puts something into them.

Code at load may call what such a variable holds: `for hook in HOOKS.values(): hook(self)`. There is nothing as long as
nobody stores into it. Who may do so is told from the text: any line that names the variable and does more than read it.
A name counts wherever it stands, so that nothing is missed: in texts, in other modules, for other things too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pickleball_generate.inference.program import tooling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.sites import Element

CONTAINERS = frozenset(
    "builtins.dict builtins.list builtins.set collections.OrderedDict weakref.WeakKeyDictionary "
    "weakref.WeakValueDictionary".split()
)
READING = frozenset({"values", "items", "keys"})
COPYING = frozenset({"list", "tuple", "sorted", "reversed"})

_DEFINITION = re.compile(r"\s*(?:async\s+)?def\s+(\w+)")
_IMPORT = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\b(?!.*(?:\bas\b|;))")
_IMPORTED = re.compile(r"\s*from\s+[\w.]+\s+import\s*\(\s*(?:#.*)?$")


class Name(NamedTuple):
    """A variable or function of a module."""

    home: str
    name: str
    defined: bool = False  # whether it is a function


class Mentions(NamedTuple):
    """Where a text names something otherwise than by reading it: in statements of the module, in which functions."""

    outside: bool
    functions: frozenset[str]


NONE = Mentions(outside=False, functions=frozenset())


class Empty:
    """Finds such variables, and the functions that may fill them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._mentions: dict[tuple[str, Name], Mentions] = {}
        self._having: dict[tuple[str, str], frozenset[str]] = {}
        self._at_import: dict[Name, bool] = {}

    def variable(self, expression: object, function: Scope) -> tuple[str, str] | None:
        """Name the variable, and its module, of which a loop over an expression gives elements."""
        if isinstance(expression, dict) and isinstance(callee := expression.get("call"), str):
            args: list[Any] = expression.get("args", [])
            owner, _, method = callee.rpartition(".")
            if method in READING and not args:
                return self.variable(owner, function)
            return self.variable(args[0], function) if callee in COPYING and len(args) == 1 else None
        if not isinstance(expression, str) or "." in expression:
            return None
        scope = function
        while scope.parent is not None:
            if scope.kind != "class" and expression in scope.bound:
                return None
            scope = scope.parent
        kinds = scope.bound.get(expression, [])
        values = [what.get("v") for kind, what in kinds if kind == "assign" and not what.get("op")]
        single = len(values) == len(kinds) == 1 and self._is_empty(values[0], scope)
        return (scope.module, expression) if single else None

    def _is_empty(self, value: Any, module: Scope) -> bool:
        if not isinstance(value, dict):
            return False
        if "call" in value and not value.get("args") and not value.get("kw"):
            made = self.program.resolve(value["call"], module)
            return bool(made) and all(v[0] == "ext" and v[1] in CONTAINERS for v in made)
        return value in ({"dict": []}, {"list": []})

    def fills(self, element: Element, function: Scope) -> bool:
        """Tell whether the text of a function names the variable otherwise than by reading it."""
        return function.name in self._mentions_in(function.module, Name(element.module, element.variable)).functions

    def filled(self, element: Element) -> bool:
        """Tell whether importing its package puts something into the variable: statements of modules, or decorators.

        They do it themselves, or by a function that does.
        """
        variable = Name(element.module, element.variable)
        if variable not in self._at_import:
            self._at_import[variable] = self._is_filled(variable)
        return self._at_import[variable]

    def _is_filled(self, variable: Name) -> bool:
        functions: set[Name] = set()
        for module in self._naming(variable.home, variable.name):
            found = self._mentions_in(module, variable) if not tooling(module) else NONE
            if found.outside:
                return True
            functions |= {Name(module, name, defined=True) for name in found.functions}
        if any(function.name.startswith("__") for function in functions):
            return True  # run by no name: where a class is called, or defined
        return any(
            self._mentions_in(module, function).outside
            for function in functions
            for module in self._naming(function.home, function.name)
            if not tooling(module)
        )

    def _naming(self, module: str, name: str) -> frozenset[str]:
        """The modules of the package of a module whose text has a name."""
        top = module.partition(".")[0]
        if (top, name) not in self._having:
            package = self.program.environment.library.package(top)
            found = self.program.environment.naming(package, name) if package is not None else frozenset[str]()
            self._having[top, name] = found
        return self._having[top, name]

    def _mentions_in(self, module: str, name: Name) -> Mentions:
        """Read the lines of a module that name something."""
        key = (module, name)
        if key not in self._mentions:
            there = module in self._naming(module, name.name)
            self._mentions[key] = self._read(module, name) if there else NONE
        return self._mentions[key]

    def _read(self, module: str, name: Name) -> Mentions:
        text = (self.program.environment.text(module) or b"").decode(errors="replace")
        if module != name.home and not _taken(name.name).search(text):
            return NONE  # its own, of the same name
        lines = text.splitlines()
        word, plain = re.compile(rf"\b{re.escape(name.name)}\b"), _plainly(name)
        outside, functions = False, set[str]()
        for at, line in enumerate(lines):
            if not word.search(line) or _IMPORT.match(line):
                continue
            code = line if {*"\"'"} & {*line} else line.partition("#")[0]
            rest = plain.sub("", code)
            if not word.search(rest):
                continue
            enclosing = [*_enclosing(lines, at)]
            if rest.strip(" ,\t") == name.name and enclosing and _IMPORTED.match(enclosing[0]):
                continue
            around = {found[1] for each in enclosing if (found := _DEFINITION.match(each))}
            functions |= around
            outside |= not around
        return Mentions(outside, frozenset(functions))


def _taken(name: str) -> re.Pattern[str]:
    """Write how a module takes a name from another one: by import, as an attribute, in a text."""
    word = re.escape(name)
    return re.compile(
        rf"\.\s*{word}\b|\bimport\b[^\n]*(?:\b{word}\b|\*)|^\s*{word}\s*,?\s*(?:#.*)?$|[\"']{word}[\"']", re.MULTILINE
    )


def _plainly(name: Name) -> re.Pattern[str]:
    """Write what only reads a variable, or defines it, or (of a function) does not call it."""
    word = re.escape(name.name)
    if name.defined:
        return re.compile(rf"\bdef\s+{word}\b|[\"']{word}[\"']")
    end = r"(?=\s*(?:[:)\]}]|and\b|or\b|if\b|else\b|$))"
    return re.compile(
        rf"\b{word}\.(?:values|items|keys|get)\("
        rf"|\blen\({word}\)"
        rf"|\b(?:in|not)\s+{word}{end}"
        rf"|\b(?:if|while)\s+{word}(?=\s*(?::|and\b))"
        rf"|^{word}\s*(?::[^=]+)?=\s*[\w.]*(?:\(\)|\[\]|{{}})\s*(?:#.*)?$"
    )


def _enclosing(lines: list[str], at: int) -> Iterator[str]:
    """Give the lines that a line stands below, by their indentation, the nearest first."""
    depth = _depth(lines[at])
    for line in reversed(lines[:at]):
        if line.strip() and _depth(line) < depth and line.lstrip()[0] not in ")]}#":
            depth = _depth(line)
            yield line


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
