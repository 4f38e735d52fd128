"""The knowledge pack of torch, made again."""

from __future__ import annotations

import json
import platform
import warnings
from importlib import resources

import pytest
import torch

from pickleball_generate import packs
from pickleball_generate.packs.make import make, written


def test_the_maker_makes_the_pack_that_is_committed() -> None:
    """With the version that it was made from, the pack comes out as it is."""
    before = json.loads((resources.files(packs) / "torch.json").read_text())
    if before["version"] != torch.__version__ or platform.python_version_tuple()[:2] != ("3", "11"):
        pytest.skip(f"made with torch {before['version']} and Python 3.11, here are {torch.__version__} and another")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = json.loads(written(make("torch")))
    assert made == before
