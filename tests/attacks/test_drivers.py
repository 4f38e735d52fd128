"""Every attack of the ledger is stopped where programs load: in a hooked process, through both unpicklers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.attacks.ledger import ATTACKS
from tests.attacks.test_ledger import policy_of, program, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.attacks.ledger import Attack

HOOKED = """
import io, os, pickle, sys, tempfile
stream = bytes.fromhex(sys.argv[1])
{setup}
import pickleball_enforce
pickleball_enforce.install(sys.argv[2])
def show(result):
    print("EFFECT" if {check} else "loaded")
class Application:
    {persistent}
def attack(base, file, renames=False):
    try:
        names = {{"find_class": lambda self, module, name: base.find_class(self, module, name)}} if renames else {{}}
        unpickler = type("Unpickler", (Application, base), names)(file{arguments})
        for _ in range({loads}):
            result = unpickler.load()
        show(result)
    except Exception as error:
        refusal = isinstance(error, (pickle.UnpicklingError, EOFError))
        print("refused" if refusal else "error %r" % error)
path = os.path.join(os.path.dirname(sys.argv[2]), "attack.pkl")
with open(path, "wb") as file:
    file.write(stream)
class Pipe:
    def __init__(self):
        file = io.BytesIO(stream)
        self.read, self.readline = file.read, file.readline
attack(pickle.Unpickler, io.BytesIO(stream))
with open(path, "rb") as file:
    attack(pickle.Unpickler, file)
attack(pickle.Unpickler, Pipe())
attack(pickle._Unpickler, io.BytesIO(stream))
attack(pickle.Unpickler, io.BytesIO(stream), renames=True)
attack(pickle._Unpickler, io.BytesIO(stream), renames=True)
"""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.rule}-{attack.name.replace(' ', '-')}")
def test_the_attack_is_stopped_in_a_hooked_process(attack: Attack, tmp_path: Path) -> None:
    """No driver lets the effect happen, read from whatever and find_class overridden or not: the load is refused."""
    marker = tmp_path / "marker"
    extra = f", {attack.arguments}" if attack.arguments else ""
    code = program(HOOKED, attack, arguments=extra)
    done = run(code, marker, attack.stream.hex(), str(policy_of(attack, tmp_path)))
    assert not marker.exists(), done.stdout
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:6] == ["refused"] * 6, done.stdout + done.stderr
