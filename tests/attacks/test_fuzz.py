"""Random streams: what the verifier lets through does, in C and in Python, nothing outside the policy."""

from __future__ import annotations

import io
import pickle
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.attacks import assembly as asm

from pickleball_enforce import obligations
from pickleball_enforce.errors import MalformedStream
from pickleball_enforce.opcodes import read_argument
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.verifier import Verifier

sys.path.insert(0, str(Path(__file__).parent / "library"))
import recorder

ALLOWED_CALLS = {"called", "CalledClass"}
ALLOWED_NEW = {"CalledClass", "ReferencedClass", "ReferencedList", "ReferencedDict"}
POLICY = Policy(
    {
        "recorder.Model": Entry(
            tuple(f"recorder.{name}" for name in ("referenced", "ReferencedClass", "ReferencedList", "ReferencedDict")),
            (*(f"recorder.{name}" for name in sorted(ALLOWED_CALLS)), "builtins.map", "builtins.list", "builtins.set"),
        )
    }
)
FUNCTIONS = ("called", "referenced", "refused")
CLASSES = ("CalledClass", "ReferencedClass", "RefusedClass", "ReferencedList", "ReferencedDict")
HELPERS = (
    "copyreg _reconstructor",
    "copyreg __newobj__",
    "copyreg __newobj_ex__",
    "builtins getattr",
    "builtins type",
    "builtins map",
    "builtins list",
    "builtins set",
    "builtins object",
    "builtins dict",
    "functools partial",
)
KEYS = ("method", "__class__", "__setstate__", "x", "__deepcopy__")


def value(chance: random.Random, depth: int = 0) -> bytes:
    """Write an expression that leaves one value."""
    kind = chance.randrange(16 if depth < 3 else 7)
    if kind < 3:
        return chance.choice((b"N", b"\x88", b"K\x01", b")", b"]", b"}", b"\x8f", b"C\x01a", b"I01\n"))
    if kind < 4:
        return asm.text(chance.choice((*KEYS, "recorder", "called", "refused")))
    if kind < 6:
        return asm.name("recorder", chance.choice((*FUNCTIONS, *CLASSES)))
    if kind < 7:
        return asm.name(*chance.choice(HELPERS).split())
    inner = [value(chance, depth + 1) for _ in range(chance.randrange(3))]
    if kind < 9:
        return asm.call(asm.name("recorder", chance.choice((*FUNCTIONS, *CLASSES))), *inner)
    if kind < 11:
        return asm.new(asm.name("recorder", chance.choice(CLASSES)), *inner)
    if kind < 13:
        return asm.dict_of(*(part for item in inner for part in (asm.text(chance.choice(KEYS)), item)))
    if kind < 14:
        return asm.call(asm.name(*chance.choice(HELPERS).split()), *inner)
    return asm.tuple_of(*inner) if kind < 15 else asm.list_of(*inner)


# opcode bytes: how many values it takes, how many it leaves
STEPS = [
    (b"R", 2, 1), (b"R", 2, 1), (b"\x81", 2, 1), (b"\x92", 3, 1), (b"b", 2, 1), (b"b", 2, 1), (b"a", 2, 1),
    (b"s", 3, 1), (b"\x85", 1, 1), (b"\x85", 1, 1), (b"\x86", 2, 1), (b"\x87", 3, 1), (b"0", 1, 0), (b"2", 1, 2),
    (b"\x93", 2, 1), (b"Q", 1, 1),
]  # fmt: skip
ON_MARK = [
    (b"t", 1), (b"l", 1), (b"d", 1), (b"o", 1), (b"e", 0), (b"u", 0), (b"\x90", 0), (b"\x91", 1), (b"1", 0),
    (b"irecorder\ncalled\n", 1), (b"irecorder\nreferenced\n", 1), (b"irecorder\nReferencedClass\n", 1),
]  # fmt: skip


