"""The images that there are, what goes into each, and where things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = "0.1.0"
SUITE = "bookworm"
PYTHON = "3.11"  # the suite's
ENFORCE, GENERATE, OPERATOR = ROOT / "images" / "enforce", ROOT / "images" / "generate", ROOT / "operator"
APP = ROOT / "tests" / "cluster" / "app"

BASES = {
    "python": ("ca-certificates", "python3", "python3-venv"),
    "java": ("ca-certificates", "openjdk-17-jre-headless", "python3", "python3-venv"),
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
    """One image: `packages` are folders of our Python packages, `requirements` names a lock file."""

    name: str
    folder: Path
    base: str
    packages: tuple[Path, ...] = ()
    requirements: str = ""
    joern: bool = False

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
    "generate": Image("pickleball-generate", GENERATE, "java", (ENFORCE, GENERATE), "generate", joern=True),
    "operator": Image("pickleball-operator", OPERATOR, "python", (ENFORCE, OPERATOR), "operator"),
    "test-app": Image("pickleball-test-app", APP, "python", (), "app"),
}
