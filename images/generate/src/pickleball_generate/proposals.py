"""Proposals: names that model files ask for beyond a policy, each judged by what its code can do.

inert    a class or function of an analysed package without an effect: may be added to `globals`; an enumeration,
         exception or container subclass that builds itself without an effect also to `reduces`
ask      a person decides: it has an effect (shown with its path), or it would be called
refuse   nothing is known of it, it is a callable with an effect itself, or only running code could rebuild it
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pickleball_enforce.names import by_value
from pickleball_generate.inference import sinks, solve
from pickleball_generate.inference.closedworld import clashes
from pickleball_generate.inference.effects import Grade, Grader
from pickleball_generate.inference.names import Located, definitions
from pickleball_generate.inference.program import Program, tooling
from pickleball_generate.provenance import chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pickleball_enforce.policy import Policy
    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.pickling import Because, Pickling
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.model_files import ModelFile
    from pickleball_generate.packs import Packs

SHOWN = 8
DECISIONS = ("inert", "ask", "refuse")
BY_VALUE = (
    "the file holds a function or class of {0} by value: loading it builds and runs code from the file. Put the "
    "definition into a module that the loading program imports, and save the model again"
)
MAIN = (
    "it was defined in a script, and stands in no module that the loading program imports. Move it into a module, "
    "and save the model again"
)


@dataclass(frozen=True)
class Proposal:
    """One name that files ask for, the list that it would stand in, and what is said to it."""

    name: str
    listed: str
    decision: str
    because: str
    files: tuple[str, ...]
    at: str = ""
    grade: Grade | None = field(default=None, compare=False)
    chain: tuple[dict[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the proposal as JSON holds it."""
        document = {
            "name": self.name,
            "list": self.listed,
            "decision": self.decision,
            "because": self.because,
            "files": list(self.files),
        }
        if self.at:
            document["at"] = self.at
        return document | (self.grade.to_dict() if self.grade else {"grade": "no source"})


def propose(files: Sequence[ModelFile], policy: Policy, judge: Judge) -> list[Proposal]:
    """Judge each name that the files ask for and the policy does not give, sorted by decision and name."""
    allowed = policy.globals | policy.reduces
    wanted = {("globals", name) for file in files for name in file.globals if name not in allowed}
    wanted |= {("reduces", name) for file in files for name in file.reduces if name not in policy.reduces}
    found = []
    for listed, name in sorted(wanted):
        if listed == "globals" and ("reduces", name) in wanted:
            continue
        names = tuple(file.path for file in files if name in getattr(file, listed))
        found.append(judge.judge(name, listed, names))
    named = {name for file in files for name in (*file.globals, *file.reduces) if name in allowed}
    found = judge.apart(judge.complete(found, named), allowed)
    return sorted(found, key=lambda proposal: (DECISIONS.index(proposal.decision), proposal.name))


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

    def complete(self, proposals: list[Proposal], named: Iterable[str]) -> list[Proposal]:
        """Let in what classes that files name need by the rules for model classes, as far as the files ask for it.

        A class that is proposed, or that the policy has by widening, is a model class that a file names: the callables
        that its own reduce methods give, or those of the types that it holds, come with it, unless they have an effect.
        """
        if all(proposal.decision == "inert" for proposal in proposals):
            return proposals
        program = Program(self.environment, self.packs.opaque)
        names = {*named, *(proposal.name for proposal in proposals if proposal.decision == "inert")}
        classes = [Located(program.canonical(cls), cls.module, cls) for cls in self._classes(program, sorted(names))]
        solver = solve(program, self.packs, classes)
        return [self._completed(proposal, solver) for proposal in proposals]

    def apart(self, proposals: list[Proposal], allowed: Iterable[str]) -> list[Proposal]:
        """Ask about inert classes that are not harmless beside one another, or beside those of the policy."""
        inert = {
            cls: proposal
            for proposal in proposals
            if proposal.decision == "inert"
            for cls in self._classes(self.grader.program, [proposal.name])
        }
        if not inert:
            return proposals
        doubtful: dict[str, str] = {}
        for clash in clashes(self.grader, [*inert, *self._classes(self.grader.program, sorted(allowed))]):
            cls = clash.asked if clash.asked in inert else clash.asking
            if cls in inert:
                doubtful.setdefault(inert[cls].name, clash.sentence(cls))
        return [
            replace(proposal, decision="ask", because=doubtful[proposal.name])
            if proposal.name in doubtful
            else proposal
            for proposal in proposals
        ]

    @staticmethod
    def _classes(program: Program, names: Iterable[str]) -> list[Scope]:
        """The classes with source behind names, packages aside that packs describe in place of their source."""
        return [
            value[1]
            for name in names
            for value in definitions(program, name)
            if value[0] == "cls" and program.has_source(value[1].module)
        ]

    def _completed(self, proposal: Proposal, solver: Pickling) -> Proposal:
        needed: Because | None = getattr(solver, proposal.listed).get(proposal.name)
        foreign = proposal.decision == "refuse" and proposal.grade is None
        harmless = proposal.decision == "ask" and proposal.grade is not None and proposal.grade.inert
        if needed is None or not (foreign or harmless):
            return proposal
        because = f"a class of the file needs it: {needed.rule}"
        links = tuple(chain(needed.value, solver))
        at = f"{needed.file}:{needed.line}" if needed.line else needed.file
        return replace(proposal, decision="inert", because=because, at=proposal.at or at, chain=links)

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


def text(proposals: Sequence[Proposal], policy: Policy, violations: dict[str, list[str]]) -> str:
    """Show the proposals to a person, those that are alike together, and what the files do that no entry allows."""
    lines: list[str] = []
    heads = {
        "inert": "without effect: --accept inert adds",
        "ask": "a person decides, --allow NAME --reason TEXT adds",
        "refuse": "refused",
    }
    for decision in DECISIONS:
        missing = [p for p in proposals if p.decision == decision and p.name not in getattr(policy, p.listed)]
        if missing:
            lines.append(f"{heads[decision]} {len(missing)}:")
        for proposal in missing:
            at = f" ({proposal.at})" if proposal.at else ""
            lines += [f"  {proposal.listed} {proposal.name}{at}", f"    {proposal.because}"]
            for effect, steps in (proposal.grade.effects if proposal.grade else {}).items():
                lines += [f"    {effect}, by", *(f"      {step}" for step in steps)]
    added = [p for p in proposals if p.name in getattr(policy, p.listed)]
    if added:
        lines.append(f"added {len(added)}:")
        lines += [f"  {p.listed} {p.name} ({p.decision})" for p in added]
    for path, sentences in violations.items():
        judged = "stays inside the policy" if not sentences else "leaves the policy:"
        lines += [f"{path} {judged}", *(f"  {sentence}" for sentence in sentences[:SHOWN])]
    return "\n".join(lines)
