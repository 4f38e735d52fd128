"""Policies from the installed sources, by the command that users run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import Policy
from pickleball_generate.inference import sinks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from evaluation.environments import Environment

LIMIT = 300  # seconds of processor time for a policy; what takes longer counts as not generated
COMMAND = Path(sys.executable).parent / "pickleball-generate"


class GenerationFailed(Exception):
    """The generator wrote no policy; the message is its own."""


@dataclass(frozen=True)
class Generated:
    """A policy with what the generator said of it."""

    path: Path
    policy: Policy
    provenance: dict[str, Any]
    outcome: dict[str, Any]

    def asked(self) -> list[dict[str, Any]]:
        """What the files wanted beyond the inferred policy: name, list, decision."""
        found: list[dict[str, Any]] = self.provenance.get("proposals", {}).get("names", [])
        return [{key: item[key] for key in ("name", "list", "decision")} for item in found]

    def with_entries(self, path: Path, entries: Collection[tuple[str, str]]) -> Generated:
        """Add entries that a person allows beside those of the files, as `policy.extra` of a ModelDeployment does."""
        model, *_ = self.policy.entries
        policy = Policy({**self.policy.entries, model: self.policy.entries[model].joined(entries)})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(policy.dumps())
        return replace(self, path=path, policy=policy)

    def summary(self) -> dict[str, Any]:
        """Count what is allowed, by grade and by origin."""
        entries = [
            (listed, name, entry)
            for found in self.provenance["classes"].values()
            for listed in ("globals", "reduces")
            for name, entry in found[listed].items()
        ]
        return {
            "classes": sorted(self.policy.entries),
            "globals": len(self.policy.globals),
            "reduces": len(self.policy.reduces),
            "instances": len(self.policy.instances),
            "grades": dict(sorted(Counter(entry["grade"] for _, _, entry in entries).items())),
            "kinds": dict(sorted(Counter(entry["kind"] for _, _, entry in entries).items())),
            "dangerous": sorted(name for name in self.policy.reduces if sinks.effect(name)),
            "refused": sorted({name for found in self.provenance["classes"].values() for name in found["refused"]}),
            "seconds": self.outcome.get("seconds"),
            "peak_memory_mib": round(self.outcome.get("peak_memory_bytes", 0) / 2**20),
            "notes": self.outcome.get("notes", []),
        }


def generate(
    environment: Environment,
    classes: Sequence[str],
    folder: Path,
    *,
    files: Sequence[Path] = (),
    allowed: Sequence[str] = (),
) -> Generated:
    """Generate the policy of some classes; with inert proposals from files, and with names that a person allows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "policy.json"
    command = [COMMAND, "--library-path", environment.packages, "--policy-path", path, "--json"]
    for name in classes:
        command += ["--model-class", name]
    if files:
        command += ["--accept", "inert", "--for-model", *files]
    for name in allowed:
        command += ["--allow", name]
    if allowed:
        command += ["--reason", "the model files of the evaluation were built here"]
    seconds = f"{LIMIT}:{LIMIT + 10}"
    bounded = ["prlimit", f"--cpu={seconds}", *map(str, command)]  # other work on the machine must not decide
    done = subprocess.run(bounded, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGXCPU:
        raise GenerationFailed(f"the generator took more than {LIMIT} s")
    lines = done.stdout.strip().splitlines()
    outcome = json.loads(lines[-1]) if lines else {}
    if done.returncode not in {0, 1} or not path.exists():
        raise GenerationFailed(outcome.get("sentence") or (done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    provenance = json.loads(path.with_name("provenance.json").read_text())
    return Generated(path, Policy.load(path), provenance, outcome)
