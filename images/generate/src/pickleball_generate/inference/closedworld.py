"""Calls on objects that a stream chooses, in the closed world of a policy.

Code at load may call `x.get()` on whatever the state holds. Only objects of allowed classes can stand there, so such a
call reaches

- what any of these classes has under the name `get`;
- what the stream puts into an attribute `get` of such an object, or has a `__getattr__` find under this name: a class
  or function that the policy lets it keep, which is called then, or an object of any class with a `__call__`.

Code may also call what a variable of a module holds, where nothing was put into it: that reaches something when code of
any of these definitions fills the variable.

What these ask of other objects in turn is followed as well. Where one of them is not inert, it and the class whose code
asks must not be let in together without a person.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pickleball_generate.inference.accessors import ACCESSORS
from pickleball_generate.inference.bodies import USUAL
from pickleball_generate.inference.clashes import Answered, Clash, Member, combined
from pickleball_generate.inference.names import definitions
from pickleball_generate.inference.signatures import cannot_take, makes_plainly
from pickleball_generate.inference.stored import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pickleball_enforce.policy import Policy
    from pickleball_generate.inference.effects import Grade, Grader
    from pickleball_generate.inference.pickling import Pickling
    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.sites import Ask, Element, Given

    Question = tuple[Ask, str]
    Answer = tuple[Member, Grade, bool]

POSING = frozenset({"__class__", "__getattribute__"})  # with one, an object may say that it is of another class
MORE = 1000  # arguments; no function that cannot be called with fewer is called with them


class ClosedWorld:
    """The definitions of a policy, or of one that would have more, and what their code can ask of one another."""

    def __init__(self, grader: Grader, members: Iterable[Member], *, at_load: bool = False) -> None:
        self.grader = grader
        self.members = sorted(members, key=lambda member: member.scope.identity)
        self.askers: dict[Question, set[Scope]] = {}  # whose code at load leads to a question
        self.classes: dict[Question, set[Scope]] = {}  # classes whose code at load asks it itself
        self._answers: dict[Ask, list[Answer]] = {}
        self._own: dict[tuple[str, bool, bool, str], list[Answer]] = {}
        self.direct: set[str] = set()  # methods that code at load asks for itself
        self._ask()
        if not at_load:
            self._ask_on()

    @cached_property
    def placed(self) -> list[Answer]:
        """What can run of each member that stands in the place of a method."""
        found = ((member, self.grader.call(member.scope, kept=member.kept), False) for member in self.members)
        return [*filter(_counts, found)]

    @cached_property
    def _changed(self) -> dict[str, dict[Member, None]]:
        """The classes by the names of attributes whose change may run something; under ANY, all of these."""
        found: dict[str, dict[Member, None]] = {}
        for member in self.members:
            owners = self.grader.program.mro(member.scope) if member.scope.kind == "class" else []
            bodies = [owner[1] for owner in owners if owner[0] == "cls"]
            names = {name for body in bodies for name in self.grader.graph.changeable(body)}
            for name in {*names, ANY} if names else ():
                found.setdefault(name, {})[member] = None
        return found

    def changed(self, attribute: str) -> dict[Member, None]:
        """The classes that may run something when an attribute of their instances is changed."""
        return self._changed.get(attribute, {})

    @cached_property
    def texts(self) -> list[Member]:
        """The classes whose instances may be texts."""
        return [member for member in self.members if member.scope.kind == "class" and self.grader.is_text(member.scope)]

    def answers(self, ask: Ask) -> list[Answer]:
        """What runs of members that counts when code calls a method of what a stream gives; whether it is their own."""
        if ask not in self._answers:
            self._answers[ask] = [*self._answer(ask)]
        return self._answers[ask]

    def _answer(self, ask: Ask) -> Iterator[Answer]:
        if ask.attribute:
            for member in self.changed(ask.attribute):
                yield from filter(
                    _counts, [(member, self.grader.change(member.scope, ask.attribute, ask.method), True)]
                )
            return
        if ask.of_text and not self.texts:
            return
        for answer in self.own(ask):
            if not self._refuses_own(answer[0], ask):
                yield answer
        if not ask.method.startswith("__"):  # a state gives no callable under a special name: the enforcer's rule
            for member, grade, _ in self.placed:
                yield from filter(_counts, self._in_place(member, grade, ask.given))

    def own(self, ask: Ask) -> list[Answer]:
        """What can run of each class that has a method of a name."""
        key = (ask.method, ask.method not in self.direct, ask.named, ask.below)
        if key not in self._own:
            classes = (member for member in self.members if member.scope.kind == "class")
            below = (member for member in classes if not ask.below or self._may_pass(member.scope, ask.below))
            found = (
                (member, self.grader.method(member.scope, ask.method, near=key[1], named=ask.named)) for member in below
            )
            self._own[key] = [*filter(_counts, ((member, grade, True) for member, grade in found if grade is not None))]
        return self._own[key]

    def _refuses_own(self, member: Member, ask: Ask) -> bool:
        """Tell whether Python refuses a call of a class's own method, or a stream can give none of its instances."""
        if ask.of_text and member not in self.texts:
            return True
        found = self.grader.graph.method(member.scope, ask.method)
        return found is not None and self._refuses(found.function, ask.given, 0 if member.kept else 1, 1)

    def _may_pass(self, cls: Scope, name: str) -> bool:
        """Tell whether `isinstance` may say that objects of a class are of another one."""
        program = self.grader.program
        kin = program.mro(cls)
        if any(value[0] == "cls" and not POSING.isdisjoint(value[1].bound) for value in kin):
            return True
        return name in {value[1].dotted for value in kin if value[0] == "cls"} or bool(program.lost_bases(cls))

    def _in_place(self, member: Member, grade: Grade, given: Given) -> Iterator[Answer]:
        """What a call runs of a member that stands in the place of a method, where Python does not refuse it.

        A function of a class may be bound, and it and a class may stand in a partial with more arguments.
        """
        scope = member.scope
        if scope.kind != "class":
            simple = not member.called and (scope.parent is None or scope.parent.kind != "class")
            if not self._refuses(scope, given, 0, 0 if simple else MORE):
                yield member, grade, False
            return
        call, made = (self.grader.graph.method(scope, name) for name in ("__call__", "__init__"))
        program = self.grader.program
        if member.kept and not (
            made is not None and makes_plainly(program, scope) and self._refuses(made.function, given, 1, MORE)
        ):
            yield member, grade, False
        elif call is None or not self._refuses(call.function, given, 1, 1):
            yield member, self.grader.call(scope, kept=False), False

    def _refuses(self, function: Scope, given: Given, least: int, most: int) -> bool:
        """Tell whether Python refuses a call, whichever number of arguments comes before those that are given."""
        if given.more or (function.parent is not None and function in function.parent.rivals):
            return False
        if function.decorated_by("staticmethod"):
            least = 0
        return cannot_take(function, given.places + least, {*given.names}, most - least, self.grader.program)

    def is_left_to_others(self, member: Member, grade: Grade) -> bool:
        """Tell whether an answer does only what objects of the stream answer it, which is judged itself.

        No code that runs of any member stores something where it looks, or makes an object that has what it asks for.
        """
        if not grade.asking or any(ANY in each.stores for each in self.running[member]):
            return False
        stores, makes = self._put
        return not any(
            question.attribute in stores or self.grader.makes_answer(question, makes) for question in grade.wanted
        )

    @cached_property
    def _put(self) -> tuple[frozenset[str], frozenset[Scope]]:
        """The attributes in which code that can run stores something, and the classes of which it makes instances."""
        grades = [grade for grades in self.running.values() for grade in grades]
        return frozenset().union(*(each.stores for each in grades)), frozenset().union(*(each.makes for each in grades))

    def filling(self) -> Iterator[Answered]:
        """Find the members whose code calls elements of a variable that code of another fills, ordered by name."""
        calling: dict[Element, set[Scope]] = {}
        for member in self.members:
            for element, _ in self.grader.grade(member.scope, called=member.called).elements:
                calling.setdefault(element, set()).add(member.scope)
        for question, askers in self.askers.items():
            for _, grade, _ in self.answers(question[0]):
                for element, _ in grade.elements:
                    calling.setdefault(element, set()).update(askers)
        if not calling:
            return
        bodies = frozenset(body for grades in self.running.values() for grade in grades for body in grade.bodies)
        for element, scopes in sorted(calling.items()):
            filling = {body for body in bodies if self.grader.graph.empty.fills(element, body)}
            for member, grades in self.running.items() if filling else ():
                found = next((grade for grade in grades if not filling.isdisjoint(grade.bodies)), None)
                if found is not None:
                    variable = f"{element.module}.{element.variable}"
                    yield Answered(element.text, member, found, own=False, askers=frozenset(scopes), filled=variable)

    @cached_property
    def running(self) -> dict[Member, list[Grade]]:
        """What can run of each member: at load, in the place of a method, and where its own method is asked for."""
        grader = self.grader
        changes = sorted({(ask.attribute, ask.method) for ask, _ in self.askers if ask.attribute})
        methods = sorted({(ask.method, ask.named) for ask, _ in self.askers if not ask.attribute})
        found: dict[Member, list[Grade]] = {}
        for member in self.members:
            scope = member.scope
            grades = found[member] = [grader.grade(scope, called=member.called), grader.call(scope, kept=member.kept)]
            if scope.kind != "class":
                continue
            for attribute, hook in changes:
                if member in self.changed(attribute):
                    grades.append(grader.change(scope, attribute, hook))
            own = (grader.method(scope, name, near=name not in self.direct, named=named) for name, named in methods)
            grades += [grade for grade in own if grade is not None]
        return found

    def _ask(self) -> None:
        """Collect the questions, and whose code at load asks each."""
        for member in self.members:
            for question in self.grader.grade(member.scope, called=member.called).asks:
                self.askers.setdefault(question, set()).add(member.scope)
        for question, askers in self.askers.items():
            self.classes[question] = {scope for scope in askers if scope.kind == "class"}
        self.direct = {ask.method for ask, _ in self.askers}

    def _ask_on(self) -> None:
        """Add the questions of what answers others, and whose code leads to each so."""
        inner: dict[Ask, set[Question]] = {}
        while True:
            asking: dict[Ask, set[Scope]] = {}
            for (ask, _), askers in self.askers.items():
                asking.setdefault(ask, set()).update(askers)
            for ask in asking.keys() - inner.keys():
                inner[ask] = {question for _, grade, _ in self.answers(ask) for question in grade.asks}
            before = sum(map(len, self.askers.values()))
            for ask, askers in asking.items():
                for question in inner[ask]:
                    self.askers.setdefault(question, set()).update(askers)
            if sum(map(len, self.askers.values())) == before:
                break
        waiting = [*self.classes.items()]
        while waiting:  # what an answer asks that does nothing else counts as asked by who asked for that
            (ask, _), classes = waiting.pop()
            if not _may_leave(ask) or not classes:
                continue
            answers = [grade for _, grade, own in self.answers(ask) if own and grade.asking]
            for question in {question for grade in answers for question in grade.asks}:
                known = self.classes.setdefault(question, set())
                if not classes <= known:
                    known |= classes
                    waiting.append((question, {*known}))


