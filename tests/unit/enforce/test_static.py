"""Files are judged without loading them: archives, compression, arrays between opcodes, pickles in pickles."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from tests.attacks import assembly as asm

from pickleball_enforce import PolicyError, cli, verify
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NONE = Policy({"test.Model": Entry()})
BAD = asm.call(asm.name("os", "system"), asm.text("true")) + asm.STOP
GOOD = pickle.dumps([1, 2, 3])
JOBLIB_HEAD = (
    asm.PROTO2
    + asm.new(asm.name("joblib.numpy_pickle", "NumpyArrayWrapper"))
    + asm.dict_of(
        asm.text("subclass"),
        asm.name("numpy", "ndarray"),
        asm.text("shape"),
        asm.tuple_of(asm.number(4)),
        asm.text("order"),
        asm.text("C"),
        asm.text("dtype"),
        asm.call(asm.name("numpy", "dtype"), asm.text("f8"), b"\x89", b"\x88"),
    )
    + asm.BUILD
)


def found(source: bytes | Path, policy: Policy = NONE) -> tuple[int, list[str]]:
    """Judge a file: the exit code, and the names of its violations."""
    report = verify(source, policy)
    return report.exit_code, [item.name for item in report.violations]


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Make a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_a_raw_pickle_is_judged() -> None:
    """Clean is 0, a violation 1, anything that is no pickle 2."""
    assert found(GOOD) == (0, [])
    assert found(BAD) == (1, ["os.system"])
    assert found(b"hello world, this is text")[0] == 2
    assert found(b"")[0] == 2


def test_every_pickle_of_a_file_is_judged() -> None:
    """A second pickle behind the first counts; so does one that cannot be read."""
    assert found(GOOD + GOOD) == (0, [])
    assert found(GOOD + BAD) == (1, ["os.system"])
    assert found(GOOD + b"\xff garbage")[0] == 2
    assert found(GOOD + b"\n\x00\x00")[0] == 0


@pytest.mark.parametrize(
    "press",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
        zlib.compress,
        lambda data: b"ZF" + hex(len(data)).ljust(19).encode() + zlib.compress(data),
    ],
    ids=["gzip", "bz2", "xz", "lzma", "zlib", "old joblib"],
)
def test_compressed_files_are_judged(press: Callable[[bytes], bytes]) -> None:
    """What joblib can read is read; a cut file is told."""
    assert found(press(GOOD)) == (0, [])
    assert found(press(BAD)) == (1, ["os.system"])
    assert found(press(BAD * 50)[:-20])[0] == 2


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_pickle_of_a_zip_archive_is_judged(method: int) -> None:
    """Members with a pickle's name count, wherever they lie and however their name is spelled."""
    assert found(zipped({"archive/data.pkl": GOOD, "archive/data/0": b"\x00" * 9}, method)) == (0, [])
    assert found(zipped({"archive/data.pkl": GOOD, "archive/other/DATA.PKL": BAD}, method)) == (1, ["os.system"])
    report = verify(zipped({"archive/data.pkl": BAD}, method), NONE)
    assert report.to_dict()["violations"][0]["where"] == "archive/data.pkl"
    assert found(zipped({"archive/readme": b"x"}))[0] == 2


def two_names(first: str, second: str) -> bytes:
    """Make an archive whose two members' names differ, then rename the second one."""
    raw = zipped({first: GOOD, "x" * len(second): BAD})
    return raw.replace(b"x" * len(second), second.encode())


def test_archives_that_readers_see_differently_are_refused() -> None:
    """Two members of one name, headers that disagree, hidden members, data after the end: could not judge."""
    assert found(two_names("a/data.pkl", "a/data.pkl"))[0] == 2
    assert found(two_names("a/data.pkl", "A/DATA.pkl"))[0] == 2
    good = zipped({"a/data.pkl": GOOD})
    assert found(good.replace(b"a/data.pkl", b"a/hide.pkl", 1))[0] == 2
    assert found(good + zipped({"a/data.pkl": BAD}))[0] == 2
    assert found(good + b"trailing")[0] == 2
    crc = good.index(struct.pack("<L", zlib.crc32(GOOD)))
    assert found(good[:crc] + b"\0\0\0\0" + good[crc + 4 :])[0] == 2
    assert found(good[:-30])[0] == 2


def test_npy_and_npz_arrays_of_objects_are_judged() -> None:
    """Only arrays of objects hold a pickle; structured ones may hide objects in a field."""
    for array in (
        np.array([1.0, 2.0]),
        np.array(["a"]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8", (2,))]),
        np.array(["2020"], dtype="M8[D]"),
    ):
        file = io.BytesIO()
        np.save(file, array)
        assert verify(file.getvalue(), NONE).exit_code == 0
    for array in (np.array([{"a": 1}], dtype=object), np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")])):
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        assert found(file.getvalue())[0] == 1
        file = io.BytesIO()
        np.savez(file, x=array)
        assert found(file.getvalue())[0] == 1


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)], ids=str)
def test_joblib_files_are_read_past_their_arrays(protocol: int, compress: object, tmp_path: Path) -> None:
    """Arrays of numbers, texts, records and objects stand between the opcodes of joblib's files."""
    content = {
        "plain": np.arange(12.0).reshape(3, 4),
        "fortran": np.asfortranarray(np.ones((3, 3))),
        "texts": np.array(["abc", "d"]),
        "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "objects": np.array([{"a": 1}, [np.float64(2)], None], dtype=object),
        "empty": np.zeros((0, 3)),
        "scalar": np.array(5),
        "big": np.arange(20_000),
        "end": "end",
    }
    path = tmp_path / "model.joblib"
    joblib.dump(content, path, compress=compress, protocol=protocol)
    traced = verify(path, None)
    assert traced.exit_code == 0, traced.errors
    entry = traced.needed()
    assert verify(path, Policy({"test.Model": entry})).exit_code == 0
    assert "joblib.numpy_pickle.NumpyArrayWrapper" in entry.instances
    less = entry.changed(reduces=tuple(name for name in entry.reduces if name != "numpy.dtype"))
    assert found(path, Policy({"test.Model": less}))[0] == 1


