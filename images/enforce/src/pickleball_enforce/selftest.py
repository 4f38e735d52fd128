"""`pickleball selftest`: proves that an interpreter refuses a bad pickle with nothing run, and loads a good one.

It judges a child of this interpreter, in this environment, with the enforcer first on PYTHONPATH. With `--target` the
enforcer is the one in that folder, and the image's own PYTHONPATH is recorded there for the application's start.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__, engine
from .errors import PickleBallError
from .policy import Entry, Policy
from .records import TERMINATION_LOG
from .run import BOOTSTRAP, environment_for

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT = 120
_MOUNTED_POLICY = "/etc/pickleball/policy.json"
_POLICY = Policy({"collections.OrderedDict": Entry((), ("collections.OrderedDict",))})
# What the child runs: it knows nothing of the enforcer but the errors that everybody gets.
_PROGRAM = r"""
import sys
marker = sys.argv[1]
import io, json, pickle
from pickle import loads
def stream(call, argument):
    text = argument.encode()
    return b"\x80\x04" + call + b"\x8c" + bytes([len(text)]) + text + b"\x85R."
bad = stream(b"cos\nmkdir\n", marker)
good = b"\x80\x04ccollections\nOrderedDict\n)R."
doors = {
    "pickle.loads": pickle.loads,
    "pickle.load": lambda data: pickle.load(io.BytesIO(data)),
    "pickle.Unpickler": lambda data: pickle.Unpickler(io.BytesIO(data)).load(),
    "pickle._Unpickler": lambda data: pickle._Unpickler(io.BytesIO(data)).load(),
    "from pickle import loads": loads,
}
faults = []
for name, door in doors.items():
    try:
        door(bad)
        faults.append(name + " loaded the canary")
    except pickle.UnpicklingError:
        pass
    try:
        if len(door(good)) != 0:
            faults.append(name + " gave something else than was pickled")
    except Exception as error:
        faults.append("%s refused a good pickle: %s" % (name, error))
print(json.dumps({"faults": faults, "version": sys.version.split()[0], "python": sys.executable}))
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code: 0 when the enforcer works, else 1."""
    parser = argparse.ArgumentParser(prog="pickleball selftest", description=__doc__)
    parser.add_argument("--target", type=Path, help="the folder that `pickleball install` made")
    parser.add_argument("--json", action="store_true", help="accepted for symmetry: the result always is one JSON line")
    options = parser.parse_args(argv)
    result = check(options.target)
    line = json.dumps(result) + "\n"
    sys.stderr.write(line)
    _terminate(line)
    return 0 if result["selftest"] == "passed" else 1


def check(target: Path | None) -> dict[str, Any]:
    """Judge this interpreter; give the result as it is reported."""
    result: dict[str, Any] = {"selftest": "failed", "enforcer": __version__, "python": sys.executable}
    result["version"] = sys.version.split()[0]
    result["verifier"] = engine.NAME
    if engine.REASON:
        result["verifier_reason"] = engine.REASON
    try:
        if target is not None:
            _record(target)
        if Path(_MOUNTED_POLICY).exists():
            result["policy"] = Policy.load(_MOUNTED_POLICY).digest
        sentence = _judge(target or BOOTSTRAP, target and target / "state")
    except (OSError, PickleBallError, subprocess.SubprocessError) as error:
        sentence = f"The self-test could not run: {error}."
    if not sentence:
        result["selftest"] = "passed"
        sentence = "The canary was refused before anything in it ran, and a good pickle was loaded."
    result["sentence"] = sentence
    return result


def _record(target: Path) -> None:
    """Record the image's own PYTHONPATH, and compile the enforcer for this interpreter."""
    (target / "state" / "pythonpath").write_text(os.environ.get("PYTHONPATH", ""))
    compileall.compile_dir(str(target), quiet=2, force=True)


def _judge(folder: Path, scratch: Path | None) -> str:
    """Run the canary in a child; give what is wrong, or an empty text. A read-only pod has no folder but `scratch`."""
    with tempfile.TemporaryDirectory(prefix="pickleball-", dir=scratch) as place:
        policy, marker = Path(place, "policy.json"), Path(place, "canary")
        policy.write_text(_POLICY.dumps())
        settings = {"PICKLEBALL_POLICY": str(policy), "PICKLEBALL_MODE": "enforce", "PICKLEBALL_VIOLATIONS": os.devnull}
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(marker)],
            env=environment_for(folder, {**os.environ, **settings}),
            cwd=place,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if marker.exists():
            return "A bad pickle was loaded and ran: this interpreter does not take the enforcer from PYTHONPATH."
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return f"The interpreter ended with exit code {done.returncode}: {last}"
    faults = json.loads(done.stdout.strip().splitlines()[-1])["faults"]
    return "; ".join(faults)


def _terminate(line: str) -> None:
    """Leave the result as the pod's termination message, where there is one."""
    try:
        descriptor = os.open(TERMINATION_LOG, os.O_WRONLY | os.O_TRUNC)
    except OSError:
        return  # not in a pod, or not writable: stderr has it
    try:
        os.write(descriptor, line.encode()[:4096])
    except OSError:
        return
    finally:
        os.close(descriptor)
