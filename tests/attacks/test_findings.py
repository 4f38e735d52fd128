"""None of the findings of the review is without its test."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.attacks.findings import FINDINGS
from tests.attacks.ledger import ATTACKS

ROOT = Path(__file__).parents[2]
COLLECTOR = """
import sys, gc, threading
import pickleball_enforce
pickleball_enforce.install(sys.argv[1])
import pickle
data = pickle.dumps([[number] for number in range(20000)])
def load():
    pickle.loads(data)
def at_once():
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
at_once()
assert gc.isenabled()
gc.disable()
at_once()
assert not gc.isenabled()
try:
    pickle.loads(data[:-1])
except pickle.UnpicklingError:
    pass
assert not gc.isenabled()
gc.enable()
print("kept")
"""


def test_all_findings_are_mapped() -> None:
    """The table has the numbers 1 to 42, each with a test or an attack."""
    assert sorted(FINDINGS) == list(range(1, 43))
    assert all(FINDINGS.values())


@pytest.mark.parametrize("number", FINDINGS)
def test_what_a_finding_names_exists(number: int) -> None:
    """An attack of that name stands in the ledger, a test of that name in that file."""
    attacks = {attack.name for attack in ATTACKS}
    for named in FINDINGS[number]:
        kind, _, name = named.partition("attack:")
        if not kind:
            assert name in attacks, named
            continue
        path, _, test = named.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, named


def test_loading_leaves_the_collector_as_the_application_set_it(tmp_path: Path) -> None:
    """Overlapping and failed loads neither start nor stop the cyclic collector."""
    policy = tmp_path / "policy.json"
    policy.write_text('{"x.Model": {"globals": [], "reduces": []}}')
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "images/enforce/src"), "PICKLEBALL_VIOLATIONS": os.devnull}
    command = [sys.executable, "-c", COLLECTOR, str(policy)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "kept\n", done.stderr