def test_opcodes_hidden_in_the_bytes_of_an_array_are_seen() -> None:
    """A plain unpickler would run what joblib takes for an array: both readings count."""
    allowed = Policy(
        {"test.Model": Entry(("joblib.numpy_pickle.NumpyArrayWrapper", "numpy.ndarray"), ("numpy.dtype",))}
    )
    numbers = struct.pack("<4d", 1, 2, 3, 4)
    assert found(JOBLIB_HEAD + numbers + asm.STOP, allowed) == (0, [])
    hidden = BAD.ljust(32, b".")
    assert len(hidden) == 32
    assert found(JOBLIB_HEAD + hidden + asm.STOP, allowed) == (1, ["os.system"])
    assert found(JOBLIB_HEAD + numbers + asm.POP + BAD, allowed)[1] == ["os.system"]


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_in_bytes_that_go_to_an_unpickler_are_judged(protocol: int) -> None:
    """Bytes literals, and bytes written as text by protocols 0 to 2, are judged like files."""

    class Nested:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def __reduce__(self) -> tuple[object, ...]:
            return pickle.loads, (self.data,)

    policy = Policy({"test.Model": Entry((), ("_pickle.loads", "pickle.loads"))})
    assert found(pickle.dumps(Nested(GOOD), protocol), policy) == (0, [])
    assert found(pickle.dumps(Nested(BAD), protocol), policy) == (1, ["os.system"])
    long = pickle.dumps(["x" * 3000, 1]) + BAD
    assert found(pickle.dumps(Nested(long), protocol), policy) == (1, ["os.system"])
    assert found(pickle.dumps(Nested(pickle.dumps(Nested(BAD))), protocol), policy) == (1, ["os.system"])


def test_texts_of_python_2_need_their_encoding() -> None:
    """A byte string above ASCII cannot be judged without the encoding that the loader uses."""
    stream = b"U\x02\xc3\xa9."
    report = verify(stream, NONE)
    assert report.exit_code == 2
    assert "encoding" in report.errors[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The report says why, and no policy is an error of its own."""
    report = verify(tmp_path / "none.pkl", NONE)
    assert report.exit_code == 2
    assert "cannot be read" in report.errors[0]
    with pytest.raises(PolicyError):
        verify(GOOD, tmp_path / "none.json")


# ---- the commands ----------------------------------------------------------------------------------------------------


def test_verify_prints_what_it_found_and_how_to_allow_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, 1 and 2; each violation with its offset and the entry that would allow it."""
    policy, good, bad = tmp_path / "policy.json", tmp_path / "good.pkl", tmp_path / "bad.pkl"
    policy.write_text(NONE.dumps())
    good.write_bytes(GOOD)
    bad.write_bytes(BAD)
    assert cli.main(["verify", "--policy", str(policy), str(good)]) == 0
    assert "clean" in capsys.readouterr().out
    assert cli.main(["verify", "--policy", str(policy), str(tmp_path / "*.pkl")]) == 1
    printed = capsys.readouterr().out
    assert (
        "The stream calls os.system, which the policy does not allow. To allow it, list os.system in reduces."
        in printed
    )
    assert cli.main(["verify", "--policy", str(tmp_path / "none.json"), str(good)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert cli.main(["verify", "--policy", str(policy), str(tmp_path / "*.pt")]) == 2


def test_verify_prints_json_and_the_records_of_violations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` gives one object on stdout, and the last lines on stderr are violation records."""
    policy, bad = tmp_path / "policy.json", tmp_path / "bad.pkl"
    policy.write_text(NONE.dumps())
    bad.write_bytes(BAD)
    assert cli.main(["verify", "--json", "--policy", str(policy), str(bad)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["files"][0]["verdict"] == "violations"
    record = json.loads(err.splitlines()[-1])
    assert record["rule"] == "reduce-not-allowed"
    assert record["allow"] == {"list": "reduces", "entry": "os.system"}
    assert record["source"]["path"] == str(bad)


def test_trace_prints_a_policy_that_verify_takes(tmp_path: Path) -> None:
    """The output of trace is a policy file."""
    model, policy = tmp_path / "model.joblib", tmp_path / "policy.json"
    joblib.dump([np.ones(3), {1}], model)
    command = [sys.executable, "-m", "pickleball_enforce"]
    traced = subprocess.run([*command, "trace", "--model-class", "a.B", model], capture_output=True, check=True)
    policy.write_bytes(traced.stdout)
    assert list(Policy.load(policy).entries) == ["a.B"]
    subprocess.run([*command, "verify", "--policy", policy, model], check=True, capture_output=True)
