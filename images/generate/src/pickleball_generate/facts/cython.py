"""What a Cython source says of its classes, read by indentation: bases, methods, callees of `__reduce__`.

Templates (`.pyx.tp`, `.pyx.in`) are read as they are: a `{{hole}}` in a name stands for any letters.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

SUFFIXES = (".pyx", ".pyx.tp", ".pyx.in")
INCLUDED = (".pxi", ".pxi.tp", ".pxi.in")
DECLARING = (".pxd",)

_NAME = r"(?:\w|\{\{[^}]*\}\})+"
_CLASS = re.compile(
    rf"\s*(?:(?:cdef|cpdef)\s+)?(?:public\s+)?class\s+(?P<name>{_NAME})\s*(?:\((?P<bases>[^)]*)\))?\s*:"
)
_DEF = re.compile(rf"\s*(?:async\s+)?(?:def|cpdef)\s+(?:[\w.\[\], *]+\s+)?(?P<name>{_NAME})\s*\(")
_RETURN = re.compile(r"return\s*\(?\s*(?P<callee>(?:\w|\.|\{\{[^}]*\}\})+(?:\(self\))?)\s*,")
_REGISTERED = re.compile(rf"\s*(?:[\w.]*copy_?reg\.)?pickle\(\s*(?P<type>{_NAME})\s*,\s*(?P<function>{_NAME})")
_FROM = re.compile(r"\s*from\s+(?P<origin>[\w.]+)\s+c?import\s+(?P<names>[^#]+)")
_IMPORT = re.compile(r"\s*c?import\s+(?P<module>[\w.]+)")
_INCLUDE = re.compile(r"\s*include\s+[\"'](?P<file>[\w./]+)[\"']")
_TEXT = re.compile(r'""".*?"""|\'\'\'.*?\'\'\'', re.DOTALL)
_OWN = frozenset({"self.__class__", "type(self)", "cls"})


@dataclass(frozen=True)
class CythonClass:
    """A class: its bases as written, methods, and the callees that its reduce methods name (`""`: its own class)."""

    name: str
    bases: tuple[str, ...]
    methods: tuple[str, ...]
    line: int
    reduces_to: tuple[str, ...] = ()


@dataclass
class CythonSource:
    """One source with what it includes: classes, the callees that functions return, registrations, imported names."""

    classes: dict[str, CythonClass] = field(default_factory=dict)
    returns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    registered: dict[str, str] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)  # that are imported as a whole

    def dump(self) -> dict[str, Any]:
        """Give this as an object of JSON."""
        return asdict(self) | {"modules": sorted(self.modules)}

    @classmethod
    def load(cls, kept: dict[str, Any]) -> CythonSource:
        """Take what `dump` gave."""
        classes = {name: CythonClass(**_tuples(each)) for name, each in kept["classes"].items()}
        return cls(**(kept | {"classes": classes, "returns": _tuples(kept["returns"]), "modules": {*kept["modules"]}}))

    def find(self, name: str) -> CythonClass | None:
        """Give a class by the name that it has when the module is built: the holes of a template are filled."""
        if name in self.classes:
            return self.classes[name]
        for pattern, found in self.classes.items():
            if "{{" in pattern and (holes := _filled(pattern, name)) is not None:
                bases = tuple(_fill(base, holes) for base in found.bases)
                callees = tuple(_fill(callee, holes) for callee in found.reduces_to)
                return CythonClass(name, bases, found.methods, found.line, callees)
        return None

    def add(self, text: str) -> None:
        """Read a text into this source."""
        scopes: list[_Body] = []
        lines = _TEXT.sub(lambda match: "\n" * match.group().count("\n"), text).splitlines()
        for number, line in enumerate(lines, 1):
            stripped = line.strip()
            if not stripped or stripped.startswith(("#", "{{")):
                continue
            indent = len(line) - len(line.lstrip())
            while scopes and indent <= scopes[-1].indent and not stripped.startswith((")", "]")):
                self._close(scopes)
            if opened := _CLASS.match(line):
                bases = tuple(base.strip() for base in (opened["bases"] or "").split(",") if base.strip())
                scopes.append(_Body("class", opened["name"], indent, number, bases))
            elif opened := _DEF.match(line):
                scopes.append(_Body("function", opened["name"], indent, number))
            elif not scopes:
                self._statement(line, lines, number)
            elif scopes[-1].kind == "function" and stripped.startswith("return"):
                following = lines[number].strip() if number < len(lines) else ""
                returned = _RETURN.match(stripped) or _RETURN.match(f"{stripped} {following}")
                if returned:
                    scopes[-1].callees.append(returned["callee"])
        while scopes:
            self._close(scopes)

    def _close(self, scopes: list[_Body]) -> None:
        body = scopes.pop()
        if body.kind == "class":
            callees = tuple("" if callee in _OWN else callee for callee in body.callees)
            self.classes[body.name] = CythonClass(body.name, body.bases, tuple(body.methods), body.line, callees)
        elif scopes and scopes[-1].kind == "class":
            scopes[-1].methods.append(body.name)
            if body.name in {"__reduce__", "__reduce_ex__"}:
                scopes[-1].callees += body.callees
        elif not scopes:
            self.returns[body.name] = tuple(body.callees)

    def _statement(self, line: str, lines: list[str], number: int) -> None:
        """Read a statement of the module itself."""
        if found := _REGISTERED.match(line):
            self.registered[found["type"]] = found["function"]
        elif found := _INCLUDE.match(line):
            self.includes.append(found["file"])
        elif found := _IMPORT.match(line):
            self.modules.add(found["module"])
        elif found := _FROM.match(line):
            names = found["names"]
            if names.strip().startswith("("):
                rest = number
                while ")" not in names and rest < len(lines):
                    names += lines[rest].partition("#")[0]
                    rest += 1
            for part in names.strip().strip("()").split(","):
                name, _, alias = part.strip().partition(" as ")
                if name.isidentifier():
                    self.imported[alias.strip() or name] = f"{found['origin']}:{name}"


@dataclass
class _Body:
    """A class or function that is being read."""

    kind: str
    name: str
    indent: int
    line: int
    bases: tuple[str, ...] = ()
    methods: list[str] = field(default_factory=list)
    callees: list[str] = field(default_factory=list)


def _tuples(kept: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(each) if isinstance(each, list) else each for name, each in kept.items()}


def _filled(pattern: str, name: str) -> dict[str, str] | None:
    """Say what the holes of a template's name are in a real name; None where it does not fit."""
    holes = re.findall(r"\{\{[^}]*\}\}", pattern)
    parts = [re.escape(part) for part in re.split(r"\{\{[^}]*\}\}", pattern)]
    match = re.fullmatch(r"(\w*?)".join(parts), name)
    return dict(zip(holes, match.groups(), strict=True)) if match else None


def _fill(text: str, holes: dict[str, str]) -> str:
    for hole, content in holes.items():
        text = text.replace(hole, content)
    return text
