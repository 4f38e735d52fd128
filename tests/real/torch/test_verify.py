"""Torch's two file formats are judged without torch's help, and their least policies are exact."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pickleball_enforce import verify
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def model() -> dict[str, Any]:
    """Make what training scripts save: a module, its weights, an optimizer, plain settings."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.LSTM(4, 2))
    return {
        "module": module,
        "weights": module.state_dict(),
        "optimizer": torch.optim.Adam(module.parameters()).state_dict(),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "settings": {"epochs": 3},
    }


def saved(content: object, *, zipped: bool, protocol: int = 2) -> bytes:
    """Save by torch."""
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    return file.getvalue()


class Exploit:
    """Runs a command when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


@FORMATS
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_least_policy_of_a_torch_file_is_exact(zipped: bool, protocol: int) -> None:
    """The file is clean under what trace finds; with one entry less it is refused or gets a stub."""
    data = saved(model(), zipped=zipped, protocol=protocol)
    traced = verify(data, None)
    assert traced.exit_code == 0, traced.errors
    entry = traced.needed()
    listed = entry.instances if zipped else entry.globals  # older files keep the classes of modules in persistent ids
    assert "torch.nn.modules.linear.Linear" in listed
    assert "torch._utils._rebuild_tensor_v2" in entry.reduces
    assert verify(data, Policy({"test.Model": entry})).exit_code == 0
    for kind, names in vars(entry).items():
        for name in names:
            less = entry.changed(**{kind: tuple(item for item in names if item != name)})
            report = verify(data, Policy({"test.Model": less}))
            stubs = [item for stream in report.streams for item in stream.verdict.imports if item.decision == "stub"]
            assert report.exit_code == 1 or stubs, name


@FORMATS
def test_a_command_in_a_torch_file_is_seen(zipped: bool) -> None:
    """An exploit beside honest weights is told with its member and offset."""
    data = saved({"weights": torch.ones(2), "x": Exploit()}, zipped=zipped)
    entry = Entry((), ("torch._utils._rebuild_tensor_v2", "collections.OrderedDict"))
    report = verify(data, Policy({"test.Model": entry}))
    assert "posix.system" in {item.name for item in report.violations}


def test_a_second_pickle_in_an_archive_is_seen(tmp_path: Path) -> None:
    """Every pickle of the archive counts, not only data.pkl."""
    path = tmp_path / "model.pt"
    path.write_bytes(saved({"x": 1}, zipped=True))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/more.pkl", pickle.dumps(Exploit()))
    assert verify(path, Policy({"test.Model": Entry()})).exit_code == 1


def test_a_storage_nested_in_bytes_is_judged() -> None:
    """Tensors pickled outside torch.save hold a torch file in bytes: what is in there counts."""
    data = pickle.dumps(torch.ones(3).untyped_storage())
    traced = verify(data, None)
    assert traced.exit_code == 0, traced.errors
    assert "torch.storage._load_from_bytes" in traced.needed().reduces
    assert len(traced.streams) > 1
