"""Runs programs as an image would: in their own process, with the installed enforcer first on PYTHONPATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce.install import install_target

if TYPE_CHECKING:
    from collections.abc import Callable

    Enforced = Callable[..., subprocess.CompletedProcess[str]]

PACKAGE = Path(__file__).parents[2] / "images" / "enforce"
LIBRARY = Path(__file__).parent / "library"


def build_wheel(folder: Path) -> Path:
    """Build the enforcer's wheel into a folder."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PACKAGE, check=True, capture_output=True)
    (wheel,) = folder.glob("pickleball_enforce-*.whl")
    return wheel


@pytest.fixture(scope="session")
def enforcer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the enforcer, as `pickleball install` makes it."""
    target = tmp_path_factory.mktemp("enforcer") / "pickleball"
    install_target(target)
    return target


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that allows what `specimens.good` gives."""
    path = tmp_path / "policy.json"
    entry = {"globals": ["specimens.Model"], "reduces": ["builtins.set", "collections.OrderedDict"]}
    path.write_text(json.dumps({"specimens.Model": entry}))
    return path


@pytest.fixture
def enforced(enforcer: Path, policy: Path, tmp_path: Path) -> Enforced:
    """Run a program enforced, in a folder of its own; it has to end well."""

    def run(
        code: str,
        *,
        options: tuple[str, ...] = (),
        path: tuple[Path, ...] = (),
        code_file: bool = False,
        check: bool = True,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        source = textwrap.dedent(code)
        program = ["-c", source]
        if code_file:
            file = tmp_path / "program.py"
            file.write_text(source)
            program = [str(file)]
        settings = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (enforcer, *path, LIBRARY))),
            "PICKLEBALL_POLICY": str(policy),
            "PICKLEBALL_VIOLATIONS": str(tmp_path / "violations"),
            "SPECIMENS_MARKER": str(tmp_path / "marker"),
            "PYTHONWARNINGS": "error",
            **environment,
        }
        done = subprocess.run(
            [sys.executable, *options, *program],
            env=settings,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def violations(tmp_path: Path) -> Callable[[], list[dict[str, object]]]:
    """Read the violation records that programs have written."""

    def read() -> list[dict[str, object]]:
        path = tmp_path / "violations"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read