def _is_closed(ask: Ask) -> bool:
    """Tell whether a call counts as harmless as far as its answers are, so that each of them matters."""
    return bool(ask.below) or ask.method in USUAL or ask.method in ACCESSORS


def _may_leave(ask: Ask) -> bool:
    """Tell whether an answer to a call that only asks in turn may be left to what answers it."""
    return ask.method in ACCESSORS or not _is_closed(ask)


def _counts(answer: Answer) -> bool:
    """Tell whether something comes of what runs: an effect, a call that leads nowhere or to an element, a question."""
    return not answer[1].inert or bool(answer[1].asks or answer[1].elements)


def answered(
    grader: Grader, new: Iterable[Member], known: Iterable[Member] = (), *, at_load: bool = False
) -> Iterator[Answered]:
    """Find what definitions are not harmless together, ordered by name.

    With `at_load`, only where code at load asks itself, and not what answers it.

    Some are `known` to be in the policy already: what their code asks of one another cannot be kept out, and a class
    that runs the same code asks nothing more of them. A new member of a known class may do more with it: keep it, so
    that it stands in the place of a method. It counts as far as it answers otherwise.
    """
    there = combined(known)
    added = [member for scope, member in combined((*new, *known)).items() if there.get(scope) != member]
    again = {member.scope for member in added if member.scope in there}
    before = there.keys() - {member.scope for member in added if member.called}  # who ask what they asked before
    world = ClosedWorld(grader, [*there.values(), *added], at_load=at_load)

    def is_there(member: Member) -> bool:
        return there.get(member.scope) is member

    fillings = [*world.filling()]
    filled = {(found.asked, found.filled) for found in fillings if is_there(found.member)}
    for found in fillings:
        old = is_there(found.member)
        if old or (found.asked, found.filled) not in filled:
            yield replace(found, known=old and found.askers <= before)
    for question, askers in sorted(world.askers.items()):
        ask, _ = question
        classes = world.classes.get(question, set())
        answers = world.answers(ask)
        same = {(each.scope, id(grade), own) for each, grade, own in answers if each.scope in again and is_there(each)}
        for member, grade, own in answers:
            old = is_there(member)
            if not old and (member.scope, id(grade), own) in same:
                continue
            if grade.grave:
                clashing = askers
            elif own and not grade.inert:
                clashing = classes if _is_closed(ask) else classes - before
                if _may_leave(ask) and world.is_left_to_others(member, grade):
                    continue
            else:
                continue
            needed = clashing & before if old else set()
            if clashing:
                yield Answered(ask.asked, member, grade, own, frozenset(needed or clashing), known=bool(needed))


def apart(grader: Grader, new: Iterable[Member], known: Iterable[Member] = ()) -> dict[Scope, Clash]:
    """Say which of the new definitions must stay out, and why: the one that is asked, where that is new.

    Those come first that code at load asks itself. What only they would ask is asked by nobody then.
    """
    left = {member.scope: member for member in new}
    known = [*known]
    out: dict[Scope, Clash] = {}
    for at_load in (True, False):
        before = -1
        while left and before < len(out):
            before = len(out)
            for found in answered(grader, [*left.values()], known, at_load=at_load):
                for clash in found.about(left.keys(), out.keys()):
                    scope = clash.asked if clash.asked in left else clash.asking
                    del left[scope]
                    out[scope] = clash
    return out


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
    return [*combined(found).values()]


def needed(solver: Pickling) -> list[Member]:
    """The definitions with source that an inference lets in."""
    return [
        Member(scope, kept=name in solver.kept or name in solver.reduces, called=name in solver.reduces)
        for name, scope in solver.scopes.items()
        if name in solver.globals or name in solver.reduces
    ]
