"""Functions that run for instances of a class, and what their bodies reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pickleball_generate.inference.scopes import Scope


@dataclass(frozen=True)
class Site:
    """A function that runs for instances of a class (or for none); `owner` is the class in whose body it stands."""

    function: Scope
    cls: Scope | None = None
    owner: Scope | None = None


@dataclass(frozen=True)
class Question:
    """A call of a method of what a stream put into an attribute of an object: `self.attribute.method()`."""

    method: str
    attribute: str
    text: str


@dataclass
class Reached:
    """What one body reaches: sites with the line of the call, effects by name, calls that lead nowhere, questions."""

    sites: dict[Site, int] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    asks: dict[str, int] = field(default_factory=dict)  # usual methods
    questions: dict[Question, int] = field(default_factory=dict)  # other methods
    makes: set[Scope] = field(default_factory=set)  # classes of which the body makes instances
    stores: set[str] = field(default_factory=set)  # attributes that the body stores something in
    reads: dict[str, int] = field(default_factory=dict)  # attributes by a computed name, of objects that are no modules
