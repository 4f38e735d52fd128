"""What can be known of a module that is machine code: names from its string table, its Cython source, its stub."""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pickleball_generate.collect import LARGEST_EXTENSION, NAMED, UNPICKLERS, unpacked
from pickleball_generate.facts import cython
from pickleball_generate.facts.closure import absolute
from pickleball_generate.facts.headers import class_headers

if TYPE_CHECKING:
    from pathlib import Path

    from pickleball_generate.sources import Package

VERSION = 1  # of what is kept of an extension module; part of the cache's keys
UNPICKLER = "__pyx_unpickle_"
CYTHON = b"__pyx"


@dataclass(frozen=True)
class Extension:
    """An extension module.

    `names` are the qualified names and `unpicklers` the unpickling functions of its string table, `words` all names
    that Cython wrote there, some of them run into each other; `cython` is its source if it is there, `stubbed` the
    classes that a stub declares, with the module that the stub is of.
    """

    module: str
    file: str
    names: frozenset[str] = frozenset()
    unpicklers: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    cython: cython.CythonSource = field(default_factory=cython.CythonSource)
    stubbed: dict[str, str] = field(default_factory=dict)
    source: str | None = None

    @cached_property
    def _text(self) -> str:
        return "\n".join(self.words)

    def mentions(self, name: str) -> bool:
        """Tell whether a name is among those that Cython wrote into the module."""
        return name in self._text

    def has_class(self, name: str) -> bool:
        """Tell whether the module is known to have a class of this name."""
        return (
            f"{UNPICKLER}{name}" in self.unpicklers
            or name in self.stubbed
            or self.cython.find(name) is not None
            or any(known.startswith(f"{self.module}.{name}.__") for known in self.names)
        )

    def canonical(self, name: str) -> str:
        """Give the name that pickle writes for a class: a stub tells where it claims to come from."""
        known = f"{UNPICKLER}{name}" in self.unpicklers or f"{self.module}.{name}" in self.names
        home = self.module if known or self.cython.find(name) else self.stubbed.get(name, self.module)
        return f"{home}.{name}"

    def callees(self, name: str) -> tuple[str, ...]:
        """Name what unpickling an instance of a class calls; empty where it is made by `cls.__new__`."""
        registered = self.cython.registered.get(name)
        if registered is not None:
            return self._absolute(self.cython.returns.get(registered, ()), name)
        found = self.cython.find(name)
        seen: set[str] = set()
        while found is not None and found.name not in seen:
            seen.add(found.name)
            if found.reduces_to:
                return self._absolute(found.reduces_to, name)
            if f"{UNPICKLER}{found.name}" in self.unpicklers:
                return (f"{self.module}.{UNPICKLER}{found.name}",)
            found = next(filter(None, map(self.cython.find, found.bases)), None)
        if f"{UNPICKLER}{name}" in self.unpicklers:
            return (f"{self.module}.{UNPICKLER}{name}",)
        own = f"{self.module}.{name}.__reduce__" in self.names and self.source is None
        return (self.canonical(name),) if own else ()

    def _absolute(self, callees: tuple[str, ...], name: str) -> tuple[str, ...]:
        """Turn names as a source uses them into dotted ones."""
        found = []
        for callee in callees:
            first, dot, rest = callee.partition(".")
            origin = self.cython.imported.get(first)
            if callee in {"", name}:
                found.append(self.canonical(name))
            elif origin is None:
                own = first in self.cython.returns or self.cython.find(first) or not hasattr(builtins, first)
                found.append(f"{self.module if own else 'builtins'}.{callee}")
            else:
                where, _, what = origin.partition(":")
                found.append(f"{absolute(where, self.module, package=False)}.{what}{dot}{rest}")
        return tuple(dict.fromkeys(found))


