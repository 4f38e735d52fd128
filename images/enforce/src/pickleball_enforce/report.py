"""What the verifier says: violations, predicted imports with their obligations, verdicts and reports.

For those who build drivers on it:

* `Verdict` is the judgement of one pickle up to STOP. A stream may run only when `verdict.clean`.
* `verdict.imports[i]` predicts the i-th call of `find_class`: compare `module` and `name` with the arguments, in order;
  skip a prediction with `optional` when the next call is not the one that it predicts (a cached extension code).
  `decision` is "allow" (import it, then `obligations.discharge(object, prediction)` before it is returned),
  "stub" (return an inert stub named `prediction.path`) or "ask".
* With `Settings.renames` (an overridden find_class) every prediction that is no helper says "ask": the policy decides
  on the canonical name that reaches the base class, or on the stream's own when none does, by
  `renames.decide(prediction, module, name, policy)`, also for helpers; then `discharge`, as always.
* `optional`: when `names.cached_extension(prediction.code)` is not None before the run, call
  `obligations.check_cached(prediction)`; find_class will not be called for it.
* `guards.needs_guard(object, prediction)` asks for `guards.guarded` around the callee: what it returns
  becomes a target of BUILD or of item operations.
* `verdict.persistent[n]` (with `Settings.persistent_classes`): what the n-th persistent_load gives is instantiated, so
  it must be the very object that this import gave. In lockstep: an obligation of kind `persistent`, checked on the
  stack.
* `verdict.late` holds obligations on imports of earlier loads of the same Unpickler: discharge them before the run on
  the objects that those imports gave (the Import is the same Python object as in the earlier verdict).
"""

from __future__ import annotations

import builtins

from .value import Value

TYPE_CHECKING = False  # typing is not imported: that would be paid at every start
if TYPE_CHECKING:
    from typing import Any

    from .policy import Entry


class Violation(Value):
    """One thing that a stream does and the policy or a rule does not allow."""

    def __init__(
        self, rule: str, name: str, opcode: str, offset: int, sentence: str, allow: tuple[str, str] | None = None
    ) -> None:
        self.rule = rule
        self.name = name
        self.opcode = opcode
        self.offset = offset
        self.sentence = sentence
        self.allow = allow  # (list, entry) of the policy that would allow it, if one could

    def to_dict(self) -> dict[str, Any]:
        """Give the fields that a violation record has from the stream."""
        allow = {"list": self.allow[0], "entry": self.allow[1]} if self.allow else None
        return {
            "rule": self.rule,
            "name": self.name,
            "opcode": self.opcode,
            "offset": self.offset,
            "allow": allow,
            "sentence": self.sentence,
        }


UNDECODABLE = "A byte string of Python 2 cannot be decoded"  # how the sentence begins; the driver's error depends on it


class Malformed(Value):
    """Where a stream stops being a pickle, and why."""

    def __init__(self, offset: int, sentence: str) -> None:
        self.offset = offset
        self.sentence = sentence


class Obligation(Value):
    """What must hold for the real object behind an import (kinds: see `obligations.KINDS`)."""

    def __init__(self, kind: str, detail: str, opcode: str, offset: int) -> None:
        self.kind = kind
        self.detail = detail
        self.opcode = opcode
        self.offset = offset


