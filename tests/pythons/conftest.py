"""The Pythons that the enforcer is tested on, one after the other."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.pythons import debian

if TYPE_CHECKING:
    from tests.pythons.debian import Debian

LISTED = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Difference:
    """A test that is expected to end otherwise, where, and why."""

    test: str
    pythons: tuple[str, ...]
    reason: str


def differences(version: str) -> dict[str, str]:
    """Give the expected differences on a Python, each with its reason."""
    listed = tomllib.loads(LISTED.read_text())["difference"]
    found = [Difference(item["test"], tuple(item["pythons"]), item["reason"]) for item in listed]
    return {item.test: item.reason for item in found if version in item.pythons}


@pytest.fixture(scope="session", params=debian.VERSIONS)
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Debian:
    """One Debian with its Python."""
    return debian.prepare(request.param, tmp_path_factory.mktemp(f"python{request.param}"))
