"""`pickleball scan` and `pickleball explain`: folders, archives, grades, reports and exit codes."""

from __future__ import annotations

import collections
import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.attacks.assembly import BUILD, NONE, PROTO2, PROTO4, STOP, call, dict_of, name, new, number, stack_name, text

from pickleball_enforce import grades
from pickleball_enforce.cli import main
from pickleball_enforce.policy import Entry, Policy

EVIL = PROTO2 + call(name("posix", "system"), text("id")) + STOP
ODD = PROTO2 + new(name("shop.model", "Basket")) + dict_of(text("size"), number(3)) + BUILD + STOP
PLAIN = pickle.dumps(collections.OrderedDict(a=[1, 2]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder as people have them: models, an archive, and files that are no pickles."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "plain.pkl").write_bytes(PLAIN)
    (tmp_path / "deep" / "evil.pkl").write_bytes(EVIL)
    (tmp_path / "deep" / "odd.model").write_bytes(ODD)
    (tmp_path / "README.md").write_text("# Models\n\nimport nothing.\n")
    return tmp_path


def scan(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, str], dict[str, object]]:
    """Run the command; give its exit code, the verdict on each file, and all that it printed."""
    code = main(["scan", "--json", *map(str, arguments)])
    content = json.loads(capsys.readouterr().out)
    return code, {item["path"].rpartition("/")[2]: item["verdict"] for item in content["files"]}, content


def test_a_folder_is_scanned_with_what_lies_below(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pickles in folders of a folder are found, other files are counted and passed over."""
    code, verdicts, content = scan(capsys, folder)
    assert code == 1
    assert verdicts == {"plain.pkl": "data", "evil.pkl": "dangerous", "odd.model": "unknown"}
    assert content["summary"] == {"files": 3, "not pickles": 1, "verdicts": {"data": 1, "dangerous": 1, "unknown": 1}}


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [(PLAIN, (), 0), (ODD, (), 1), (ODD, ("--fail-on", "dangerous"), 0), (EVIL, ("--fail-on", "dangerous"), 1),
     (b"no pickle", (), 2), (EVIL[:-1], (), 1)],
    ids=["data", "unknown", "unknown is let pass", "dangerous", "no pickle", "dangerous and cut off"],
)  # fmt: skip
def test_the_exit_code_tells_the_worst(
    content: bytes, arguments: tuple[str, ...], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for data, 1 for what is dangerous or, by default, unknown, 2 for what could not be judged."""
    path = tmp_path / "file.pkl"
    path.write_bytes(content)
    assert scan(capsys, path, *arguments)[0] == code


def test_a_policy_decides_where_there_is_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a policy the verdicts are those of verify."""
    path = folder / "policy"
    path.write_text(Policy({"shop.model.Basket": Entry(("shop.model.Basket",), ("collections.OrderedDict",))}).dumps())
    code, verdicts, _ = scan(capsys, folder / "plain.pkl", folder / "deep", "--policy", path)
    assert (code, verdicts) == (1, {"plain.pkl": "clean", "evil.pkl": "violations", "odd.model": "clean"})


def packed(kind: str, content: bytes) -> bytes:
    """Put a pickle into a container."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("weights/data.xyz", content)
    elif kind.startswith("tar"):
        with tarfile.open(fileobj=out, mode="w:gz" if kind == "tar.gz" else "w") as archive:
            info = tarfile.TarInfo("model.pkl")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    else:
        return gzip.compress(content)
    return out.getvalue()


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "gz", "weights"])
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "gz"])
def test_a_pickle_in_a_container_is_found_whatever_its_name(
    kind: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Archives are opened by their content: neither the file nor its members need the names that models have."""
    path = tmp_path / f"bundle.{suffix}"
    path.write_bytes(packed(kind, EVIL))
    code, verdicts, _ = scan(capsys, path)
    assert (code, verdicts) == (1, {path.name: "dangerous"})


def test_an_archive_in_a_folder_without_pickles_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A zip file of other things is no finding."""
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.txt", "no pickle")
    (tmp_path / "plain.pkl").write_bytes(PLAIN)
    code, verdicts, _ = scan(capsys, tmp_path)
    assert (code, verdicts) == (0, {"plain.pkl": "data"})


@pytest.mark.parametrize(
    "content", [EVIL, b"cposix\nsystem\n(S'id'\ntR.", PROTO4 + call(stack_name("os", "system")) + STOP]
)
def test_a_pickle_with_a_strange_name_is_found_in_a_folder(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The content of a file tells, in every protocol."""
    (tmp_path / "notes.txt").write_bytes(content)
    assert scan(capsys, tmp_path)[:2] == (1, {"notes.txt": "dangerous"})


def test_a_tar_archive_that_is_a_pickle_too_is_judged_as_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of the first member, where an unpickler begins to read, holds a pickle."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("cposix\nsystem\n(S'id'\ntR.")
        archive.addfile(info)
        inner = tarfile.TarInfo("model.pkl")
        inner.size = len(PLAIN)
        archive.addfile(inner, io.BytesIO(PLAIN))
    path = tmp_path / "polyglot.pkl"
    path.write_bytes(out.getvalue())
    assert scan(capsys, path)[1] == {"polyglot.pkl": "dangerous"}


def test_what_expands_beyond_the_limit_is_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A decompression bomb costs no more than the limit."""
    path = tmp_path / "bomb.pkl"
    path.write_bytes(gzip.compress(b"\0" * 1_000_000))
    code, verdicts, content = scan(capsys, path, "--max-expanded", "10000")
    assert (code, verdicts) == (2, {"bomb.pkl": "could not judge"})
    assert "--max-expanded" in content["files"][0]["errors"][0]


def test_sarif_has_a_result_for_each_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each result names its rule, its level, the file and the offset in it."""
    assert main(["scan", "--sarif", str(folder)]) == 1
    log = json.loads(capsys.readouterr().out)
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    known = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    found = [
        (item["ruleId"], item["level"], item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"][-9:],
         item["locations"][0]["physicalLocation"]["region"]["byteOffset"])
        for item in run["results"]
    ]  # fmt: skip
    assert found == [
        ("dangerous-name", "error", "/evil.pkl", 2),
        ("unknown-name", "warning", "odd.model", 2),
    ]
    assert known == {rule for rule, *_ in found}


def test_text_output_names_what_is_dangerous_and_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads the names, what they do, and how many files there were."""
    main(["scan", str(folder)])
    printed = capsys.readouterr().out
    assert "posix.system is called; it starts a process" in printed
    assert "shop.model.Basket (instantiated)" in printed
    assert printed.endswith("3 files: 1 dangerous, 1 data, 1 unknown; 1 other files passed over\n")


@pytest.mark.parametrize(
    ("path", "found"),
    [("os.system", "dangerous"), ("os.path.join", "dangerous"), ("numpy.ndarray", "data"),
     ("numpy.core.multiarray._reconstruct", "data"), ("shop.Model", "unknown"), ("osmium.Node", "unknown"),
     ("torch.utils.collect_env.run", "dangerous"), ("builtins.dict", "data"), ("builtins.eval", "dangerous")],
)  # fmt: skip
def test_grades(path: str, found: str) -> None:
    """A name is graded by itself or by the module that it lies in, never by a part of a word."""
    assert grades.grade(path)[0] == found


def test_explain_tells_step_by_step_what_would_allow_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step has its offset, its opcode, the entry that would allow it and what it would do."""
    path = tmp_path / "evil.pkl"
    path.write_bytes(EVIL)
    main(["explain", "--json", str(path)])
    (steps,) = (item["steps"] for item in json.loads(capsys.readouterr().out)["pickles"])
    assert [(step["offset"], step["opcode"], step["list"], step["entry"]) for step in steps] == [
        (2, "GLOBAL", "globals", "posix.system"),
        (22, "REDUCE", "reduces", "posix.system"),
    ]
    assert steps[1]["does"] == "calls posix.system('id')"
    assert steps[1]["effect"] == "starts a process"


def test_explain_with_a_policy_says_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Allowed, refused by which rule, or an inert stub; the exit code is that of verify."""
    path, policy = tmp_path / "model.pkl", tmp_path / "policy.json"
    path.write_bytes(
        PROTO2 + new(name("shop.model", "Basket")) + call(name("shop.model", "Open")) + NONE + b"\x87" + STOP
    )
    policy.write_text(Policy({"shop.model.Basket": Entry(("shop.model.Basket",), ())}).dumps())
    code = main(["explain", str(path), "--policy", str(policy)])
    printed = capsys.readouterr().out
    assert code == 1
    assert "makes an instance of shop.model.Basket() [allowed]" in printed
    assert "imports shop.model.Open [inert stub]" in printed
    assert "calls shop.model.Open() [refused by reduce-not-allowed] (entry: shop.model.Open in reduces)" in printed


def test_explain_shows_the_steps_of_one_opcode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A violation's offset leads to its step."""
    path = tmp_path / "evil.pkl"
    path.write_bytes(EVIL)
    main(["explain", "--offset", "22", str(path)])
    assert capsys.readouterr().out.count("posix.system(") == 1


def run(*words: str, out: int | None = subprocess.PIPE, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a program; `before` is run in it first."""
    code = f"import sys; {before or 'pass'}; from pickleball_enforce.cli import command; sys.exit(command())"
    return subprocess.run(
        [sys.executable, "-c", code, *words], stdout=out, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


def test_all_that_a_program_says_is_written_before_it_ends(folder: Path) -> None:
    """It leaves early, after its output, and not where other code waits for its end."""
    for number_ in range(3000):
        (folder / f"{number_:04}.pkl").write_bytes(EVIL)
    done = run("scan", str(folder))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("posix.system is called") == 3001
    assert done.stdout.endswith("passed over\n")
    late = run("scan", str(folder / "plain.pkl"), before="import atexit; atexit.register(print, 'last')")
    assert (late.returncode, late.stdout.splitlines()[-1]) == (0, "last")


def test_a_program_whose_output_cannot_be_written_could_not_judge(folder: Path) -> None:
    """A full disk and a reader that has gone give exit code 2, not that of a clean or a bad file."""
    with Path("/dev/full").open("w") as full:
        done = run("scan", str(folder), out=full.fileno())
    assert (done.returncode, done.stderr) == (2, "pickleball: [Errno 28] No space left on device\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = run("scan", str(folder), out=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (2, "")
    none = run("scan", str(folder / "plain.pkl"), before="sys.stdout = None")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "")
