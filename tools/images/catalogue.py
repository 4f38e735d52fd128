"""The images that there are, what goes into each, and where things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = "0.1.0"
PYTHON = "3.11"  # of bookworm, which our images are made from
ENFORCE, GENERATE, OPERATOR = ROOT / "images" / "enforce", ROOT / "images" / "generate", ROOT / "operator"
APP = ROOT / "tests" / "cluster" / "app"


@dataclass(frozen=True)
class Base:
    """A root file system of Debian.

    `dated`: lists of packages that have run out are refused. Those of the testing suite run out within a week, sooner
    than some mirrors renew them.
    """

    suite: str
    packages: tuple[str, ...]
    dated: bool = True


_PYTHON = ("ca-certificates", "python3", "python3-venv")
_TESTED = (*_PYTHON, "python3-cloudpickle", "python3-dill", "python3-joblib", "python3-numpy")
BASES = {
    "python": Base("bookworm", _PYTHON),
    "python-deb11": Base("bullseye", _PYTHON),
    "java": Base("bookworm", ("ca-certificates", "git", "openjdk-17-jre-headless", "python3", "python3-venv")),
    "tests-3.9": Base("bullseye", (*_TESTED, "libpython3.9-testsuite")),
    "tests-3.11": Base("bookworm", (*_TESTED, "libpython3.11-testsuite")),
    "tests-3.13": Base("trixie", (*_TESTED, "libpython3.13-testsuite")),
    "tests-3.14": Base("forky", (*_TESTED, "libpython3.14-testsuite"), dated=False),
}


class ImageError(Exception):
    """An image cannot be built; the message says what is missing and what to do.

    ImageError
        BuildError    a program that builds ended with another code than 0
    """


class BuildError(ImageError):
    """A program that builds ended with another code than 0."""


@dataclass(frozen=True)
class Image:
    """One image: `packages` are folders of our Python packages, `requirements` names a lock file.

    `target` is the stage of the Dockerfile; the last one without it.
    """

    name: str
    folder: Path
    base: str
    packages: tuple[Path, ...] = ()
    requirements: str = ""
    joern: bool = False
    target: str = ""

    @property
    def reference(self) -> str:
        """The name that pods call it by in the test cluster."""
        return f"docker.io/local/{self.name}:{VERSION}"

    @property
    def dockerfile(self) -> Path:
        """The file that says how it is built."""
        return self.folder / "Dockerfile"

    @property
    def context(self) -> Path:
        """The folder that it is built from."""
        return ROOT / "dist" / self.name.removeprefix("pickleball-")


IMAGES = {
    "enforce": Image("pickleball-enforce", ENFORCE, "python", (ENFORCE,)),
    "enforce-deb12": Image("pickleball-enforce-deb12", ENFORCE, "python", (ENFORCE,), target="app"),
    "enforce-deb11": Image("pickleball-enforce-deb11", ENFORCE, "python-deb11", (ENFORCE,), target="app"),
    "generate": Image("pickleball-generate", GENERATE, "java", (ENFORCE, GENERATE), "generate", joern=True),
    "operator": Image("pickleball-operator", OPERATOR, "python", (ENFORCE, OPERATOR), "operator"),
    "test-app": Image("pickleball-test-app", APP, "python", (), "app"),
}
