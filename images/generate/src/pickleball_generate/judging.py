"""What is said to one name: judged by the sources of an environment, by packs, and by what stands beside it."""

from __future__ import annotations

import builtins
from dataclasses import replace
from typing import TYPE_CHECKING

from pickleball_enforce.names import by_value
from pickleball_generate.inference import sinks
from pickleball_generate.inference.closedworld import answered, in_policy, members
from pickleball_generate.inference.effects import Grader
from pickleball_generate.inference.names import constant, definitions
from pickleball_generate.inference.pickling import DATA
from pickleball_generate.inference.program import Program, tooling
from pickleball_generate.proposals import Proposal

if TYPE_CHECKING:
    from pickleball_enforce.policy import Policy
    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.clashes import Member
    from pickleball_generate.inference.effects import Grade
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs

BY_VALUE = (
    "the file holds a function or class of {0} by value: loading it builds and runs code from the file. Put the "
    "definition into a module that the loading program imports, and save the model again"
)
MAIN = (
    "it was defined in a script, and stands in no module that the loading program imports. Move it into a module, "
    "and save the model again"
)


class Judge:
    """Judges names against the sources of an environment."""

    def __init__(self, environment: Environment, packs: Packs) -> None:
        self.program = Program(environment)
        self.environment = environment
        self.packs = packs
        self.grader = Grader(Program(environment, packs.opaque), packs)
        self.inner = Grader(self.program, packs)  # of the packages that packs describe: all their code is followed

    def judge(self, name: str, listed: str, files: tuple[str, ...]) -> Proposal:
        """Say whether a name may be added to a list, must be asked for, or is refused."""
        decision, because, scope, grade = self._decide(name, listed)
        at = f"{scope.file}:{scope.line}" if scope is not None else ""
        return Proposal(name, listed, decision, because, files, at, grade)

    def apart(self, proposals: list[Proposal], policy: Policy) -> list[Proposal]:
        """Ask about inert definitions that are not harmless beside one another, or beside those of the policy.

        A class whose code could not be followed where it calls what a stream gives is inert when nothing answers.
        """
        program = self.grader.program
        chosen: dict[Scope, Proposal] = {}
        found: list[Member] = []
        for proposal in proposals:
            if proposal.decision == "inert" or self._asks(proposal):
                each = members(program, [proposal.name], proposal.listed)
                chosen |= {member.scope: proposal for member in each}
                found += each
        doubtful: dict[str, str] = {}
        for answer in answered(self.grader, found, in_policy(program, policy)) if found else ():
            for clash in answer.about(chosen.keys()):
                scope = clash.asked if clash.asked in chosen else clash.asking
                doubtful.setdefault(chosen[scope].name, clash.sentence(scope))
        return [_settled(proposal, doubtful.get(proposal.name), asks=self._asks(proposal)) for proposal in proposals]

    def _asks(self, proposal: Proposal) -> bool:
        """Tell whether a person would decide only because code calls what a stream gives."""
        grade = proposal.grade
        return proposal.decision == "ask" and grade is not None and grade.asking and proposal.listed != "reduces"

    def may_be_method(self, name: str) -> bool:
        """Whether an attribute of a class may be a method, as far as the sources tell: what they do not may be one."""
        owner, _, attribute = name.rpartition(".")
        values = definitions(self.program, owner)
        if len(values) != 1 or values[0][0] != "cls" or self.program.lost_bases(values[0][1]):
            return True
        for kind, what in self.program.mro(values[0][1]):
            if kind != "cls":
                known = getattr(builtins, what.removeprefix("builtins."), None)
                if not isinstance(known, type) or hasattr(known, attribute):
                    return True
            elif attribute in what.bound:
                return not all(constant(*binding) for binding in what.bound[attribute])
        return False

    def _decide(self, name: str, listed: str) -> tuple[str, str, Scope | None, Grade | None]:
        if name.startswith("__main__."):
            return "refuse", MAIN, None, None
        if library := by_value(name):
            return "refuse", BY_VALUE.format(library), None, None
        values = definitions(self.program, name)
        for found in (name, *(v[1].dotted if v[0] in {"cls", "fun"} else str(v[1]) for v in values)):
            if effect := sinks.effect(found):
                return "refuse", f"it is a callable with an effect itself ({effect})", None, None
        if described := self._described(name, listed):
            return "inert", described, None, None
        if listed == "reduces" and name in DATA:
            return "ask", "the file calls it, and what it is given says what a type of plain data runs", None, None
        if not values:
            return "refuse", "no source below the library paths defines it, so nothing is known of it", None, None
        if len(values) > 1:
            places = ", ".join(sorted(v[1].dotted if v[0] in {"cls", "fun"} else str(v[1]) for v in values))
            return "ask", f"it can be any of {places}", None, None
        return self._defined(values[0], listed)

    def _defined(self, value: Value, listed: str) -> tuple[str, str, Scope | None, Grade | None]:
        kind = value[0]
        if kind == "ext":
            return "refuse", "it has no source, and no knowledge pack describes it", None, None
        if kind not in {"cls", "fun"}:
            return "refuse", "it is a module, which no pickle holds", None, None
        scope: Scope = value[1]
        called = kind == "fun" or listed == "reduces"
        grader = self.inner if scope.module.partition(".")[0] in self.packs.opaque else self.grader
        grade = grader.grade(scope, called=called)
        if tooling(scope.module):
            return "ask", "it belongs to the tests or tools of its package", scope, None
        if grade.word == "effects":
            return "ask", f"it can reach {', '.join(grade.effects)}", scope, grade
        if grade.word == "unknown":
            return "ask", f"calls of it cannot be followed: {', '.join(list(grade.unknown)[:4])}", scope, grade
        if listed == "reduces" and not (kind == "cls" and self.grader.builds_itself(scope)):
            return "ask", "the file calls it; its code has no known effect", scope, grade
        what = "a function kept by reference" if kind == "fun" else "a class"
        return "inert", f"{what} of an analysed package whose code has no effect", scope, grade

    def _described(self, name: str, listed: str) -> str:
        """Say what a knowledge pack says of a name: a type, or what rebuilds one; else an empty text."""
        if listed == "reduces":
            rebuilt = self.packs.rebuilds(name)
            return f"a knowledge pack names it as what rebuilds {rebuilt}" if rebuilt else ""
        if (owner := self.packs.bound(name)) and not sinks.effect(f"{owner}.{name.rpartition('.')[2]}"):
            return f"a method of {owner}, whose instances a knowledge pack describes"
        if self.packs.instance(self.packs.reference(name)) or self.packs.rebuilds(name, called=False):
            return "a type that a knowledge pack describes"
        return "machine code without effect that a knowledge pack names" if self.packs.names(name) else ""


def _settled(proposal: Proposal, doubt: str | None, *, asks: bool) -> Proposal:
    """Decide on a proposal by what stands beside it."""
    if doubt:
        return replace(proposal, decision="ask", because=doubt)
    if not asks or proposal.grade is None:
        return proposal
    called = ", ".join(sorted(proposal.grade.open)[:4])
    because = f"a class of an analysed package; its code calls {called}, which nothing answers with an effect"
    return replace(proposal, decision="inert", because=because)
