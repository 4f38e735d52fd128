"""Infer from facts what a model of given classes may import and call while it loads."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import Entry, Policy
from pickleball_generate import packs
from pickleball_generate.inference.clashes import summed
from pickleball_generate.inference.closedworld import answered, needed
from pickleball_generate.inference.effects import Grader
from pickleball_generate.inference.frames import Reason
from pickleball_generate.inference.graph import STEPS
from pickleball_generate.inference.makers import makers
from pickleball_generate.inference.names import Located, locate_class
from pickleball_generate.inference.partials import call_partials, refuse_grave
from pickleball_generate.inference.picklers import Picklers
from pickleball_generate.inference.program import Program
from pickleball_generate.inference.widening import Widening
from pickleball_generate.provenance import describe, tell

if TYPE_CHECKING:
    from random import Random

    from pickleball_generate.facts import Environment
    from pickleball_generate.inference.pickling import Pickling
    from pickleball_generate.inference.scopes import Scope

__all__ = ["Located", "Options", "Result", "infer", "locate", "solve"]

LARGE = 200_000  # steps: a fixpoint of more takes hundreds of megabytes, which are worth a collection


@dataclass(frozen=True)
class Options:
    """Settings of a run."""

    widen: bool = True
    shuffle: Random | None = None  # for tests: the order in which constraints run
    steps: int = STEPS  # after which a fixpoint that still grows is left, for each class
    world: frozenset[Scope] | None = None  # the only classes whose instances pickle by their class's name


@dataclass(frozen=True)
class Result:
    """A policy and why it is what it is."""

    policy: Policy
    provenance: dict[str, Any]


def locate(environment: Environment, name: str) -> Located:
    """Find a class by a dotted name; ClassNotFound names those that are near."""
    return _locate_each(environment, [name])[0]


def _locate_each(environment: Environment, names: list[str]) -> list[Located]:
    known = packs.load()
    program = Program(environment, known.opaque)
    return [locate_class(program, known, name) for name in names]


def infer(environment: Environment, classes: list[str], options: Options) -> Result:
    """Infer the policy of the given classes, one entry each."""
    _locate_each(environment, classes[1:])  # a wrong name is told before the others are inferred
    entries, told = {}, []
    large = False
    for name in classes:
        if large:  # gigabytes, in cycles: what comes next needs the place
            gc.collect()
        found, solver, grader = _solve(environment, name, options)
        instances = tuple(solver.instances)
        kept = tuple(sorted(solver.globals.keys() - {*instances}))
        entries[found.name] = Entry(kept, tuple(sorted(solver.reduces)), instances)
        told.append(tell(found, solver, grader))
        large = solver.steps > LARGE
        del solver, grader
    policy = Policy(entries=entries)
    return Result(policy, describe(told, environment, policy))


def _solve(environment: Environment, name: str, options: Options) -> tuple[Located, Pickling, Grader]:
    """Solve for one class, apart from the others: what a class needs does not depend on what stands beside it."""
    known = packs.load()
    program = Program(environment, known.opaque)
    found = locate_class(program, known, name)
    solver = solve(program, known, [found], options)
    grader = Grader(program, known)
    call_partials(solver, grader)
    if options.widen:
        Widening(solver, found.scope, grader).run()
        call_partials(solver, grader, inert=True)
    refuse_grave(solver, grader)
    _tell_together(solver, grader)
    if solver.cut:
        _tell_cut(environment, found, solver, options.steps)
    return found, solver, grader


def _tell_together(solver: Pickling, grader: Grader) -> None:
    """Say what is not harmless together and cannot be kept apart: the model needs both."""
    for clash in summed(answered(grader, (), needed(solver))):
        solver.note(clash.asked, clash.sentence(clash.asked))


def _tell_cut(environment: Environment, found: Located, solver: Pickling, steps: int) -> None:
    """Say that an inference was ended before it had come to everything."""
    file, line = (found.scope.file, found.scope.line) if found.scope else (found.module, 0)
    solver.unresolved[(f"what lies beyond {steps} steps", file, line)] = found.name
    environment.note(
        f"The inference of {found.name} was ended after {steps} steps: farther parts of it are not in the policy, and"
        " loads that need them are refused. --for-model FILE names what a file needs of them."
    )


def solve(program: Program, known: packs.Packs, classes: list[Located], options: Options | None = None) -> Pickling:
    """Find what instances of classes contain and pickle as."""
    options = options or Options()
    solver = Picklers(program, known, options.shuffle)
    solver.most = options.steps
    solver.world = options.world
    for found in classes:
        cls = found.scope
        if cls is not None:
            solver.hold(("obj", cls), None, Reason(cls.file, cls.line, "model class", found.name))
            for maker in makers(program, cls):
                solver.reach(maker)
            continue
        instance = ("inst", found.name)
        solver.hold(instance, None, Reason(found.module, 0, "model class", found.name))
        if package := known.package_of(found.name):
            solver.hold(("data", package), instance, Reason(found.module, 0, "what its package computes", found.name))
            for name in known.types_of(package):  # a table has columns of any type of its package
                solver.hold(("inst", name), instance, Reason(found.module, 0, "type of the same package", found.name))
    solver.run()
    solver.serializers()
    solver.run()
    return solver
