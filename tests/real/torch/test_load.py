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
from pickleball_enforce.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
DOORS = """
import io, json, pickle, sys
import torch
good, bad, marker = sys.argv[1:]
class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return super().find_class(module, name)
class Module:  # what fastai and others pass on
    Unpickler, load, loads, __name__ = Unpickler, pickle.load, pickle.loads, "pickle"
def refused(**options):
    try:
        torch.load(bad, weights_only=False, **options)
    except pickle.UnpicklingError:
        return
    raise AssertionError(options)
ways = [dict(pickle_module=pickle), dict(pickle_module=Module), dict(map_location="cpu")]
if sys.argv[1].endswith("zip.pt"):
    ways += [dict(mmap=True), dict(mmap=True, pickle_module=Module, map_location="cpu")]
for options in ways:
    content = torch.load(good, weights_only=False, **options)
    assert content["module"](torch.ones(1, 3)).tolist() == content["expected"], options
    assert torch.equal(content["weights"]["weight"], content["module"].weight)
    refused(**options)
print("done")
"""
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


def enforced(folder: Path, program: str, policy: Policy, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process that the installed enforcer hooks."""
    install_target(folder / "pickleball")
    (folder / "policy.json").write_text(policy.dumps())
    settings = {
        **os.environ,
        "PYTHONPATH": str(folder / "pickleball"),
        "PICKLEBALL_POLICY": str(folder / "policy.json"),
        "PICKLEBALL_VIOLATIONS": str(folder / "violations"),
    }
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)


def run(
    folder: Path, path: Path, policy: Policy, expected: object, *, weights_only: bool
) -> subprocess.CompletedProcess[str]:
    """Load a file enforced, and compare what the model in it gives."""
    return enforced(folder, PROGRAM, policy, str(path), str(weights_only), json.dumps(expected))


def least(path: Path) -> Policy:
    """Trace the least policy of a file."""
    report = verify(path, None)
    assert report.exit_code == 0, report.errors
    return Policy({"torch.nn.Linear": report.needed()})


@pytest.mark.door("`torch.load`: zip and legacy format, `weights_only` true and false")
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


@pytest.mark.door("`torch.load` with `mmap`, `pickle_module`, `map_location`")
@FORMATS
def test_mapped_files_and_other_pickle_modules_are_judged(*, zipped: bool, tmp_path: Path) -> None:
    """However torch.load is called, an honest file loads under its least policy and an exploit does not."""
    module = torch.nn.Linear(3, 2)
    content = {"weights": module.state_dict(), "module": module, "expected": module(torch.ones(1, 3)).tolist()}
    kind, marker = "zip" if zipped else "legacy", tmp_path / "marker"
    good, bad = tmp_path / f"good-{kind}.pt", tmp_path / f"bad-{kind}.pt"
    torch.save(content, good, _use_new_zipfile_serialization=zipped)
    torch.save({**content, "more": Exploit(marker)}, bad, _use_new_zipfile_serialization=zipped)
    done = enforced(tmp_path, DOORS, least(good), str(good), str(bad), str(marker))
    assert done.stdout == "done\n", done.stderr[-3000:]
    assert not marker.exists()
