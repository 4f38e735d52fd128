"""The enforcer's own tests on every Python that it is made for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.pythons.debian import TESTER

if TYPE_CHECKING:
    from tests.pythons.debian import Debian

pytestmark = pytest.mark.pythons
ATTACKS = ("drivers", "ledger", "published", "findings", "imports", "archives", "bombs")  # random streams run at home
ROOMS = ("tests/unit/enforce", *(f"tests/attacks/test_{name}.py" for name in ATTACKS), "tests/compat")
# The commands' output in the docs, and scikit-learn's models; what takes a build or pip has a test of its own here.
ELSEWHERE = ("tests/unit/enforce/test_pages.py", "tests/compat/test_wheel.py")


def test_the_enforcers_own_tests_pass(python: Debian) -> None:
    """Unit tests, all attacks in hooked processes, doors: on each Python as on the one that develops."""
    report = python.results / "enforcer.xml"
    # Debian 12's joblib imports distutils, of which Python 3.11 warns.
    options = (
        "-W",
        "ignore:The distutils package:DeprecationWarning",
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=short",
        f"--junitxml=/results/{report.name}",
    )
    done = python.run(
        TESTER, "-m", "pytest", *options, *(f"--ignore={path}" for path in ELSEWHERE), *ROOMS, timeout=1800
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    cases = list(ET.parse(report).iter("testcase"))
    assert len(cases) > 800, done.stdout[-3000:]
    failed = {
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    assert failed == set(), done.stdout[-12000:]
