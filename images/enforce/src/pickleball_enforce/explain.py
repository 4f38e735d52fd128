"""The command `pickleball explain`: which opcode asks for what, what it would do, and which entry would allow it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from . import grades
from .errors import PickleBallError
from .opcodes import NAMES
from .policy import Policy
from .report import Import, Report
from .settings import Settings
from .static import Judge
from .static_arrays import ArrayReader
from .tags import Container, Object, Tag, Tuple, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 4  # arguments that a step shows


@dataclass
class Step:
    """One thing that a stream does with a name."""

    offset: int
    opcode: str
    does: str
    name: str
    list: str = ""  # of the policy that would have to hold the entry
    entry: str = ""
    effect: str = ""  # what the name is known to do
    verdict: str = ""  # with a policy: allowed, refused, inert stub

    def to_dict(self) -> dict[str, Any]:
        """Give the step as JSON can hold it."""
        return dict(vars(self))


class Narrator(ArrayReader):
    """Judges a pickle and keeps what it does, step by step."""

    def __init__(self, policy: Policy | None, settings: Settings, *, arrays: bool = True) -> None:
        self.steps: list[Step] = []
        super().__init__(policy, settings, arrays=arrays)

    def begin(self, start: int = 0) -> None:
        """Begin a load."""
        self.steps = []
        super().begin(start)

    def _note(self, does: str, name: str, listed: str = "", *, before: int = 0) -> None:
        effect = grades.grade(name)[1]
        step = Step(self._at, NAMES.get(self._opcode, "?"), does, name, listed, name if listed else "", effect)
        if not self.tracing:
            found = self.violations[before:]
            allow = next((item.allow for item in found if item.allow), None)
            step.verdict = f"refused by {found[0].rule}" if found else "allowed"
            step.list, step.entry = allow or ("", "") if found else (step.list, step.entry)
        self.steps.append(step)

    def predict(self, module: str, name: str, proto: int, *, below: tuple[Tag, Tag], code: int = 0) -> Import:
        """Decide on an import."""
        before = len(self.violations)
        found = super().predict(module, name, proto, below=below, code=code)
        listed = "" if found.helper else "globals"
        self._note(f"imports {found.path}", found.path, listed, before=before)
        if found.decision == "stub" and len(self.violations) == before:
            self.steps[-1].verdict = "inert stub"
        return found

    def call(self, callee: Tag, args: Tag) -> Tag:
        """Judge a call."""
        before, at = len(self.violations), len(self.steps)
        result = super().call(callee, args)
        if len(self.steps) == at:
            name = describe(callee)
            listed = "reduces" if type(callee) is Import and not callee.helper else ""
            self._note(f"calls {name}{_arguments(args)}", name, listed, before=before)
        return result

    def new(self, cls: Tag, args: Tag, kwargs: Tag = None) -> Tag:
        """Judge an instantiation."""
        before = len(self.violations)
        result = super().new(cls, args, kwargs)
        listed = "globals" if type(cls) is Import else ""
        self._note(f"makes an instance of {describe(cls)}{_arguments(args)}", describe(cls), listed, before=before)
        return result

    def build(self, target: Tag, state: Tag) -> None:
        """Judge BUILD."""
        before = len(self.violations)
        super().build(target, state)
        self._note(f"gives {describe(target)} a state: {_state(state)}", _origin(target), before=before)

    def add_items(self, target: Tag, kind: str, items: list[Tag]) -> None:
        """Judge item operations on what is no builtin container of the stream."""
        before = len(self.violations)
        super().add_items(target, kind, items)
        self._note(f"puts {len(items)} values into {describe(target)}", _origin(target), before=before)


class _Explaining(Judge):
    whole: ClassVar[bool] = False

    def __init__(self, policy: Policy | None, settings: Settings) -> None:
        super().__init__(policy, settings)
        self.told: list[tuple[str, list[Step]]] = []

    def make_reader(self, settings: Settings, *, arrays: bool = True) -> ArrayReader:
        """Make what reads a stream and tells its steps."""
        return Narrator(self.policy, settings, arrays=arrays)

    def told_by(self, reader: ArrayReader, where: str) -> None:
        """Keep the steps of a pickle."""
        if isinstance(reader, Narrator):
            self.told.append((where, reader.steps))


def explain(
    path: str, policy: Policy | None, settings: Settings | None = None
) -> tuple[Report, list[tuple[str, list[Step]]]]:
    """Give the report on a file, and for each pickle in it where it lies and what it does."""
    judge = _Explaining(policy, settings or Settings())
    return judge.path(path), judge.told


def _arguments(args: Tag) -> str:
    if type(args) is not Tuple:
        return f" with {describe(args)}"
    shown = [repr(item) if type(item) in (str, int, bool) else describe(item) for item in args.items[:_SHOWN]]
    more = ", ..." if len(args.items) > _SHOWN else ""
    return f"({', '.join(shown)}{more})"


def _state(state: Tag) -> str:
    if type(state) is Container and state.entries:
        keys = list(state.entries)
        return f"a dict with {', '.join(keys[:_SHOWN])}{', ...' if len(keys) > _SHOWN else ''}"
    return describe(state)


def _origin(target: Tag) -> str:
    if type(target) is Object and target.origin is not None:
        return str(target.origin.path)
    return describe(target)


# ---- the command ----------------------------------------------------------------------------------------------------


def main(argv: Sequence[str]) -> int:
    """Run the command; give its exit code: that of verify, without a policy that of trace."""
    options = _parser().parse_args(argv)
    try:
        policy = Policy.load(options.policy) if options.policy else None
        report, told = explain(options.file, policy, Settings(encoding=options.encoding, errors=options.errors))
    except PickleBallError as error:
        sys.stderr.write((json.dumps({"error": str(error)}) if options.json else f"pickleball: {error}") + "\n")
        return 2
    if options.offset is not None:
        told = [(where, [step for step in steps if step.offset == options.offset]) for where, steps in told]
    if options.json:
        pickles = [{"where": where, "steps": [step.to_dict() for step in steps]} for where, steps in told]
        content = {"path": report.path, "sha256": report.sha256, "errors": report.errors, "pickles": pickles}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(report, told)) + "\n")
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pickleball explain",
        description="Say step by step what a file asks for, what it would do, and which entry would allow it.",
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--policy", help="say of each step whether this policy allows it")
    parser.add_argument("--offset", type=int, help="only the steps of the opcode at this offset")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--encoding", default="ASCII", help="the encoding= that the loader gives to pickle")
    parser.add_argument("--errors", default="strict", help="the errors= that the loader gives to pickle")
    return parser


def _lines(report: Report, told: list[tuple[str, list[Step]]]) -> list[str]:
    lines = []
    for where, steps in told:
        lines.append(f"{report.path}{f' [{where}]' if where else ''}")
        lines += [_line(step) for step in steps] or ["  only data"]
    return lines + [f"  {error}" for error in report.errors]


def _line(step: Step) -> str:
    text = f"  {step.offset:>7} {step.opcode:<13} {step.does}"
    if step.effect:
        text += f"; it {step.effect}"
    if step.verdict:
        text += f" [{step.verdict}]"
    if step.entry and step.verdict != "allowed":
        text += f" (entry: {step.entry} in {step.list})"
    return text
