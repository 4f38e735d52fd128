"""The compiled verifier is used where it loads, the Python one elsewhere, and it is told which."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce import engine, opcodes, verifier
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.selftest import check

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = Path(__file__).parents[3] / "images/enforce/src"
POLICY = Policy({"m": Entry(("a.B",), ("a.f",))})


def compiled() -> None:
    """Skip where the compiled verifier is not built; in CI that is a failure."""
    if engine.NAME != "rust":
        assert os.environ.get("CI") != "true", engine.REASON
        pytest.skip(engine.REASON)


def test_the_compiled_verifier_is_used_where_it_loads() -> None:
    """The engine makes it, and gives no reason."""
    compiled()
    assert engine.REASON == ""
    assert type(engine.make(POLICY)) is not verifier.Verifier
    assert engine.make(POLICY).verify(b"\x80\x02ca\nf\n)R.").clean


@pytest.mark.parametrize("broken", [True, False])
def test_the_python_verifier_stands_in_by_itself(tmp_path: Path, *, broken: bool) -> None:
    """Where the compiled module is missing or does not load, streams are judged all the same and the reason is told."""
    copy = tmp_path / "pickleball_enforce"
    shutil.copytree(SOURCES / "pickleball_enforce", copy, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    if broken:
        (copy / "_verifier.abi3.so").write_bytes(b"\x7fELF of another machine")
    program = (
        "from pickleball_enforce import engine, policy; print(engine.NAME); print(engine.REASON); "
        "print(engine.make(policy.Policy({})).verify(b'cos\\nsystem\\n)R.').violations[0].rule)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    name, reason, rule = done.stdout.splitlines()
    assert (name, rule) == ("python", "reduce-not-allowed")
    assert "the compiled verifier cannot be used: " in reason


def test_the_self_test_says_which_verifier_is_used() -> None:
    """Its result names the verifier, and the reason where it is not the compiled one."""
    result = check(None)
    assert result["selftest"] == "passed", result
    assert result["verifier"] == engine.NAME
    assert result.get("verifier_reason", "") == engine.REASON


def test_opcodes_have_the_same_names_in_both() -> None:
    """Malformed streams of each single opcode are told alike, names included."""
    compiled()
    for code in range(256):
        for tail in (b"", b"x", b"(1", b"\n", b"\x00\x00\x00\x00\x00\x00\x00\x00."):
            data = bytes([code]) + tail
            mine, theirs = verifier.Verifier(POLICY).verify(data), engine.make(POLICY).verify(data)
            assert (mine.error, mine.violations) == (theirs.error, theirs.violations), (opcodes.NAMES.get(code), data)


def test_both_find_the_end_of_a_pickle() -> None:
    """Stepping over opcodes ends at the same place in both, for every opcode, cut anywhere."""
    compiled()
    for code in range(256):
        whole = bytes([code]) + b"\x02\x00\x00\x00\x00\x00\x00\x00\nab\n\xff\xff\xff\xff\n."
        for cut in range(len(whole) + 1):
            for data in (whole[:cut], whole[:1] + b"\xff" * cut):
                for frames in (False, True):
                    assert engine.scan(data, 0, frames=frames) == opcodes.scan(data, 0, frames=frames), data
                assert engine.scan(data, 0, known=True) == opcodes.scan(data, 0, known=True), data


@pytest.mark.parametrize("scan", [engine.scan, opcodes.scan])
def test_the_end_of_a_pickle_in_a_frame_is_found(scan: Callable[..., tuple[int, bool]]) -> None:
    """Frames are stepped over, but for the last one: what follows a pickle is none of it."""
    for size in (1, 10, 100_000):
        for item in ("text", "dot."):
            data = pickle.dumps([f"{item} {number}" for number in range(size)], 4)
            for behind in (b"", data, bytes(9)):
                assert scan(data + behind, 0, frames=True) == (len(data), True)
    assert scan(b"\x80\x04]\x00" + bytes(99), 0, frames=True) == (4, True)
    framed = b"\x80\x04\x95\x63" + bytes(7) + b"N" + bytes(98)
    assert scan(framed, 0, frames=True) == (len(framed), False)
    assert scan(framed, 0, known=True) == (13, True)


def test_a_failing_codec_ends_the_judgement() -> None:
    """An error of the program's own codec is its own, with both verifiers."""
    import codecs

    from pickleball_enforce.settings import Settings

    def fail(error: UnicodeError) -> tuple[str, int]:
        raise RuntimeError("the handler of the program fails")

    codecs.register_error("tests.failing", fail)
    settings = Settings(errors="tests.failing")
    for judge in (verifier.Verifier(POLICY, settings), engine.make(POLICY, settings)):
        with pytest.raises(RuntimeError, match="handler of the program"):
            judge.verify(b"U\x01\xff.")


@pytest.mark.parametrize("memo", [b"", b"\x94"])
def test_texts_of_an_earlier_load_are_not_taken_for_those_of_a_later_one(memo: bytes) -> None:
    """What one load wrote at some place of its stream says nothing of what the next one writes there."""

    def slots(key: bytes) -> bytes:
        return b"\x80\x04\x8c\x04shop\x8c\x04Item\x93)\x81" + memo + b"N}(\x8c\x01" + key + b"K\x01u\x86b."

    def encoded(form: bytes) -> bytes:
        return b"\x80\x04\x8c\x07_codecs\x8c\x06encode\x93\x8c\x01a\x8c\x06" + form + b"\x86" + memo + b"R."

    for make in (engine.make, verifier.Verifier):
        judge = make(Policy({"m": Entry(("shop.Item",), ())}))
        for key in ("a", "b", "b", "c"):
            found = judge.verify(slots(key.encode())).imports[0].obligations
            assert [held.detail for held in found if held.kind == "slot"] == [key]
        assert judge.verify(encoded(b"latin1")).clean
        assert not judge.verify(encoded(b"utf_16")).clean
        assert judge.verify(encoded(b"latin1")).clean
