"""What is loaded for a pickle that is loaded once: the same without what it puts into the memo in vain."""

from __future__ import annotations

import collections
import datetime as dt
import io
import pickle
import pickletools
import random
from typing import Any

import pytest
from tests.attacks import assembly as asm
from tests.attacks.comparison import native
from tests.attacks.execution import operations
from tests.attacks.requirement import COMPILED

pytestmark = COMPILED


def lean(data: bytes, start: int = 0, *, last: bool = True, least: int = 1) -> bytes | None:
    """Give what is loaded for a pickle."""
    verifier = native.Verifier(None)
    verdict = verifier.verify(data, start, last=last)
    assert verdict.error is None, verdict.error
    found: bytes | None = verifier.lean(least)
    assert verifier.lean(least) is None, "it was given twice"
    return found


def value(chance: random.Random) -> Any:
    """Make data in which values come again."""
    shared = [f"name {number}" for number in range(400)]
    made: list[Any] = [{}, [], (1, 2), b"x" * 20, dt.date(2020, 1, 1), collections.OrderedDict(a=1)]
    for _ in range(600):
        kind = chance.randrange(5)
        old, text = chance.choice(made), chance.choice(shared)
        kinds = ([old, chance.choice(made)], {text: old, "x": 1.5}, (old, text), f"{text} {chance.random()}", b"y" * 30)
        made.append(kinds[kind])
    made[1].append(made)  # a cycle
    return made


@pytest.mark.parametrize("protocol", range(1, 6))
def test_data_that_comes_again_is_loaded_alike(protocol: int) -> None:
    """Whatever is got from the memo is what was put there, in every protocol with binary memo opcodes."""
    for seed in range(20):
        data = pickle.dumps(value(random.Random(seed)), protocol)
        found = lean(data)
        assert found is not None
        assert operations(found) == operations(data)
        # What the two make is pickled alike, identities included.
        assert pickletools.optimize(pickle.dumps(pickle.loads(found))) == pickletools.optimize(
            pickle.dumps(pickle.loads(data))
        )


def test_only_the_pickle_itself_is_taken() -> None:
    """What lies before and behind a pickle in the same buffer is no part of what is loaded."""
    data = pickle.dumps([f"text {number}" for number in range(100)], 4)
    assert lean(b"junk" + data + b"cos\nsystem\n.", 4) == lean(data)


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x04" + b"]q\x05K\x01q\x03a.",  # not in order
        b"\x80\x04" + b"]q\x00K\x01q\x00a.",  # over another entry
        b"\x80\x02" + b"]p0\nK\x01q\x01a.",  # one of protocol 0
    ],
)
def test_odd_memos_are_left_alone(stream: bytes) -> None:
    """A memo that no pickler fills like this is loaded as it is written."""
    assert lean(stream) is None


def test_an_unpickler_keeps_its_memo() -> None:
    """What a later load may get from the memo is put there."""
    data = pickle.dumps([f"text {number}" for number in range(100)], 4)
    assert lean(data, last=False) is None


def test_little_is_not_copied() -> None:
    """A pickle that puts little, or little for its length, into the memo in vain is loaded as it is."""
    assert lean(pickle.dumps(["a", "b"], 4), least=32) is None
    assert lean(pickle.dumps([b"x" * 100_000] * 2 + ["a"], 4)) is None


def test_functions_load_what_an_unpickler_loads() -> None:
    """`loads` and `load` give what an Unpickler gives from the same bytes, and leave a file where it leaves it."""
    data = pickle.dumps(value(random.Random(1)), 4)
    expected = pickle.dumps(pickle.Unpickler(io.BytesIO(data)).load())
    assert pickle.dumps(pickle.loads(lean(data) or b"")) == expected


def test_an_import_in_a_lean_pickle_is_found() -> None:
    """Names that are got from the memo are still those that were judged."""
    new = asm.text("collections") + b"\x94" + asm.text("OrderedDict") + b"\x94\x93\x94)R\x94"
    data = b"\x80\x04(" + new + b"h\x02)Rl."
    found = lean(data)
    assert found is not None
    assert pickle.loads(found) == [collections.OrderedDict()] * 2
