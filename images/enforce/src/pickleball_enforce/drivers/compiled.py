"""The C driver: judges the bytes of a pickle, then lets the C unpickler load exactly those bytes.

What is loaded once is loaded without the memo entries that nothing gets.
"""

from __future__ import annotations

import _thread
import io
import itertools
import sys
from pickle import UnpicklingError

from pickleball_enforce import engine, exemptions, guards, names, obligations, pause, sanction, stock
from pickleball_enforce.exemptions import is_caller_exempt
from pickleball_enforce.report import Import, Violation
from pickleball_enforce.settings import Settings

from . import quick
from .replay import Replay, SplicedReplay
from .session import Session, sanctioned, substituted
from .tape import BytesIOTape, BytesTape, FileTape, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from pickleball_enforce.report import Verdict

    Tape = BytesTape | FileTape
_PROTO = 0x80
_BUSY = "load() is already running on this Unpickler; it can neither be nested nor shared."
_NO_PERSISTENT_LOAD = "A load persistent id instruction was encountered, but no persistent_load function was specified."


def _is_common_caller() -> bool:
    """Whether it is plain that the caller of the function that asks is not exempt; never, where nothing is compiled."""
    return False


if engine.native is not None:
    _is_common_caller = engine.native.Callers(exemptions.NOTED).is_common


class BusyUnpickler(UnpicklingError, RuntimeError):  # RuntimeError: stock of 3.14
    """An Unpickler that is used while it loads."""


class _Proxy:
    """The file that the C unpickler is bound to: it hands out what the current load has judged."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.current: Any = None

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.current.read(size)
        return data

    def readline(self) -> bytes:
        line: bytes = self.current.readline()
        return line

    def readinto(self, buffer: Any) -> int:
        current = self.current
        with buffer:  # a traceback would hold it longer than the object whose memory it is
            if hasattr(current, "readinto"):
                count: int = current.readinto(buffer)
                return count
            data = current.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

    def peek(self, size: int) -> bytes:
        """Give what follows; nothing where the source must not be read ahead."""
        current = self.current
        return current.peek(size) if isinstance(current, (Replay, SplicedReplay)) else b""


class _Engine(stock.Unpickler):  # type: ignore[misc]  # a class of C, found at run time
    """Stock's unpickler, asking the loader for every import and persistent id."""

    gate: Callable[[str, str], Any] | None = None
    identify: Callable[[Any], Any] | None = None

    def find_class(self, module: str, name: str) -> Any:
        if self.gate is None:
            raise UnpicklingError("This unpickler is not loading.")
        return self.gate(module, name)

    def persistent_load(self, pid: Any) -> Any:
        if self.identify is None:
            raise UnpicklingError(_NO_PERSISTENT_LOAD)
        return self.identify(pid)


