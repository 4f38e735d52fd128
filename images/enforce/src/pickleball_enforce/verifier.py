"""The verifier: an abstract unpickler that imports and calls nothing.

`Verifier(policy, settings)` lives as long as its Unpickler: its memo of tags persists over several loads.

Whole buffer (C driver, static driver)::

    verdict = verifier.verify(data, start)     # Verdict; never raises for a bad stream
    ... run it when verdict.clean ...
    verifier.abandon()                         # when the run failed half way: memo entries are foreign from then on

Lockstep (Python driver)::

    verifier = Verifier(policy, settings, on_obligation=callback)
    verifier.begin()
    violations = verifier.step(opcode, argument, offset)   # before the opcode's effect; raises MalformedStream
    verifier.depths                            # (marks, items since the last mark): compare after the effect
    verdict = verifier.finish()                            # after STOP

`argument` is the raw bytes that follow the opcode (`opcodes.read_argument(opcode, read, readline)` reads exactly them).
After a step with GLOBAL, INST, STACK_GLOBAL or EXT*, `verifier.imports[-1]` predicts the find_class call.
`callback(import, obligation)` is called within `step`, for each obligation, also on imports whose object is already
there; for kinds `result-*` the object to check is the target on the real stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .policy import Policy
    from .report import Import, Obligation, Verdict, Violation


@dataclass(frozen=True)
class Settings:
    """How the Unpickler was made, and the bounds of what is judged."""

    encoding: str = "ASCII"
    errors: str = "strict"
    fix_imports: bool = True
    buffers: bool | None = None  # whether `buffers=` was given; None: not known (static)
    renames: bool = False  # find_class is overridden: structure is judged here, names at the base class
    max_length: int = 1 << 40  # bytes of one stream
    max_depth: int = 50_000_000  # values on the stack
    max_memo: int = 50_000_000  # memo entries
    memo_floor: int = 1 << 16  # memo indexes up to here are accepted in streams of any length
    max_hash_cost: int = 1 << 26  # elements hashed in a stream, beyond eight for each of its bytes
    max_hash_depth: int = 500  # nesting of tuples in a key
    max_name: int = 1024  # characters of a module, name or state key
    max_violations: int = 1000


class Verifier:
    """Judges the pickles of one Unpickler."""

    def __init__(
        self,
        policy: Policy,
        settings: Settings | None = None,
        on_obligation: Callable[[Import, Obligation], None] | None = None,
    ) -> None:
        raise NotImplementedError

    def verify(self, data: bytes | memoryview, start: int = 0) -> Verdict:
        """Judge one pickle from `start` up to its STOP."""
        raise NotImplementedError

    def begin(self, start: int = 0) -> None:
        """Begin a load: the stack, the marks and the protocol are new, the memo stays."""
        raise NotImplementedError

    def step(self, opcode: int, argument: bytes, offset: int) -> tuple[Violation, ...]:
        """Take one opcode before its effect; give the violations that it brings."""
        raise NotImplementedError

    @property
    def depths(self) -> tuple[int, int]:
        """How many marks are open, and how many values lie above the last one."""
        raise NotImplementedError

    def finish(self) -> Verdict:
        """Judge what was stepped through since `begin`."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Forget what the memo held: the load that was judged did not run to its end."""
        raise NotImplementedError

    def adopt(self, keys: Iterable[int]) -> None:
        """Take memo entries that the application set; they are its data."""
        raise NotImplementedError

    def share_memo(self, other: Verifier) -> None:
        """Take another Unpickler's memo (`u.memo = other.memo`)."""
        raise NotImplementedError
