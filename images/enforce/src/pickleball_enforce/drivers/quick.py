"""The short way: for pickles that are nothing but data, for those that only call and hold it, and for short ones.

Data is built by the compiled builder, which can make nothing else. What imports something is judged once; the verifier
tells what its driver's checks depend on, and the predictions of streams that use their imports alike are kept. Then the
builder does what only calls, states and data need; stock's own `loads` loads what needs more and is short.
Each import has to be the next that was judged, its module and object have to be there already, and the object is
checked as it is now, each time: by the builder as it imports, or, while stock loads, by the audit hook on
`pickle.find_class`. Whatever else loads meanwhile gets nothing: the hook is asked for in the frame of the load itself.

Whatever is not clean, or needs more (stubs, extension codes, persistent ids, modules to import, guards where stock
loads), takes the long way and is judged there.
"""

from __future__ import annotations

import functools
import itertools
import sys
import types
from _weakref import ref

from pickleball_enforce import engine, guards, lookup, names, obligations, pause, sanction, stock
from pickleball_enforce.report import Violation
from pickleball_enforce.settings import Settings
from pickleball_enforce.sharing import is_static, mro, static_attribute

from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pickleball_enforce._verifier import Expected, Gate, Load, Result, Rules
    from pickleball_enforce.lookup import Enforcement
    from pickleball_enforce.policy import Policy
    from pickleball_enforce.report import Import

    from .replay import Gaps

    Stream = tuple[bytes, int, list[tuple[int, int]]]  # where it begins in these bytes, and what they leave out
_SETTINGS = Settings(buffers=False)
_MISSING = object()
_KEPT = 1024  # classes that are remembered
_CACHE = type(functools.lru_cache(lambda: None))
# What calls from C what it holds: an unpickler in there is asked for in the frame of the load.
_HOLDERS = (functools.partial, _CACHE, types.MethodType, types.MethodWrapperType)


def encodes() -> bool:
    """Whether stock looks for `_codecs.encode` under this name, as nothing leads it elsewhere."""
    return names.canonical("_codecs", "encode", 0, fix_imports=True) == ("_codecs", "encode")


_builder = engine.native.Builder(_SETTINGS, encodes) if engine.native else None
_build: Any = _builder.build if _builder else None
_make: Any = _builder.load if _builder else None


def load(
    content: bytes, start: int = 0, leave: Callable[[int], object] = int, gaps: Gaps | None = None
) -> tuple[Any, int] | None:
    """Load a pickle; give the object and where the pickle ends, or None when the long way has to be taken.

    `leave` is told where it ends before anything of it runs; what is nothing but data runs nothing. `gaps` reads what
    the content leaves out.
    """
    enforcement = lookup.current()
    policy = enforcement.policy
    if _rules is None or policy is None:
        return None
    size = len(content) - start
    built: tuple[Any, int] | None
    long = pause.USEFUL and size > pause.LEAST
    built = pause.paused(_build, content, start, gaps) if long else _build(content, start, gaps)
    if built is not None:
        leave(built[1])
        return built
    if not sanction.watched:
        return None
    known, gate = _latest
    if known is not enforcement:
        gate = _make_gate(enforcement, policy, _rules)
    found = gate.judge(content, start, gaps) if gate is not None else None
    if found is None:
        return None
    end, stream, expecting = found
    leave(end)
    if stream is None:
        made = make(content, start, end, expecting, gaps)
        if made is None:
            raise RuntimeError("the judged pickle has other opcodes than before")
        return made[0], end
    # The audit hook asks about each import of it beforehand.
    long = pause.USEFUL and len(stream) > pause.LEAST
    return (expecting.run(pause.paused, stock.loads, stream) if long else expecting.run(stock.loads, stream)), end


def make(
    content: bytes, start: int, end: int, find: Load | Callable[[str, str], Any], gaps: Gaps | None = None
) -> tuple[Any] | None:
    """Have the compiled module load what was judged; None, and nothing done, where that is left to stock."""
    if _make is None:
        return None
    long = pause.USEFUL and end - start > pause.LEAST
    found: tuple[Any] | None
    found = pause.paused(_make, content, start, end, find, gaps) if long else _make(content, start, end, find, gaps)
    return found


def is_ready() -> bool:
    """Whether there is a policy, and a compiled verifier."""
    return engine.native is not None and lookup.current().policy is not None


def _make_gate(enforcement: Enforcement, policy: Policy, rules: Rules) -> Gate | None:
    """Keep verifiers and predictions for what is in force, in the place of those for another; none for an audit."""
    global _latest  # noqa: PLW0603 - one pair, swapped as a whole
    if enforcement.audit:
        return None

    def learn(imports: list[Import]) -> tuple[list[Expected] | None, bool]:
        if any("." in item.canonical[1] or item.canonical[1].startswith("__") for item in imports):
            return None, True  # stock does more than to look into the module
        found = [engine.native.Expected(rules, (item.module, item.name), item.canonical, item) for item in imports]
        if any(not item.is_there() for item in found):
            return None, False  # the next time its module may be there
        return found, True

    gate = engine.native.Gate(rules, lambda: engine.native.make_core(policy, _SETTINGS), learn)
    _latest = (enforcement, gate)
    return gate


