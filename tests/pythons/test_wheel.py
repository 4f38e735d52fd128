"""The wheel on every Debian: one file for all of them, down to the oldest glibc."""

from __future__ import annotations

import ensurepip
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.compat.conftest import build_wheel
from tests.pythons.debian import PYTHON

from pickleball_enforce import engine

if TYPE_CHECKING:
    from tests.pythons.debian import Debian

pytestmark = pytest.mark.pythons


def test_the_wheel_works_on_every_debian(python: Debian) -> None:
    """Pip takes it there, the self-test passes, and the compiled verifier is used where it was built."""
    wheel = build_wheel(python.results)
    (bundled,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")  # Debian's Pythons bring no pip
    shutil.copy(bundled, python.results / "pip.zip")
    script = f"""
        {PYTHON} -m venv --without-pip /tmp/fresh
        /tmp/fresh/bin/python /results/pip.zip/pip install --quiet --no-index --no-deps /results/{wheel.name}
        cd / && exec /tmp/fresh/bin/pickleball selftest
    """
    done = python.run("sh", "-ec", script)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stderr.splitlines()[-1])
    assert (told["selftest"], told["verifier"]) == ("passed", engine.NAME), told
    assert told["version"].startswith(python.version)
