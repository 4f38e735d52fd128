"""pandas: tables, series and indexes of every kind of column; saved by `to_pickle`."""

from __future__ import annotations

import pandas as pd

from evaluation.specimens import Recipe, Way, joblibbed, pickled

OWN = Way("to_pickle", ".pkl", lambda frame, path: frame.to_pickle(path), pd.read_pickle)
RECIPE = Recipe(lambda frame: frame.astype(str), OWN, pickled(2), joblibbed(3))


def kinds() -> pd.DataFrame:
    """A table with a column of each kind."""
    return pd.DataFrame({
        "number": [1, 2, 3],
        "part": [1.5, None, 2.5],
        "text": ["a", "b", None],
        "category": pd.Categorical(["x", "y", "x"]),
        "time": pd.date_range("2026-01-01", periods=3),
        "zone": pd.date_range("2026-01-01", periods=3, tz="UTC"),
        "delta": pd.to_timedelta([1, 2, 3], unit="D"),
        "whole": pd.array([1, None, 3], dtype="Int64"),
        "truth": pd.array([True, None, False], dtype="boolean"),
        "period": pd.period_range("2026-01", periods=3, freq="M"),
        "interval": pd.interval_range(0, 3),
    })  # fmt: skip


@RECIPE.model("pandas.DataFrame")
def frame():
    return kinds()


@RECIPE.model("pandas.DataFrame")
def numbers():
    return pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]}, index=["x", "y"])


@RECIPE.model("pandas.DataFrame")
def grouped():
    return kinds().set_index(["category", "number"])[["part"]]


@RECIPE.model("pandas.Series")
def series():
    return pd.Series(["a", "b"], index=pd.date_range("2026-01-01", periods=2, freq="D"))


@RECIPE.model("pandas.Series")
def sparse():
    return pd.Series(pd.arrays.SparseArray([0, 0, 1]))


@RECIPE.model(
    "pandas.MultiIndex",
    predict=lambda index: [str(item) for item in index],
    ways=(pickled(4), pickled(2), joblibbed(3)),
)
def index():
    return pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", "digit"])
