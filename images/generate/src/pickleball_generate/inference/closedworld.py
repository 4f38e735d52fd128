"""Calls on objects that a stream chooses, in the closed world of a policy.

Code at load may call `x.get()` on whatever the state holds. Only objects of allowed classes can stand there, so such a
call reaches the methods `get` of these classes. Where one of them is not inert, the two classes must not be let in
together without a person.
It also reaches what the stream puts into an attribute `get` of such an object: a class or function of the policy,
called with what the code gives it. That is not looked at here.
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
    """One class whose code at load calls a method that another one has, and what that method can reach."""

    asking: Scope
    method: str
    asked: Scope
    grade: Grade

    def sentence(self, cls: Scope) -> str:
        """Say why one of the two classes is not harmless beside the other."""
        found = ", ".join([*self.grade.effects, *self.grade.unknown][:3])
        if cls is self.asking:
            return f"its code calls {self.method} of what a stream gives, and {self.asked.dotted} has one: {found}"
        return f"code of {self.asking.dotted} calls {self.method} of what a stream gives, and its own has more: {found}"


def clashes(grader: Grader, world: Iterable[Scope]) -> Iterator[Clash]:
    """Find the pairs of classes that are not harmless together, ordered by name."""
    classes = sorted(set(world), key=lambda cls: cls.identity)
    asking: dict[str, list[Scope]] = {}
    for cls in classes:
        for method in sorted(grader.grade(cls, called=False).asks):
            asking.setdefault(method, []).append(cls)
    for cls in classes:
        for method, askers in sorted(asking.items()):
            grade = grader.method(cls, method)
            if grade is not None and not grade.inert:
                for asker in askers:
                    yield Clash(asker, method, cls, grade)
