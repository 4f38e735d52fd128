"""The Python driver: the verifier in lockstep with `pickle._Unpickler`, one step before each opcode's effect.

joblib and pandas derive from that class, replace entries of its dispatch table, and read between its opcodes. So
nothing is read ahead, each handler sees exactly the argument that was judged, and after it the depths of the real
stack are compared with those of the verifier. Unpicklers that replace nothing else take the way of `followed.py`.
"""

from __future__ import annotations

import _thread
import io
import sys
from pickle import UnpicklingError

from pickleball_enforce import exemptions, lookup, names, obligations, sharing, stock
from pickleball_enforce.errors import MalformedStream
from pickleball_enforce.opcodes import NAMES, read_argument
from pickleball_enforce.report import Import, Malformed, Obligation, Violation
from pickleball_enforce.settings import Settings

from .followed import Follower, can_follow
from .session import Session, sanctioned, substituted
from .tape import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_CODES = {name: code for code, name in NAMES.items()}
_IMPORTING = frozenset(_CODES[name] for name in ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"))
_EXTENSIONS = frozenset(_CODES[name] for name in ("EXT1", "EXT2", "EXT4"))
_HANDLERS = {code: stock.PythonUnpickler.dispatch[code] for code in _IMPORTING}
_INST = _CODES["INST"]
_REDUCE = _CODES["REDUCE"]
_TARGETS = {"BUILD": -2, "APPEND": -2, "SETITEM": -3}  # where the target lies; below the mark for the others
_EMPTY = io.BytesIO()


def _references(stack: list[Any]) -> int:
    """Count the references to what lies on top."""
    return sys.getrefcount(stack[-1])


_OWN_REFERENCES = _references([object()])  # to what nobody else holds


class _Unframer(stock.Unframer):  # type: ignore[misc]  # a class that is found at run time
    """Reads frames in pieces: a false length costs no memory, a short frame is an error."""

    current_frame: Any

    def load_frame(self, frame_size: int) -> None:
        if self.current_frame and self.current_frame.read() != b"":
            raise UnpicklingError("beginning of a new frame before end of current frame")
        pieces = []
        left = frame_size
        while left:
            piece = self.file_read(min(left, 1 << 20))
            if not piece:
                raise UnpicklingError("pickle exhausted before end of frame")
            pieces.append(bytes(piece))
            left -= len(piece)
        self.current_frame = io.BytesIO(b"".join(pieces))


class _Lockstep:
    """The judgement that goes along with the loads of one unpickler."""

    def __init__(self, settings: Settings, source: str, *, follows: bool) -> None:
        self.settings = settings
        self.follows = follows
        self.session = Session(settings, source, None if follows else self.oblige, on_stack=True)
        self.owner: Any = None
        self.prediction: Import | None = None  # of the import that is due
        self.under: Import | None = None  # ... under the name that reached the base class
        self.memo: Any = None  # the dict that belongs to the tags
        self._entries: dict[int, Any] = {}  # ... and what it held when the last load ended
        self.lost: Any = None  # a memo of which nothing is known any more, after a failure: nothing gets what it held
        self.begun = False  # whether the load has read anything
        self.extensions: dict[bytes, Import] = {}  # what the codes of this load stand for

    def keep(self, memo: Any) -> None:
        """Remember what the memo holds at the end of a load."""
        self.memo, self._entries = memo, memo.copy() if type(memo) is dict else {}

    def fits(self, memo: Any, keys: Iterable[int]) -> bool:
        """Whether a memo is that of the last load: the program, or another unpickler, may have put others there."""
        return (
            memo is self.memo
            and memo.keys() == keys == self._entries.keys()
            and all(memo[key] is value for key, value in self._entries.items())
        )

    def oblige(self, target: Import, obligation: Obligation) -> None:
        """Check an obligation that a step brings to an import whose object is there already."""
        verifier = self.session.verifier
        self.check(target, obligation, fresh=verifier is not None and verifier.target_fresh)

    def check(self, target: Import, obligation: Obligation, *, fresh: bool) -> None:
        """Check an obligation; `fresh` says that nothing else holds the target of the opcode that brings it."""
        session = self.session
        try:
            obj = session.object_of(target)
        except KeyError:
            return  # find_class will check it
        except AttributeError:
            obj = None
        if obligation.kind == "persistent":
            if self.owner.stack[-3 if obligation.opcode == "NEWOBJ_EX" else -2] is not obj:
                session.refuse([substituted(target)])
            return
        session.refuse_asked(target, obligation)
        found = []
        result = obligation.kind.startswith("result-")
        if isinstance(obj, type) or not result:
            found = obligations.discharge_one(obj, target, obligation)
        if result and not found and (not isinstance(obj, type) or sharing.may_return_shared(obj)):
            holders = (self.owner.stack, *self.owner.metastack, self.owner.memo)
            found = obligations.check_result(self._target(obligation), obj, target, obligation, holders, fresh=fresh)
        session.refuse(found)

    def _target(self, obligation: Obligation) -> Any:
        owner = self.owner
        if obligation.kind == "result-method":  # of a getattr: its first argument
            return owner.stack[-1][0] if obligation.opcode == "REDUCE" else owner.stack[-2]
        position = _TARGETS.get(obligation.opcode)
        return owner.stack[position] if position is not None else owner.metastack[-1][-1]

    def find(self, module: str, name: str, find: Callable[[str, str], Any]) -> Any:
        """Answer the base class's find_class."""
        session = self.session
        if self.prediction is None:
            if session.audit or session.verifier is None:
                return sanctioned(find, module, name)
            return session.resolve_alone(module, name, find)
        obj, self.under = session.resolve(self.prediction, module, name, find)
        if not self.settings.renames:
            session.accept(self.prediction, self.under, obj)
        return obj


class Unpickler(stock.PythonUnpickler):  # type: ignore[misc]  # a class that is found at run time
    """Python's own unpickler; every opcode is judged before it takes effect."""

    _pickleball: _Lockstep | None = None
    _pickleball_free = False  # while an exempt load runs

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pickleball_lock = _thread.allocate_lock()
        self._pickleball = None
        file = args[0] if args else kwargs.get("file")
        self._pickleball_source = name_of(file)

    def load(self) -> Any:
        """Read a pickled object representation from the open file, and return the object that it describes."""
        lock = vars(self).get("_pickleball_lock")
        if lock is None or not hasattr(self, "_file_read"):
            name = type(self).__name__
            raise UnpicklingError(f"Unpickler.__init__() was not called by {name}.__init__()")
        if not lock.acquire(blocking=False):
            raise UnpicklingError("load() is already running on this Unpickler; it can neither be nested nor shared.")
        try:
            if exemptions.is_caller_exempt():
                return self._pickleball_exempt()
            return self._pickleball_load()
        finally:
            lock.release()

    def _pickleball_exempt(self) -> Any:
        """Load as stock does, for the channels between the processes of one program."""
        before, self._pickleball = self._pickleball, None
        self._pickleball_free = True
        try:
            return super().load()
        finally:
            self._pickleball, self._pickleball_free = before, False

    def _pickleball_load(self) -> Any:
        lockstep = self._pickleball_prepare()
        session = lockstep.session
        if session.verifier is None:
            session.refuse_fault()
            return super().load()
        self._unframer = _Unframer(self._file_read, self._file_readline)
        self.metastack: list[Any] = []
        self.stack: list[Any] = []
        self.append = self.stack.append
        self.proto = 0
        session.verifier.begin()
        lockstep.extensions.clear()
        lockstep.begun = True
        finished = False
        try:
            result = Follower(self, lockstep).run() if lockstep.follows else self._pickleball_run(lockstep)
            finished = True
        finally:
            lockstep.owner = lockstep.prediction = None
            if not finished and lockstep.begun:
                session.verifier.abandon()
                lockstep.lost = self.memo
            lockstep.keep(self.memo)
        session.report_stubs()
        return result

    def _pickleball_prepare(self) -> _Lockstep:
        """Make the judgement, or bring that of earlier loads up to date with what the program did since."""
        renames = (
            type(self).find_class is not Unpickler.find_class
            or "find_class" in vars(self)
            or any(self.dispatch.get(code) is not handler for code, handler in _HANDLERS.items())
        )
        settings = Settings(
            encoding=self.encoding,
            errors=self.errors,
            fix_imports=self.fix_imports,
            buffers=self._buffers is not None,
            renames=renames,
            persistent_classes=True,
        )
        follows = not renames and not lookup.current().audit and can_follow(self)
        lockstep = self._pickleball
        if lockstep is None or lockstep.follows != follows:
            before = lockstep
            lockstep = self._pickleball = _Lockstep(settings, self._pickleball_source, follows=follows)
            if before is not None and before.memo is self.memo:
                lockstep.lost = self.memo  # what was known of it has gone
        elif lockstep.settings != settings:
            lockstep.settings = settings
            if lockstep.session.verifier:
                lockstep.session.verifier.settings = settings
        verifier = lockstep.session.verifier
        if verifier and not lockstep.fits(self.memo, verifier.memo.keys()):
            verifier.adopt(self.memo)
            if lockstep.lost is self.memo:
                verifier.abandon()
        lockstep.owner = self
        return lockstep

    def _pickleball_run(self, lockstep: _Lockstep) -> Any:
        session = lockstep.session
        source = self._unframer
        offset = 0
        try:
            while True:
                key = source.read(1)
                if not key:
                    lockstep.begun = offset > 0
                    session.refuse_malformed(Malformed(offset, "The stream ends without STOP."), truncated=True)
                    raise EOFError
                opcode = key[0]
                heard = _Heard(source)
                argument = self._pickleball_step(lockstep, opcode, offset, heard)
                if argument is None:
                    return self._pickleball_stock(opcode, heard)
                offset += 1 + len(argument)
                given = io.BytesIO(argument) if argument else _EMPTY
                self.read, self.readline, self.readinto = given.read, given.readline, given.readinto
                self.dispatch[opcode](self)
                verifier = session.verifier
                self._pickleball_compare(lockstep, opcode, given, verifier.depths if verifier else None)
                if opcode == _REDUCE and verifier and self._pickleball_is_fresh():
                    verifier.note_fresh()
        except stock.module._Stop as stop:  # noqa: SLF001 - how stock's handler of STOP ends a load
            return stop.value

    def _pickleball_step(self, lockstep: _Lockstep, opcode: int, offset: int, heard: _Heard) -> bytes | None:
        """Read an opcode's argument and judge it; None where the judgement has ended (audit)."""
        session = lockstep.session
        verifier = session.verifier
        if verifier is None:
            return None
        try:
            argument = read_argument(opcode, heard.read, heard.readline)
            violations = verifier.step(opcode, argument, offset)
        except MalformedStream as error:
            session.refuse_malformed(Malformed(offset, error.sentence), truncated=False)
            return None
        except ValueError as error:
            session.refuse_malformed(Malformed(offset, f"{error}."), truncated=True)
            return None
        session.refuse(violations)
        imports = verifier.imports if opcode in _IMPORTING else ()
        self._pickleball_expect(lockstep, imports[-1] if imports else None, opcode, argument)
        return argument

    def _pickleball_expect(self, lockstep: _Lockstep, prediction: Import | None, opcode: int, argument: bytes) -> None:
        """Get ready for the import that the opcode to come makes; a code that came before stands for the same."""
        session = lockstep.session
        lockstep.prediction = lockstep.under = None
        if prediction is not None and opcode in _EXTENSIONS:
            prediction = lockstep.extensions.setdefault(argument.rstrip(b"\0"), prediction)
        elif opcode in _EXTENSIONS:
            prediction = lockstep.extensions.get(argument.rstrip(b"\0"))
        if prediction is None:
            return
        if prediction.optional and names.cached_extension(prediction.code) is not None:
            session.refuse_registered(prediction)
            session.refuse(obligations.check_cached(prediction))
        lockstep.prediction = prediction

    def _pickleball_is_fresh(self) -> bool:
        """Whether nothing but the stack holds what lies on top of it."""
        return bool(self.stack) and _references(self.stack) <= _OWN_REFERENCES

    def _pickleball_compare(
        self, lockstep: _Lockstep, opcode: int, given: io.BytesIO, depths: tuple[int, int] | None
    ) -> None:
        """Check that the handlers up to this opcode's did what the verifier thinks that they did."""
        if given.read(1):
            self._pickleball_diverge(lockstep, opcode, "has not read its argument")
        if depths is not None and depths != (len(self.metastack), len(self.stack)):
            self._pickleball_diverge(lockstep, opcode, "leaves another stack than was judged")
        self._pickleball_meet(lockstep, opcode)

    def _pickleball_meet(self, lockstep: _Lockstep, opcode: int) -> None:
        """Check what the import that was due has given."""
        prediction = lockstep.prediction
        if prediction is None:
            return
        lockstep.prediction = None
        if prediction is not None and opcode != _INST and prediction not in lockstep.session.objects:
            self._pickleball_accept(lockstep, prediction)

    def _pickleball_accept(self, lockstep: _Lockstep, prediction: Import) -> None:
        """Check an import that did not end in the base class's find_class: renamed, made up, or a cached extension."""
        session = lockstep.session
        obj = self.stack[-1]
        if lockstep.under is not None:
            self.stack[-1] = session.accept(prediction, lockstep.under, obj)
        elif prediction.optional:
            session.objects[prediction] = obj
        elif lockstep.settings.renames:
            self.stack[-1] = session.accept_unasked(prediction, obj)
        elif not session.audit:
            self._pickleball_diverge(lockstep, -1, "gives an import that nobody looked up")

    @staticmethod
    def _pickleball_diverge(lockstep: _Lockstep, opcode: int, what: str) -> None:
        name = NAMES.get(opcode, "an opcode")
        sentence = f"The handler of {name} {what}."
        lockstep.session.refuse([Violation("handler-diverges", name, name, 0, sentence)])

    def _pickleball_stock(self, opcode: int, heard: _Heard) -> Any:
        """Go on as stock does where the judgement has ended (audit)."""
        self.read, self.readline, self.readinto = heard.again()
        while True:
            self.dispatch[opcode](self)
            source = self._unframer
            self.read, self.readline, self.readinto = source.read, source.readline, source.readinto
            key = source.read(1)
            if not key:
                raise EOFError
            opcode = key[0]

    def find_class(self, module: str, name: str) -> Any:
        """Return an object from a module, if the policy lists it."""
        find = super().find_class
        if self._pickleball_free:
            return sanctioned(find, module, name)
        lockstep = self._pickleball
        if lockstep is None:
            lockstep = self._pickleball_prepare()
        return lockstep.find(module, name, find)


class _Heard:
    """Remembers what was read, so that it can be read again (audit)."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._pieces: list[bytes] = []

    def read(self, size: int) -> bytes:
        data: bytes = self._source.read(size)
        self._pieces.append(data)
        return data

    def readline(self) -> bytes:
        data: bytes = self._source.readline()
        self._pieces.append(data)
        return data

    def again(self) -> tuple[Any, Any, Any]:
        """Give read, readline and readinto over what was read and what follows."""
        from .tape import Chain  # noqa: PLC0415 - audits of malformed streams only

        chain = Chain([io.BytesIO(b"".join(self._pieces))], self._source.read, self._source.readline)

        def readinto(buffer: Any) -> int:
            data = chain.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

        return chain.read, chain.readline, readinto
