"""`pickleball run --policy P -- COMMAND`: runs a program with the pickle loads of it and its children enforced."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .environment import DEFAULT_PATH, policy_path
from .errors import PolicyError
from .lookup import MODES
from .policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOOTSTRAP = Path(__file__).parent / "bootstrap"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; this process becomes the program."""
    parser = argparse.ArgumentParser(prog="pickleball run", description=__doc__)
    parser.add_argument("--policy", help=f"the policy file (default: $PICKLEBALL_POLICY, then {DEFAULT_PATH})")
    parser.add_argument("--mode", choices=MODES, default=None, help="audit records what enforce refuses")
    parser.add_argument("--violations", metavar="FILE", help="append violation records to this file, not to stderr")
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    options = parser.parse_args(argv)
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not program:
        parser.error("name the program to run, after --")
    path = options.policy or policy_path(os.environ)
    try:
        Policy.load(path)
    except PolicyError as error:
        return _fail(f"{error}", 2)
    settings = {"PICKLEBALL_POLICY": os.path.abspath(path)}  # noqa: PTH100 - symbolic links stay
    if options.mode:
        settings["PICKLEBALL_MODE"] = options.mode
    if options.violations:
        settings["PICKLEBALL_VIOLATIONS"] = os.path.abspath(options.violations)  # noqa: PTH100
    return _become(program, environment_for(BOOTSTRAP, {**os.environ, **settings}))


def _become(program: Sequence[str], environment: Mapping[str, str]) -> int:
    found = shutil.which(program[0])
    if found is None:
        return _fail(f"{program[0]}: there is no such program", 127)
    sys.stdout.flush()
    try:
        os.execve(found, list(program), environment)  # noqa: S606 - the user's own program
    except OSError as error:
        return _fail(f"{program[0]}: cannot be run: {error.strerror}", 126)


def environment_for(target: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Give an environment in which Python finds the enforcer first."""
    own = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != str(target)]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(target), *own])}


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"pickleball: {sentence}\n")
    return code
