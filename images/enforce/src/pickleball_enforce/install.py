"""`pickleball install`: copies the enforcer into a folder for PYTHONPATH, or hooks an environment by a .pth file."""

from __future__ import annotations

import argparse
import shutil
import site
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import PickleBallError, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = Path(__file__).parent
SCRIPTS = ("sitecustomize.py", "usercustomize.py", "selftest.py")
STATE = "state"
_PTH = "pickleball.pth"
_WORLD = 0o777  # the self-test runs as the application's user, and no other container can write there
# It ends the process where the enforcer is gone or fails: Python would go on after an exception.
_HOOK = """
try:
    sys.path.insert(0, {folder!r})
    try:
        from pickleball_enforce import hook
    finally:
        sys.path.remove({folder!r})
    hook.start()
except BaseException as error:
    os.write(2, ("pickleball: the hook failed: %s; the process ends\\n" % error).encode())
    os._exit(78)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    parser = argparse.ArgumentParser(prog="pickleball install", description=__doc__)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--target", type=Path, help="the folder to put first on PYTHONPATH")
    place.add_argument("--site", action="store_true", help="hook every start of this Python environment")
    options = parser.parse_args(argv)
    try:
        if options.site:
            install_site(_site_folder())
        else:
            install_target(options.target)
    except PickleBallError as error:
        sys.stderr.write(f"pickleball: {error}\n")
        return 2
    return 0


def install_target(target: Path) -> None:
    """Copy the package and its start files into a folder; what stands there of an earlier time is replaced."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        package = target / PACKAGE.name
        if package.exists():
            shutil.rmtree(package)
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        for name in SCRIPTS:
            shutil.copyfile(PACKAGE / "bootstrap" / name, target / name)
        _open_up(target, package)
    except OSError as error:
        raise SourceError(str(target), f"the enforcer cannot be installed here: {error}") from error


def _open_up(target: Path, package: Path) -> None:
    """Let every user read, and the self-test write what it records: state, and compiled modules."""
    for path in [*target.glob("*.py"), package, *package.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for folder in (
        target / STATE,
        target / "__pycache__",
        package / "__pycache__",
        package / "drivers" / "__pycache__",
    ):
        folder.mkdir(exist_ok=True)
        folder.chmod(_WORLD)


def _site_folder() -> Path:
    """Find the folder of this environment whose .pth files are read. Before Debian 12, purelib there is not."""
    for folder in (sysconfig.get_path("purelib"), *site.getsitepackages()):
        if folder in sys.path:
            return Path(folder)
    raise SourceError(sys.prefix, "this Python reads no folder of installed packages, so no .pth file")


def install_site(folder: Path) -> None:
    """Write the .pth file that hooks every start of an environment, with this package where it is now."""
    code = _HOOK.format(folder=str(PACKAGE.parent))
    try:
        (folder / _PTH).write_text(f"import os, sys; exec({code!r})\n")  # Python executes a .pth file line by line
    except OSError as error:
        raise SourceError(str(folder), f"the .pth file cannot be written: {error}") from error
