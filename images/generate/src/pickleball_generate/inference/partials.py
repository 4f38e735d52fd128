"""Functions that a stream calls with arguments of its own choice: those of partials and those that rebuild objects.

The enforcer lets a stream put a function into a partial only where `reduces` has it, and what a stream may call is
judged: one with an effect stays outside, one that nothing but a bound lets in has to be inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pickleball_generate.inference.effects import Grader
    from pickleball_generate.inference.pickling import Pickling


GRAVE = frozenset({"code", "import by name", "nested unpickler", "process", "network", "file"})


def refuse_grave(solver: Pickling, grader: Grader) -> None:
    """Leave functions for a person that rebuild objects by running code, other pickles or files that they are given."""
    for name, because in sorted(solver.reduces.items()):
        function = solver.scopes.get(name)
        if function is None or function.kind != "function":
            continue
        effects = grader.grade(function, called=True).effects
        if any(effect.partition(":")[0] in GRAVE for effect in effects):
            del solver.reduces[name]
            solver.refused[name] = (f"it can reach {', '.join(effects)}", "reduces", because)


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
