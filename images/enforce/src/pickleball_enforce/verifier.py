"""The verifier: an abstract unpickler that imports and calls nothing.

`Verifier(policy, settings)` lives as long as its Unpickler: its memo of tags persists over several loads.

Whole buffer (C driver, static driver)::

    verdict = verifier.verify(data, start)     # Verdict; never raises for a bad stream
    ... run it when verdict.clean ...
    verifier.abandon()                         # when it failed or was refused: nothing gets its memo entries

Lockstep (Python driver)::

    verifier = Verifier(policy, settings, on_obligation=callback)
    verifier.begin()
    violations = verifier.step(opcode, argument, offset)   # before the opcode's effect; raises MalformedStream
    verifier.depths                            # (marks, items since the last mark): compare after the effect
    verdict = verifier.finish()                            # after STOP

`argument` is the raw bytes that follow the opcode (`opcodes.read_argument(opcode, read, readline)` reads exactly them).
After a step with GLOBAL, INST, STACK_GLOBAL or EXT*, `verifier.imports[-1]` predicts the find_class call.
`callback(import, obligation)` is called within `step`, also for imports whose object is already there: check it with
`obligations.discharge_one(object, import, obligation)`. For kinds `result-*` with a callee that is no class, check the
target on the real stack with `obligations.check_result(target, callee, import, obligation, holders=(stack, memo))`.
An import with a `parent` is a getattr in the stream: its object is that attribute of the parent's object.

With `policy=None` the verifier traces: everything is allowed, and `needs` says what a policy would have to list.
"""

from __future__ import annotations

from . import errors
from .effects import Effects
from .machine import UNBOUNDED
from .opcodes import NAMES
from .report import Malformed, Verdict
from .settings import Settings
from .tags import Object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from mmap import mmap
    from typing import Any

    from .report import Violation

__all__ = ["Settings", "Verifier"]

_FRAME = 0x95


class Verifier(Effects):
    """Judges the pickles of one Unpickler."""

    _handlers: list[Callable[[Any], None] | None]

    def __init_subclass__(cls) -> None:
        cls._handlers = _handlers_of(cls)

    # ---- whole buffers -----------------------------------------------------------------------------------------------

    def lean(self) -> bytes | None:
        """Give a pickle that loads as the one that was judged `last`, and sooner: only the compiled one does."""
        return None

    def verify(
        self,
        data: bytes | bytearray | memoryview | mmap,
        start: int = 0,
        *,
        gaps: Iterable[tuple[int, int]] = (),
        last: bool = False,  # noqa: ARG002 - what the compiled one can save, this one has not
    ) -> Verdict:
        """Judge one pickle from `start` up to its STOP. A bad stream is told by the verdict, never raised.

        `gaps` tells where the data leaves out the bytes of literals, which are only data, and how many; `last` that no
        other load will use the memo.
        """
        saved = dict(self.memo) if self.memo else {}
        self.begin(start)
        self._stepping = False
        self._gaps = list(gaps)
        self._data = bytes(data) if isinstance(data, (bytearray, memoryview)) else data
        try:
            self._run()
        except errors.PickleBallError as error:
            self._error = Malformed(self._at, getattr(error, "sentence", str(error)))
        verdict = self.finish()
        if not verdict.clean:
            self.memo = saved  # nothing of it will run
        self._data = b""
        return verdict

    def finish(self) -> Verdict:
        """Give the judgement of what was read since `begin`."""
        if not self._stepping:
            self._memo_span = self._read_so_far
        if not self._stopped and self._error is None:
            self._error = Malformed(self._position, "The stream ends without STOP.")
        return Verdict(
            self._start, self._position, self._error, self.violations, self.imports, self.late, self.persistent
        )

    def _run(self) -> None:
        data = self._data
        end = len(data)
        if end - self._start + self._left_out() > self.settings.max_length:
            self.malformed(f"The stream is longer than {self.settings.max_length} bytes.")
        handlers = self._handlers
        while not self._stopped:
            at = self._pos
            if at >= end:
                self._at = self._position = at + self._shift
                self.malformed("The stream ends without STOP.")
            self._at = at + self._shift
            self._opcode = opcode = data[at]
            self._pos = at + 1
            handler = handlers[opcode]
            if handler is None:
                self.malformed(f"0x{opcode:02x} is no opcode.")
            handler(self)
            if self._pos + self._shift >= self._frame_end:
                self._leave_frame()
        self._position = self._pos + self._shift
        self._close()

    def _close(self) -> None:
        """After STOP, no frame may have bytes left: the C unpickler would keep them for the next load."""
        if self._stopped and (self._frame_left or self._frame_end != UNBOUNDED):
            self.malformed("A frame reaches past STOP.")

    # ---- in lockstep -------------------------------------------------------------------------------------------------

    def step(self, opcode: int, argument: bytes, offset: int) -> tuple[Violation, ...]:
        """Take one opcode before its effect; give the violations that it brings. Raises MalformedStream."""
        before = len(self.violations)
        self._at = self._position = offset
        self._opcode = opcode
        if self._stopped:
            self.malformed("An opcode follows STOP.")
        handler = self._handlers[opcode]
        if handler is None:
            self.malformed(f"0x{opcode:02x} is no opcode.")
        size = 1 + len(argument)
        if self._frame_left:
            if opcode == _FRAME:
                self.malformed("A frame begins before the end of another.")
            if size > self._frame_left:
                self.malformed("A frame ends inside an opcode.")
            self._frame_left -= size
        self._memo_span += size
        self._data = argument
        self._pos = 0
        try:
            handler(self)
            if self._pos != len(argument):
                self.malformed(f"The argument of {NAMES[opcode]} has a wrong length.")
        finally:
            self._data = b""
            self._start = self._pos = 0
        self._position = offset + size
        self._close()
        return tuple(self.violations[before:])

    @property
    def depths(self) -> tuple[int, int]:
        """How many marks are open, and how many values lie above the last one."""
        return len(self._marks), len(self.stack) - self._fence

    def note_fresh(self) -> None:
        """Take note that nothing else holds what the last REDUCE gave (lockstep)."""
        if self.stack and type(self.stack[-1]) is Object:
            self.stack[-1].fresh = True

    @property
    def target_fresh(self) -> bool:
        """Whether the target of the current BUILD or item operation was noted as fresh."""
        return bool(self.stack) and type(self.stack[-1]) is Object and self.stack[-1].fresh

    @property
    def stopped(self) -> bool:
        """Whether STOP was read."""
        return self._stopped


def _handlers_of(cls: type[Verifier]) -> list[Callable[[Any], None] | None]:
    """Give the methods of a class by opcode."""
    return [getattr(cls, f"_op_{NAMES[code].lower()}") if code in NAMES else None for code in range(256)]


Verifier._handlers = _handlers_of(Verifier)  # noqa: SLF001 - of those that derive from it: __init_subclass__
