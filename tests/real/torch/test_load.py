"""torch.load works in a hooked process, under the least policy of the file, and an exploit in a file does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pickleball_enforce import verify
from pickleball_enforce.install import install_target
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
PROGRAM = """
import json, os, pickle, sys
import torch
path, weights_only, expected = sys.argv[1], sys.argv[2] == "True", json.loads(sys.argv[3])
for source in (path, open(path, "rb")):
    content = torch.load(source, weights_only=weights_only)
    model = torch.nn.Linear(3, 2)
    model.load_state_dict(content["weights"])
    assert model(torch.ones(1, 3)).tolist() == expected
    if "module" in content:
        assert content["module"](torch.ones(1, 3)).tolist() == expected
print(type(torch.load(path, weights_only=weights_only)).__name__)
"""


class Exploit:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.marker,)


def run(
    folder: Path, path: Path, policy: Policy, expected: object, *, weights_only: bool
) -> subprocess.CompletedProcess[str]:
    """Load a file in a process that the installed enforcer hooks."""
    install_target(folder / "pickleball")
    (folder / "policy.json").write_text(policy.dumps())
    settings = {
        **os.environ,
        "PYTHONPATH": str(folder / "pickleball"),
        "PICKLEBALL_POLICY": str(folder / "policy.json"),
        "PICKLEBALL_VIOLATIONS": str(folder / "violations"),
    }
    arguments = [str(path), str(weights_only), json.dumps(expected)]
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)


def least(path: Path) -> Policy:
    """Trace the least policy of a file."""
    report = verify(path, None)
    assert report.exit_code == 0, report.errors
    return Policy({"torch.nn.Linear": Entry(*map(tuple, report.needed()))})


@FORMATS
@pytest.mark.parametrize("weights_only", [True, False])
def test_a_model_gives_the_same_output_enforced(*, zipped: bool, weights_only: bool, tmp_path: Path) -> None:
    """Both formats load under their least policy, with torch's own unpickler of weights and with pickle's."""
    module = torch.nn.Linear(3, 2)
    content: dict[str, Any] = {"weights": module.state_dict()}
    if not weights_only:
        content["module"] = module
    path = tmp_path / "model.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    expected = module(torch.ones(1, 3)).tolist()
    done = run(tmp_path, path, least(path), expected, weights_only=weights_only)
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (tmp_path / "violations").exists()


@FORMATS
def test_an_exploit_in_a_file_does_not_run(*, zipped: bool, tmp_path: Path) -> None:
    """It is refused by the policy of the honest file, with a record."""
    module = torch.nn.Linear(3, 2)
    honest, poisoned, marker = tmp_path / "honest.pt", tmp_path / "poisoned.pt", tmp_path / "marker"
    content = {"weights": module.state_dict(), "module": module}
    torch.save(content, honest, _use_new_zipfile_serialization=zipped)
    torch.save({**content, "more": Exploit(marker)}, poisoned, _use_new_zipfile_serialization=zipped)
    done = run(tmp_path, poisoned, least(honest), None, weights_only=False)
    assert done.returncode != 0
    assert not marker.exists()
    (record,) = map(json.loads, (tmp_path / "violations").read_text().splitlines())
    assert (record["rule"], record["name"]) == ("reduce-not-allowed", "posix.mkdir")