class Loader:
    """The loads of one unpickler: its tags and its memo last as long as it does."""

    def __init__(
        self,
        take: Callable[[], Tape],
        source: str,
        *,
        fix_imports: Any,
        encoding: Any,
        errors: Any,
        buffers: Iterable[Any] | None,
        once: bool = False,
    ) -> None:
        self._take = take
        self._once = once  # nobody can ask for another load
        self._arguments = {"fix_imports": fix_imports, "encoding": encoding, "errors": errors, "buffers": buffers}
        if buffers is not None:
            self._arguments["buffers"] = iter(buffers)
        self._proxy = _Proxy()
        self._engine = self._make_engine()
        self._settings = Settings(
            encoding=encoding,
            errors=errors,
            fix_imports=bool(fix_imports),
            buffers=buffers is not None,
            persistent_classes=True,
        )
        self._source = source
        self._session: Session | None = None
        self._busy = _thread.allocate_lock()
        self._used = False
        self._failed = False  # stock keeps what it has not read of a failed load for the next one
        self._lost = False  # a load failed or was refused: nothing gets what the memo has
        self._active: _Imports | None = None

    @property
    def busy(self) -> bool:
        """Whether a load runs."""
        return self._busy.locked()

    # ---- memo -------------------------------------------------------------------------------------------------------

    @property
    def memo(self) -> Any:
        """The memo of the C unpickler, as stock shows it."""
        return self._engine.memo

    @memo.setter
    def memo(self, value: Any) -> None:
        self._engine.memo = value
        content = dict(value) if isinstance(value, dict) else self._engine.memo.copy()
        self._rebuild(content)
        self._used = True
        self._lost = False
        if self._session and self._session.verifier:
            self._session.verifier.adopt(content)

    def _make_engine(self) -> Any:
        return _Engine(self._proxy, **self._arguments)

    def _rebuild(self, content: dict[int, Any]) -> None:
        """Make a new C unpickler with this memo and nothing else: no bytes left over, entries counted as they are.

        Stock counts entries in a number of its own, which a memo that was assigned or cleared does not change; the next
        MEMOIZE would go elsewhere than it was judged to.
        """
        engine = self._make_engine()
        values = iter(content.values())
        entries = b"".join(b"NQp%d\n0" % key for key in content)
        self._proxy.current = Replay(b"\x80\x02" + entries + b"N.")
        engine.identify = lambda _: next(values)
        engine.load()
        engine.identify = None
        self._engine = engine

    def _synchronise(self, session: Session) -> None:
        """Make the memo of tags and the memo of objects hold the same entries before another load."""
        verifier = session.verifier
        content = self._engine.memo.copy()
        if verifier is not None and content.keys() != verifier.memo.keys():
            self._rebuild(content)
            verifier.adopt(content)
            if self._lost:
                verifier.abandon()
        self._lost = False

    # ---- a load -----------------------------------------------------------------------------------------------------

    def load(self, owner: Unpickler | None = None) -> Any:
        """Judge the next pickle and load it."""
        if not self._busy.acquire(blocking=False):
            raise BusyUnpickler(_BUSY)
        try:
            return self._load(owner)
        finally:
            self._busy.release()

    def _load(self, owner: Unpickler | None) -> Any:
        if self._failed:
            self._rebuild(self._engine.memo.copy())
            self._failed = False
        if self._session is None:
            self._session = Session(self._settings, self._source)
        session = self._session
        if session.verifier is None:
            session.refuse_fault()
            return self._run_stock(self._take(), owner)
        renames = owner is not None and owner.renames
        if renames != session.verifier.settings.renames:
            session.verifier.settings = self._settings.changed(renames=renames)
        if self._used:
            self._synchronise(session)
        self._used = True
        tape = self._take()
        session.digest = tape.digest
        verdict = None
        try:
            verdict = tape.judge(session.verifier, last=self._once)
            return self._load_judged(session, verdict, tape, owner)
        except BaseException:
            if verdict is None or verdict.error is None or verdict.violations or verdict.late:
                self._lose(session)  # else nothing was found, and nothing ran
            raise

    def _lose(self, session: Session) -> None:
        """Let no later load get what the memo has: what was found of it once is not told again."""
        self._lost = True
        if session.verifier:
            session.verifier.abandon()

    def _load_judged(self, session: Session, verdict: Verdict, tape: Tape, owner: Unpickler | None) -> Any:
        if verdict.error is not None:
            session.refuse(verdict.violations) if verdict.violations else None
            session.refuse_malformed(verdict.error, truncated=tape.truncated)
            return self._run_stock(tape, owner)
        session.refuse(verdict.violations)
        self._discharge_early(session, verdict)
        return self._run(session, verdict, tape, owner)

    def _discharge_early(self, session: Session, verdict: Verdict) -> None:
        """Check what find_class will not be asked for: cached extension codes, imports of earlier loads."""
        for prediction in verdict.imports:
            if prediction.optional:
                session.refuse_registered(prediction)
            cached = names.cached_extension(prediction.code) if prediction.optional else None
            if cached is not None:
                session.refuse(obligations.check_cached(prediction))
                session.objects[prediction] = cached
            elif prediction.optional:  # another thread may fill the cache before this load comes to it
                found = sanctioned(_finder(self._engine), prediction.module, prediction.name)
                session.refuse(obligations.discharge(found, prediction))
        for prediction, obligation in verdict.late:
            try:
                obj = session.object_of(prediction)
            except (KeyError, AttributeError):
                sentence = f"The stream uses {prediction.path} of an earlier load, which cannot be checked any more."
                session.refuse(
                    [Violation("build-target", prediction.path, obligation.opcode, obligation.offset, sentence)]
                )
                continue
            session.refuse_asked(prediction, obligation)
            session.refuse(obligations.discharge_one(obj, prediction, obligation))

    def _run(self, session: Session, verdict: Verdict, tape: Tape, owner: Unpickler | None) -> Any:
        # What stock takes from the cache of extension codes does not ask, and must not stand for an import that does.
        asked = [item for item in verdict.imports if not (item.optional and item in session.objects)]
        imports = _Imports(session, asked, self._engine, owner)
        imports.persistent = verdict.persistent
        built = self._build(imports, tape) if self._once and asked and not session.audit else None
        result = self._run_judged(imports, tape, owner) if built is None else built[0]
        session.report_stubs()
        return result

    def _build(self, imports: _Imports, tape: Tape) -> tuple[Any] | None:
        """Have the compiled module load what was judged; None, and nothing done, where that is left to stock."""
        if not quick.is_ready():
            return None
        data, start, end = tape.judged()
        if data[start] == _PROTO:  # names are looked up by it
            self._proxy.current = Replay(data[start : start + 2] + b"N.")
            self._engine.load()
        return quick.make(data, start, end, imports.find, tape.gaps)

    def _run_judged(self, imports: _Imports, tape: Tape, owner: Unpickler | None) -> Any:
        """Have stock load what was judged."""
        replay = tape.replay()
        try:
            result = self._with_engine(imports, replay, owner)
            self._check_read(replay)
        finally:
            if isinstance(replay, SplicedReplay):
                tape.finish()  # it has moved the file's position
        return result

    def _check_read(self, replay: Replay | SplicedReplay) -> None:
        if not replay.finished:
            self._failed = True
            raise UnpicklingError("The unpickler has not read all bytes that were judged.")

    def _run_stock(self, tape: Tape, owner: Unpickler | None) -> Any:
        """Load as stock does what cannot be judged (audit)."""
        imports = _Imports(self._session, [], self._engine, owner)
        result = self._with_engine(imports, tape.replay_all(), owner)
        if isinstance(tape, BytesIOTape):
            tape.skip(self._proxy.current.tell())
        return result

    def _with_engine(self, imports: _Imports, replay: Any, owner: Unpickler | None) -> Any:
        engine = self._engine
        self._proxy.current = replay
        engine.gate = imports.find
        if owner is not None:
            engine.identify = imports.identified(getattr(owner, "persistent_load", None))
        self._active = imports
        self._failed = True
        try:
            if pause.USEFUL and type(replay) is Replay and len(replay) > pause.LEAST:
                result = pause.paused(engine.load)
            else:
                result = engine.load()
            self._failed = False
        finally:
            self._active = None
            engine.gate = engine.identify = None
        return result

    def find_class(self, module: str, name: str) -> Any:
        """Answer the base class's find_class."""
        if self._active is not None:
            return self._active.find_base(module, name)
        session = self._session or Session(self._settings, self._source)
        return session.resolve_alone(module, name, _finder(self._engine))


