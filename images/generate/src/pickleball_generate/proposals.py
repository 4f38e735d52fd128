"""Proposals: names that model files ask for beyond a policy, each judged by what its code can do.

inert    a class or function of an analysed package without an effect: may be added to `instances` where files only
         make instances of it, else to `globals`; an enumeration, exception or container subclass that builds itself
         without an effect also to `reduces`
ask      a person decides: it has an effect (shown with its path), or it would be called
refuse   nothing is known of it, it is a callable with an effect itself, or only running code could rebuild it
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pickleball_generate.completion import Completion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pickleball_enforce.policy import Policy
    from pickleball_generate.inference.effects import Grade
    from pickleball_generate.judging import Judge
    from pickleball_generate.model_files import ModelFile

SHOWN = 8
DECISIONS = ("inert", "ask", "refuse")
WIDEST = ("reduces", "globals", "instances")  # what a name may do in the one, it may in those after it too


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


def propose(
    files: Sequence[ModelFile], policy: Policy, judge: Judge, inferred: frozenset[str] = frozenset()
) -> list[Proposal]:
    """Judge each name that the files ask for and the policy does not give, sorted by decision and name.

    `inferred` are names whose classes were solved for already: what these need, the policy gives.
    """
    files = [file.settled(judge.may_be_method) for file in files]
    wanted: dict[str, str] = {}
    for listed in WIDEST:
        allowed = policy.allowed(listed)
        for name in sorted({name for file in files for name in getattr(file, listed)} - allowed):
            wanted.setdefault(name, listed)
    found = []
    for name, listed in sorted(wanted.items()):
        names = tuple(file.path for file in files if name in getattr(file, listed))
        found.append(_with_place(judge.judge(name, listed, names), files))
    named = {name for file in files for listed in WIDEST for name in getattr(file, listed)}
    completion = Completion(judge.environment, judge.packs, named)
    known = (named & policy.allowed("instances")) - inferred
    found = judge.apart(completion.complete(found, known), policy)
    return sorted(found, key=lambda proposal: (DECISIONS.index(proposal.decision), proposal.name))


def _with_place(proposal: Proposal, files: Sequence[ModelFile]) -> Proposal:
    """Say of a method in the place of which other one it is called."""
    places = sorted({place for file in files for place in file.replaces.get(proposal.name, ())})
    if not places or proposal.listed != "reduces":
        return proposal
    where = f"a state puts it where the method {' or '.join(places)} may stand, so the program calls it"
    return replace(proposal, because=f"{where}; {proposal.because}")


def text(proposals: Sequence[Proposal], policy: Policy, violations: dict[str, list[str]]) -> str:
    """Show the proposals to a person, those that are alike together, and what the files do that no entry allows."""
    lines: list[str] = []
    heads = {
        "inert": "without effect: --accept inert adds",
        "ask": "a person decides, --allow NAME --reason TEXT adds",
        "refuse": "refused",
    }
    for decision in DECISIONS:
        missing = [p for p in proposals if p.decision == decision and p.name not in policy.allowed(p.listed)]
        if missing:
            lines.append(f"{heads[decision]} {len(missing)}:")
        for proposal in missing:
            at = f" ({proposal.at})" if proposal.at else ""
            lines += [f"  {proposal.listed} {proposal.name}{at}", f"    {proposal.because}"]
            for effect, steps in (proposal.grade.effects if proposal.grade else {}).items():
                lines += [f"    {effect}, by", *(f"      {step}" for step in steps)]
    added = [p for p in proposals if p.name in policy.allowed(p.listed)]
    if added:
        lines.append(f"added {len(added)}:")
        lines += [f"  {p.listed} {p.name} ({p.decision})" for p in added]
    for path, sentences in violations.items():
        judged = "stays inside the policy" if not sentences else "leaves the policy:"
        lines += [f"{path} {judged}", *(f"  {sentence}" for sentence in sentences[:SHOWN])]
    return "\n".join(lines)
