"""What the inference may keep in memory: more than --mem ends it, and Java is not bound by that."""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from pickleball_generate import inference
from pickleball_generate.errors import OutOfMemory
from pickleball_generate.inference import Options, infer
from pickleball_generate.inference.pickling import Pickling
from pickleball_generate.memory import bounded, unbounded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

MIB = 1 << 20


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    program = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


def test_what_needs_more_ends_with_the_advice_to_give_more() -> None:
    """The error names the flag, and the process has its memory back."""
    done = run(
        """
        import resource
        from pickleball_generate.errors import OutOfMemory
        from pickleball_generate.memory import bounded
        kept = []
        try:
            with bounded(256 << 20, "256M"):
                while True:
                    kept.append(bytes(1 << 20))
        except OutOfMemory as error:
            assert len(kept) < 256, len(kept)
            print(error.sentence)
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY
        bytes(512 << 20)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "--mem 256M" in done.stdout


def test_the_command_ends_as_one_that_is_killed_for_its_memory() -> None:
    """The operator, which sees the exit code, gives the analysis more memory once."""
    done = run(
        """
        import sys
        from pickleball_generate import cli
        cli.generate = lambda *_: [bytes(1 << 20) for _ in range(1024)]
        sys.exit(cli.main(["--library-path", ".", "--model-class", "a.B", "--mem", "256M", "--json"]))
        """
    )
    assert done.returncode == 137, done.stderr
    assert json.loads(done.stdout)["reason"] == "out-of-memory"


def test_a_program_that_is_started_is_not_bound() -> None:
    """Java has a bound of its own, and reserves more than it uses."""
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    with bounded(2048 * MIB, "2G"):
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 2048 * MIB
        with unbounded():
            free = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        bound = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert (int(free), int(bound)) == (resource.getrlimit(resource.RLIMIT_DATA)[1], 2048 * MIB)


def test_a_lower_bound_that_is_there_stays() -> None:
    """A bound that somebody else has set is not lifted."""
    with bounded(1024 * MIB, "1G"):
        with bounded(2048 * MIB, "2G"):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 1024 * MIB
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 1024 * MIB


def test_an_error_of_another_kind_passes() -> None:
    """Only the lack of memory is told as such."""
    with pytest.raises(KeyError), bounded(1024 * MIB, "1G"):
        raise KeyError
    with pytest.raises(OutOfMemory), bounded(1024 * MIB, "1G"):
        raise MemoryError


def test_what_a_class_took_is_free_before_the_next(
    tree: Callable[[dict[str, str]], Path],
    environment_of: Callable[..., Environment],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of a large fixpoint is there when the next one begins: several classes need as much as the largest."""
    monkeypatch.setattr(inference, "LARGE", 0)  # steps: these classes are small
    found, solve = [], inference.solve

    def counted(*arguments: Any) -> Pickling:
        found.append(len([each for each in gc.get_objects() if isinstance(each, Pickling)]))
        return solve(*arguments)

    monkeypatch.setattr(inference, "solve", counted)
    gc.collect()
    root = tree({"lib/__init__.py": "", "lib/model.py": "class One:\n    pass\nclass Two:\n    pass\n"})
    result = infer(environment_of(root), ["lib.model.One", "lib.model.Two"], Options())
    assert list(result.provenance["classes"]) == ["lib.model.One", "lib.model.Two"]
    assert found == [0, 0]
