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


@dataclass
class Reached:
    """What one body reaches: sites with the line of the call, effects by name, calls that lead nowhere, questions."""

    sites: dict[Site, int] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    asks: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)  # attributes by a computed name, of objects that are no modules
