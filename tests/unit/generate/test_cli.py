"""The command pickleball-generate, as a process: outcomes, errors and exit codes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_enforce.policy import Policy
from pickleball_generate.joern import default_jars

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tree = Callable[[dict[str, str]], Path]

LIBRARY = {
    "zoo/__init__.py": "from .cats import Lion\n",
    "zoo/cats.py": (
        "class Cat:\n    def __init__(self, mane):\n        self.mane = Mane()\n\n"
        "class Lion(Cat):\n    pass\n\nclass Mane:\n    pass\n"
    ),
}


def generate(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "pickleball_generate.cli", *map(str, words)]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def refused(done: subprocess.CompletedProcess[str], code: int, reason: str) -> str:
    """Assert that a run was refused for a reason; give its sentence."""
    assert done.returncode == code, done.stdout + done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (answer["status"], answer["reason"]) == ("error", reason)
    sentence: str = answer["sentence"]
    return sentence


@pytest.fixture
def library(tree: Tree) -> Path:
    """Give a small library."""
    return tree(LIBRARY)


@pytest.mark.parametrize("name", ["zoo.Lion", "zoo.cats.Lion", "zoo/cats.py:<module>.Lion"])
def test_a_policy_and_its_provenance_are_written(name: str, library: Path, tmp_path: Path) -> None:
    """A class is found by its canonical name, by a re-export and in Joern's form; the outcome is one JSON object."""
    out = tmp_path / "out" / "policy.json"
    done = generate("--library-path", library, "--model-class", name, "--policy-path", out, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == "written"
    assert {"zoo.cats.Lion", "zoo.cats.Mane"} <= Policy.load(out).globals
    assert answer["globals"] == len(Policy.load(out).globals)
    assert json.loads(out.with_name("provenance.json").read_text())
    assert sorted(path.name for path in out.parent.iterdir()) == ["policy.json", "provenance.json"]


def test_the_seeds_other_flags_do_what_they_say(library: Path, tmp_path: Path) -> None:
    """Plan only, facts only, types added, folders ignored, a package's own folder as library path."""
    out = tmp_path / "policy.json"
    common = ("--library-path", library / "zoo", "--model-class", "zoo.Lion", "--cache-path", tmp_path / "cache")
    planned = generate(*common, "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["plan"][0]["modules"] == 2
    assert not (tmp_path / "cache").exists()
    facts = generate(*common, "--only-cpg", "--json")
    assert facts.returncode == 0, facts.stdout + facts.stderr
    (kept,) = (tmp_path / "cache/facts").glob("*.sqlite")
    with closing(sqlite3.connect(kept)) as store:
        assert store.execute("select count(*) from facts where key like 'types-%'").fetchone()[0] > 1
    assert not out.exists()
    typed = generate(*common, "--use-cpg", "--mem", "1G", "--policy-path", out, "--ignore-paths", "tests,docs")
    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert "zoo.cats.Mane" in Policy.load(out).globals


def test_a_class_that_is_not_there_names_those_that_are_near(library: Path, tmp_path: Path) -> None:
    """The sentence says which name was probably meant; nothing is written."""
    out = tmp_path / "policy.json"
    done = generate("--library-path", library, "--model-class", "zoo.cats.Lyon", "--policy-path", out, "--json")
    assert "zoo.cats.Lion" in refused(done, 2, "class-not-found")
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "code", "reason", "part"),
    [
        (["--model-class", "zoo.Lion", "--mem", "much"], 3, "bad-memory", "4G"),
        (["--model-class", "zoo.Lion", "--mem", "1M"], 3, "too-little-memory", "256M"),
        (["--model-class", "zoo.Lion", "--joern-path", "/nonexistent"], 3, "no-joern", "make joern"),
        (["--model-class", "no class"], 2, "bad-class-name", "sklearn.linear_model"),
        (["--model-class", "nothing.Here"], 2, "class-not-found", "nothing.Here"),
        ([], 2, "no-class", "--model-class"),
        (["--model-class", "zoo.Lion", "--nonsense"], 2, "bad-arguments", "--help"),
    ],
)
def test_bad_input_is_named_and_leaves_an_existing_policy(
    words: list[str], code: int, reason: str, part: str, library: Path, tmp_path: Path
) -> None:
    """Each error says what was wrong and what to do, and the policy that was there is as it was."""
    out = tmp_path / "policy.json"
    out.write_text("before")
    common = ("--library-path", library, "--policy-path", out, "--cache-path", tmp_path / "cache", "--json")
    assert part in refused(generate(*common, *words), code, reason)
    assert out.read_text() == "before"
    assert not (tmp_path / "provenance.json").exists()


def test_a_machine_without_java_is_told_how_to_get_it(library: Path, tmp_path: Path) -> None:
    """Without Java the command names the package to install."""
    done = generate(
        "--library-path", library, "--model-class", "zoo.Lion", "--policy-path", tmp_path / "policy.json",
        "--cache-path", tmp_path / "cache", "--json", PATH=str(tmp_path), JAVA_HOME="",
        PICKLEBALL_JOERN=str(default_jars()),
    )  # fmt: skip
    assert "default-jre-headless" in refused(done, 3, "no-java")


