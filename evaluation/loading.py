"""Work in a library's own environment: build its models, load them with and without the enforcer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.environments import Environment

WORKSHOP = ROOT / "evaluation" / "workshop.py"
ENFORCER = Path(sys.executable).parent / "pickleball"
LIMIT = 1200
NOWHERE = "http://127.0.0.1:9"  # the discard port: a library that asks the network at load gets no answer


class WorkshopFailed(Exception):
    """The recipe could not be run; the message is the end of its traceback."""


@dataclass(frozen=True)
class Load:
    """One file to load: which specimen, saved in which way."""

    specimen: str
    way: str
    path: str
    policy: str | None = None

    def line(self) -> str:
        """Write it as the workshop reads it."""
        return json.dumps(vars(self)) + "\n"


def build(environment: Environment, recipe: str, folder: Path) -> list[dict[str, Any]]:
    """Build and save the models of a recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    return _work([environment.python, WORKSHOP, "build", recipe, folder], folder, "")


def load(environment: Environment, recipe: str, wanted: Sequence[Load], folder: Path) -> list[dict[str, Any]]:
    """Load files in one process, enforced when they have policies."""
    command: list[str | Path] = [environment.python, WORKSHOP, "load", recipe]
    if policy := wanted[0].policy:
        folder.mkdir(parents=True, exist_ok=True)
        command = [ENFORCER, "run", "--policy", policy, "--violations", folder / "violations.jsonl", "--", *command]
    return _work(command, folder, "".join(item.line() for item in wanted), whole=False)


def weights_only(environment: Environment, files: Sequence[str], folder: Path) -> dict[str, bool | None]:
    """Say which files torch loads with weights_only=True; None for those that torch did not write."""
    said = _work([environment.python, WORKSHOP, "weights"], folder, "".join(f"{file}\n" for file in files))
    return {row["path"]: row["loads"] for row in said}


def _work(command: Sequence[str | Path], folder: Path, lines: str, *, whole: bool = True) -> list[dict[str, Any]]:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "OPENBLAS_CORETYPE") if name in os.environ}
    settings = kept | {
        "HOME": str(scratch),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    with (folder / "workshop.log").open("w") as log:
        done = subprocess.run(
            list(map(str, command)), input=lines, stdout=subprocess.PIPE, stderr=log, cwd=scratch, env=settings,
            text=True, check=False, timeout=LIMIT,
        )  # fmt: skip
    if done.returncode and (whole or not done.stdout):
        raise WorkshopFailed(f"exit {done.returncode}: {(folder / 'workshop.log').read_text().strip()[-1500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
