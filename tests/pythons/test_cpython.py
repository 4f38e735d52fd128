"""CPython's own tests of pickle and of what is built on it end, hooked in audit mode, as they end on stock."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from tests.pythons.conftest import differences
from tests.pythons.debian import PYTHON, TESTER

if TYPE_CHECKING:
    from tests.pythons.debian import Debian

pytestmark = pytest.mark.pythons
PICKLE = ("test.test_pickle", "test.test_pickletools", "test.test_copyreg", "test.test_shelve")
# The classes whose tests send pickles between processes; tests of time limits depend on how busy the machine is.
CLASSES = (
    "Queue|Connection|PicklingConnections|Pool|PoolWorkerErrors|Containers|MyManager|RemoteManager|ManagerRestart"
    "|SharedMemory"
)
ONLY = rf"^(?!.*timeout).*(Test({CLASSES})\.|TestSyncManagerTypes|TestInitializers)"


def modules(suite: str, version: str) -> tuple[str, ...]:
    """Give the modules of a suite; those of multiprocessing became packages with Python 3.12."""
    if suite == "pickle":
        return PICKLE
    name = f"test.test_multiprocessing_{suite}"
    parts = ("manager", "misc", "processes")
    return tuple(f"{name}.test_{part}" for part in parts) if version in ("3.13", "3.14") else (name,)


def outcomes(python: Debian, suite: str, kind: str, **environment: str) -> dict[str, str]:
    """Run a suite; give how each test ended."""
    file = f"{suite}-{kind}.json"
    only = () if suite == "pickle" else ("--only", ONLY)
    command = (PYTHON, "/repo/tests/pythons/outcomes.py", f"/results/{file}")
    done = python.run(*command, *modules(suite, python.version), *only, **environment)
    report = python.results / file
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return {name: found["outcome"] for name, found in json.loads(report.read_text()).items()}


def kept_outcomes(python: Debian, suite: str) -> dict[str, str]:
    """Give how each test ends on stock; nothing that we change changes that, so it is kept with the Debian."""
    chosen = hashlib.sha256(f"{modules(suite, python.version)} {ONLY}".encode()).hexdigest()[:12]
    kept = python.root.with_name(f"{python.root.name}-{suite}-{chosen}.json")
    if not kept.exists():
        kept.write_text(json.dumps(outcomes(python, suite, "stock")))
    found: dict[str, str] = json.loads(kept.read_text())
    return found


def hooked(python: Debian) -> dict[str, str]:
    """Install the enforcer; give the environment that hooks a process in audit mode, under a policy of nothing."""
    if not (python.results / "pickleball").exists():
        done = python.run(TESTER, "-m", "pickleball_enforce", "install", "--target", "/results/pickleball")
        assert done.returncode == 0, done.stderr
        (python.results / "policy.json").write_text('{"a.B": {"globals": [], "reduces": []}}')
    environment = {
        "PYTHONPATH": "/results/pickleball",
        "PICKLEBALL_POLICY": "/results/policy.json",
        "PICKLEBALL_MODE": "audit",
        "PICKLEBALL_VIOLATIONS": "/results/violations",
    }
    assert "enforced" in python.run(PYTHON, "-c", "import pickle; print(pickle.loads)", **environment).stdout
    return environment


@pytest.mark.parametrize(("suite", "least"), [("pickle", 800), ("fork", 60), ("spawn", 60)])
def test_cpythons_own_tests_end_as_on_stock(python: Debian, suite: str, least: int) -> None:
    """Each test that ends otherwise stands in the list of differences with a reason; each that stands there does."""
    stock = kept_outcomes(python, suite)
    audited = outcomes(python, suite, "hooked", **hooked(python))
    names = stock.keys() | audited.keys()
    different = {name for name in names if stock.get(name) != audited.get(name)}
    listed = differences(python.version)
    assert different == {name for name in listed if name.startswith(modules(suite, python.version))}
    assert sum(outcome == "passed" for outcome in audited.values()) > least
