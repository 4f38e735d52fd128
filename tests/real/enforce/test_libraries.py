"""What numpy, pandas, scipy, scikit-learn and the standard library write loads under its least policy."""

from __future__ import annotations

import collections
import datetime as dt
import functools
import json
import os
import pathlib
import pickle
import random
import re
import subprocess
import sys
import uuid
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.utils import all_estimators

from pickleball_enforce import verify
from pickleball_enforce.policy import Entry, Policy
from pickleball_operator.model.spec import Pypi

SOURCES = Path(__file__).parents[3] / "images/enforce/src"

LOADER = """
import json, sys
import pickleball_enforce
cases = json.load(open(sys.argv[1]))
pickleball_enforce.install(cases[0]["policy"])
import io, pickle, warnings
import joblib, pandas
warnings.simplefilter("ignore")
failed = []
for case in cases:
    pickleball_enforce.use_policy(case["policy"])
    for way in case["ways"]:
        try:
            if way == "joblib":
                joblib.load(case["path"])
            elif way == "pandas":
                pandas.read_pickle(case["path"])
            else:
                with open(case["path"], "rb") as file:
                    (pickle.load if way == "c" else pickle._load)(file)
        except Exception as error:
            failed.append([case["name"], way, type(error).__name__, str(error)[:300]])
json.dump(failed, sys.stdout)
"""


def arrays() -> dict[str, Any]:
    """Make values of numpy and scipy."""
    return {
        "array": np.arange(6).reshape(2, 3),
        "fortran": np.asfortranarray(np.ones((3, 3))),
        "objects": np.array([{"a": 1}, [1], None], dtype=object),
        "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "O")]).view(np.recarray),
        "masked": np.ma.masked_array([1, 2], [0, 1]),
        "scalars": [np.float64(1.5), np.datetime64("2020-01-01"), np.bool_(True), np.str_("x"), np.void(b"ab")],
        "dtype": np.dtype([("x", "f4")]),
        "ufunc": np.add,
        "generators": [np.random.default_rng(0), np.random.RandomState(0)],
        "polynomial": np.polynomial.Polynomial([1, 2]),
        "vectorized": np.vectorize(abs),
        "slices": [slice(np.int64(1), None), np.s_[1:2, 3]],
        "texts": np.array(["a", "bb"], dtype=np.dtypes.StringDType()),
        "sparse": [scipy.sparse.csr_matrix([[1, 0]]), scipy.sparse.csr_array([[1, 0]])],
    }


def frames() -> dict[str, Any]:
    """Make values of pandas."""
    return {
        "frame": pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"])}),
        "times": pd.DataFrame({"d": pd.date_range("2020", periods=2, tz="UTC")}),
        "series": pd.Series([1.0, 2.0], index=["a", "b"], name="s"),
        "levels": pd.MultiIndex.from_product([[1, 2], ["a", "b"]]),
        "periods": pd.period_range("2020", periods=3, freq="M"),
        "intervals": pd.interval_range(0, 3),
        "scalars": [pd.Timestamp("2020-01-01", tz="Europe/Paris"), pd.Timedelta(1, "D"), pd.NaT, pd.NA],
        "offsets": [pd.offsets.MonthEnd(2), pd.offsets.CustomBusinessDay()],
        "extension": [pd.array(["a", None], dtype="string"), pd.array([1, None], dtype="Int64")],
    }


def values() -> dict[str, Any]:
    """Make values of the standard library, and a model of pydantic."""
    return {
        "pydantic": Pypi(requirements=["a==1"]),
        "paths": [pathlib.PurePosixPath("/a"), pathlib.Path("/a")],
        "uuid": uuid.UUID(int=5),
        "pattern": re.compile("a+"),
        "times": [dt.datetime.now(dt.UTC), dt.timezone(dt.timedelta(hours=1))],
        "collections": [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1], 3)],
        "default": collections.defaultdict(list, a=[1]),
        "partial": functools.partial(int, base=2),
        "random": random.Random(1),
        "errors": [OSError(2, "x"), UnicodeDecodeError("a", b"b", 0, 1, "c")],
        "generic": list[int],
    }


def construct(cls: Any) -> Any:
    """Make an estimator with its defaults, around another one where it needs that."""
    for arguments in ({}, {"estimator": LogisticRegression()}):
        try:
            return cls(**arguments)
        except TypeError:
            continue
    return None


def estimators(step: int = 1) -> dict[str, Any]:
    """Fit every estimator of scikit-learn, or one in `step`, that fits without being asked twice."""
    features, target = make_classification(60, 6, random_state=0)
    features = abs(features)
    fitted: dict[str, Any] = {}
    for name, cls in all_estimators()[::step]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = construct(cls)
        if made is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made.fit(features, target)
        except (ValueError, TypeError, ImportError, AttributeError, IndexError):
            pass  # some take other data: an estimator that is not fitted is pickled too
        fitted[name] = made
    return fitted


