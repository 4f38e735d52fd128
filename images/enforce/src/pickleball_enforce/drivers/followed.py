"""The Python driver's fast way: stretches of opcodes are judged at once, then run by stock's own handlers.

A frame lies in memory before anything of it runs, so all of it is judged by the compiled verifier; what stands outside
frames comes opcode by opcode. The verifier gives back the opcodes and their arguments apart, cut where the driver has
something to do: at imports, at what changes the results of calls, and at every opcode whose handler is not stock's.
Between them stock's handlers run one after the other; the depths of the stacks are compared at each cut.
"""

from __future__ import annotations

import io
from pickle import UnpicklingError

from pickleball_enforce import engine, stock
from pickleball_enforce.opcodes import LITERALS, NAMES, read_argument
from pickleball_enforce.report import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pickleball_enforce._verifier import Segment

    from .interpreted import Unpickler, _Lockstep

_CODES = {name: code for code, name in NAMES.items()}
_FRAME = _CODES["FRAME"]
_FIXED = [_CODES[name] for name in ("FRAME", "STOP", "PERSID", "BINPERSID")]  # their handlers have to be stock's
_PERSISTENT = (_CODES["PERSID"], _CODES["BINPERSID"])
_LOOKED_AT = (*_PERSISTENT, *(_CODES[name] for name in ("EXT1", "EXT2", "EXT4")))  # each time
_LONG = 1 << 16  # bytes of a literal that the verifier does not see
_EMPTY = io.BytesIO()
_LARGEST_KEY = 1 << 24  # of a memo that the program has filled
_WIDTH = 8  # bytes of a frame's length
_PIECE = 1 << 20  # bytes of a frame that are read at once
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
    """Follows one load."""

    def __init__(self, owner: Unpickler, lockstep: _Lockstep) -> None:
        self._owner = owner
        self._lockstep = lockstep
        self._dispatch: dict[int, Any] = {}
        self._handlers: list[Any] = []
        self._stops = b""
        self._fresh: set[int] = set()  # results of calls that nothing else holds
        self._offset = 0

    def run(self) -> Any:
        """Read, judge and run up to STOP."""
        try:
            while True:
                self._run_piece()
        except stock.module._Stop as stop:  # noqa: SLF001 - how stock's handler of STOP ends a load
            return stop.value

    def _run_piece(self) -> None:
        """Judge what can be read without reading ahead, and run it."""
        owner = self._owner
        session = self._lockstep.session
        key = owner._file_read(1)  # noqa: SLF001 - stock's reading, as bound when it was made
        if not key:
            session.refuse_malformed(Malformed(self._offset, "The stream ends without STOP."), truncated=True)
            raise EOFError
        opcode = key[0]
        content = b""
        try:
            if opcode == _FRAME:
                argument = self._exactly(_WIDTH)
                content = self._frame(int.from_bytes(argument, "little"))
            else:
                argument = bytes(read_argument(opcode, owner._file_read, owner._file_readline))  # noqa: SLF001
        except ValueError as error:
            session.refuse_malformed(Malformed(self._offset, f"{error}."), truncated=True)
            raise
        self._look_at_handlers()
        head = LITERALS.get(opcode, 0) if len(argument) > _LONG else 0
        piece = bytes((opcode,)) + (argument[:head] if head else argument) + content
        gap = len(argument) - head if head else None
        self._offset += len(piece) + (gap or 0)
        for segment in self._judge(piece, gap):
            self._run_segment(segment, argument if head else segment[1])

    def _exactly(self, size: int) -> bytes:
        """Read so many bytes; ValueError where the stream ends before."""
        data = bytes(self._owner._file_read(size))  # noqa: SLF001 - see above
        if len(data) != size:
            raise ValueError("the stream ends inside the argument of FRAME")
        return data

    def _frame(self, size: int) -> bytes:
        """Read a frame in pieces: a false length costs no memory."""
        pieces = []
        left = size
        while left:
            piece = bytes(self._owner._file_read(min(left, _PIECE)))  # noqa: SLF001 - see above
            if not piece:
                raise UnpicklingError("pickle exhausted before end of frame")
            if len(piece) == size:
                return piece
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _look_at_handlers(self) -> None:
        """Take the handlers as they are now; a handler may have put others there."""
        current = list(self._owner.dispatch.values())
        if current == self._handlers:
            return
        self._handlers = current
        stops = _stops(self._owner.dispatch)
        if stops is None:
            self._owner._pickleball_diverge(self._lockstep, _FRAME, "has changed while it loads")  # noqa: SLF001
        self._dispatch, self._stops = dict(self._owner.dispatch), stops or b""

    def _look_at_methods(self, opcode: int) -> None:
        """Refuse to go on where a handler has put other methods there than those that it was followed with."""
        if not _has_methods(self._owner):
            self._owner._pickleball_diverge(self._lockstep, opcode, "finds methods that are not stock's")  # noqa: SLF001

    def _judge(self, piece: bytes, gap: int | None) -> list[Segment]:
        session = self._lockstep.session
        verifier = session.verifier
        error, violations, late, segments, _ = verifier.follow(piece, self._stops, gap)
        session.refuse(violations)
        if error is not None:
            session.refuse_malformed(error, truncated=False)
        for prediction, obligation in late:
            self._lockstep.check(prediction, obligation, fresh=False)
        return segments  # type: ignore[no-any-return]

    def _give(self, argument: bytes, read: int = 0) -> io.BytesIO:
        """Let handlers read the arguments of their opcodes, from a place on."""
        owner = self._owner
        given = io.BytesIO(argument) if argument else _EMPTY
        given.seek(read)
        owner.read, owner.readline, owner.readinto = given.read, given.readline, given.readinto
        return given

    def _run_plain(self, opcodes: bytes, argument: bytes) -> io.BytesIO:
        """Do what stock's handlers do, one after the other; give what of their arguments is left."""
        owner, handlers, handle = self._owner, self._dispatch, engine.native.handle
        at, read = handle(owner, opcodes, argument, 0, 0)
        given = None
        while at < len(opcodes):
            if given is None:
                given = self._give(argument)
            given.seek(read)
            handlers[opcodes[at]](owner)
            at, read = handle(owner, opcodes, argument, at + 1, given.tell())
        if given is None:
            return _EMPTY if read == len(argument) else self._give(argument, read)
        given.seek(read)
        return given

    def _run_segment(self, segment: Segment, argument: bytes) -> None:
        opcodes, _, depths, special = segment
        owner, handlers = self._owner, self._dispatch
        if special is None:
            given = self._run_plain(opcodes, argument)
        else:
            given = self._give(argument)
            prediction, events, target = special
            for origin, obligation in events:
                self._lockstep.check(origin, obligation, fresh=target in self._fresh)
            if prediction is not None or opcodes[0] in _LOOKED_AT:
                owner._pickleball_expect(self._lockstep, prediction, opcodes[0], argument)  # noqa: SLF001 - as lockstep
            if opcodes[0] in _PERSISTENT:
                self._look_at_methods(opcodes[0])
            handlers[opcodes[0]](owner)
            if self._stops[opcodes[0]]:
                self._look_at_methods(opcodes[0])
        owner._pickleball_compare(self._lockstep, opcodes[-1], given, depths)  # noqa: SLF001
        if special is not None and not special[1] and special[2] is not None and owner._pickleball_is_fresh():  # noqa: SLF001
            self._fresh.add(special[2])
