"""Calls on objects that a stream chooses, in the closed world of a policy.

Code at load may call `x.get()` on whatever the state holds. Only objects of allowed classes can stand there, so such a
call reaches

- what these classes have under the name `get`: where that is not inert, the two classes must not be let in together
  without a person;
- what the stream puts into an attribute `get` of such an object, or has a `__getattr__` find under this name: a class
  or function of the policy, or an object with a `__call__`. For names that a file asks for this is looked at too;
  for all classes of a bound it would take the code of all their constructors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pickleball_generate.inference.effects import Grade, Grader
    from pickleball_generate.inference.scopes import Scope


@dataclass(frozen=True)
class Clash:
    """A class whose code at load calls a method of what a stream gives, and what then runs of another definition."""

    asking: Scope
    method: str
    asked: Scope
    grade: Grade
    own: bool  # whether the class has such a method; else it is called in the place of one

    def sentence(self, scope: Scope) -> str:
        """Say why one of the two is not harmless beside the other."""
        found = ", ".join([*self.grade.effects, *self.grade.unknown][:3])
        if scope is self.asking:
            what = "has one" if self.own else "can stand there"
            return f"its code calls {self.method} of what a stream gives, and {self.asked.dotted} {what}: {found}"
        what = "its own has more" if self.own else "it can stand there"
        return f"code of {self.asking.dotted} calls {self.method} of what a stream gives, and {what}: {found}"


def clashes(
    grader: Grader, world: Iterable[Scope], known: Iterable[Scope] = (), *, calls: bool = False
) -> Iterator[Clash]:
    """Find the pairs of definitions that are not harmless together, ordered by name.

    Some are `known` to be in the policy already: what their code asks of one another cannot be kept out, and a class
    that runs the same code asks nothing more of them. With `calls`, the others are also judged as what an attribute of
    an object holds.
    """
    there = set(known)
    definitions = sorted({*world, *there}, key=lambda scope: scope.identity)
    asking: dict[tuple[str, str], list[Scope]] = {}
    for scope in definitions:
        for question in grader.grade(scope, called=False).asks:
            asking.setdefault(question, []).append(scope)
    asked_there = {question for question, askers in asking.items() if not there.isdisjoint(askers)}
    for asked in definitions:
        for question, askers in sorted(asking.items()):
            if asked in there and question in asked_there:
                continue
            grade = grader.method(asked, question[0])
            own = grade is not None and not grade.inert
            if not own and calls and asked not in there:
                grade = grader.call(asked)
            if grade is not None and (own or grade.effects):
                yield from (Clash(asker, question[0], asked, grade, own) for asker in askers)
