"""Policies of real estimators: inferred from the installed sources, they load real models under enforcement."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from pickleball_enforce import verify
from pickleball_enforce.install import install_target
from pickleball_generate import explain
from pickleball_generate.inference import Options, Result, infer, sinks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_generate.facts import Environment

LOGISTIC = ["sklearn.linear_model.LogisticRegression"]
PIPELINE = [
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing.StandardScaler",
    "sklearn.ensemble.RandomForestClassifier",
]
BOOSTED = ["lightgbm.LGBMClassifier"]
MODELS = {"logistic": LOGISTIC, "pipeline": PIPELINE, "boosted": BOOSTED}
CASES = pytest.mark.parametrize("kind", sorted(MODELS))
PROGRAM = """
import json, pickle, sys
import joblib, numpy
rows = numpy.array(json.loads(sys.argv[1]))
for path in sys.argv[2:]:
    try:
        model = joblib.load(path) if path.endswith("joblib") else pickle.load(open(path, "rb"))
    except pickle.UnpicklingError as error:
        print(json.dumps(type(error).__name__))
    else:
        print(json.dumps(model.predict(rows).tolist()))
"""
LARGEST = {"logistic": 300, "boosted": 300, "pipeline": 400}
"""Entries; a pipeline takes every estimator without effects as a step, with what each of them holds."""


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.fixture(scope="module")
def inferred(environment_of: Callable[..., Environment]) -> dict[str, Result]:
    """The policies, inferred from this environment's own packages."""
    environment = environment_of(Path(sysconfig.get_paths()["purelib"]))
    return {kind: infer(environment, classes, Options()) for kind, classes in MODELS.items()}


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    """A fitted model of each kind."""
    rows, labels = load_iris(return_X_y=True)
    models = {
        "logistic": LogisticRegression(max_iter=1000),
        "pipeline": Pipeline([("scale", StandardScaler()), ("forest", RandomForestClassifier(5, random_state=0))]),
        "boosted": LGBMClassifier(n_estimators=3, verbose=-1),
    }
    return {kind: model.fit(rows, labels) for kind, model in models.items()}


def saved(folder: Path, model: object) -> list[Path]:
    """Save a model with every protocol, and with joblib."""
    paths = []
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        paths.append(folder / f"model{protocol}.pkl")
        paths[-1].write_bytes(pickle.dumps(model, protocol))
    for name, compress in (("plain.joblib", 0), ("small.joblib", 3)):
        joblib.dump(model, folder / name, compress=compress)
        paths.append(folder / name)
    return paths


def enforced(folder: Path, result: Result, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the loading program in a process that the installed enforcer hooks."""
    install_target(folder / "pickleball")
    (folder / "policy.json").write_text(result.policy.dumps())
    settings = {
        **os.environ,
        "PYTHONPATH": str(folder / "pickleball"),
        "PICKLEBALL_POLICY": str(folder / "policy.json"),
        "PICKLEBALL_VIOLATIONS": str(folder / "violations"),
    }
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, check=False)


@CASES
def test_every_way_of_saving_is_within_the_policy(
    kind: str, inferred: dict[str, Result], fitted: dict[str, Any], tmp_path: Path
) -> None:
    """Protocols 0 to 5 and joblib's files ask for nothing that the policy does not give."""
    for path in saved(tmp_path, fitted[kind]):
        report = verify(path, inferred[kind].policy)
        assert report.exit_code == 0, (path.name, [v.sentence for s in report.streams for v in s.verdict.violations])


@CASES
def test_a_model_predicts_the_same_under_enforcement(
    kind: str, inferred: dict[str, Result], fitted: dict[str, Any], tmp_path: Path
) -> None:
    """A hooked process loads the model from every kind of file, and its predictions are those of the original."""
    rows = load_iris(return_X_y=True)[0][::7]
    paths = [str(path) for path in saved(tmp_path, fitted[kind])]
    done = enforced(tmp_path, inferred[kind], json.dumps(rows.tolist()), *paths)
    assert done.returncode == 0, done.stderr
    expected = np.asarray(fitted[kind].predict(rows)).tolist()
    assert [json.loads(line) for line in done.stdout.splitlines()] == [expected] * len(paths)


@CASES
def test_a_policy_is_small_and_calls_no_sink(kind: str, inferred: dict[str, Result]) -> None:
    """A person can read the policy, and nothing in it is a callable with an effect."""
    policy = inferred[kind].policy
    assert len(policy.globals) + len(policy.reduces) <= LARGEST[kind]
    assert [name for name in policy.globals | policy.reduces if sinks.effect(name)] == []


@CASES
def test_attacks_inside_a_model_are_refused(
    kind: str, inferred: dict[str, Result], fitted: dict[str, Any], tmp_path: Path
) -> None:
    """A model with a call hidden in its attributes does not load, in no kind of file, and nothing happened."""
    marker = tmp_path / "marker"
    calls = [(os.system, f"mkdir {marker}"), (os.mkdir, str(marker)), (exec, f"open({str(marker)!r}, 'w')")]
    paths = []
    for at, (function, argument) in enumerate(calls):
        model = type(fitted[kind]).__new__(type(fitted[kind]))
        model.__dict__.update(fitted[kind].__getstate__() | {"extra_": Attack(function, argument)})
        paths += [tmp_path / f"attack{at}.pkl", tmp_path / f"attack{at}.joblib"]
        paths[-2].write_bytes(pickle.dumps(model))
        joblib.dump(model, paths[-1])
    assert [verify(path, inferred[kind].policy).exit_code for path in paths] == [1] * len(paths)
    done = enforced(tmp_path, inferred[kind], "[[1, 2, 3, 4]]", *map(str, paths))
    assert [json.loads(line) for line in done.stdout.splitlines()] == ["PolicyViolation"] * len(paths)
    assert not marker.exists()


def test_what_a_model_needs_stands_in_its_policy(inferred: dict[str, Result]) -> None:
    """The names that only rules can find are there: trees of a forest, boosters, encoders, joblib's wrapper."""
    forest = inferred["pipeline"].policy.entries["sklearn.ensemble._forest.RandomForestClassifier"]
    assert "sklearn.tree._classes.DecisionTreeClassifier" in forest.instances
    assert "sklearn.tree._tree.Tree" in forest.reduces
    boosted = inferred["boosted"].policy.entries["lightgbm.sklearn.LGBMClassifier"]
    assert {"lightgbm.basic.Booster", "sklearn.preprocessing._label.LabelEncoder"} <= {
        *boosted.globals,
        *boosted.instances,
    }
    assert {"collections.defaultdict", "collections.OrderedDict"} <= set(boosted.reduces)
    assert all("joblib.numpy_pickle.NumpyArrayWrapper" in result.policy.globals for result in inferred.values())


def test_an_entry_is_explained_by_the_sources(inferred: dict[str, Result]) -> None:
    """The explanation names the file and the line that puts the trees into a forest."""
    said = explain.text(explain.explain(inferred["pipeline"].provenance, "sklearn.tree._tree.Tree"))
    assert "sklearn/tree/_classes.py:" in said
    assert "an instance of sklearn.tree._classes.DecisionTreeClassifier" in said
    assert "is not in the policy" in explain.text(explain.explain(inferred["pipeline"].provenance, "os.system"))
