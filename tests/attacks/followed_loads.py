"""Loads that are followed in pieces, beside those of stock's unpickler in Python, on one stream.

Both unpicklers replace the same handlers, at random. Of a clean stream both have to give the same object, call the
same, raise the same, end at the same place, leave the same stack and memo, and show each replaced handler the same. Of
another one nothing may come but an error, and nothing may be called that the policy does not list.
"""

from __future__ import annotations

import contextlib
import functools
import io
import pickle
import struct
import warnings
from typing import TYPE_CHECKING, Any

from tests.attacks.execution import End, judge, recorder
from tests.attacks.following import pieces
from tests.attacks.streams import ALLOWED_CALLS, ALLOWED_NEW, POLICY

from pickleball_enforce import lookup, stock
from pickleball_enforce.drivers import followed, interpreted
from pickleball_enforce.errors import PolicyViolation

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from pickleball_enforce.policy import Policy

_REPLACED = (
    "BUILD BUILD BUILD REDUCE NEWOBJ SETITEMS APPENDS APPEND SETITEM EMPTY_LIST EMPTY_DICT MEMOIZE BINGET TUPLE TUPLE1 "
    "MARK NONE BININT1 SHORT_BINUNICODE POP DUP"
).split()


def framed(chance: random.Random, data: bytes) -> bytes:
    """Put a stream into frames and single opcodes."""
    found = []
    for piece in pieces(chance, data):
        content = b"".join(bytes((code,)) + argument for code, argument in piece)
        whole = len(piece) > 1 and not content.startswith(b"\x80")
        found.append(b"\x95" + struct.pack("<Q", len(content)) + content if whole else content)
    return b"".join(found)


class Run:
    """A load by one of the two, and all that can be seen of it."""

    def __init__(self, base: type, data: bytes, replaced: list[str], twist: int) -> None:
        self.seen: list[object] = []
        self.refused = False
        file = io.BytesIO(data + b"rest")
        unpickler = self._make(base, replaced, twist)(file)
        recorder.DONE.clear()
        before = [dict(vars(cls)) for cls in recorder.CLASSES]
        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")
                result = unpickler.load()
        except PolicyViolation as error:
            self.refused, self.end = True, End("refused", str(error))
        except (Exception, RecursionError) as error:  # noqa: BLE001 - classes of the stream raise what they like
            self.end = End("failed", f"{type(error).__name__}: {error}")
        else:
            self.end = End(f"loaded {type(result).__name__}", result=result)
        self.done = list(recorder.DONE)
        self.changed = [dict(vars(cls)) for cls in recorder.CLASSES] != before
        self.left = (file.tell(), *_looks(unpickler))

    def _make(self, base: type, replaced: list[str], twist: int) -> type:
        table = dict(base.dispatch)  # type: ignore[attr-defined]
        for name in replaced:
            code = getattr(pickle, name)[0]
            table[code] = self._handler(table[code], twist)
        return type("Replacing", (base,), {"dispatch": table})

    def _handler(self, handler: Any, twist: int) -> Any:
        def replaced(unpickler: Any) -> None:
            self.seen.append(_looks(unpickler))
            handler(unpickler)
            if twist == 1:  # what stock pushes and pops from here on is another list with the same items
                unpickler.stack = list(unpickler.stack)
                unpickler.append = unpickler.stack.append
            elif twist == 2:  # stock pushes by another function
                unpickler.append = functools.partial(list.append, unpickler.stack)
            elif twist == 3:  # the memo is another dict
                unpickler.memo = dict(unpickler.memo)
            elif twist == 4 and len(self.seen) > 3:  # it fails in the midst
                raise KeyError("handler")
            self.seen.append(_looks(unpickler))

        return replaced


def _looks(unpickler: Any) -> tuple[object, ...]:
    """Give what a handler sees of its unpickler."""
    stack = getattr(unpickler, "stack", None)
    pushes = getattr(unpickler, "append", None)
    own = getattr(pushes, "__self__", None) is stack
    marks = [len(held) for held in getattr(unpickler, "metastack", ())]
    kinds = [type(item) for item in stack or ()]
    memo = {key: type(value) for key, value in unpickler.memo.items()}
    return kinds, marks, memo, list(memo), own, getattr(unpickler, "proto", None)


@contextlib.contextmanager
def enforced(policy: Policy = POLICY) -> Iterator[None]:
    """Put a policy in force, that of the streams where there is no other."""
    before = lookup._lookup
    lookup._lookup = lookup.Lookup({})
    lookup.configure(policy, "enforce")
    try:
        yield
    finally:
        lookup._lookup = before


def check(chance: random.Random, data: bytes) -> str:
    """Load one stream both ways, in frames; say how it ended. AssertionError tells a gap."""
    data = framed(chance, data)
    replaced = chance.sample(_REPLACED, chance.choice((0, 1, 1, 2, 5)))
    twist = chance.choice((0, 0, 0, 0, 1, 2, 3, 4))
    _, verdict = judge(data)
    with enforced():
        assert followed.can_follow(interpreted.Unpickler(io.BytesIO(b"")))
        ours = Run(interpreted.Unpickler, data, replaced, twist)
    for what, name in ours.done:
        assert name in (ALLOWED_CALLS if what == "call" else ALLOWED_NEW | {"Result"}), (what, name, data)
    assert not ours.changed, data
    if not verdict.clean:
        assert not ours.end.told.startswith("loaded"), (ours.end, data)
        return "refused"
    if "out-of-band" in repr(ours.end):
        return "refused"  # whether there are buffers the verdict above does not say
    if ours.refused or any(item.decision == "stub" for item in verdict.imports):
        return "checked"  # what execution.py compares
    theirs = Run(stock.PythonUnpickler, data, replaced, twist)
    assert ours.end.is_like(theirs.end), (ours.end, theirs.end, replaced, twist, data)
    assert ours.done == theirs.done, (ours.done, theirs.done, replaced, twist, data)
    assert ours.seen == theirs.seen, (ours.seen, theirs.seen, replaced, twist, data)
    if ours.end.told.startswith("loaded"):
        assert ours.left == theirs.left, (ours.left, theirs.left, replaced, twist, data)
    return ours.end.told.split()[0]
