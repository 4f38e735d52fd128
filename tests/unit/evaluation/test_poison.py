"""Poisoned files: the fragment runs on stock, and the rest of the file still loads."""

from __future__ import annotations

import base64
import json
import pickle
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from evaluation import attacks, poison

from pickleball_enforce import Policy, verify

if TYPE_CHECKING:
    from pathlib import Path

MODEL = {"weights": np.arange(12.0).reshape(3, 4), "name": "m"}


def pickled(protocol: int) -> Any:
    """Give a writer of one protocol."""
    return lambda path: path.write_bytes(pickle.dumps(MODEL, protocol))


WRITERS = {f"protocol {n}": pickled(n) for n in range(6)} | {
    "joblib": lambda path: joblib.dump(MODEL, path),
    "joblib, compressed": lambda path: joblib.dump(MODEL, path, compress=3),
}
CASES = pytest.mark.parametrize("kind", sorted(WRITERS))


@CASES
def test_a_poisoned_file_loads_on_stock_and_every_attack_with_an_effect_has_it(kind: str, tmp_path: Path) -> None:
    """What the evaluation calls an attack makes its folder when stock loads it, and the model is still there."""
    good = tmp_path / "good"
    WRITERS[kind](good)
    for number, attack in enumerate(attacks.with_effect(tmp_path / "ran")):
        bad = poison.model(good, good, tmp_path / f"bad{number}", attack.fragment)
        loaded = joblib.load(bad) if "joblib" in kind else pickle.loads(bad.read_bytes())
        assert loaded["name"] == "m"
        assert attack.marker is not None
        assert attack.marker.is_dir()


@CASES
def test_the_policy_of_the_model_refuses_each_attack_where_it_was_put(kind: str, tmp_path: Path) -> None:
    """Under the least policy of the file, the good one is clean and each poisoned one has its violation in front."""
    good = tmp_path / "good"
    WRITERS[kind](good)
    policy = Policy({"m.M": verify(good, None).needed().joined([("instances", "collections.UserDict")])})
    assert verify(good, policy).exit_code == 0
    tried = [*attacks.with_effect(tmp_path / "ran"), *attacks.on_names_of(policy)]
    assert len(tried) > 3
    for number, attack in enumerate(tried):
        bad = poison.model(good, good, tmp_path / f"bad{number}", attack.fragment)
        report = verify(bad, policy)
        statically = [v for v in report.violations if v.offset < 2 + len(attack.fragment)]
        assert statically or "state" in attack.name, attack.name


def test_what_lies_beside_a_pickle_is_copied_with_it(tmp_path: Path) -> None:
    """Arrays that a library keeps in files of their own stay with the poisoned model."""
    good = tmp_path / "m.model"
    good.write_bytes(pickle.dumps(MODEL))
    (tmp_path / "m.model.vectors.npy").write_bytes(b"array")
    poison.model(good, good, tmp_path / "bad.model", b"")
    assert (tmp_path / "bad.model.vectors.npy").read_bytes() == b"array"
    assert zlib.crc32((tmp_path / "bad.model").read_bytes()) == zlib.crc32(good.read_bytes())


def test_a_pickle_in_the_json_of_an_archive_is_poisoned(tmp_path: Path) -> None:
    """The first of those that an archive keeps in base64 runs the fragment, and its value is still there."""
    good = tmp_path / "good.zip"
    values = {key: {":serialized:": base64.b64encode(pickle.dumps(MODEL)).decode()} for key in ("first", "second")}
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr("data", json.dumps(values, indent=4))
    attack = next(iter(attacks.with_effect(tmp_path / "ran")))
    bad = poison.model(good, good, tmp_path / "bad.zip", attack.fragment)
    with zipfile.ZipFile(bad) as archive:
        found = json.loads(archive.read("data"))
    assert found["second"] == values["second"]
    assert pickle.loads(base64.b64decode(found["first"][":serialized:"]))["name"] == "m"
    assert attack.marker is not None
    assert attack.marker.is_dir()
