"""What can be known of a module that is machine code: names from its string table, classes from its Cython source."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pickleball_generate.sources import Package

LARGEST = 96 * 2**20
DOTTED = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
WORD = re.compile(rb"__pyx_unpickle_[A-Za-z0-9_]+")
CLASS = re.compile(r"^(?P<indent>\s*)(?:cdef\s+|cpdef\s+)?class\s+(?P<name>\w+)\s*(?:\((?P<bases>[^)]*)\))?\s*:")
METHOD = re.compile(r"^(?P<indent>\s*)(?:def|cpdef)\s+(?:[\w.\[\], ]+\s+)?(?P<name>\w+)\s*\(")
RETURN = re.compile(r"^\s*return\s+\(?\s*(?P<callee>[\w.]+)\s*,")


@dataclass(frozen=True)
class ExtensionClass:
    """A class of an extension module: its bases, methods, and what its `__reduce__` names as callee."""

    name: str
    bases: tuple[str, ...]
    methods: tuple[str, ...]
    line: int
    reduces_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extension:
    """An extension module: `types` and `unpicklers` from its strings, `classes` from its `.pyx` if there is one."""

    module: str
    file: str
    types: frozenset[str]
    unpicklers: frozenset[str]
    classes: dict[str, ExtensionClass]
    source: str | None


def read_extension(package: Package, module: str, file: str) -> Extension:
    """Read the names of one extension module; its code is not run."""
    path = package.root / file
    if file.endswith(".strings"):
        words = frozenset(json.loads(path.read_text()))
    elif path.stat().st_size > LARGEST:
        words = frozenset()
    else:
        words = strings_of(path, module)
    types = frozenset(word for word in words if word.startswith(f"{module}."))
    unpicklers = frozenset(
        word for word in words if word.startswith("__pyx_unpickle_") and not word.endswith("__set_state")
    )
    source = module.replace(".", "/") + ".pyx"
    classes = cython_classes((package.root / source).read_text(errors="replace")) if source in package.files else {}
    return Extension(module, file, types, unpicklers, classes, source if classes else None)


def strings_of(path: Path, module: str) -> frozenset[str]:
    """Find the module's own qualified names and its unpickling functions among the bytes of an extension module."""
    data = path.read_bytes()
    prefix = f"{module}.".encode()
    found = {match.group() for match in re.finditer(re.escape(prefix) + rb"[A-Za-z_][A-Za-z0-9_.]*", data)}
    found |= set(WORD.findall(data))
    return frozenset(word.decode() for word in found)


def cython_classes(text: str) -> dict[str, ExtensionClass]:
    """Read classes, bases and reduce methods from a Cython source, by its indentation."""
    classes: dict[str, ExtensionClass] = {}
    current: tuple[str, int, int, tuple[str, ...]] | None = None
    methods: list[str] = []
    callees: list[str] = []

    def finish() -> None:
        if current is not None:
            name, _, line, bases = current
            classes[name] = ExtensionClass(name, bases, tuple(methods), line, tuple(callees))

    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        opened = CLASS.match(line)
        if current is not None and indent <= current[1]:
            finish()
            current, methods, callees = None, [], []
        if opened and current is None:
            bases = tuple(base.strip() for base in (opened["bases"] or "").split(",") if base.strip())
            current = (opened["name"], indent, number, bases)
        elif current is not None:
            method = METHOD.match(line)
            if method:
                methods.append(method["name"])
            returned = RETURN.match(line)
            if returned and methods and methods[-1] in {"__reduce__", "__reduce_ex__"}:
                callees.append(returned["callee"])
    finish()
    return classes
