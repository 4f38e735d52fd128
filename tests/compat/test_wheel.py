"""The wheel: what `pip install pickleball-enforce` puts into an environment works there."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.compat.conftest import build_wheel

from pickleball_enforce import engine

if TYPE_CHECKING:
    from pathlib import Path


def test_the_wheel_works_in_a_fresh_environment(tmp_path: Path) -> None:
    """It brings the command, passes the self-test, and has the compiled verifier where that was built."""
    wheel = build_wheel(tmp_path)
    tag = "cp39-abi3-manylinux_2_17_" if engine.native else "py3-none-any"
    assert tag in wheel.name
    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    install = [fresh / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(install, check=True, env={"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    done = subprocess.run(
        [fresh / "bin" / "pickleball", "selftest"], capture_output=True, text=True, check=False, cwd=tmp_path, env={}
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stderr)
    assert (told["selftest"], told["verifier"]) == ("passed", engine.NAME)
    assert told["python"].startswith(str(fresh))
