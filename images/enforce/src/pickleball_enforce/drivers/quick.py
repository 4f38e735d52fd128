"""The short way for pickles that are nothing but data, and for short ones.

Data is built by the compiled builder, which can make nothing else. A short pickle is judged once, then loaded by
stock's own `loads`. Of one that imports something the verifier tells what its driver's checks depend on; the
predictions of streams that use their imports alike are kept. While stock loads, the audit hook on `pickle.find_class`
asks here about each import: it has to be the next that was judged, its module and object have to be there already, and
the object is checked as it is now, each time. Whatever else loads meanwhile gets nothing: the hook is asked for in the
frame of the load itself.

Whatever is not clean, or needs more (stubs, guards, extension codes, persistent ids, modules to import), takes the long
way and is judged there.
"""

from __future__ import annotations

import functools
import sys
import types

from pickleball_enforce import engine, lookup, obligations, pause, sanction, stock
from pickleball_enforce.report import Violation
from pickleball_enforce.settings import Settings

from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pickleball_enforce.policy import Policy
    from pickleball_enforce.report import Import

_SHORT = 1 << 16  # bytes of a pickle that is short
_KEPT = 256  # kinds of streams whose predictions are kept
_SETTINGS = Settings(buffers=False)
_MISSING = object()
_build: Any = engine.native.Builder(_SETTINGS).build if engine.native else None
_PAUSED = pause.paused.__code__
# What calls from C what it holds: an unpickler in there is asked for in the frame of the load.
_HOLDERS = (functools.partial, type(functools.lru_cache(lambda: None)), types.MethodType, types.MethodWrapperType)