def _examine(obj: object, prediction: Import, by_us: bool) -> int | None:  # noqa: FBT001 - compiled code calls
    """Say whether an object is there that is no unpickler nobody judges, and needs no guard from stock: else None.

    What is said is on what it rests that it meets its obligations (`obligations.Rests`).
    """
    guarded = not by_us and guards.needs_guard(obj, prediction)
    if obj is _MISSING or guarded or _may_load(obj) or _has_loading_method(obj):
        return None
    return obligations.rests_on(obj, prediction)


def _check(obj: object, prediction: Import, at: int, stream: Stream, by_us: bool) -> object:  # noqa: FBT001
    """Check the object that stands there now, and give it or a guard; refuse it at its place in this very stream."""
    guarded = guards.needs_guard(obj, prediction)
    fit = obj is not _MISSING and not _may_load(obj) and (by_us or not guarded)
    if fit and not obligations.discharge(obj, prediction):
        if not guarded:
            return obj
        return engine.native.Guard(obj, _guard(obj, prediction, at, stream))  # type: ignore[arg-type]  # it is called
    session = _session()
    here = _import(session, stream, at)
    found = [] if obj is _MISSING else obligations.discharge(obj, here)
    session.refuse(found or [_changed(here)])
    return obj


def _guard(obj: object, prediction: Import, at: int, stream: Stream) -> Callable[[Result], int]:
    """Give what checks the results of a callee, and refuses them at its place in this very stream."""
    guard = guards.ResultGuard(obj, prediction, lambda found: _refuse(found, prediction, at, stream))  # type: ignore[arg-type]
    return guard.check


def _session() -> Session:
    session = Session(_SETTINGS, "")
    if session.verifier is None:
        session.refuse_fault()
    return session


def _import(session: Session, stream: Stream, at: int) -> Import:
    """Give an import of this very stream."""
    content, start, gaps = stream
    gaps = [(place - start, size) for place, size in gaps]
    found: Import = session.verifier.verify(content[start:], gaps=gaps).imports[at]
    return found


def _refuse(found: list[Violation], prediction: Import, at: int, stream: Stream) -> None:
    """Refuse what a guard found, at its place in this very stream: predictions are those of the first one like it."""
    session = _session()
    here = _import(session, stream, at)
    alike = zip(prediction.obligations, here.obligations)  # noqa: B905 - Python 3.9
    places = {(known.opcode, known.offset): {"opcode": item.opcode, "offset": item.offset} for known, item in alike}
    session.refuse([item.changed(**places[item.opcode, item.offset]) for item in found])


def _changed(prediction: Import) -> Violation:
    sentence = f"The stream imports {prediction.path}, which stands for something else since the load began."
    return Violation("dotted-name", prediction.path, prediction.opcode, prediction.offset, sentence)


def _may_load(obj: object) -> bool:
    """Whether calling this may run stock's unpickler without a frame between."""
    if isinstance(obj, type):
        return issubclass(obj, stock.Unpickler) or not _is_framed(type(obj))
    if isinstance(obj, types.BuiltinFunctionType):
        return obj.__module__ == stock.loads.__module__ or isinstance(obj.__self__, stock.Unpickler)
    kind = type(obj)
    return issubclass(kind, _HOLDERS) or not (kind is types.FunctionType or _is_framed(kind))


def _is_framed(cls: type) -> bool:
    """Whether calling an instance of a class runs a function of Python, or C that is its own."""
    return isinstance(static_attribute(cls, "__call__"), (types.FunctionType, types.WrapperDescriptorType))


def _has_loading_method(obj: object) -> bool:
    """Whether a class has a method that may do so, as stock calls some of them by itself; looked for once in each."""
    if not isinstance(obj, type):
        return False
    known = _harmless.get(id(obj))
    if known is not None and known() is obj:
        return False
    spaces = [list(vars(base).values()) for base in mro(obj) if not is_static(base)]
    if any(map(_is_loading_method, itertools.chain.from_iterable(spaces))):
        return True
    if len(_harmless) >= _KEPT:
        _harmless.clear()
    _harmless[id(obj)] = ref(obj)
    return False


def _is_loading_method(raw: object) -> bool:
    method = raw.__func__ if isinstance(raw, (classmethod, staticmethod)) else raw
    if type(method) is _CACHE:
        method = method.__wrapped__
    if type(method) is types.FunctionType or isinstance(method, type) or not callable(method):
        return False
    return _may_load(method)


_harmless: dict[int, ref[type]] = {}  # classes without a method that loads, by their ids
_latest: tuple[Enforcement | None, Gate | None] = (None, None)
_rules = (
    None
    if engine.native is None
    else engine.native.Rules(
        _examine,
        _check,
        _guard,
        (engine.native.Places(obligations.WORLD), obligations.CALLERS),  # type: ignore[arg-type]  # both are compiled
        _MISSING,
        pause.paused.__code__,
        sys.audit,
    )
)
