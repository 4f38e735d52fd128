"""Debian's own Pythons for `make bench PYTHONS=debian`, run outside of their root file systems by their own loader.

They are built with all optimisations, which is what most programs run on. tests/pythons makes their root file systems.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.pythons import debian

if TYPE_CHECKING:
    from pathlib import Path

_LAUNCHER = """#!/bin/sh
export PYTHONHOME={root}/usr PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{root}/packages"
exec {loader} --library-path {libraries} {root}/usr/bin/python{version} "$@"
"""
_ARCHITECTURE = f"{os.uname().machine}-linux-gnu"
_FOLDERS = (f"lib/{_ARCHITECTURE}", f"usr/lib/{_ARCHITECTURE}")
_LIBRARIES = (*_FOLDERS, f"{_FOLDERS[1]}/blas", f"{_FOLDERS[1]}/lapack")


def launchers(folder: Path) -> list[str]:
    """Write a program into a folder for each of these Pythons; give their paths.

    Raises an ImageError where a root file system cannot be made.
    """
    return [str(_launcher(version, folder)) for version in debian.VERSIONS]


def _launcher(version: str, folder: Path) -> Path:
    root = debian.prepare(version, folder).root
    loader = next(path for name in ("usr/lib64", *_FOLDERS) for path in sorted((root / name).glob("ld-linux-*.so.*")))
    libraries = ":".join(str(root / name) for name in _LIBRARIES)
    launcher = folder / f"python{version}"
    launcher.write_text(_LAUNCHER.format(root=root, loader=loader, libraries=libraries, version=version))
    launcher.chmod(0o755)
    return launcher
