"""The knowledge packs, made again from the packages that they describe."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tools import cache

from pickleball_generate import packs

ROOT = Path(__file__).parents[3]
LOCK = ROOT / "requirements" / "packs.txt"
MADE_HERE = ["numpy", "pandas", "pyarrow", "regex", "scipy", "stdlib", "tokenizers"]


def committed(name: str) -> dict[str, Any]:
    """Read a pack as it comes with the generator."""
    content: dict[str, Any] = json.loads((resources.files(packs) / f"{name}.json").read_text())
    return content


@pytest.fixture(scope="session")
def python() -> Path:
    """Give the interpreter of the environment that packs are made in, which the Makefile makes."""
    found = cache.folder() / f"packs-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}" / "bin" / "python"
    if not found.exists():
        assert os.environ.get("CI") != "true", f"{found} is missing: make test-python makes it"
        pytest.skip(f"{found} is missing: make test-python makes it")
    return found


@pytest.mark.parametrize("name", MADE_HERE)
def test_the_maker_makes_the_pack_that_is_committed(name: str, python: Path, tmp_path: Path) -> None:
    """With the versions that it was made from, a pack comes out as it is; what older ones wrote is part of it."""
    before = committed(name)
    if before["older"]:
        (tmp_path / "older.json").write_text(json.dumps(before["older"]))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/images/enforce/src:{ROOT}/images/generate/src"}
    command = [python, "-m", "pickleball_generate.packs.make", name, "--output", tmp_path / "made.json"]
    command += ["--older", tmp_path / "older.json"] if before["older"] else []
    subprocess.run(command, env=environment, check=True, capture_output=True)
    made = json.loads((tmp_path / "made.json").read_text())
    if tuple(map(int, platform.python_version_tuple()[:2])) != (3, 11):
        pytest.skip(f"the packs are made with Python 3.11, this is {platform.python_version()}")
    assert made == before


@pytest.mark.parametrize("name", [*MADE_HERE, "torch"])
def test_every_expression_of_a_recipe_could_be_built(name: str) -> None:
    """A pack says what it could not make, and at present that is nothing."""
    assert committed(name)["missing"] == []


def test_old_spellings_stand_beside_todays() -> None:
    """Arrays and frames that earlier versions wrote need names that later ones moved."""
    known = packs.load()
    arrays = known.instance("numpy.ndarray")
    assert arrays is not None
    assert {"numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct"} <= set(arrays.reduces)
    frames = known.instance("pandas.DataFrame")
    assert frames is not None
    assert {"pandas.DataFrame", "pandas.core.frame.DataFrame"} <= set(frames.globals)
    assert known.type_name("pandas.core.frame.DataFrame") == "pandas.DataFrame"


def test_what_a_pack_says_of_arrays_is_what_arrays_need() -> None:
    """The names in real pickles of arrays of many kinds are in the pack's entry."""
    numpy = pytest.importorskip("numpy")
    from pickleball_enforce.policy import Entry, Policy
    from pickleball_enforce.settings import Settings
    from pickleball_enforce.verifier import Verifier

    needs = packs.load().instance("numpy.ndarray")
    assert needs is not None
    policy = Policy(entries={"numpy.ndarray": Entry(needs.globals, needs.reduces)})
    for value in (numpy.arange(3), numpy.zeros((2, 2), order="F"), numpy.array(["a", None], dtype=object)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert not Verifier(policy, Settings()).verify(pickle.dumps(value, protocol)).violations


@pytest.mark.parametrize(("name", "value"), [("types.UnionType", int | str), ("types.GenericAlias", list[int])])
def test_what_a_pack_says_has_what_is_given_to_callables(name: str, value: object) -> None:
    """A function or class that a callable calls has to be callable itself, which a first look does not ask for."""
    from pickleball_enforce.policy import Entry, Policy
    from pickleball_enforce.settings import Settings
    from pickleball_enforce.verifier import Verifier

    needs = packs.load().instance(name)
    assert needs is not None
    policy = Policy(entries={name: Entry(needs.globals, needs.reduces)})
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert not Verifier(policy, Settings()).verify(pickle.dumps(value, protocol)).violations
