"""What bodies construct, read off their calls without following values."""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING

from pickleball_generate.facts.parts import called_in
from pickleball_generate.inference import sinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_generate.inference.program import Program, Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs


NAMES = re.compile(r"[^\W\d][\w.]*")
PARTS = ("sub", "ix", "of", "tuple", "list")


def definitions(program: Program, body: Scope) -> list[Value]:
    """Resolve what a body calls, once."""
    found = program.definitions_called.get(body)
    if found is None:
        found = [value for name in sorted(body.called) for value in program.resolve(name, body)]
        program.definitions_called[body] = found
    return found


def bodies(scope: Scope) -> Iterator[Scope]:
    """A module or class, and all functions in it."""
    yield scope
    yield from scope.inside


def kept(program: Program, body: Scope) -> Iterator[Scope]:
    """The classes that a method makes instances of for an attribute: `self.x = C()`, `self.y = Holder(D() for ...)`."""
    prefix = f"{next(iter(body.facts.get('params', ())), {'n': 'self'})['n']}."
    for item in body.facts.get("assigns", ()):
        if isinstance(item["to"], str) and item["to"].startswith(prefix):
            for name in sorted(called_in(item.get("v"))):
                yield from (value[1] for value in program.resolve(name, body) if value[0] == "cls")


def annotated(program: Program, body: Scope) -> Iterator[Scope]:
    """The classes that annotations name of what a method keeps: `self.x: C = x`, or `self.x = x` of a parameter."""
    params = body.facts.get("params", ())
    first = next(iter(params), {"n": "self"})["n"]
    notes = [item["ann"] for item in params if "ann" in item and item["n"] in body.kept]
    stored = (item for item in body.facts.get("assigns", ()) if "ann" in item and isinstance(item["to"], str))
    notes += [item["ann"] for item in stored if item["to"].startswith(f"{first}.")]
    for text in sorted(set(_texts(notes))):
        yield from (value[1] for value in program.resolve(text, body) if value[0] == "cls")


def fields(program: Program, cls: Scope) -> Iterator[Scope]:
    """The classes that annotations in a class body name: of the fields of a dataclass, and of what it declares."""
    notes = [item["ann"] for item in cls.facts.get("assigns", ()) if "ann" in item and isinstance(item["to"], str)]
    for text in sorted(set(_texts(notes))):
        yield from (value[1] for value in program.resolve(text, cls) if value[0] == "cls")


def _texts(annotation: object) -> Iterator[str]:
    """The names in annotations, in those of containers and unions too."""
    if isinstance(annotation, str):
        yield annotation
    elif isinstance(annotation, list):
        yield from (text for inner in annotation for text in _texts(inner))
    elif isinstance(annotation, dict):
        if "str" in annotation:
            yield from NAMES.findall(annotation["str"])
        yield from (text for key in PARTS if key in annotation for text in _texts(annotation[key]))


def extension_types(program: Program, scope: Scope) -> set[str]:
    """Name the types of extension modules that a module or class makes instances of."""
    found = set()
    for body in bodies(scope):
        for value in definitions(program, body):
            module, _, last = str(value[1]).rpartition(".")
            extension = program.environment.extension(module) if value[0] == "ext" else None
            if extension is not None and extension.has_class(last):
                found.add(str(value[1]))
    return found


def described(program: Program, packs: Packs, scope: Scope) -> set[str]:
    """Name the types of packs that a module or class makes instances of; those made for the moment left out."""
    found: set[str] = set()
    for body in bodies(scope):
        for value in definitions(program, body):
            if value[0] == "fun":
                found |= set(packs.results(value[1].dotted))
            elif value[0] == "ext":
                made = packs.type_name(value[1])
                found |= {made} if made else set(packs.results(value[1]))
    return {name for name in found if not passing(name) and not sinks.effect(name)}


def passing(name: str) -> bool:
    """Tell whether instances of a type are made for the moment: Python's own exceptions and iterators."""
    if name.startswith("itertools.") or name.endswith("_iterator"):
        return True
    cls = getattr(builtins, name.removeprefix("builtins."), None)
    return isinstance(cls, type) and (issubclass(cls, BaseException) or hasattr(cls, "__next__"))
