"""Functions in partials: `partial(function, ...)` in a model calls the function, with arguments that the file chooses.

So the enforcer lets a stream put a function into a partial only where `reduces` has it, and what a stream may call is
judged: one with an effect stays outside, one that nothing but a bound lets in has to be inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pickleball_generate.inference.effects import Grader
    from pickleball_generate.inference.pickling import Pickling


def call_partials(solver: Pickling, grader: Grader, *, inert: bool = False) -> None:
    """Let the functions of held partials be called, as far as their grades allow it."""
    for function, because in sorted(solver.in_partials.items(), key=lambda item: item[0].identity):
        name = solver.program.canonical(function)
        if name in solver.reduces or name in solver.refused:
            continue
        grade = grader.grade(function, called=True)
        if grade.word == "effects":
            solver.globals.pop(name, None)
            solver.refused[name] = (f"it can reach {', '.join(grade.effects)}", "reduces", because)
        elif grade.inert or not inert:
            solver.invoke(name, because)
            solver.globals.pop(name, None)
