"""Every attack of the ledger works on stock pickle, and nothing of it runs where the policy is enforced."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.attacks.ledger import ATTACKS

from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from tests.attacks.ledger import Attack

LIBRARY = Path(__file__).parent / "library"
SOURCES = Path(__file__).parents[2] / "images/enforce/src"

STOCK = """
import io, pickle, sys
stream, kind = bytes.fromhex(sys.argv[1]), sys.argv[2]
{setup}
base = pickle.Unpickler if kind == "c" else pickle._Unpickler
class Unpickler(base):
    {persistent}
unpickler = Unpickler(io.BytesIO(stream){arguments})
for _ in range({loads}):
    result = unpickler.load()
    if not {loads} > 1: pass
print("EFFECT" if {check} else "none")
"""

ENFORCED = """
import io, pickle, sys
from pickleball_enforce import guards, names, obligations
from pickleball_enforce.errors import PolicyViolation
from pickleball_enforce.policy import Policy
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier

stream = bytes.fromhex(sys.argv[1])
{setup}
policy = Policy.load(sys.argv[2])
verdict = Verifier(policy, Settings({arguments})).verify(stream)
if verdict.error:
    print("malformed")
for violation in verdict.violations:
    print(violation.rule)
if verdict.clean:
    cached = [item for item in verdict.imports if item.optional and names.cached_extension(item.code) is not None]
    predictions = iter([item for item in verdict.imports if item not in cached])
    def refuse(found):
        if found:
            raise PolicyViolation(found)
    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            prediction = next(item for item in predictions if (item.module, item.name) == (module, name))
            assert prediction.decision == "allow", "the effect goes through a stub"
            found = super().find_class(module, name)
            refuse(obligations.discharge(found, prediction))
            if guards.needs_guard(found, prediction):
                return guards.guarded(found, prediction, refuse)
            return found
    try:
        for prediction in cached:
            refuse(obligations.check_cached(prediction))
        result = Unpickler(io.BytesIO(stream)).load()
        print("EFFECT" if {check} else "loaded")
    except PolicyViolation as error:
        for violation in error.violations:
            print("at-load", violation.rule)
"""


DRIVEN = """
import sys
import pickleball_enforce
pickleball_enforce.install(sys.argv[3])
import io, pickle
stream, kind = bytes.fromhex(sys.argv[1]), sys.argv[2]
{setup}
base = pickle.Unpickler if kind == "c" else pickle._Unpickler
class Unpickler(base):
    {persistent}
try:
    unpickler = Unpickler(io.BytesIO(stream){arguments})
    for _ in range({loads}):
        result = unpickler.load()
    print("EFFECT" if {check} else "loaded")
except pickle.UnpicklingError as error:
    for violation in getattr(error, "violations", ()):
        print(violation.rule)
    if isinstance(error, pickleball_enforce.MalformedStream):
        print("malformed")
"""


def program(template: str, attack: Attack, *, arguments: str) -> str:
    """Fill the program of a subprocess."""
    persistent = f"def persistent_load(self, pid):\n        {attack.persistent}" if attack.persistent else "pass"
    return template.format(
        setup=attack.setup,
        persistent=persistent,
        arguments=arguments,
        loads=attack.loads,
        check=attack.check or "False",
    )


def run(code: str, marker: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the victims' library on its path."""
    environment = {**os.environ, "PYTHONPATH": f"{LIBRARY}:{SOURCES}", "VICTIMS_MARKER": str(marker)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def installed(package: str) -> tuple[int, int]:
    """Give the version of a package; the lowest when it is not there."""
    try:
        major, minor = metadata.version(package).split(".")[:2]
    except metadata.PackageNotFoundError:
        return 0, 0
    return int(major), int(minor)


def policy_of(attack: Attack, folder: Path) -> Path:
    """Write the policy that is in force."""
    path = folder / "policy.json"
    path.write_text(Policy({"victims.Model": Entry(attack.globals, attack.reduces, attack.instances)}).dumps())
    return path


CASES = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.rule}-{attack.name.replace(' ', '-')}")


@CASES
def test_the_attack_works_on_stock_pickle(attack: Attack, tmp_path: Path) -> None:
    """Stock runs the attack: the effect is there afterwards."""
    if attack.needs is not None and installed(attack.needs[0]) < attack.needs[1]:
        pytest.skip(f"the attack needs {attack.needs[0]} {'.'.join(map(str, attack.needs[1]))}")
    if attack.gone is not None and sys.version_info >= attack.gone:
        pytest.skip(f"stock is safe from it from Python {'.'.join(map(str, attack.gone))} on")
    for kind in attack.unpicklers:
        marker = tmp_path / kind
        extra = f", {attack.arguments}" if attack.arguments else ""
        done = run(program(STOCK, attack, arguments=extra), marker, attack.stream.hex(), kind)
        assert marker.exists() or "EFFECT" in done.stdout, f"{kind}: {done.stdout}{done.stderr}"


@CASES
def test_the_attack_is_stopped_before_anything_ran(attack: Attack, tmp_path: Path) -> None:
    """The verifier refuses the stream, or its obligations refuse the object; by the rule that is meant for it."""
    marker = tmp_path / "marker"
    code = program(ENFORCED, attack, arguments=attack.arguments)
    done = run(code, marker, attack.stream.hex(), str(policy_of(attack, tmp_path)))
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split()
    assert attack.found in printed, done.stdout
    assert ("at-load" in printed) == attack.at_load
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["c", "python"])
@CASES
def test_both_drivers_stop_the_attack(attack: Attack, kind: str, tmp_path: Path) -> None:
    """A process with the hook refuses the load by the rule that is meant for it, and the effect is not there."""
    marker = tmp_path / "marker"
    extra = f", {attack.arguments}" if attack.arguments else ""
    code = program(DRIVEN, attack, arguments=extra)
    done = run(code, marker, attack.stream.hex(), kind, str(policy_of(attack, tmp_path)))
    assert done.returncode == 0, done.stderr
    assert attack.found in done.stdout.split(), (done.stdout, done.stderr)
    assert "EFFECT" not in done.stdout
    assert not marker.exists()


def test_at_least_five_attacks_go_through_names_that_the_policy_allows() -> None:
    """The ledger holds attacks that no list of names can stop."""
    assert sum(attack.allowed for attack in ATTACKS) >= 5


def test_each_rule_has_attacks() -> None:
    """The rules 1 to 10 each have an attack; 11 and 12 are about reports and about having no policy."""
    assert {attack.rule for attack in ATTACKS} == set(range(1, 11))