def read_extension(package: Package, module: str, file: str) -> Extension:
    """Read what is known of one extension module; its code is not run."""
    path = package.path(file)
    if file.endswith(".strings"):
        words = frozenset(json.loads(path.read_text()))
    elif path.stat().st_size > LARGEST_EXTENSION:
        words = frozenset()
    else:
        words = strings_of(path, module)
    return _extension(module, file, words, *read_cython(package, module), stubs(package, module))


def dump(extension: Extension) -> bytes:
    """Write what is known of an extension module, for the cache."""
    kept = [sorted(extension.words), extension.cython.dump(), extension.source, extension.stubbed]
    return json.dumps(kept, separators=(",", ":")).encode()


def load(module: str, file: str, content: bytes) -> Extension:
    """Read what `dump` wrote of an extension module."""
    words, source, first, stubbed = json.loads(content)
    return _extension(module, file, frozenset(words), cython.CythonSource.load(source), first, stubbed)


def _extension(
    module: str,
    file: str,
    words: frozenset[str],
    source: cython.CythonSource,
    first: str | None,
    stubbed: dict[str, str],
) -> Extension:
    names = frozenset(word for word in words if word.startswith(f"{module}."))
    unpicklers = frozenset(word for word in words if word.startswith(UNPICKLER) and not word.endswith("__set_state"))
    return Extension(module, file, names, unpicklers, words, source, stubbed, first)


def stubbed_extension(module: str, file: str, facts: dict[str, Any]) -> Extension:
    """Take the classes that a stub declares for those of a module of machine code that has no file of its own."""
    classes = facts.get("classes", ())
    names = {f"{module}.{cls['name']}.{method['name']}" for cls in classes for method in cls.get("functions", ())}
    return Extension(module, file, frozenset(names), stubbed={cls["name"]: module for cls in classes})


def strings_of(path: Path, module: str) -> frozenset[str]:
    """Find the module's own qualified names among the bytes of an extension module, and the names that Cython wrote."""
    data = path.read_bytes()
    if CYTHON in data:
        data += unpacked(data)
    prefix = f"{module}.".encode()
    found = {match.group() for match in re.finditer(re.escape(prefix) + rb"[A-Za-z_][A-Za-z0-9_.]*", data)}
    found |= set(UNPICKLERS.findall(data))
    if CYTHON in data:
        found |= set(NAMED.findall(data))
    return frozenset(word.decode() for word in found)


def read_cython(package: Package, module: str) -> tuple[cython.CythonSource, str | None]:
    """Read the Cython source of a module with what it includes; None where there is none."""
    source = cython.CythonSource()
    stem = module.replace(".", "/")
    first = next((stem + suffix for suffix in cython.SUFFIXES if stem + suffix in package.files), None)
    waiting, done = [first] if first else [], set()
    while waiting:
        file = waiting.pop()
        if file in done:
            continue
        done.add(file)
        source.add(package.path(file).read_text(errors="replace"))
        folder = PurePosixPath(file).parent
        for included in source.includes:
            name = (folder / included).with_suffix("").as_posix()
            waiting += [name + suffix for suffix in cython.INCLUDED if name + suffix in package.files]
    return source, first


def stubs(package: Package, module: str) -> dict[str, str]:
    """List the classes that stubs declare: the module's own, and those of the package that it lies in and below."""
    own = module.replace(".", "/") + ".pyi"
    folder = module.rpartition(".")[0].replace(".", "/") + "/"
    found: dict[str, str] = {}
    for file in sorted(package.files, key=lambda name: (name != own, name.count("/"), name)):
        if not file.endswith(".pyi") or not (file == own or file.startswith(folder)):
            continue
        if file != own and file[:-1] in package.files and PurePosixPath(file).stem != "__init__":
            continue  # the stub of a module with source
        home = file.removesuffix(".pyi").removesuffix("/__init__").replace("/", ".")
        for name, _, _ in class_headers(package.path(file).read_bytes()):
            if "." not in name:
                found.setdefault(name, home)
    return found
