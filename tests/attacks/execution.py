"""What stock does with a stream, compared with what the verifier said about it.

Of a clean stream: both unpicklers import what was predicted in that order, call and instantiate what was predicted,
change no class, end where the verdict ends, and end alike, and so does the compiled module where it takes the stream.
Of a stream that is refused as malformed: stock fails too, or the reason is one of `STRICTER`. Of a stream that is
built: it is clean, and what comes of it is what stock's unpickler makes.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import pickletools
import re
import time
import warnings
from typing import Any

from tests.attacks.comparison import native
from tests.attacks.likeness import likeness, shared
from tests.attacks.streams import ALLOWED_CALLS, ALLOWED_NEW, POLICY, recorder

from pickleball_enforce import guards, names, obligations, stock
from pickleball_enforce import verifier as verifier_module
from pickleball_enforce.drivers import quick
from pickleball_enforce.opcodes import LITERALS, NAMES, read_argument
from pickleball_enforce.report import Import, Verdict
from pickleball_enforce.settings import Settings
from pickleball_enforce.tags import Object, Tag
from pickleball_enforce.verifier import Verifier

SECONDS = 1.0  # no stream of the fuzzers may take longer to be judged
# Why a stream is refused that stock may read; docs/reference/grammar.md says the same in its table.
STRICTER = {
    "numbers": r"(INT|LONG|FLOAT) holds a number that C and Python do not read alike",
    "memo indexes": r"(A|a) memo index is a decimal number without sign|The memo index \d+ is larger than the stream",
    "frames": r"A frame (begins|ends|is|reaches)",
    "names": r"An import has an empty name|A name holds control characters|A name is longer",
    "hashing": r"A key or set member costs more to hash",
    "repetition": r"The stream repeats large arguments",
}


# Stock would allocate what these ask for before it fails, or reads them at that price: it is not tried.
_HUGE = re.compile("The memo index|is longer than the rest of the stream")


_BUILDER = native.Builder(Settings(buffers=False), quick.encodes) if native else None

for _class in recorder.CLASSES:
    copyreg._slotnames(_class)  # type: ignore[attr-defined]  # pickling an instance would leave it in the class later


class Refused(Exception):
    """Find_class would have refused."""


class Left(Exception):
    """The compiled module leaves the stream to stock."""


class Compiled:
    """The compiled module in the place of an unpickler."""

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file
        data = file.getvalue()
        self._stock = stock.Unpickler(io.BytesIO(data[:2] * data.startswith(b"\x80") + b"N."))
        self._stock.load()  # it looks names up by this protocol from here on

    def find_class(self, module: str, name: str) -> object:
        """Find an import."""
        return self._stock.find_class(module, name)

    def load(self) -> object:
        """Load the stream."""
        data = self._file.getvalue()
        end, _ = native.scan(data, 0)
        found = _BUILDER.load(data, 0, end, self.find_class)
        if found is None:
            raise Left
        self._file.seek(end)
        return found[0]


class Parted:
    """Data without the content of its long literals, as files keep it; and what reads that."""

    def __init__(self, data: bytes) -> None:
        self.places: list[tuple[int, int]] = []
        self._contents: list[bytes] = []
        self.data, self.left_out = b"", 0
        file, opcode, before = io.BytesIO(data), b"", 0
        while opcode != b".":
            opcode = file.read(1)
            argument = read_argument(opcode[0], file.read, file.readline)
            head = LITERALS.get(opcode[0], 0)
            if head > 1 and len(argument) > head:
                content = argument[head:]
                self.data += data[before : file.tell() - len(content)]
                before = file.tell()
                self.places.append((len(self.data), len(content)))
                self._contents.append(content)
                self.left_out += len(content)
        self.data += data[before:]

    def readinto(self, number: int, buffer: memoryview) -> int:
        """Read one."""
        buffer[:] = self._contents[number]
        return len(buffer)


class CompiledInParts(Compiled):
    """The same, of a pickle whose long literals are left out."""

    def load(self) -> object:
        """Load the stream."""
        data = self._file.getvalue()
        parted = Parted(data)
        end = native.scan(data, 0)[0]
        found = _BUILDER.load(parted.data, 0, end - parted.left_out, self.find_class, parted)
        if found is None:
            raise Left
        self._file.seek(end)
        return found[0]


class Stub:
    """What an import outside the policy gives."""

    def __call__(self, *args: object) -> object:
        """Fail: the verifier must not have let this through."""
        raise AssertionError("a stub was called")


class Predicting(Verifier):
    """A verifier that keeps which names of the recorder it lets be called and instantiated, in order."""

    def begin(self, start: int = 0) -> None:
        """Begin a load."""
        self.told: list[tuple[str, str]] = []
        super().begin(start)

    def call(self, callee: Tag, args: Tag) -> Tag:
        """Judge a call."""
        result = super().call(callee, args)
        if type(callee) is Import and callee.path not in names.HELPERS:
            self._tell("call", callee)
        return result

    def new(self, cls: Tag, args: Tag, kwargs: Tag = None) -> Tag:
        """Judge an instantiation."""
        if type(cls) is Import:
            self._tell("new", cls)
        return super().new(cls, args, kwargs)

    def instantiate(self, cls: Tag, args: tuple[Tag, ...]) -> Tag:
        """Judge INST and OBJ."""
        before = len(self.told)
        result = super().instantiate(cls, args)
        if len(self.told) == before and type(cls) is Import and type(result) is Object:
            self._tell("new", cls)
        elif not args and len(self.told) > before:
            self.told[-1] = ("either", self.told[-1][1])  # a class without arguments is instantiated, not called
        return result

    def _reconstruct(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        result = super()._reconstruct(helper, items)
        if type(result) is Object and result.how == "new" and result.origin is not None:
            self.told.append(("reconstructed", result.origin.canonical[1]))
        return result

    def _tell(self, what: str, found: Import) -> None:
        if found.canonical[0] == "recorder":
            self.told.append((what, found.canonical[1]))


def judge(data: bytes) -> tuple[Predicting, Verdict]:
    """Judge a stream, in time."""
    verifier = Predicting(POLICY)
    start = time.perf_counter()
    verdict = verifier.verify(data)
    if time.perf_counter() - start > SECONDS:  # the processor's clock costs more than most streams
        start = time.process_time()
        Predicting(POLICY).verify(data)
        taken = time.process_time() - start
        assert taken < SECONDS, (taken, data)
    return verifier, verdict


def enforced(base: type, data: bytes, verdict: Verdict) -> tuple[object, int]:
    """Load under enforcement with a stock unpickler; give the result and where the reading ended."""
    predictions = iter(verdict.imports)

    def refuse(found: list[Any]) -> None:
        if found:
            raise Refused(found[0].sentence)

    class Unpickler(base):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> object:
            prediction = next(predictions)
            assert (prediction.module, prediction.name) == (module, name)
            if prediction.decision == "stub":
                return Stub()
            found = super().find_class(module, name)
            refuse(obligations.discharge(found, prediction))
            if guards.needs_guard(found, prediction):
                return guards.guarded(found, prediction, refuse)
            return found

        def persistent_load(self, pid: object) -> object:
            return ["persistent"]

    file = io.BytesIO(data)
    result = Unpickler(file).load()
    assert next(predictions, None) is None, "an import was predicted that did not happen"
    return result, file.tell()


def check(data: bytes) -> str:
    """Judge and run one stream; say how it ended. AssertionError tells a gap."""
    verifier, verdict = judge(data)
    check_built(data, verdict)
    if verdict.error is not None:
        crossed = verifier._pos > verifier._frame_end  # the argument in question reaches out of its frame, too
        return check_malformed(data, "A frame ends inside an opcode." if crossed else verdict.error.sentence)
    if not verdict.clean:
        return "refused"
    told = [item for item in verifier.told if item[0] != "reconstructed"]
    exact = len(told) == len(verifier.told) and not any(item.path in names.CALLERS for item in verdict.imports)
    before = [dict(vars(cls)) for cls in recorder.CLASSES]
    runs = (pickle._Unpickler, verdict), (pickle.Unpickler, (native or verifier_module).Verifier(POLICY).verify(data))
    other, end = [_run(base, data, verdict, told if exact else None) for base, verdict in runs]
    assert [dict(vars(cls)) for cls in recorder.CLASSES] == before, data
    assert end.told == other.told, (end, other, data)
    assert not end.keeps("recorder.MadeClass"), (end, data)
    check_lean(data, verdict, end)
    check_made(data, verdict, end)
    return end.told.split()[0]


def check_lean(data: bytes, verdict: Verdict, end: End) -> None:
    """What is loaded for a clean stream leaves nothing out but frames and memo entries that it never gets."""
    if native is None:
        return
    verifier = native.Verifier(POLICY)
    predicted = verifier.verify(data, last=True)
    lean = verifier.lean(least=1)
    if lean is None:
        return
    assert operations(lean) == operations(data[: verdict.end]), (lean, data)
    predicted.end = len(lean)
    done = list(recorder.DONE)
    assert _run(pickle.Unpickler, lean, predicted, None).is_like(end), (lean, data)
    assert done == recorder.DONE, (lean, data)


def check_made(data: bytes, verdict: Verdict, end: End) -> bool:
    """The compiled module calls for a clean stream what stock calls, and makes what stock makes; or it does nothing."""
    if _BUILDER is None or not verdict.imports:
        return False
    before = [dict(vars(cls)) for cls in recorder.CLASSES]
    done = list(recorder.DONE)
    made = False
    for way in (Compiled, CompiledInParts) if Parted(data).places else (Compiled,):
        try:
            found = _run(way, data, native.Verifier(POLICY).verify(data), None)
        except Left:
            assert not recorder.DONE, data
            recorder.DONE.extend(done)
            continue
        made = True
        assert found.is_like(end), (found, end, data)
        assert done == recorder.DONE, (done, recorder.DONE, data)
        assert [dict(vars(cls)) for cls in recorder.CLASSES] == before, data
    return made


def check_built(data: bytes, verdict: Verdict) -> bool:
    """What is built is a clean stream of data, and what stock makes of it; gives whether it was built."""
    if _BUILDER is None:
        return False
    found = _BUILDER.build(data, 0)
    if found is None:
        return False
    assert (found[1], verdict.clean) == (verdict.end, True), (data, verdict)
    assert all(item.path == names.ENCODE for item in verdict.imports), (data, verdict)
    one, other = stock.loads(data), stock.loads(data)
    assert likeness(found[0]) == likeness(one), data
    assert shared(found[0], one) == shared(other, one), data
    check_built_in_parts(data, found)
    return True


def check_built_in_parts(data: bytes, whole: tuple[object, int]) -> None:
    """What is built of a pickle whose long literals stay in a file is what is built of all of it; or nothing is."""
    parted = Parted(data)
    found = _BUILDER.build(parted.data, 0, parted) if parted.places else None
    if found is not None:
        assert found[1] + parted.left_out == whole[1], data
        assert likeness(found[0]) == likeness(whole[0]), data


def operations(data: bytes) -> list[tuple[str, object]]:
    """Give the opcodes of a stream with their arguments, without frames and puts that no get follows."""
    found: list[tuple[str, object]] = []
    entries = 0
    file = io.BytesIO(data)
    while code := file.read(1):  # not by pickletools, which fails at names that end in a backslash
        name, argument = NAMES[code[0]], read_argument(code[0], file.read, file.readline)
        if "PUT" in name or name == "MEMOIZE":
            found.append(("PUT", entries if name == "MEMOIZE" else _index(name, argument)))
            entries += 1
        elif "GET" in name:
            found.append((name, _index(name, argument)))
        elif name != "FRAME":
            found.append((name, argument))
    got = {argument for name, argument in found if "GET" in name}
    return [(name, argument) for name, argument in found if name != "PUT" or argument in got]


def _index(name: str, argument: bytes) -> int:
    return int(argument) if name in ("PUT", "GET") else int.from_bytes(argument, "little")


class End:
    """How a load ended: what is told of it, and what it gave."""

    def __init__(self, told: str, more: str = "", result: object = None) -> None:
        self.told = told
        self._more = more
        self._result = result

    def __repr__(self) -> str:
        return f"{self.told} {self._more} {_pickled(self._result)!r}"

    def is_like(self, other: End) -> bool:
        """Whether another load ended so, and gave what holds the same, with what is the same in it."""
        if (self.told, self._more) != (other.told, other._more):
            return False
        one, two = _pickled(self._result), _pickled(other._result)
        return one == two or _content(one) == _content(two)

    def keeps(self, path: str) -> bool:
        """Whether what the load gave holds a class itself, and not only instances of it."""
        tracer = Verifier(None)
        content = _pickled(self._result)
        return path.encode().rpartition(b".")[2] in content and any(
            item.path == path and not item.unkept for item in tracer.verify(content).imports
        )


def _run(base: type, data: bytes, verdict: Verdict, told: list[tuple[str, str]] | None) -> End:
    recorder.DONE.clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result, end = enforced(base, data, verdict)
    except Refused as error:
        outcome = End("refused", str(error))
    except (AssertionError, Left):
        raise
    except Exception as error:  # noqa: BLE001 - classes of the stream raise what they like
        outcome = End("failed", type(error).__name__)
    else:
        outcome = End(f"loaded {type(result).__name__}", result=result)
        assert end == verdict.end, (end, verdict.end, data)
        if told is not None:
            assert _agree(_done(), told), (_done(), told, data)
    for what, name in recorder.DONE:
        assert name in (ALLOWED_CALLS if what == "call" else ALLOWED_NEW | {"Result"}), (what, name, data)
    return outcome


def _pickled(result: object) -> bytes:
    """Write what a load gave; nothing where that cannot be pickled."""
    try:
        return pickle.dumps(result, 4)
    except (Exception, RecursionError):  # noqa: BLE001 - classes of the stream raise what they like
        return b""


def _content(pickled: bytes) -> bytes:
    """Give what a pickle holds, with what is the same in it; nothing where it is in no order."""
    content = pickletools.optimize(pickled) if pickled else b""
    unordered = any(opcode.name in ("ADDITEMS", "FROZENSET") for opcode, _, _ in pickletools.genops(content))
    return b"" if unordered else content


def _agree(done: list[tuple[str, str]], told: list[tuple[str, str]]) -> bool:
    return [name for _, name in done] == [name for _, name in told] and all(
        said in (did, "either")
        for (did, _), (said, _) in zip(done, told)  # noqa: B905 - Python 3.9
    )


def _done() -> list[tuple[str, str]]:
    """Give what was called and instantiated: a class that is called tells of both, in that order."""
    found: list[tuple[str, str]] = []
    for what, name in recorder.DONE:
        if what == "call" and found and found[-1] == ("new", name):
            found[-1] = (what, name)
        else:
            found.append((what, name))
    return found


class _Open(Exception):
    """An import of what a refused stream may not have here."""


def reads(base: type, data: bytes) -> bool:
    """Whether a stock unpickler reads a stream that was refused as malformed; it gets only the recorder's names."""

    class Unpickler(base):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> object:
            if module in ("recorder", "") and name in dir(recorder):
                return getattr(recorder, name)
            raise _Open

        def persistent_load(self, pid: object) -> object:
            return ["persistent"]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Unpickler(io.BytesIO(data)).load()
    except (Exception, RecursionError):  # noqa: BLE001 - any failure will do
        return False
    return True


def check_malformed(data: bytes, sentence: str) -> str:
    """Run a malformed stream on stock: neither of its unpicklers may read it, but for a reason in the closed list.

    With such a reason, whether stock reads it makes no difference.
    """
    if reason(sentence):
        return "stricter"
    if not _HUGE.search(sentence):
        read = any(reads(base, data) for base in (pickle.Unpickler, pickle._Unpickler))
        assert not read, f"stock reads what is refused as malformed: {sentence} {data!r}"
    return "malformed"


def reason(sentence: str) -> str:
    """Give the entry of the closed list that a refusal belongs to."""
    return next((name for name, pattern in STRICTER.items() if re.search(pattern, sentence)), "")
