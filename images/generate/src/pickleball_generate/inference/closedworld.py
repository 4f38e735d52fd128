"""Calls on objects that a stream chooses, in the closed world of a policy.

Code at load may call `x.get()` on whatever the state holds. Only objects of allowed classes can stand there, so such a
call reaches

- what any of these classes has under the name `get`;
- what the stream puts into an attribute `get` of such an object, or has a `__getattr__` find under this name: a class
  or function that the policy lets it keep, which is called then, or an object of any class with a `__call__`.

What these ask of other objects in turn is followed as well. Where one of them is not inert, it and the class whose code
asks must not be let in together without a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pickleball_generate.inference.bodies import USUAL
from pickleball_generate.inference.names import definitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pickleball_enforce.policy import Policy
    from pickleball_generate.inference.effects import Grade, Grader
    from pickleball_generate.inference.pickling import Pickling
    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope

    Question = tuple[str, str]
    Answer = tuple["Member", Grade, bool]

SHOWN = 3  # methods in a sentence


@dataclass(frozen=True)
class Member:
    """A class or function of a policy, and what a stream may do with it beside making instances."""

    scope: Scope
    kept: bool = False
    called: bool = False


@dataclass(frozen=True)
class Clash:
    """A class whose code at load calls a method of what a stream gives, and what then runs of another definition."""

    asking: Scope
    method: str
    asked: Scope
    grade: Grade
    own: bool  # whether the class has such a method; else it is called in the place of one

    @property
    def found(self) -> str:
        """What the definition that is asked can reach."""
        return ", ".join([*self.grade.effects, *self.grade.unknown][:3])

    def sentence(self, scope: Scope) -> str:
        """Say why one of the two is not harmless beside the other."""
        if scope is self.asking:
            what = "has one" if self.own else "can stand there"
            return f"its code calls {self.method} of what a stream gives, and {self.asked.dotted} {what}: {self.found}"
        what = "its own has more" if self.own else "it can stand there"
        return f"code of {self.asking.dotted} calls {self.method} of what a stream gives, and {what}: {self.found}"


class ClosedWorld:
    """The definitions of a policy, or of one that would have more, and what their code can ask of one another."""

    def __init__(self, grader: Grader, members: Iterable[Member]) -> None:
        self.grader = grader
        self.members = sorted(members, key=lambda member: member.scope.identity)
        self.askers: dict[Question, set[Scope]] = {}  # whose code at load leads to a question
        self.classes: dict[Question, set[Scope]] = {}  # classes whose code at load asks it itself
        self._answers: dict[str, list[Answer]] = {}
        self.direct: set[str] = set()  # methods that code at load asks for itself
        self._ask()

    def answers(self, method: str) -> list[Answer]:
        """What runs of each member when code calls a method of what a stream gives; whether it is its own method."""
        if method not in self._answers:
            self._answers[method] = [*self._answer(method)]
        return self._answers[method]

    def _answer(self, method: str) -> Iterator[Answer]:
        near = method not in self.direct
        for member in self.members:
            own = self.grader.method(member.scope, method, near=near) if member.scope.kind == "class" else None
            if own is not None:
                yield member, own, True
            if not method.startswith("__"):  # a state gives no callable under a special name: the enforcer's rule
                yield member, self.grader.call(member.scope, kept=member.kept), False

    def _ask(self) -> None:
        """Collect the questions, and whose code leads to each: at load itself, or as what answers another one."""
        for member in self.members:
            for question in self.grader.grade(member.scope, called=member.called).asks:
                self.askers.setdefault(question, set()).add(member.scope)
        for question, askers in self.askers.items():
            self.classes[question] = {scope for scope in askers if scope.kind == "class"}
        self.direct = {method for method, _ in self.askers}
        inner: dict[str, set[Question]] = {}
        while True:
            asking: dict[str, set[Scope]] = {}
            for (method, _), askers in self.askers.items():
                asking.setdefault(method, set()).update(askers)
            for method in asking.keys() - inner.keys():
                inner[method] = {question for _, grade, _ in self.answers(method) for question in grade.asks}
            before = sum(map(len, self.askers.values()))
            for method, askers in asking.items():
                for question in inner[method]:
                    self.askers.setdefault(question, set()).update(askers)
            if sum(map(len, self.askers.values())) == before:
                return


def clashes(grader: Grader, new: Iterable[Member], known: Iterable[Member] = ()) -> Iterator[Clash]:
    """Find the pairs of definitions that are not harmless together, ordered by name.

    Some are `known` to be in the policy already: what their code asks of one another cannot be kept out, and a class
    that runs the same code asks nothing more of them.
    """
    members = {member.scope: member for member in (*new, *known)}
    there = {member.scope for member in known}
    world = ClosedWorld(grader, members.values())
    for question, askers in sorted(world.askers.items()):
        method, _ = question
        classes = world.classes.get(question, set())
        for member, grade, own in world.answers(method):
            if grade.grave:
                found = askers
            elif own and not grade.inert:
                found = classes if method in USUAL else classes - there
            else:
                continue
            if member.scope in there and (needed := found & there):
                found = needed
            for asker in sorted(found, key=lambda scope: scope.identity):
                yield Clash(asker, method, member.scope, grade, own)


def summed(found: Iterable[Clash]) -> list[Clash]:
    """Tell of each definition that is asked once, with the methods in whose place it runs."""
    first: dict[tuple[Scope, bool], Clash] = {}
    methods: dict[tuple[Scope, bool], dict[str, None]] = {}
    for clash in found:
        key = (clash.asked, clash.own)
        first.setdefault(key, clash)
        methods.setdefault(key, {})[clash.method] = None
    return [replace(clash, method=_listed([*methods[key]])) for key, clash in first.items()]


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:SHOWN])} and {more} other methods"


def members(program: Program, names: Iterable[str], listed: str) -> list[Member]:
    """The definitions with source behind names of one list, packages aside that packs describe instead."""
    return [
        Member(value[1], kept=listed != "instances", called=listed == "reduces")
        for name in sorted(names)
        for value in definitions(program, name)
        if value[0] in {"cls", "fun"} and program.has_source(value[1].module)
    ]


def in_policy(program: Program, policy: Policy) -> list[Member]:
    """The definitions with source that a policy names."""
    found = (member for listed, names in policy.lists().items() for member in members(program, names, listed))
    return [*{member.scope: member for member in found}.values()]


def needed(solver: Pickling) -> list[Member]:
    """The definitions with source that an inference lets in."""
    return [
        Member(scope, kept=name in solver.kept or name in solver.reduces, called=name in solver.reduces)
        for name, scope in solver.scopes.items()
        if name in solver.globals or name in solver.reduces
    ]
