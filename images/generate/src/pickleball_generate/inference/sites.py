"""Functions that run for instances of a class, and what their bodies reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pickleball_generate.inference.scopes import Scope


@dataclass(frozen=True)
class Site:
    """A function that runs for instances of a class (or for none); `owner` is the class in whose body it stands."""

    function: Scope
    cls: Scope | None = None
    owner: Scope | None = None
    by_anything: bool = False  # of an attribute hook: whether code calls it itself, with something else than a name


@dataclass(frozen=True, order=True)
class Given:
    """What a call gives to whatever it calls; with `more`, nobody knows how much of it there is."""

    places: int = 0
    names: tuple[str, ...] = ()
    more: bool = True

    @classmethod
    def of(cls, call: dict[str, Any]) -> Given:
        """Read the arguments of a call; only of names and constants the facts say that they are no `*rows`."""
        args, names = call.get("args", ()), call.get("kw", {})
        more = len(args) >= TOLD or "**" in names or not all(map(_is_one, args))
        return ANYTHING if more or "f" not in call else cls(len(args), tuple(sorted(names)), more=False)


TOLD = 6  # arguments of a call, in the facts; of those that follow they say nothing
ANYTHING = Given()


@dataclass(frozen=True, order=True)
class Ask:
    """A call of a method of what a stream may give, or of a text, where it may be of a subclass of `str`."""

    method: str
    given: Given = ANYTHING
    of_text: bool = False
    named: bool = False  # of `__setattr__` and its kin: whether the source writes the name out that they get
    attribute: str = ""  # of `__setattr__` and its kin: whose setters are asked for, and not the hook
    below: str = ""  # `dotted` of the class for which the code tested the object before

    @property
    def asked(self) -> str:
        """What is called, as a person reads it."""
        return f"{self.method} for {self.attribute}" if self.attribute else self.method


@dataclass(frozen=True)
class Question:
    """A call of a method of what a stream put into an attribute of an object: `self.attribute.method()`."""

    ask: Ask
    attribute: str
    text: str


@dataclass(frozen=True, order=True)
class Element:
    """A call, as the source writes it, of what a variable holds that its module binds empty, or of a method of it."""

    module: str
    variable: str
    text: str


@dataclass
class Reached:
    """What one body reaches: sites with the line of the call, effects by name, calls that lead nowhere, questions."""

    sites: dict[Site, int] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    asks: dict[Ask, int] = field(default_factory=dict)  # usual methods
    questions: dict[Question, int] = field(default_factory=dict)  # other methods
    elements: dict[Element, int] = field(default_factory=dict)
    makes: set[Scope] = field(default_factory=set)  # classes of which the body makes instances
    answered: set[tuple[str, str]] = field(default_factory=set)  # of `asks`: what also objects answer that code makes
    stores: set[str] = field(default_factory=set)  # attributes that the body stores something in
    reads: dict[str, int] = field(default_factory=dict)  # attributes by a computed name, of objects that are no modules


def _is_one(argument: object) -> bool:
    return isinstance(argument, str) or (isinstance(argument, dict) and not argument.keys().isdisjoint({"str", "lit"}))