class _Judge:
    """What is kept for a policy: verifiers that no thread uses now, and predictions."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.spare: list[Any] = []
        self.expectations: dict[bytes, list[_Expected] | None] = {}

    def verifier(self) -> Any:
        """Take a verifier that nobody uses."""
        try:
            return self.spare.pop()
        except IndexError:
            return engine.native.make_core(self.policy, _SETTINGS)

    def expected(self, shape: bytes, content: bytes, start: int) -> list[_Expected] | None:
        """Give the predicted imports of a stream; None where the long way has to be taken."""
        try:
            return self.expectations[shape]
        except KeyError:
            return self._learn(shape, content, start)

    def _learn(self, shape: bytes, content: bytes, start: int) -> list[_Expected] | None:
        imports = engine.native.Verifier(self.policy, _SETTINGS).verify(content, start, last=True).imports
        if any("." in item.canonical[1] or item.canonical[1].startswith("__") for item in imports):
            expected = None  # stock does more than to look into the module
        else:
            expected = [_Expected(item) for item in imports]
            if any(item.find() is _MISSING for item in expected):
                return None  # the next time its module may be there
        if len(self.expectations) >= _KEPT:
            self.expectations.clear()
        self.expectations[shape] = expected
        return expected


_judge: _Judge | None = None


def _judge_of(policy: Policy) -> _Judge:
    global _judge  # noqa: PLW0603 - swapped as a whole
    judge = _judge
    if judge is None or judge.policy is not policy:
        judge = _judge = _Judge(policy)
    return judge


def is_ready() -> bool:
    """Whether there is a policy, and a compiled verifier."""
    return engine.native is not None and lookup.current().policy is not None


def load(content: bytes, start: int = 0, leave: Callable[[int], object] = int) -> tuple[Any, int] | None:
    """Load a pickle; give the object and where the pickle ends, or None when the long way has to be taken.

    `leave` is told where it ends before anything of it runs; what is nothing but data runs nothing.
    """
    enforcement = lookup.current()
    policy = enforcement.policy
    if engine.native is None or policy is None:
        return None
    size = len(content) - start
    built: tuple[Any, int] | None
    built = pause.paused(_build, content, start) if pause.USEFUL and size > pause.LEAST else _build(content, start)
    if built is not None:
        leave(built[1])
        return built
    if size > _SHORT or enforcement.audit or not sanction.watched:
        return None
    judge = _judge_of(policy)
    verifier = judge.verifier()
    found = verifier.shape(content, start)
    judge.spare.append(verifier)
    if found is None:
        return None
    end, stream, shape = found
    if shape:
        expected = judge.expected(shape, content, start)
        if expected is None:
            return None
        for item in expected:
            if not item.is_plain():
                return None
        leave(end)
        return _load_expecting(expected, stream, content[start:] if start else content), end
    leave(end)
    return stock.loads(stream), end


class _Expected:
    """An import that was predicted for all streams of one shape."""

    __slots__ = ("_found", "_name", "_passed", "asked", "prediction")

    def __init__(self, prediction: Import) -> None:
        self.prediction = prediction
        self.asked = (prediction.module, prediction.name)
        self._found, self._name = prediction.canonical
        self._passed: obligations.Passed | None = None

    def find(self) -> object:
        """Give what stock will find, by looking only; `_MISSING` where its module is not there or is no plain one."""
        owner = sys.modules.get(self._found)
        return owner.__dict__.get(self._name, _MISSING) if type(owner) is types.ModuleType else _MISSING

    def is_plain(self) -> bool:
        """Whether stock will find an object there, it needs no guard, and is no unpickler that nobody judges."""
        obj = self.find()
        passed = self._passed
        if passed is not None and passed.stands(obj):
            return True  # `check` looks at the rest when stock imports it
        if _may_load(obj):
            return False
        self._passed = obligations.Passed.of(obj, self.prediction)
        return self._passed is not None or (obj is not _MISSING and not obligations.needs_guard(obj, self.prediction))

    def check(self) -> list[Violation]:
        """Check the object that stands there now."""
        obj = self.find()
        passed = self._passed
        if passed is not None and passed.holds(obj, obligations.world()):
            return []
        if obj is _MISSING or _may_load(obj) or obligations.needs_guard(obj, self.prediction):
            return [self._changed(self.prediction)]
        found = obligations.discharge(obj, self.prediction)
        if passed is not None and not found:
            self._passed = obligations.Passed.of(obj, self.prediction)
        return found

    def refuse(self, at: int, stream: bytes) -> None:
        """Say what is wrong, at its place in this very stream."""
        session = Session(_SETTINGS, "")
        if session.verifier is None:
            session.refuse_fault()
        prediction = session.verifier.verify(stream).imports[at]
        obj = self.find()
        found = [] if obj is _MISSING else obligations.discharge(obj, prediction)
        session.refuse(found or [self._changed(prediction)])

    @staticmethod
    def _changed(prediction: Import) -> Violation:
        sentence = f"The stream imports {prediction.path}, which stands for something else since the load began."
        return Violation("dotted-name", prediction.path, prediction.opcode, prediction.offset, sentence)


def _may_load(obj: object) -> bool:
    """Whether calling this may run stock's unpickler without a frame between."""
    kind = type(obj)
    if isinstance(obj, type):
        return issubclass(obj, stock.Unpickler)
    if not isinstance(obj, types.BuiltinFunctionType):
        return kind in _HOLDERS
    return obj.__module__ == stock.loads.__module__ or isinstance(obj.__self__, stock.Unpickler)


def _load_expecting(expected: list[_Expected], stream: bytes, judged: bytes) -> Any:
    """Have stock load a stream, which does what `judged` does; the audit hook asks about each import beforehand."""
    at = 0
    own: object = sys._getframe()  # noqa: SLF001 - what another unpickler imports is asked for in another frame

    def admit(module: object, name: object) -> bool:
        nonlocal at
        frame = sys._getframe(3)  # noqa: SLF001 - `is_expected` and the hook lie between
        if (frame.f_back if frame.f_code is _PAUSED else frame) is not own:
            return False
        if at >= len(expected) or (module, name) != expected[at].asked:
            return False
        item = expected[at]
        if item.check():
            item.refuse(at, judged)
        at += 1
        return True

    before = sanction.expect(admit)
    try:
        if pause.USEFUL and len(stream) > pause.LEAST:
            return pause.paused(stock.loads, stream)
        return stock.loads(stream)
    finally:
        own = None
        sanction.expect(before)
