"""Clashes: definitions that are not harmless together, as the closed world of a policy finds them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from pickleball_generate.inference.effects import Grade
    from pickleball_generate.inference.scopes import Scope

SHOWN = 3  # methods in a sentence


@dataclass(frozen=True)
class Member:
    """A class or function of a policy, and what a stream may do with it beside making instances."""

    scope: Scope
    kept: bool = False
    called: bool = False


def combined(members: Iterable[Member]) -> dict[Scope, Member]:
    """Give one member for each definition, with what any of its own may do."""
    found: dict[Scope, Member] = {}
    for member in members:
        before = found.get(member.scope, member)
        kept, called = before.kept or member.kept, before.called or member.called
        found[member.scope] = Member(member.scope, kept=kept, called=called)
    return found


@dataclass(frozen=True)
class Clash:
    """A class whose code at load calls a method of what a stream gives, and what then runs of another definition."""

    asking: Scope
    method: str
    asked: Scope
    grade: Grade
    own: bool  # whether the class has such a method; else it is called in the place of one
    filled: str = ""  # the variable of a module that the one calls elements of, and the other fills

    @property
    def found(self) -> str:
        """What the definition that is asked can reach."""
        return ", ".join([*self.grade.effects, *self.grade.unknown][:3])

    def sentence(self, scope: Scope) -> str:
        """Say why one of the two is not harmless beside the other."""
        if self.filled and scope is self.asking:
            return f"its code calls what {self.filled} holds, and code of {self.asked.dotted} fills that"
        if self.filled:
            return f"code of {self.asking.dotted} calls what {self.filled} holds, and its own code fills that"
        if scope is self.asking:
            what = "has one" if self.own else "can stand there"
            return f"its code calls {self.method} of what a stream gives, and {self.asked.dotted} {what}: {self.found}"
        what = "its own has more" if self.own else "it can stand there"
        return f"code of {self.asking.dotted} calls {self.method} of what a stream gives, and {what}: {self.found}"


@dataclass(frozen=True)
class Answered:
    """What runs of one definition for a call, or for what it fills, and all those whose code calls so."""

    method: str
    member: Member
    grade: Grade
    own: bool
    askers: frozenset[Scope]
    filled: str = ""
    known: bool = False  # whether it is so without what is new

    @property
    def asked(self) -> Scope:
        """The definition of which it runs."""
        return self.member.scope

    def clash(self, asking: Scope) -> Clash:
        """Give the clash with one of those that ask."""
        return Clash(asking, self.method, self.asked, self.grade, self.own, self.filled)

    def clashes(self) -> Iterator[Clash]:
        """Give the clash with each."""
        return map(self.clash, sorted(self.askers, key=_identity))

    def about(self, chosen: AbstractSet[Scope], without: AbstractSet[Scope] = frozenset()) -> Iterator[Clash]:
        """Give those that say of some definitions why one must stay out: of what is asked where that is one of them.

        What is out already, or asked by what is, clashes no more, and what is so without them says nothing of them.
        """
        asking = self.askers - without
        if self.known or not asking or self.asked in without:
            return
        if self.asked in chosen:
            yield self.clash(min(asking, key=_identity))
        else:
            yield from map(self.clash, sorted(asking & chosen, key=_identity))


def summed(found: Iterable[Answered]) -> list[Clash]:
    """Tell of each definition that is asked once, with the methods in whose place it runs."""
    first: dict[tuple[Scope, bool], Answered] = {}
    methods: dict[tuple[Scope, bool], dict[str, None]] = {}
    for each in found:
        key = (each.asked, each.own)
        first.setdefault(key, each)
        methods.setdefault(key, {})[each.method] = None
    told = {key: next(each.clashes()) for key, each in first.items()}
    return [replace(clash, method=_listed([*methods[key]])) for key, clash in told.items()]


def _identity(scope: Scope) -> str:
    return scope.identity


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:SHOWN])} and {more} other methods"