def stream(chance: random.Random) -> bytes:
    """Write a random stream that keeps its stack in order, most of the time."""
    out = [b"\x80" + bytes([chance.choice((2, 3, 4))])]
    depth, marks, memo = 0, [], 0
    for _ in range(chance.randrange(3, 20)):
        kind = chance.random()
        if kind < 0.42 or depth == 0:
            out.append(value(chance))
            depth += 1
        elif kind < 0.72:
            step, takes, gives = chance.choice(STEPS)
            if depth - (marks[-1] if marks else 0) >= takes:
                out.append(step)
                depth += gives - takes
        elif kind < 0.80:
            out.append(b"(")
            marks.append(depth)
        elif kind < 0.90 and marks:
            step, gives = chance.choice(ON_MARK)
            depth = marks.pop() + gives
            out.append(step)
        elif kind < 0.95:
            out.append(b"q" + bytes([memo]))
            memo += 1
        elif memo:
            out.append(b"h" + bytes([chance.randrange(memo)]))
            depth += 1
    return b"".join(out) + b"."


class Refused(Exception):
    """Find_class would have refused."""


def enforced(base: type, data: bytes, verdict: Any) -> object:
    """Load under enforcement with a stock unpickler."""
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
            return (
                obligations.ResultGuard(found, prediction, refuse)
                if obligations.needs_guard(found, prediction)
                else found
            )

        def persistent_load(self, pid: object) -> object:
            return ["persistent"]

    return Unpickler(io.BytesIO(data)).load()


class Stub:
    """What an import outside the policy gives."""

    def __call__(self, *args: object) -> object:
        """Fail: the verifier must not have let this through."""
        raise AssertionError("a stub was called")


def check(seed: int) -> str:
    """Judge and, when it is clean, run one random stream; say how it ended."""
    data = stream(random.Random(seed))
    verdict = Verifier(POLICY).verify(data)
    if not verdict.clean:
        return "refused"
    before = [dict(vars(cls)) for cls in recorder.CLASSES]
    ends = []
    for base in (pickle.Unpickler, pickle._Unpickler):
        recorder.DONE.clear()
        again = Verifier(POLICY).verify(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = enforced(base, data, again)
            ends.append(f"loaded {type(result).__name__}")
        except Refused as error:
            ends.append(f"refused: {error}")
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001 - classes of the stream raise what they like
            ends.append(f"failed: {type(error).__name__}")
        for what, name in recorder.DONE:
            allowed = ALLOWED_CALLS if what == "call" else ALLOWED_NEW | {"Result"}
            assert name in allowed, (seed, what, name, data)
        assert [dict(vars(cls)) for cls in recorder.CLASSES] == before, (seed, data)
    assert ends[0].split(":")[0] == ends[1].split(":")[0], (seed, ends, data)
    return ends[0].split(":")[0].split()[0]


def stepped(data: bytes) -> tuple[list[Any], bool]:
    """Judge a stream opcode by opcode: its violations, and whether it is malformed."""
    verifier = Verifier(POLICY)
    file = io.BytesIO(data)
    try:
        while not verifier.stopped:
            offset = file.tell()
            code = file.read(1)[0]
            verifier.step(code, read_argument(code, file.read, file.readline), offset)
    except MalformedStream:
        return verifier.violations, True
    return verifier.violations, False


def test_lockstep_finds_what_the_whole_buffer_shows() -> None:
    """Random streams get the same violations from both ways to run the machine."""
    for seed in range(3000):
        data = stream(random.Random(seed))
        verdict = Verifier(POLICY).verify(data)
        assert stepped(data) == (verdict.violations, verdict.error is not None), (seed, data)


@pytest.mark.parametrize("block", range(10))
def test_random_streams_stay_inside_the_policy(block: int) -> None:
    """No clean stream calls, instantiates or changes anything outside the policy, and C and Python end alike."""
    ends = [check(block * 10_000 + number) for number in range(800)]
    assert {"refused", "loaded"} <= set(ends)
