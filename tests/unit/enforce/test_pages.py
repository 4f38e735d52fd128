"""The commands that the pages on the enforcer show, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.attacks.assembly import PROTO2, STOP, call, name, text

from pickleball_enforce.cli import main

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("how-to/read-a-violation.md", "how-to/write-a-policy-by-hand.md")
_COMMAND = re.compile(r"(?:^    |`)(pickleball (?:verify|trace|scan|explain) [^`\n]*)", re.MULTILINE)
COMMANDS = [(page, found) for page in PAGES for found in _COMMAND.findall((DOCS / page).read_text())]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Make the files that the pages speak of, with the policy that trace writes for the model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    joblib.dump(LogisticRegression().fit(np.arange(8).reshape(4, 2), [0, 1, 0, 1]), "model.joblib")
    Path("suspicious.pkl").write_bytes(PROTO2 + call(name("posix", "system"), text("id")) + STOP)
    Path("models/one.pkl").write_bytes(b"N.")
    main(["trace", "model.joblib"])
    Path("policy.json").write_text(capsys.readouterr().out)
    return tmp_path


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {command}" for page, command in COMMANDS])
def test_a_command_of_a_page_works(page: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is understood, ends with the exit code for the file, and prints something."""
    arguments = command.partition(" > ")[0].split()[1:]
    code = main(arguments)
    assert code == (1 if "suspicious.pkl" in arguments and arguments[0] == "verify" else 0)
    assert capsys.readouterr().out


def test_the_output_that_the_page_shows_is_what_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lines under the commands stand on the page as the program prints them."""
    page = re.sub(r"^ {4}", "", (DOCS / PAGES[0]).read_text(), flags=re.MULTILINE)
    for arguments in (["verify", "--policy", "policy.json", "suspicious.pkl"], ["explain", "suspicious.pkl"]):
        main(arguments)
        printed = capsys.readouterr().out.splitlines()
        assert all(line in page for line in printed if line != "suspicious.pkl"), printed


def test_the_pages_show_each_command_for_files() -> None:
    """Nothing for files is left without an example that runs."""
    assert {command.split()[1] for _, command in COMMANDS} == {"verify", "trace", "scan", "explain"}
