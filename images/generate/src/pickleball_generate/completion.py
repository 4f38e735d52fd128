"""What the classes of model files need beside themselves: proposals that a class of the file explains.

The solver runs once more, from the classes that files name and that no solver has seen, in the closed world of the
files: of a class that they do not name they hold no instance, unless a reduce method writes something else for it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pickleball_generate.inference import Options, solve
from pickleball_generate.inference.names import Located, definitions
from pickleball_generate.inference.program import Program
from pickleball_generate.provenance import chain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.pickling import Because, Pickling
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.packs import Packs
    from pickleball_generate.proposals import Proposal


class Completion:
    """Lets in what classes of files need by the rules for model classes, as far as the files ask for it."""

    def __init__(self, environment: Environment, packs: Packs, named: Collection[str]) -> None:
        self.environment = environment
        self.packs = packs
        self.named = named

    @cached_property
    def program(self) -> Program:
        """The sources, packages aside that packs describe in place of theirs."""
        return Program(self.environment, self.packs.opaque)

    def complete(self, proposals: list[Proposal], others: Iterable[str]) -> list[Proposal]:
        """Make inert what a class needs that is proposed as inert, or is one of some others.

        Such a class is a model class that a file names: the callables that its own reduce methods give, or those of
        the types that it holds, come with it, unless they have an effect.
        """
        if not any(map(_open, proposals)):
            return proposals
        names = {*others, *(proposal.name for proposal in proposals if proposal.decision == "inert")}
        found = [Located(self.program.canonical(cls), cls.module, cls) for cls in classes(self.program, sorted(names))]
        if not found:
            return proposals
        solver = solve(self.program, self.packs, found, Options(world=frozenset(self._world())))
        return [_completed(proposal, solver) for proposal in proposals]

    def _world(self) -> Iterable[Scope]:
        """The classes of which the files can hold instances that pickle by the name of their class."""
        return (value[1] for name in self.named for value in definitions(self.program, name) if value[0] == "cls")


def classes(program: Program, names: Iterable[str]) -> list[Scope]:
    """The classes with source behind names, packages aside that packs describe in place of their source."""
    return [
        value[1]
        for name in names
        for value in definitions(program, name)
        if value[0] == "cls" and program.has_source(value[1].module)
    ]


def _open(proposal: Proposal) -> bool:
    """Tell whether a proposal may be inert when a class needs it: machine code, and what has no effect when called."""
    if proposal.grade is None:
        return proposal.decision == "refuse"
    return proposal.decision == "ask" and proposal.grade.inert


def _completed(proposal: Proposal, solver: Pickling) -> Proposal:
    needed: Because | None = solver.wanted(proposal.listed).get(proposal.name)
    if needed is None or not _open(proposal):
        return proposal
    because = f"a class of the file needs it: {needed.rule}"
    links = tuple(chain(needed.value, solver))
    at = f"{needed.file}:{needed.line}" if needed.line else needed.file
    return replace(proposal, decision="inert", because=because, at=proposal.at or at, chain=links)
