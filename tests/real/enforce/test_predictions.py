"""Models, arrays and frames that are loaded enforced, under their least policy, are the ones that were saved."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pickleball_enforce import verify
from pickleball_enforce.install import install_target
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import json, pickle, sys
import joblib, numpy, pandas, sklearn.base
expected = numpy.load("expected.npz")
features = expected["features"]
for name in json.load(open("models.json")):
    if name.endswith(".joblib"):
        models = [joblib.load(name, mmap_mode=mode) for mode in ((None, "r") if "plain" in name else (None,))]
        models.append(joblib.load(open(name, "rb")))
    else:
        models = [pickle.load(open(name, "rb")), pickle._load(open(name, "rb")), pickle.loads(open(name, "rb").read()),
                  pandas.read_pickle(name)]
    for model in models:
        assert (model.predict_proba(features) == expected[name.split("-")[0]]).all(), name
        sklearn.base.clone(model)
objects = numpy.load("objects.npy", allow_pickle=True)
assert objects.tolist() == [{"a": 1}, [1, 2]]
frame = pandas.read_pickle("frame.pkl.gz")
assert frame["a"].tolist() == [1, 2] and frame["c"].dtype.name == "category"
print("equal")
"""


def test_predictions_are_equal(tmp_path: Path) -> None:
    """scikit-learn by pickle (all protocols) and joblib (all compressors, memory maps), numpy and pandas."""
    features, target = make_classification(80, 5, random_state=0)
    models = {
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(n_estimators=5, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=5, random_state=0),
        "neighbours": make_pipeline(KNeighborsClassifier()),
    }
    expected = {"features": features}
    files = []
    for name, model in models.items():
        expected[name] = model.fit(features, target).predict_proba(features)
        for protocol in range(6):
            files.append(f"{name}-{protocol}.pkl")
            (tmp_path / files[-1]).write_bytes(pickle.dumps(model, protocol))
        for kind in ("zlib", "gzip", "bz2", "lzma", "xz", "plain"):
            files.append(f"{name}-{kind}.joblib")
            joblib.dump(model, tmp_path / files[-1], compress=0 if kind == "plain" else (kind, 3))
    np.savez(tmp_path / "expected.npz", **expected)
    (tmp_path / "models.json").write_text(json.dumps(files))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}, [1, 2]], dtype=object), allow_pickle=True)
    pd.DataFrame({"a": [1, 2], "c": pd.Categorical(["u", "v"])}).to_pickle(tmp_path / "frame.pkl.gz")
    (tmp_path / "policy.json").write_text(least([*files, "objects.npy", "frame.pkl.gz"], tmp_path).dumps())
    install_target(tmp_path / "pickleball")
    settings = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "pickleball"),
        "PICKLEBALL_POLICY": str(tmp_path / "policy.json"),
        "PICKLEBALL_VIOLATIONS": str(tmp_path / "violations"),
    }
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        command, env=settings, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )  # fmt: skip
    assert done.stdout == "equal\n", done.stderr[-3000:]
    assert not (tmp_path / "violations").exists()


def least(files: list[str], folder: Path) -> Policy:
    """Trace the least policy of all the files together."""
    reports = {name: verify(folder / name, None) for name in files}
    assert not {name: report.errors for name, report in reports.items() if report.exit_code}
    return Policy({"sklearn.pipeline.Pipeline": Entry.union(report.needed() for report in reports.values())})
