"""Wheels of a package index, chosen by pip, with their hashes; nothing is built and nothing is installed."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pickleball_generate.errors import BadInput, FetchFailed, MissingTool
from pickleball_generate.facts.store import digest_of

from .program import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
CLAUSE = r"(?:==|>=|<=|~=|!=|<|>) ?[A-Za-z0-9.*+!_-]+"
REQUIREMENT = re.compile(
    rf"{NAME}(?:\[{NAME}(?:, ?{NAME})*\])?(?: ?{CLAUSE}(?:, ?{CLAUSE})*)?(?: --hash=sha256:[0-9a-f]{{64}})*"
)
WRONG_HASH = "DO NOT MATCH THE HASHES"


def fetch(requirements: Sequence[str], index: str, output: Path, home: Path) -> list[dict[str, Any]]:
    """Download the wheels that requirements lead to; gives name, version and sha256 of each."""
    for one in requirements:
        if not REQUIREMENT.fullmatch(one):
            raise BadInput(
                f"{one!r} is no requirement that is taken: write a name with versions, as numpy==1.26.4, and hashes"
                " (--hash=sha256:...). Addresses, paths, markers and options are refused.",
                reason="bad-requirement",
            )
    if find_spec("pip") is None:
        raise MissingTool(f"{sys.executable} has no pip, which chooses the wheels: install it.", reason="no-pip")
    listed = home / "requirements.txt"
    listed.write_text("".join(f"{one}\n" for one in requirements))
    command = [
        sys.executable, "-m", "pickleball_generate.fetch.pip",
        "--isolated", "--no-input", "--disable-pip-version-check", "--no-color", "download",
        "--quiet", "--no-cache-dir", "--only-binary=:all:", f"--dest={output}", f"--requirement={listed}",
        *(at(index) if index else ()),
    ]  # fmt: skip
    try:
        run(command, home, {"PIP_CONFIG_FILE": "/dev/null"})
    except FetchFailed as error:
        if WRONG_HASH in error.sentence:
            raise BadInput(f"A wheel is not the one that was asked for: {error.sentence}", reason="hash") from error
        raise
    return [described(wheel) for wheel in sorted(output.glob("*.whl"))]


def at(index: str) -> list[str]:
    """Name the index to pip; one by plain http is what whoever installed PickleBall chose."""
    parts = urlsplit(index)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise BadInput(
            f"{index!r} is no address of a package index: write https://index.example/simple, without a password.",
            reason="bad-index",
        )
    trusted = [f"--trusted-host={parts.netloc}"] if parts.scheme == "http" else []
    return [f"--index-url={index}", *trusted]


def described(wheel: Path) -> dict[str, Any]:
    """Name, version and digest of a wheel."""
    name, version = (*wheel.name.split("-"), "")[:2]
    return {"name": name, "version": version, "sha256": digest_of(wheel)}
