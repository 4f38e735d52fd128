"""Random streams: what the verifier lets through does, in C and in Python, what it predicted and nothing else."""

from __future__ import annotations

import io
import pickle
import random
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.attacks import assembly as asm
from tests.attacks.execution import STRICTER, check, check_built, judge, reads, reason
from tests.attacks.fuzz import fuzz_at_once
from tests.attacks.plain import plain
from tests.attacks.streams import CORPUS, POLICY, mutated, remembered, stream

from pickleball_enforce import engine
from pickleball_enforce.errors import MalformedStream
from pickleball_enforce.opcodes import read_argument
from pickleball_enforce.verifier import Verifier

if TYPE_CHECKING:
    from pathlib import Path


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
    """No clean stream does anything that was not predicted, and C and Python end alike."""
    ends = [check(stream(random.Random(block * 10_000 + number))) for number in range(500)]
    assert {"refused", "loaded"} <= set(ends)


@pytest.mark.parametrize("block", range(10))
def test_changed_streams_stay_inside_the_policy(block: int) -> None:
    """The same of streams whose bytes were changed; what is malformed here fails on stock or is listed."""
    ends = [check(mutated(random.Random(block * 10_000 + number))) for number in range(500)]
    assert {"malformed", "stricter", "loaded", "refused"} <= set(ends)


@pytest.mark.parametrize("block", range(10))
def test_streams_that_remember_stay_inside_the_policy(block: int) -> None:
    """The same of streams that use the memo much; what is loaded for them leaves out much, and gives the same."""
    ends, leaner = [], 0
    for number in range(300):
        data = remembered(random.Random(block * 10_000 + number))
        ends.append(check(data))
        judge = engine.make(POLICY)
        leaner += judge.verify(data, last=True).clean and judge.lean() is not None
    assert ends.count("loaded") > 150
    assert engine.native is None or leaner > 20


@pytest.mark.parametrize("block", range(10))
def test_plain_data_is_built_as_stock_makes_it(block: int) -> None:
    """Streams of plain data that are in order are built, and nobody can tell the result from stock's."""
    built = 0
    for number in range(500):
        data = plain(random.Random(block * 10_000 + number))
        end = check(data)
        made = check_built(data, engine.make(POLICY).verify(data))
        assert end == "loaded" or not made, (end, data)
        built += made
    assert engine.native is None or built > 250


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.pkl")), ids=lambda path: path.name)
def test_the_corpus_stays_inside_the_policy(path: Any) -> None:
    """Streams that once showed a gap, or that opened new ground to a fuzzer, show none."""
    check(path.read_bytes())


EXAMPLES = {
    "numbers": b"I010\n.",
    "memo indexes": b"Np01\n.",
    "frames": b"\x80\x04" + asm.frame(b"N.N"),
    "names": b"\x80\x04" + asm.stack_name("", "called") + b".",
    "hashing": b"}N" + b"\x85" * 1000 + b"Ns.",
    "repetition": asm.name("recorder", "called")
    + b"q\x000("
    + b"N" * 5000
    + b"tq\x010"
    + b"h\x00h\x01R0" * 2000
    + b"N.",
}


@pytest.mark.parametrize("listed", STRICTER)
def test_each_reason_of_the_closed_list_is_needed(listed: str) -> None:
    """Stock reads the example, and the verifier refuses it for that reason."""
    data = EXAMPLES[listed]
    assert any(reads(base, data) for base in (pickle.Unpickler, pickle._Unpickler))
    _, verdict = judge(data)
    assert verdict.error is not None
    assert reason(verdict.error.sentence) == listed


def test_the_documentation_lists_what_is_stricter_than_stock() -> None:
    """The page on the grammar has each reason of the closed list."""
    page = (CORPUS.parents[2] / "docs/reference/grammar.md").read_text()
    assert all(f"| {reason} |" in page for reason in STRICTER)


def test_names_that_pickletools_cannot_read_are_no_gap() -> None:
    """A module's name may end in a backslash."""
    assert check(b"crecorde\\\ncalled\nq\x00.") == "loaded"


def test_parts_of_a_run_try_all_streams(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each part tells what it has tried."""
    assert fuzz_at_once(41, 7, tmp_path, 2) == 0
    told = capfd.readouterr().out
    assert "20 streams from seed 7, 0 gaps" in told
    assert "21 streams from seed 27, 0 gaps" in told


def test_a_part_that_dies_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that could not try all its streams has failed, and says which."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert fuzz_at_once(41, 7, tmp_path, 2) == 2
    assert "the part from seed 27 has ended with exit code 1" in capsys.readouterr().out
