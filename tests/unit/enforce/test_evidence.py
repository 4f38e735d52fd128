"""What a process reports of itself to the witness of its pod."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pickleball_enforce import __version__, evidence, lines, records
from pickleball_enforce.lookup import Enforcement
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.report import Violation

POLICY = Policy({"a.B": Entry(("a.B",), ())})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folder that the environment names, and an interpreter that has said nothing yet."""
    monkeypatch.setenv("PICKLEBALL_REPORTS", str(tmp_path))
    monkeypatch.setattr(evidence, "_said", ("", ""))
    return tmp_path


def told(file: Path) -> list[dict[str, Any]]:
    """Read what was reported."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_start_says_who_is_hooked_and_by_which_policy(folder: Path) -> None:
    """The digest is that of the file as it is, the time is now, and pid and instance are this process's."""
    policy = folder / "policy.json"
    policy.write_text(POLICY.dumps())
    evidence.say_start("enforce", str(policy))
    (start,) = told(folder / evidence.STARTS)
    assert start["enforcer"] == __version__
    assert start["sha256"] == hashlib.sha256(policy.read_bytes()).hexdigest() == POLICY.digest
    assert (start["pid"], start["mode"], start["policy"]) == (os.getpid(), "enforce", str(policy))
    assert abs(start["time"] - time.time()) < 60
    assert str(Path("/proc/self/ns/mnt").stat().st_ino) in start["instance"]


def test_a_start_is_said_once_for_each_policy(folder: Path) -> None:
    """An interpreter that is hooked by several ways says it once; another policy is said anew."""
    for policy in ("/a", "/a", "/b"):
        evidence.say_start("enforce", policy)
    assert [start["policy"] for start in told(folder / evidence.STARTS)] == ["/a", "/b"]


@pytest.mark.parametrize("policy", ["/nowhere", "/", 'a"b\\c\nd\u20ac\U0001f600\udc80'])
def test_a_policy_that_cannot_be_read_has_no_digest(folder: Path, policy: str) -> None:
    """The line is JSON whatever the path holds."""
    evidence.say_start("enforce", policy)
    (start,) = told(folder / evidence.STARTS)
    assert start["sha256"] == ""
    assert start["policy"][:3] == policy[:3]


def test_without_a_folder_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process outside a pod writes no report."""
    monkeypatch.delenv("PICKLEBALL_REPORTS", raising=False)
    evidence.say_start("enforce", "/a")
    evidence.say_violation("{}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["none", "file/x", "pipe"])
def test_a_report_that_cannot_be_made_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A folder that is gone, is no folder, or holds a pipe that nobody reads: the program goes on at once."""
    (folder / "file").write_text("")
    (folder / "pipe").mkdir()
    for name in (evidence.STARTS, evidence.VIOLATIONS):
        os.mkfifo(folder / "pipe" / name)
    monkeypatch.setenv("PICKLEBALL_REPORTS", str(folder / place))
    evidence.say_start("enforce", "/a")
    evidence.say_violation("{}")


def test_every_user_of_the_container_may_report(folder: Path) -> None:
    """The file can be written by all, whatever the umask of the process that made it."""
    before = os.umask(0o077)
    try:
        evidence.say_start("enforce", "/a")
    finally:
        os.umask(before)
    assert (folder / evidence.STARTS).stat().st_mode & 0o777 == 0o666


def test_reports_do_not_fill_the_volume(folder: Path) -> None:
    """While no witness takes the lines, a file stops growing at its limit."""
    for _ in range(3):
        evidence.say_violation("x" * (evidence.LIMIT // 2 - 100))
    assert (folder / evidence.VIOLATIONS).stat().st_size < evidence.LIMIT


def test_a_violation_is_reported_as_it_is_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The witness gets the line that stderr gets."""
    monkeypatch.setattr(records, "TERMINATION_LOG", str(folder / "none"))
    found = Violation("reduce-not-allowed", "a.f", "REDUCE", 41, "The stream calls a.f.", ("reduces", "a.f"))
    records.write([found], Enforcement("enforce", POLICY, "/p"), "/m.pkl", "00")
    assert (folder / evidence.VIOLATIONS).read_text() == capsys.readouterr().err


def test_a_file_of_ones_own_keeps_the_umask(tmp_path: Path) -> None:
    """Only report folders hold files for everybody."""
    before = os.umask(0o077)
    try:
        assert lines.append(str(tmp_path / "records"), "{}", create=True)
    finally:
        os.umask(before)
    assert (tmp_path / "records").stat().st_mode & 0o777 == 0o600