class _Imports:
    """The imports of one load, compared with the predicted sequence."""

    def __init__(self, session: Any, predictions: list[Import], engine: Any, owner: Unpickler | None) -> None:
        self._session: Session = session
        self._predictions = iter(predictions)
        self._find = _finder(engine)
        self._owner = owner if owner is not None and owner.renames else None
        self._asking: Import | None = None
        self._under: Import | None = None
        self._judged = session.verifier is not None and bool(predictions)
        self.persistent: dict[int, Import] = {}  # which persistent objects have to be what an import gave

    def find(self, module: str, name: str) -> Any:
        """Give the next import to the C unpickler."""
        session = self._session
        prediction = self._predict(module, name)
        if prediction is None:
            return self._owner.find_class(module, name) if self._owner else sanctioned(self._find, module, name)
        if self._owner is None:
            obj, under = session.resolve(prediction, module, name, self._find)
            return self._guard(session.accept(prediction, under, obj), under)
        self._asking, self._under = prediction, None
        try:
            obj = self._owner.find_class(module, name)
        finally:
            self._asking = None
        reached = self._reached()
        if reached is None:
            return self._guard(session.accept_unasked(prediction, obj), prediction)
        return self._guard(session.accept(prediction, reached, obj), reached)

    def _reached(self) -> Import | None:
        """Give the prediction under the name that came to the base class, if it was asked."""
        return self._under

    def find_base(self, module: str, name: str) -> Any:
        """Answer a find_class of the application that asks its base class."""
        if self._asking is None:
            if self._session.audit:
                return sanctioned(self._find, module, name)
            return self._session.resolve_alone(module, name, self._find)
        obj, self._under = self._session.resolve(self._asking, module, name, self._find)
        return obj

    def identified(self, load: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
        """Check what the application's persistent_load gives where the stream instantiates it."""
        if load is None or not self.persistent:
            return load
        counter = itertools.count()

        def checked(pid: Any) -> Any:
            obj = load(pid)
            expected = self.persistent.get(next(counter))
            if expected is not None and obj is not self._session.object_of(expected):
                self._session.refuse([substituted(expected)])
            return obj

        return checked

    def _predict(self, module: str, name: str) -> Import | None:
        for prediction in self._predictions:
            if (prediction.module, prediction.name) == (module, name):
                return prediction
            if not prediction.optional:
                break
        if not self._session.audit:
            self._session.refuse_unforeseen(module, name)
        return None

    def _guard(self, obj: Any, under: Import) -> Any:
        if self._session.audit or not guards.needs_guard(obj, under):
            return obj
        return guards.guarded(obj, under, self._session.refuse)


def _finder(engine: Any) -> Callable[[str, str], Any]:
    return lambda module, name: stock.Unpickler.find_class(engine, module, name)


class Unpickler:
    """This takes a binary file for reading a pickle data stream. Every pickle is judged before anything in it runs."""

    _pickleball: Loader

    def __init__(
        self,
        file: Any,
        *,
        fix_imports: Any = True,
        encoding: Any = "ASCII",
        errors: Any = "strict",
        buffers: Any = None,
    ) -> None:
        if "_pickleball" in vars(self) and self._pickleball.busy:
            raise BusyUnpickler(_BUSY)
        self._pickleball = Loader(
            _tapes(file),
            name_of(file),
            fix_imports=fix_imports,
            encoding=encoding,
            errors=errors,
            buffers=buffers,
        )

    def load(self) -> Any:
        """Load a pickle.

        Read a pickled object representation from the open file object given
        in the constructor, and return the reconstituted object hierarchy
        specified therein.
        """
        return self._loader().load(self)

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return an object from a specified module, if the policy lists it."""
        return self._loader().find_class(module_name, global_name)

    if sys.version_info >= (3, 13):

        def persistent_load(self, pid: Any, /) -> Any:  # noqa: ARG002
            """Refuse persistent ids, as stock does where no subclass takes them."""
            raise UnpicklingError(_NO_PERSISTENT_LOAD)

    @property
    def memo(self) -> Any:
        """The memo."""
        return self._loader().memo

    @memo.setter
    def memo(self, value: Any) -> None:
        self._loader().memo = value

    @memo.deleter
    def memo(self) -> None:
        raise TypeError("attribute deletion is not supported")

    @property
    def renames(self) -> bool:
        """Whether find_class is overridden."""
        return type(self).find_class is not Unpickler.find_class or "find_class" in vars(self)

    def _loader(self) -> Loader:
        loader = vars(self).get("_pickleball")
        if loader is None:
            name = type(self).__name__
            raise UnpicklingError(f"Unpickler.__init__() was not called by {name}.__init__()")
        return loader  # type: ignore[no-any-return]


def _tapes(file: Any) -> Callable[[], Tape]:
    """Bind a file as stock does, once: later changes of its attributes are not seen."""
    if type(file) is io.BytesIO:
        return lambda: BytesIOTape(file)
    read, readline = getattr(file, "read", None), getattr(file, "readline", None)
    if read is None or readline is None:
        raise TypeError("file must have 'read' and 'readline' attributes")
    return lambda: FileTape(file, read, readline)


def _content(data: Any) -> bytes:
    """Take the bytes of a buffer; of one that can be written to, a copy."""
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'") from None
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return view.tobytes()


class _Door:
    """A function that is not bound when it is found on a class, as stock's C functions are not."""

    def __init__(self, name: str, text: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__ = "_pickle"
        self.__doc__ = text
        self.__self__ = stock.Unpickler

    def __repr__(self) -> str:
        return f"<function {self.__name__} of pickle, enforced>"

    def __reduce__(self) -> str:
        return self.__name__


class _Load(_Door):
    def __call__(
        self,
        file: Any,
        *,
        fix_imports: Any = True,
        encoding: Any = "ASCII",
        errors: Any = "strict",
        buffers: Any = None,
    ) -> Any:
        exempt = not _is_common_caller() and is_caller_exempt()
        take = _tapes(file)
        common = buffers is None and encoding == "ASCII" and errors == "strict" and fix_imports is True
        if common and not exempt and quick.is_ready():
            tape = take()
            content = tape.whole()
            found = quick.load(*content, tape.finish, tape.gaps) if content else None
            if found is not None:
                return found[0]
            take = lambda: tape  # noqa: E731 - it has read the file already
        options = {"fix_imports": fix_imports, "encoding": encoding, "errors": errors, "buffers": buffers}
        if exempt:
            return _Exempt(file, **options).load()
        return Loader(take, name_of(file), **options, once=True).load()


class _Loads(_Door):
    def __call__(
        self,
        data: Any,
        /,
        *,
        fix_imports: Any = True,
        encoding: Any = "ASCII",
        errors: Any = "strict",
        buffers: Any = None,
    ) -> Any:
        content = data if type(data) is bytes else _content(data)
        exempt = not _is_common_caller() and is_caller_exempt()
        if not exempt and buffers is None and encoding == "ASCII" and errors == "strict" and fix_imports is True:
            found = quick.load(content)
            if found is not None:
                return found[0]
        options = {"fix_imports": fix_imports, "encoding": encoding, "errors": errors, "buffers": buffers}
        if exempt:
            return _Exempt(io.BytesIO(content), **options).load()
        return Loader(lambda: BytesTape(content), "", **options, once=True).load()


class _Exempt(stock.Unpickler):  # type: ignore[misc]  # a class of C, found at run time
    """Stock's unpickler for the channels between the processes of one program."""

    def load(self) -> Any:
        before = sanction.is_in_exempt()
        try:
            sanction.set_exempt(True)  # a signal may end the load from here on
            return super().load()
        finally:
            try:
                sanction.set_exempt(before)
            finally:
                sanction.set_exempt(before)  # a signal may have come before the first try

    def find_class(self, module: str, name: str) -> Any:
        return sanctioned(super().find_class, module, name)


load = _Load("load", "Read and return an object from the pickle data stored in a file, if the policy allows it.")
loads = _Loads("loads", "Read and return an object from the given pickle data, if the policy allows it.")
