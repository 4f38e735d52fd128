"""Debian's own Pythons for `make bench PYTHONS=debian`, or `debian3.11` for one.

They are built with all optimisations, which is what most programs run on, and run outside of their root file systems,
by their own loader. tests/pythons makes these file systems.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.pythons import debian

if TYPE_CHECKING:
    from pathlib import Path

NAME = "debian"
_LAUNCHER = """#!/bin/sh
export PYTHONHOME={root}/usr PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{root}/packages"
exec {loader} --library-path {libraries} {root}/usr/bin/python{version} "$@"
"""
_ARCHITECTURE = f"{os.uname().machine}-linux-gnu"
_FOLDERS = (f"lib/{_ARCHITECTURE}", f"usr/lib/{_ARCHITECTURE}")
_LIBRARIES = (*_FOLDERS, f"{_FOLDERS[1]}/blas", f"{_FOLDERS[1]}/lapack")


def launchers(name: str, folder: Path) -> list[str]:
    """Give the paths of the Pythons that a name stands for; of `debian` and `debian3.11`, programs in a folder.

    Raises an ImageError where a root file system cannot be made.
    """
    asked = name.removeprefix(NAME)
    chosen = [version for version in debian.VERSIONS if asked in {"", version}] if name.startswith(NAME) else []
    return [str(_launcher(version, folder)) for version in chosen] or [name]


def _launcher(version: str, folder: Path) -> Path:
    root = debian.prepare(version, folder).root
    loader = next(path for name in ("usr/lib64", *_FOLDERS) for path in sorted((root / name).glob("ld-linux-*.so.*")))
    libraries = ":".join(str(root / name) for name in _LIBRARIES)
    launcher = folder / f"python{version}"
    launcher.write_text(_LAUNCHER.format(root=root, loader=loader, libraries=libraries, version=version))
    launcher.chmod(0o755)
    return launcher
