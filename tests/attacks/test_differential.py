"""The compiled and the Python verifier say the same of every stream."""

from __future__ import annotations

import itertools
import random
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "library"))
from tests.attacks import assembly as asm
from tests.attacks import differential, following, partials, repetition
from tests.attacks.comparison import Both, native
from tests.attacks.ledger import ATTACKS
from tests.attacks.requirement import COMPILED

from pickleball_enforce import engine
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.settings import Settings

pytestmark = COMPILED


def test_random_streams_are_judged_alike() -> None:
    """Verdicts on random and mutated streams are equal in all that they say."""
    assert native, engine.REASON
    assert differential.check_many(range(4000)) == 24_000


def test_repetition_is_judged_alike() -> None:
    """What is done again with literals takes a short way in the compiled verifier; it says the same."""
    assert native, engine.REASON
    clean = 0
    for seed in range(3000):
        chance = random.Random(seed)
        policy = chance.choice(differential.POLICIES)
        both = Both(policy, differential.settings(chance) if chance.random() < 0.3 else Settings())
        streams = [repetition.stream(chance), repetition.stream(chance)]
        clean += sum(both.verify(data).clean for data in streams)
        both.verify(differential.mutated(chance, repetition.stream(chance)))
        following.check(chance, policy, streams)
    assert clean > 250


def test_literals_that_are_left_out_change_no_verdict() -> None:
    """Streams with and without the bytes of their literals get the same verdict, frames and offsets included."""
    assert native, engine.REASON
    for seed in range(2000):
        chance = random.Random(seed)
        content = bytes(chance.randrange(1, 9))
        literal = chance.choice((b"B" + struct.pack("<I", len(content)), b"\x8e" + struct.pack("<Q", len(content))))
        before, after = differential.stream(chance)[:-1], differential.stream(chance)[2:]
        whole = before + literal + content + b"0" + after
        if chance.random() < 0.3:
            whole = b"\x80\x04\x95" + struct.pack("<Q", len(whole) - chance.randrange(3)) + whole
        place = whole.index(literal + content + b"0") + len(literal)
        judge, other = Both(differential.POLICY), Both(differential.POLICY)
        verdict = judge.verify(whole)
        gapped = other.verify(whole[:place] + whole[place + len(content) :], gaps=[(place, len(content))])
        if verdict.error is None and gapped.error is None:
            assert (verdict.end, verdict.violations) == (gapped.end, gapped.violations), whole
        else:
            assert (verdict.error is None) == (gapped.error is None), whole


def test_the_ledger_is_judged_alike() -> None:
    """Every attack gets the same verdict from both, whatever the settings, on the first load and on the next."""
    assert native, engine.REASON
    every = [
        Settings(),
        Settings(persistent_classes=True),
        Settings(renames=True),
        Settings(encoding="latin1"),
        Settings(encoding="bytes", buffers=False),
        Settings(max_violations=1, max_name=4),
    ]
    for attack in ATTACKS:
        for policy in (None, Policy({"m": Entry(attack.globals, attack.reduces)})):
            for settings in every:
                both = Both(policy, settings)
                for _ in range(2):
                    both.verify(attack.stream)


def test_arrays_in_the_place_of_methods_are_judged_alike() -> None:
    """Whether the application answers find_class or not, in one load and where the maker is of an earlier one."""
    assert native, engine.REASON
    names = ("numpy.ndarray", "a.Array", "a.B", "numpy._core.multiarray._reconstruct")
    policies = [None, Policy({"m": Entry(names[:3], names[3:])}), Policy({"m": Entry(names[2:3], ())})]
    reconstruct = asm.name("numpy._core.multiarray", "_reconstruct") + asm.put(1)
    firsts = [asm.name("numpy", "ndarray"), asm.name("a", "Array"), asm.new(asm.name("a", "B")), b"C\x01x", b"N"]
    firsts.append(asm.call(asm.name("builtins", "getattr"), asm.name("numpy", "ndarray"), asm.text("T")))
    taken = asm.call(asm.name("builtins", "getattr"), asm.name("numpy._core", "multiarray"), asm.text("_reconstruct"))
    held = asm.new(asm.name("a", "B"))
    for policy, renames, first, maker in itertools.product(policies, (False, True), firsts, (reconstruct, taken)):
        both = Both(policy, Settings(renames=renames))
        for callee in (maker, asm.get(1)):
            array = asm.call(callee, first)
            both.verify(asm.PROTO2 + held + asm.dict_of(asm.text("x"), array) + asm.BUILD + asm.STOP)
            item = asm.text("x") + array + asm.SETITEM
            both.verify(asm.PROTO2 + held + item + asm.DUP + asm.BUILD + asm.STOP)


def test_what_was_read_of_a_malformed_load_counts_alike() -> None:
    """How far a memo index may go in the next load depends on all that was read before, byte for byte."""
    malformed = (
        b"K\x01v",
        b"]K\x01e",
        b"K",
        b"I12",
        b"h\x09.",
        b"N\x8c\x05ab",
        b"F1x\n.",
        b"\x8a\x05ab",
        b"c\xff\nab\n.",
    )
    for data, index in itertools.product(malformed, range(20)):
        judge = Both(None, Settings(memo_floor=4))
        assert judge.verify(data).error
        judge.verify(b"Nr" + struct.pack("<I", index) + b".")


def test_partials_are_judged_alike() -> None:
    """Whatever partials call, give and hold, nested, shared, set late and set twice, under names of every kind."""
    assert native, engine.REASON
    clean = 0
    for seed in range(4000):
        chance = random.Random(seed)
        judge = Both(chance.choice(partials.POLICIES), Settings(renames=chance.random() < 0.15))
        for _ in range(2):
            clean += judge.verify(partials.stream(chance)).clean
    assert clean > 400
