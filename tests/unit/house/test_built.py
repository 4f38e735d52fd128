"""What was built is what stands in the sources, and a hooked process imports no more than it needs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from pickleball_enforce import engine

ROOT = Path(__file__).parents[3]
CRATE = ROOT / "images" / "enforce" / "verifier"
SOURCES = ROOT / "images" / "enforce" / "src"
_INTERPRETERS = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
ALLOWED = {"__future__", "_json", "gc", "sitecustomize", _INTERPRETERS}  # docs/design/0011-what-the-enforcer-imports.md


def test_the_compiled_verifier_was_built_from_these_sources() -> None:
    """Its module holds the digest that the Makefile makes of the crate: after a pull it may be an older one."""
    if engine.native is None:
        pytest.skip(engine.REASON)
    files = [path for path in CRATE.rglob("*") if path.is_file() and "target" not in path.relative_to(CRATE).parts]
    digest = hashlib.sha256((ROOT / "requirements" / "rust.txt").read_bytes())
    for path in sorted(files, key=lambda path: str(path).encode()):
        digest.update(path.read_bytes())
    built = getattr(sys.modules["pickleball_enforce._verifier"], "__sources__", "")
    assert built == digest.hexdigest()[:12], "the compiled verifier is of other sources than these: run `make setup`"


def test_a_hooked_process_imports_nothing_that_stock_does_not() -> None:
    """But for this package and what is built in or in C: all else would be paid at every start."""
    code = "import sys, pickle; pickle._loads; print(*sys.modules)"
    hooked = f"{SOURCES}/pickleball_enforce/bootstrap:{SOURCES}"
    ours, stock = (
        set(
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        )
        for path in (hooked, "")
    )
    assert {name for name in ours - stock if not name.startswith("pickleball_enforce")} <= ALLOWED
