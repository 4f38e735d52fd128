"""skorch's own unpickler, with real nets: `find_class` gives a function of its own for the tensors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce import verify
from pickleball_enforce.install import install_target
from pickleball_enforce.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

MAKE = """
import pickle, sys
import numpy, torch
from skorch import NeuralNetRegressor
net = NeuralNetRegressor(torch.nn.Linear, module__in_features=3, module__out_features=1, max_epochs=1, verbose=0,
                         train_split=None, torch_load_kwargs={"weights_only": False})
ones = numpy.ones((8, 3), dtype="float32")
net.fit(ones, ones[:, :1])
with open(sys.argv[1], "wb") as file:
    pickle.dump({"net": net, "weight": net.module_.weight.detach().clone()}, file)
with open(sys.argv[2], "wb") as file:
    file.write(net.__getstate__()["__cuda_dependent_attributes__"])
print(repr(net.predict(ones)[0, 0]))
"""
LOAD = """
import pickle, sys
import numpy
from skorch.utils import _TorchLoadUnpickler
def load(path):
    with open(path, "rb") as file:
        return _TorchLoadUnpickler(file, map_location="cpu", torch_load_kwargs={"weights_only": False}).load()
content = load(sys.argv[1])
assert repr(content["net"].predict(numpy.ones((8, 3), dtype="float32"))[0, 0]) == sys.argv[3]
assert content["weight"].tolist() == content["net"].module_.weight.tolist()
try:
    load(sys.argv[2])
except pickle.UnpicklingError as error:
    assert "posix.system" in str(error), error
else:
    raise SystemExit("the exploit was loaded")
print("done")
"""


@pytest.mark.door("skorch's unpickler: `find_class` returns a function of its own")
def test_a_net_loads_by_skorchs_unpickler_and_an_exploit_does_not(tmp_path: Path) -> None:
    """Under the least policy of the file and of what it holds in bytes; the net predicts as before."""
    target, good, inner, bad = (tmp_path / name for name in ("pickleball", "net.pkl", "inner.pt", "bad.pkl"))
    install_target(target)
    made = subprocess.run([sys.executable, "-c", MAKE, good, inner], capture_output=True, text=True, check=True)
    bad.write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    needs = {path.stem: verify(path, None).needed() for path in (good, inner)}
    policy = tmp_path / "policy.json"
    policy.write_text(Policy(needs).dumps())
    done = subprocess.run(
        [sys.executable, "-c", LOAD, good, bad, made.stdout.strip()],
        env={**os.environ, "PYTHONPATH": str(target), "PICKLEBALL_POLICY": str(policy)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "done\n", done.stderr
    assert json.loads(done.stderr.splitlines()[0])["name"] == "posix.system"
