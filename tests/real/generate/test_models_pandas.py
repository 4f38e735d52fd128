"""The policy of a type that a knowledge pack describes: tables of every kind of column stay inside it."""

from __future__ import annotations

import pickle
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pickleball_enforce import verify
from pickleball_generate.inference import Options, infer, sinks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_generate.facts import Environment

COLUMNS = {
    "numbers": [1.5, 2.5],
    "whole": pd.array([1, None], dtype="Int64"),
    "truths": pd.array([True, None], dtype="boolean"),
    "names": ["a", "b"],
    "kinds": pd.Categorical(["x", "y"]),
    "days": pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("UTC"),
    "spans": pd.to_timedelta([1, 2], unit="h"),
    "months": pd.period_range("2026-01", periods=2, freq="M"),
    "ranges": pd.interval_range(0, 2),
}


def test_tables_are_within_the_policy_of_their_class(
    environment_of: Callable[..., Environment], tmp_path: Path
) -> None:
    """A table may hold any type of its package that the pack describes; nothing in the policy has an effect."""
    environment = environment_of(Path(sysconfig.get_paths()["purelib"]))
    policy = infer(environment, ["pandas.DataFrame"], Options()).policy
    assert [name for name in policy.globals | policy.reduces if sinks.effect(name)] == []
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        path = tmp_path / f"{protocol}.pkl"
        path.write_bytes(pickle.dumps(pd.DataFrame(COLUMNS), protocol))
        assert [found.sentence for found in verify(path, policy).violations] == []