def test_jars_of_another_version_are_told_as_such(library: Path, tmp_path: Path) -> None:
    """A Java that greets with another schema of facts is not listened to."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "java"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = -version ] && exec {shutil.which("java")} "$@"\nread line\necho \'@{{"schema":1}}\'\n'
    )
    script.chmod(0o755)
    done = generate(
        "--library-path", library, "--model-class", "zoo.Lion", "--policy-path", tmp_path / "policy.json",
        "--cache-path", tmp_path / "cache", "--json", PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", JAVA_HOME="",
        PICKLEBALL_JOERN=str(default_jars()),
    )  # fmt: skip
    assert "make joern" in refused(done, 3, "other-joern")


def dying_java(folder: Path, times: int, signal: str = "KILL") -> str:
    """Put a Java in front of the real one that dies by a signal the first times that it is asked to work."""
    java = shutil.which("java")
    assert java is not None
    folder.mkdir()
    script = folder / "java"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = -version ] && exec {java} "$@"\ncount=$(cat {folder}/count 2>/dev/null || echo 0)\n'
        f'echo $((count + 1)) > {folder}/count\n[ "$count" -lt {times} ] && kill -{signal} $$\nexec {java} "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def run_with_dying_java(library: Path, tmp_path: Path, times: int) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Generate with a Java that dies; the facts are not cached."""
    out = tmp_path / "policy.json"
    done = generate(
        "--library-path", library, "--model-class", "zoo.Lion", "--policy-path", out,
        "--cache-path", tmp_path / "cache", "--json",
        PATH=dying_java(tmp_path / "bin", times), JAVA_HOME="", PICKLEBALL_JOERN=str(default_jars()),
    )  # fmt: skip
    return done, out


def test_joern_is_started_again_when_it_dies(library: Path, tmp_path: Path) -> None:
    """One death costs a try and a note, not the policy."""
    done, out = run_with_dying_java(library, tmp_path, 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zoo.cats.Lion" in Policy.load(out).globals
    assert any("Joern ended" in note for note in json.loads(done.stdout)["notes"])


def test_no_policy_is_written_when_joern_keeps_dying(library: Path, tmp_path: Path) -> None:
    """The error tells that something killed it, and nothing is left behind."""
    done, out = run_with_dying_java(library, tmp_path, 99)
    assert "killed" in refused(done, 4, "joern-crashed")
    assert not out.exists()
    (kept,) = (tmp_path / "cache/facts").glob("*.sqlite")
    with closing(sqlite3.connect(kept)) as store:
        assert store.execute("select count(*) from facts").fetchone() == (0,)


def test_types_that_joern_cannot_recover_are_done_without(library: Path, tmp_path: Path) -> None:
    """With --use-cpg, a Joern that ends each time costs the types and a note; the policy comes from syntax facts."""
    java, folder, out = shutil.which("java"), tmp_path / "bin", tmp_path / "policy.json"
    folder.mkdir()
    (folder / "java").write_text(
        f"#!{sys.executable}\nimport os, subprocess, sys\n"
        f"if sys.argv[1] == '-version': os.execv({java!r}, [{java!r}, '-version'])\n"
        f"child = subprocess.Popen([{java!r}, *sys.argv[1:]], stdin=subprocess.PIPE)\n"
        "for line in sys.stdin.buffer:\n    if line.startswith(b'cpg'): break\n"
        "    child.stdin.write(line); child.stdin.flush()\nchild.kill(); sys.exit(1)\n"
    )
    (folder / "java").chmod(0o755)
    done = generate(
        "--library-path", library, "--model-class", "zoo.Lion", "--policy-path", out, "--use-cpg",
        "--cache-path", tmp_path / "cache", "--json", PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", JAVA_HOME="",
        PICKLEBALL_JOERN=str(default_jars()),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zoo.cats.Mane" in Policy.load(out).globals
    assert any("no type facts" in note for note in json.loads(done.stdout)["notes"])
    assert json.loads(out.with_name("provenance.json").read_text())["options"]["types"] is False


def test_too_little_memory_is_told_as_such(tree: Tree, tmp_path: Path) -> None:
    """A module that does not fit into --mem ends in the advice to give more."""
    big = "x = [" + ", ".join(f"f({n}, a={n}, b=[{n}, {n}])" for n in range(250_000)) + "]\nclass C: pass\n"
    root = tree({"big/__init__.py": "", "big/m.py": big})
    done = generate(
        "--library-path", root, "--model-class", "big.m.C", "--policy-path", tmp_path / "policy.json",
        "--cache-path", tmp_path / "cache", "--mem", "256M", "--json",
    )  # fmt: skip
    assert "--mem" in refused(done, 4, "joern-crashed")


def test_export_collect_writes_the_collector(tmp_path: Path) -> None:
    """The program that images run is one file, executable and readable by all."""
    done = generate("export-collect", "--output", tmp_path / "tools")
    assert done.returncode == 0, done.stderr
    (written,) = (tmp_path / "tools").iterdir()
    assert written.name == "collect.py"
    assert stat.S_IMODE(written.stat().st_mode) & 0o555 == 0o555


def test_logs_are_json_lines_where_there_is_no_terminal(library: Path, tmp_path: Path) -> None:
    """Every line on standard error is a JSON object with an event."""
    done = generate("--library-path", library, "--model-class", "zoo.Lion", "--policy-path", tmp_path / "p.json",
                    "--cache-path", tmp_path / "cache")  # fmt: skip
    lines: list[Any] = [json.loads(line) for line in done.stderr.splitlines()]
    assert lines
    assert all("event" in line for line in lines)