class Import(Value):
    """One predicted call of find_class, and all that the stream does with what it returns."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(
        self,
        index: int,
        offset: int,
        opcode: str,
        module: str,
        name: str,
        proto: int,
        canonical: tuple[str, str],
        decision: str,
        optional: bool = False,  # noqa: FBT001, FBT002 - the compiled verifier calls it
        code: int = 0,
        fix_imports: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        self.index = index
        self.offset = offset
        self.opcode = opcode
        self.module = module
        self.name = name
        self.proto = proto
        self.canonical = canonical
        self.decision = decision
        self.optional = optional
        self.code = code  # the extension code
        self.fix_imports = fix_imports
        self.helper = False  # resolves without an entry, for one use whose arguments are checked
        self.operand = False  # of the helpers: an operand of one (builtins.object for _reconstructor)
        self.unkept = False  # nothing keeps it as data yet, and it may have to stay so
        self.parent: Import | None = None  # a getattr import: canonical[1] of the parent; find_class is not called
        self.attribute = ""
        self.children: list[Import] = []  # getattr imports on this one
        self.obligations: list[Obligation] = []
        self.uses: set[str] = set()
        self.sealed = False  # its load is over: new obligations go to Verdict.late
        self.seen: set[tuple[str, str]] = set()
        self.items: dict[str, None] = {}  # keys of items of its instances whose values may be called
        self.odd_items = False  # ... and whether there are items of which nothing is known

    def __repr__(self) -> str:
        return f"<Import {self.index} of {self.path}: {self.decision}>"

    @property
    def path(self) -> str:
        """The dotted name that a policy lists."""
        return ".".join(self.canonical)

    @property
    def is_method(self) -> bool:
        """Whether it stands for a method that a traced stream binds: no find_class call belongs to it."""
        return self.index < 0 and self.parent is None

    @property
    def guarded(self) -> bool:
        """Whether results of calling it become BUILD or item targets."""
        return any(obligation.kind.startswith("result") for obligation in self.obligations)


class Verdict(Value):
    """The judgement of one pickle up to STOP."""

    def __init__(
        self,
        start: int,
        end: int,
        error: Malformed | None,
        violations: list[Violation],
        imports: list[Import],
        late: list[tuple[Import, Obligation]] | None = None,
        persistent: dict[int, Import] | None = None,
    ) -> None:
        self.start = start
        self.end = end
        self.error = error
        self.violations = violations
        self.imports = imports
        self.late = [] if late is None else late
        self.persistent = {} if persistent is None else persistent

    @property
    def clean(self) -> bool:
        """Whether the stream may run."""
        return self.error is None and not self.violations


class Stream(Value):
    """One pickle of a file: where it lies (a member of an archive, an array, a nested literal) and its judgement."""

    def __init__(self, where: str, verdict: Verdict, needs: list[Import] | None = None) -> None:
        self.where = where
        self.verdict = verdict
        self.needs = [] if needs is None else needs


class Report(Value):
    """The judgement of one file."""

    def __init__(
        self,
        path: str,
        sha256: str = "",
        format: str = "",  # noqa: A002 - the field's name
        streams: list[Stream] | None = None,
        error: str = "",
    ) -> None:
        self.path = path
        self.sha256 = sha256
        self.format = format
        self.streams = [] if streams is None else streams
        self.error = error  # why the file, or a part of it, could not be judged
        self.empty = False  # an archive without any pickle

    @property
    def violations(self) -> list[Violation]:
        """All violations, in the order of the file."""
        return [violation for stream in self.streams for violation in stream.verdict.violations]

    @property
    def errors(self) -> list[str]:
        """Every reason why something could not be judged."""
        found = [self.error] if self.error else []
        for stream in self.streams:
            if stream.verdict.error:
                place = f"{stream.where}: " if stream.where else ""
                found.append(f"{place}offset {stream.verdict.error.offset}: {stream.verdict.error.sentence}")
        return found

    @property
    def clean(self) -> bool:
        """Whether every pickle of the file stays inside the policy."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0: clean, 1: violations, 2: could not judge."""
        return 1 if self.violations else 2 if self.errors or not self.streams else 0

    def needed(self) -> Entry:
        """Give the least that a policy has to allow for the file (of a report that was traced)."""
        from .policy import Entry  # noqa: PLC0415 - a scan needs none

        needs = [item for stream in self.streams for item in stream.needs]
        reduces = {item.path for item in needs if _is_called(item)} | self.replacing().keys()
        made = {item.path for item in needs if "instance" in item.uses}
        kept = {item.path for item in needs if not item.helper and not (item.unkept and item.path in made)}
        return Entry.union([Entry(tuple(kept), tuple(reduces), tuple(made))])

    def replacing(self) -> dict[str, list[str]]:
        """Give the bound methods that `reduces` lists only because a state sets them: for each, under which names.

        Such a method has to stand there where the class has a method of that name, which only its code tells.
        """
        needs = [item for stream in self.streams for item in stream.needs]
        called = {item.path for item in needs if _is_called(item)}
        found: dict[str, set[str]] = {}
        for item in needs:
            names = {obligation.detail for obligation in item.obligations if obligation.kind == "replaces"}
            if item.is_method and names and item.path not in called:
                found.setdefault(item.path, set()).update(names)
        return {path: sorted(names) for path, names in sorted(found.items())}

    def to_dict(self) -> dict[str, Any]:
        """Give the report as JSON can hold it."""
        violations = [
            {"where": stream.where, **violation.to_dict()}
            for stream in self.streams
            for violation in stream.verdict.violations
        ]
        return {
            "path": self.path,
            "sha256": self.sha256,
            "format": self.format,
            "verdict": ("clean", "violations", "could not judge")[self.exit_code],
            "errors": self.errors,
            "violations": violations,
            "streams": [
                {
                    "where": stream.where,
                    "start": stream.verdict.start,
                    "end": stream.verdict.end,
                    "imports": sorted({item.path for item in stream.verdict.imports}),
                    "stubs": sorted({item.path for item in stream.verdict.imports if item.decision == "stub"}),
                }
                for stream in self.streams
            ],
        }


def _is_called(item: Import) -> bool:
    """Whether `reduces` has to list the name.

    A function that a partial or a default dict holds has to stand there, a class need not: which one it is cannot be
    seen without importing it, so the name decides: classes are written in capitals, builtin types are known.
    """
    if "call" in item.uses:
        return True
    if "held" not in item.uses:
        return False
    last = item.canonical[1].rpartition(".")[2]
    return not (last.lstrip("_")[:1].isupper() or isinstance(getattr(builtins, last, None), type))