def least(path: Path) -> Entry:
    """Trace a file: what its policy has to list."""
    traced = verify(path, None)
    assert traced.exit_code == 0, (path.name, traced.errors, traced.violations)
    return traced.needed()


def prepare(content: dict[str, Any], folder: Path, protocols: tuple[int, ...]) -> list[dict[str, Any]]:
    """Write each value as files with the least policy of each."""
    cases = []
    for name, value in content.items():
        for protocol in protocols:
            for kind in ("pickle", "joblib"):
                path = folder / f"{name}-{protocol}.{kind}"
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        if kind == "joblib":
                            joblib.dump(value, path, protocol=protocol)
                        else:
                            path.write_bytes(pickle.dumps(value, protocol))
                except (TypeError, pickle.PicklingError):
                    continue  # some values have no form in old protocols
                policy = Policy({"test.Model": least(path)})
                assert verify(path, policy).exit_code == 0
                path.with_suffix(f".{kind}.json").write_text(policy.dumps())
                ways = ["joblib"] if kind == "joblib" else ["c", "python", "pandas"]
                cases.append(
                    {"name": path.name, "path": str(path), "policy": f"{path}.json", "ways": ways},
                )
    return cases


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "protocols"),
    [(arrays, range(6)), (frames, range(6)), (values, range(6)), (estimators, (1, 4))],
    ids=["numpy and scipy", "pandas", "standard library and pydantic", "scikit-learn"],
)
def test_honest_files_load_under_their_least_policy(make: Any, protocols: Any, tmp_path: Path) -> None:
    """No false refusal, in the C driver, the Python driver, pandas and joblib."""
    cases = prepare(make(), tmp_path, tuple(protocols))
    listing = tmp_path / "cases.json"
    listing.write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, "-c", LOADER, listing],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "PICKLEBALL_VIOLATIONS": str(tmp_path / "violations")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == []
    assert len(cases) > 40


EXACT = """
import json, os, sys
import pickleball_enforce
cases = json.load(open(sys.argv[1]))
pickleball_enforce.install(cases[0]["policy"])
import io, pickle, warnings
from pickleball_enforce.stubs import Stub
warnings.simplefilter("ignore")
wrong = []
for case in cases:
    pickleball_enforce.use_policy(case["policy"])
    before = os.path.getsize(sys.argv[2])
    try:
        with open(case["path"], "rb") as file:
            pickle.load(file)
        outcome = "loaded"
    except Exception as error:
        outcome = type(error).__name__
    told = os.path.getsize(sys.argv[2]) - before
    if (outcome == "loaded" and not told) != case["whole"]:
        wrong.append([case["path"], case["less"], outcome])
json.dump(wrong, sys.stdout)
"""


def policies(path: Path, entry: Entry) -> list[dict[str, Any]]:
    """Write the least policy of a file, and that policy with each of its entries left out."""
    cases = []
    left_out = [("", ""), *((kind, name) for kind, names in vars(entry).items() for name in names)]
    for number, (kind, name) in enumerate(left_out):
        less = entry.changed(**{kind: tuple(item for item in getattr(entry, kind) if item != name)}) if kind else entry
        policy = path.with_suffix(f".{number}.json")
        policy.write_text(Policy({"test.Model": less}).dumps())
        cases.append({"path": str(path), "policy": str(policy), "whole": not kind, "less": f"{kind} {name}".strip()})
    return cases


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "protocols"),
    [(arrays, (0, 2, 4)), (frames, (0, 2, 4)), (values, (0, 2, 4)), (functools.partial(estimators, 12), (4,))],
    ids=["numpy", "pandas", "stdlib", "scikit-learn"],
)
def test_trace_is_exact(make: Any, protocols: tuple[int, ...], tmp_path: Path) -> None:
    """The policy that trace writes loads the file and records nothing; less any one entry, something is recorded."""
    cases = []
    for name, value in make().items():
        for protocol in protocols:
            path = tmp_path / f"{name}-{protocol}.pkl"
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    path.write_bytes(pickle.dumps(value, protocol))
            except (TypeError, pickle.PicklingError):
                continue  # some values have no form in old protocols
            cases += policies(path, least(path))
    listing, records = tmp_path / "cases.json", tmp_path / "records"
    listing.write_text(json.dumps(cases))
    records.touch()
    done = subprocess.run(
        [sys.executable, "-c", EXACT, listing, records],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "PICKLEBALL_VIOLATIONS": str(records)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == []
    assert len(cases) > 60
