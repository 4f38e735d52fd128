"""Programs report their start and what they refused, and run as before whatever becomes of the report."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_enforce import engine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compat.conftest import Enforced


def told(file: Path) -> list[dict[str, Any]]:
    """Read what was reported."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_every_interpreter_reports_its_start(enforced: Enforced, policy: Path, tmp_path: Path) -> None:
    """A program and its children say it once each, with the policy's digest; a fork is no start."""
    done = enforced(
        """
        import os, subprocess, sys
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        print(os.getpid(), subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                                          capture_output=True, text=True, check=True).stdout)
        """,
        PICKLEBALL_REPORTS=str(tmp_path),
    )
    starts = told(tmp_path / "starts.jsonl")
    assert [start["pid"] for start in starts] == [int(word) for word in done.stdout.split()]
    assert {start["sha256"] for start in starts} == {hashlib.sha256(policy.read_bytes()).hexdigest()}
    assert len({start["root"] for start in starts}) == 1


def test_the_start_is_reported_before_pickle_is_needed(enforced: Enforced, tmp_path: Path) -> None:
    """Reporting imports neither pickle nor json nor hashlib."""
    enforced(
        """
        import sys
        assert not {"pickle", "json", "hashlib", "dataclasses", "typing", "socket", "re"} & set(sys.modules)
        """,
        PICKLEBALL_REPORTS=str(tmp_path),
    )
    assert len(told(tmp_path / "starts.jsonl")) == 1


@pytest.mark.parametrize("options", [("-I",), ("-E",), ("-S",)])
def test_an_interpreter_that_skips_the_enforcer_reports_nothing(
    enforced: Enforced, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """No report stands for a process that is not hooked."""
    enforced("pass", options=options, PICKLEBALL_REPORTS=str(tmp_path))
    assert told(tmp_path / "starts.jsonl") == []


def test_what_forks_refuse_is_reported_by_each(enforced: Enforced, tmp_path: Path) -> None:
    """Workers that were forked report their violations with their own pids."""
    enforced(
        """
        import os
        from specimens import *
        for _ in range(3):
            if os.fork() == 0:
                refused(pickle.loads, bad())
                os._exit(0)
        for _ in range(3):
            assert os.wait()[1] == 0
        """,
        PICKLEBALL_REPORTS=str(tmp_path),
    )
    records = told(tmp_path / "violations.jsonl")
    assert len({record["pid"] for record in records}) == 3
    assert {record["rule"] for record in records} == {"reduce-not-allowed"}


def test_another_policy_that_the_program_puts_in_force_is_reported(enforced: Enforced, tmp_path: Path) -> None:
    """`install` with a policy of the program's own is seen."""
    enforced(
        """
        import pickleball_enforce
        pickleball_enforce.install("/elsewhere", mode="audit")
        """,
        PICKLEBALL_REPORTS=str(tmp_path),
    )
    first, second = [line for line in told(tmp_path / "starts.jsonl") if "sha256" in line]
    assert (first["mode"], second["mode"], second["policy"], second["sha256"]) == ("enforce", "audit", "/elsewhere", "")


def test_a_folder_that_cannot_be_written_to_breaks_nothing(enforced: Enforced, tmp_path: Path) -> None:
    """The program runs and is enforced."""
    enforced(
        """
        from specimens import *
        refused(pickle.loads, bad())
        """,
        PICKLEBALL_REPORTS=os.devnull,
    )


def test_the_verifier_that_judges_is_reported_with_the_first_pickle(enforced: Enforced, tmp_path: Path) -> None:
    """Once for each process that imports pickle; a fork inherits it."""
    enforced(
        """
        import os, pickle, importlib
        importlib.reload(pickle)
        if os.fork() == 0:
            pickle.loads(pickle.dumps(1))
            os._exit(0)
        os.wait()
        """,
        PICKLEBALL_REPORTS=str(tmp_path),
    )
    start, judging = told(tmp_path / "starts.jsonl")
    assert judging == {"engine": engine.NAME, "pid": start["pid"]}
