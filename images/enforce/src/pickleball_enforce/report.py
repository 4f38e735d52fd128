"""What the verifier says: violations, predicted imports with their obligations, verdicts and reports.

For those who build drivers on it:

* `Verdict` is the judgement of one pickle up to STOP. A stream may run only when `verdict.clean`.
* `verdict.imports[i]` predicts the i-th call of `find_class`: compare `module` and `name` with the arguments, in order;
  skip a prediction with `optional` when the next call is not the one that it predicts (a cached extension code).
  `decision` is "allow" (import it, then `obligations.discharge(object, prediction)` before it is returned),
  "stub" (return an inert stub named `prediction.path`) or "ask" (`Settings.renames`: the policy decides on the
  name that reaches the base class, by `obligations.decide(prediction, module, name, policy)`).
* `optional`: when `names.cached_extension(prediction.code)` is not None before the run, call
  `obligations.check_cached(prediction)`; find_class will not be called for it.
* `obligations.needs_guard(object, prediction)` asks for `obligations.ResultGuard` around the callee: what it returns
  becomes a target of BUILD or item operations.
* `verdict.late` holds obligations on imports of earlier loads of the same Unpickler: discharge them before the run on
  the objects that those imports gave (the Import is the same Python object as in the earlier verdict).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Violation:
    """One thing that a stream does and the policy or a rule does not allow."""

    rule: str
    name: str
    opcode: str
    offset: int
    sentence: str
    allow: tuple[str, str] | None = None  # (list, entry) of the policy that would allow it, if one could

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


@dataclass(frozen=True)
class Malformed:
    """Where a stream stops being a pickle, and why."""

    offset: int
    sentence: str


@dataclass(frozen=True)
class Obligation:
    """What must hold for the real object behind an import (kinds: see `obligations.KINDS`)."""

    kind: str
    detail: str
    opcode: str
    offset: int


@dataclass(eq=False)
class Import:
    """One predicted call of find_class, and all that the stream does with what it returns."""

    index: int
    offset: int
    opcode: str
    module: str
    name: str
    proto: int
    canonical: tuple[str, str]
    decision: str
    optional: bool = False
    code: int = 0  # the extension code
    fix_imports: bool = True
    helper: bool = False  # resolves without an entry, for one use whose arguments are checked
    operand: bool = False  # of the helpers: an operand of one (builtins.object for _reconstructor)
    parent: Import | None = None  # a getattr import: the attribute canonical[1] of the parent; find_class is not called
    attribute: str = ""
    children: list[Import] = field(default_factory=list, repr=False)  # getattr imports on this one
    obligations: list[Obligation] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)
    sealed: bool = False  # its load is over: new obligations go to Verdict.late
    seen: set[tuple[str, str]] = field(default_factory=set, repr=False)

    @property
    def path(self) -> str:
        """The dotted name that a policy lists."""
        return ".".join(self.canonical)

    @property
    def guarded(self) -> bool:
        """Whether results of calling it become BUILD or item targets."""
        return any(obligation.kind.startswith("result") for obligation in self.obligations)


@dataclass
class Verdict:
    """The judgement of one pickle up to STOP."""

    start: int
    end: int
    error: Malformed | None
    violations: list[Violation]
    imports: list[Import]
    late: list[tuple[Import, Obligation]] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the stream may run."""
        return self.error is None and not self.violations
