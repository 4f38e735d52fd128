"""The Python driver's fast way: stretches of opcodes are judged at once, then run in compiled code.

A frame lies in memory before anything of it runs, so all of it is judged by the compiled verifier; what stands outside
frames comes opcode by opcode. What was judged is cut where there is something to do: at imports, at what changes the
results of calls, and at every opcode whose handler is not stock's; that handler is called there. Between them the
compiled module does what stock's handlers do, or calls them; the depths of the stacks are compared at each cut.
The loop is compiled (`follow_load`); here is which unpicklers it may follow, and what it leaves to Python.
"""

from __future__ import annotations

from pickleball_enforce import engine, stock
from pickleball_enforce.opcodes import LITERALS, NAMES, read_argument
from pickleball_enforce.report import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pickleball_enforce.report import Import, Obligation, Violation

    from .interpreted import Unpickler, _Lockstep

_CODES = {name: code for code, name in NAMES.items()}
_FRAME = _CODES["FRAME"]
_FIXED = [_CODES[name] for name in ("FRAME", "STOP", "PERSID", "BINPERSID")]  # their handlers have to be stock's
_PERSISTENT = (_CODES["PERSID"], _CODES["BINPERSID"])
_LOOKED_AT = (*_PERSISTENT, *(_CODES[name] for name in ("EXT1", "EXT2", "EXT4")))  # each time, as in the loop
_LONG = 1 << 16  # bytes of a literal that the verifier does not see
_LARGEST_KEY = 1 << 24  # of a memo that the program has filled
_HANDLERS = dict(stock.PythonUnpickler.dispatch)
# What stock's handlers use of the unpickler beside its dispatch table: attributes of its class, and of the instance.
_METHODS = {
    name: value
    for name, value in vars(stock.PythonUnpickler).items()
    if not name.startswith(("load", "__")) and name not in ("dispatch", "find_class")
}
_ATTRIBUTES = ("stack", "metastack", "append", "proto", "memo", "read", "readline", "readinto", "_unframer")


def can_follow(owner: Unpickler) -> bool:
    """Whether an unpickler leaves everything but entries of its dispatch table as stock has it."""
    cls: Any = type(owner)
    return (
        engine.native is not None
        and cls.__getattribute__ is object.__getattribute__
        and cls.__setattr__ is object.__setattr__
        and _has_methods(owner)
        and not any(hasattr(cls, name) for name in _ATTRIBUTES)
        and type(owner.memo) is dict
        and all(type(key) is int and 0 <= key < _LARGEST_KEY for key in owner.memo)
        and _stops(owner.dispatch) is not None
    )


def _has_methods(owner: Unpickler) -> bool:
    """Whether the methods that stock's handlers use are stock's."""
    cls = type(owner)
    if not vars(owner).keys().isdisjoint(_METHODS):
        return False
    for name, value in _METHODS.items():  # noqa: SIM110 - asked for each object: a generator takes twice as long
        if getattr(cls, name, None) is not value:
            return False
    return True


def _stops(dispatch: dict[int, Any]) -> bytes | None:
    """Mark opcodes that no handler of stock runs, or that are looked at each time; None where one has to be stock's."""
    if type(dispatch) is not dict or any(dispatch.get(code) is not _HANDLERS[code] for code in _FIXED):
        return None
    return bytes(code in _LOOKED_AT or dispatch.get(code) is not _HANDLERS.get(code) for code in range(256))


class Follower:
    """What the loop of one load, which is compiled, leaves to Python: it calls the methods here."""

    def __init__(self, owner: Unpickler, lockstep: _Lockstep) -> None:
        self._owner = owner
        self._lockstep = lockstep

    def run(self) -> Any:
        """Read, judge and run up to STOP."""
        try:
            return self._lockstep.session.verifier.follow_load(self._owner, self, _METHODS)
        except stock.module._Stop as stop:  # noqa: SLF001 - how stock's handler of STOP ends a load
            return stop.value

    def read_opcode(self, key: bytes, offset: int) -> tuple[bytes, tuple[int, bytes] | None]:
        """Read an opcode outside frames: all of it, or the head of a long literal, how much is left out, and all."""
        owner = self._owner
        if not key:
            self._lockstep.begun = offset > 0
            malformed = Malformed(offset, "The stream ends without STOP.")
            self._lockstep.session.refuse_malformed(malformed, truncated=True)
            raise EOFError
        opcode = key[0]
        try:
            argument = bytes(read_argument(opcode, owner._file_read, owner._file_readline))  # noqa: SLF001 - as bound
        except ValueError as error:
            self._lockstep.session.refuse_malformed(Malformed(offset, f"{error}."), truncated=True)
            raise
        head = LITERALS.get(opcode, 0) if len(argument) > _LONG else 0
        if head:
            return bytes((opcode,)) + argument[:head], (len(argument) - head, argument)
        return bytes((opcode,)) + argument, None

    def refuse_frame(self, offset: int) -> None:
        """Refuse a stream that ends in the length of a frame."""
        sentence = "the stream ends inside the argument of FRAME"
        self._lockstep.session.refuse_malformed(Malformed(offset, f"{sentence}."), truncated=True)
        raise ValueError(sentence)

    def take_handlers(self) -> tuple[dict[int, Any], bytes]:
        """Give the handlers as they are now, and at which opcodes there is something to do."""
        dispatch = self._owner.dispatch
        handlers = dict(dispatch) if type(dispatch) is dict else {}
        stops = _stops(handlers)
        if stops is None:
            self.diverge(_FRAME, "has changed while it loads")
        return handlers, stops or b""

    def look_at(
        self, error: Malformed | None, violations: list[Violation], late: list[tuple[Import, Obligation]]
    ) -> None:
        """Refuse what was found, and check what is due of imports whose objects are there."""
        session = self._lockstep.session
        session.refuse(violations)
        if error is not None:
            session.refuse_malformed(error, truncated=False)
        for prediction, obligation in late:
            self._lockstep.check(prediction, obligation, fresh=False)

    def check(self, origin: Import, obligation: Obligation, fresh: bool) -> None:  # noqa: FBT001 - called by position
        """Check what a call gave before it is changed; `fresh` says that nothing else holds it."""
        self._lockstep.check(origin, obligation, fresh=fresh)

    def expect(self, prediction: Import | None, opcode: int, argument: bytes) -> None:
        """Get ready for an import, an extension code or a persistent id."""
        self._owner._pickleball_expect(self._lockstep, prediction, opcode, argument)  # noqa: SLF001 - as lockstep
        if opcode in _PERSISTENT:
            self.look_at_methods(opcode)

    def accept(self, opcode: int) -> None:
        """Check what an import has given."""
        self._owner._pickleball_meet(self._lockstep, opcode)  # noqa: SLF001 - as lockstep

    def look_at_methods(self, opcode: int) -> None:
        """Refuse to go on where a handler has put other methods there than those that it was followed with."""
        if not _has_methods(self._owner):
            self.diverge(opcode, "finds methods that are not stock's")

    def diverge(self, opcode: int, what: str) -> None:
        """Refuse what a handler has done."""
        self._owner._pickleball_diverge(self._lockstep, opcode, what)  # noqa: SLF001 - as lockstep
