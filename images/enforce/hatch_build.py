"""Names the wheel by what is in it: with the compiled verifier it fits one kind of machine, without it any."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_GLIBC = "2_17"  # what the Makefile links the verifier against


class Hook(BuildHookInterface[Any]):
    """Sets the tag of a wheel that has the compiled verifier."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Look for the compiled verifier."""
        package = Path(self.root) / "src" / "pickleball_enforce"
        if version == "standard" and (package / "_verifier.abi3.so").exists():
            build_data["pure_python"] = False
            build_data["tag"] = f"cp39-abi3-manylinux_{_GLIBC}_{platform.machine()}"
