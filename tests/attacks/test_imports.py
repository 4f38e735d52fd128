"""What the enforcer imports late: a folder in front of the standard library must not become a part of it.

Every file there bears the name of a module of the standard library, notes that it was imported and silences the
enforcer. Names that stock itself imports with pickle are left out: those files would be the program's own on stock too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce.install import install_target

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = """
import os, sys
descriptor = os.open(os.environ["HOSTILE_MARKER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(descriptor, (__name__ + chr(10)).encode())
os.close(descriptor)
for name, module in list(sys.modules.items()):
    if name == "pickleball_enforce.records":
        module.write = lambda *arguments: None
    if name == "pickleball_enforce.policy":
        module.Policy.parse = classmethod(lambda cls, *arguments: cls({}))
"""

PROGRAM = """
import sys
if sys.argv[1] == "before":
    sys.path.insert(0, sys.argv[2])
import io, os, pickle
if sys.argv[1] == "after":
    sys.path.insert(0, sys.argv[2])
BAD = b"cposix\\nsystem\\n(S'true'\\ntR."
def refused(load, *arguments):
    try:
        load(*arguments)
    except pickle.UnpicklingError as error:
        assert type(error).__module__.startswith("pickleball_enforce"), type(error)
    else:
        raise SystemExit("nothing was refused")
def piped(data):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with open(writing, "wb") as file:
            file.write(data)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb", buffering=0) as file:
        try:
            return pickle.load(file)
        finally:
            os.waitpid(child, 0)
refused(pickle.loads, BAD)
refused(pickle.load, io.BytesIO(BAD))
refused(pickle._loads, BAD)
refused(pickle._Unpickler(io.BytesIO(BAD)).load)
refused(piped, BAD)
refused(pickle.loads, b"I010" + chr(10).encode() + b".")
stub = pickle.loads(b"cposix\\nsystem\\n.")
refused(stub)
assert pickle.loads(b"ca\\nC\\n)\\x81.") is not None
assert pickle._loads(b"ca\\nC\\n)\\x81}S'x'\\nF1.5\\nsb.").x == 1.5
assert len(piped(b"B" + (1 << 21).to_bytes(4, "little") + bytes(1 << 21) + b".")) == 1 << 21
print("done")
"""


@pytest.fixture(scope="module")
def enforcer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the enforcer, as `pickleball install` makes it."""
    target = tmp_path_factory.mktemp("enforcer") / "pickleball"
    install_target(target)
    return target


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The modules of the standard library that stock does not import with pickle."""
    code = "import sys, io, os, pickle; print(*sorted(sys.modules))"
    stock = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    found = {
        name.name.partition(".")[0]
        for folder in (Path(os.__file__).parent, Path(sysconfig.get_config_var("DESTSHARED")))
        for name in folder.iterdir()
    }
    return sorted(name for name in found - set(stock) if name.isidentifier() and name not in sys.builtin_module_names)


@pytest.fixture
def attack(enforcer: Path, names: list[str], tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Run the program with the hostile folder; give its last line and what was imported from there."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in names:
        (hostile / f"{name}.py").write_text(HOSTILE)
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.py").write_text("class C: pass\n")
    marker = tmp_path / "marker"

    def run(when: str, policy: str) -> tuple[str, str]:
        path = tmp_path / "policy.json"
        path.write_text(policy)
        environment = {
            "PYTHONPATH": f"{enforcer}:{own}",
            "PICKLEBALL_POLICY": str(path),
            "PICKLEBALL_VIOLATIONS": str(tmp_path / "violations"),
            "HOSTILE_MARKER": str(marker),
        }
        command = [sys.executable, "-c", PROGRAM, when, str(hostile)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
        last = (done.stdout + done.stderr).strip().rpartition("\n")[2]
        return last, marker.read_text() if marker.exists() else ""

    return run


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_file_in_front_of_the_standard_library_is_imported(
    when: str, attack: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    """Whether it was there before pickle was imported or comes later; and all is recorded."""
    policy = json.dumps({"a.C": {"globals": ["a.C"], "reduces": []}})
    assert attack(when, policy) == ("done", "")
    records = [json.loads(line) for line in (tmp_path / "violations").read_text().splitlines()]
    assert {record["rule"] for record in records} == {
        "reduce-not-allowed", "malformed", "import-not-allowed", "stub-used",
    }  # fmt: skip
    assert all(len(record["policy"]["sha256"]) == 64 for record in records)


@pytest.mark.parametrize("policy", ["", "{", '{"a.C": NaN}', '{"a.C": 1}', "[" * 100_000, '{"a": "\\ud8"}'])
def test_no_such_file_replaces_a_policy_that_cannot_be_read(
    policy: str, attack: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    """The loads are refused for it, and the first that only the policy can allow ends the program."""
    last, _ = attack("after", policy)
    assert last.startswith("pickleball_enforce.unpickling.PolicyViolation: No pickle may be loaded"), last
    assert '"no-policy"' in (tmp_path / "violations").read_text()
