"""What the images are made from."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml
from tools.images import requirements
from tools.images.catalogue import IMAGES, ROOT, VERSION, Image

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
jinja2==3.1.6 \\
    --hash=sha256:11 \\
    --hash=sha256:22
    # via something
tomli==2.0 ; python_version < '3.11' \\
    --hash=sha256:33
typing-extensions==4.16.0 ; python_version < '3.13' \\
    --hash=sha256:44
"""


def test_an_image_gets_what_its_own_python_needs() -> None:
    """Conditions of a lock file are judged for the image's Python on Linux, not for the one that builds."""
    assert requirements.selected(LOCK).splitlines() == [
        "jinja2==3.1.6 \\",
        "    --hash=sha256:11 \\",
        "    --hash=sha256:22",
        "typing-extensions==4.16.0 \\",
        "    --hash=sha256:44",
    ]


def test_every_package_of_a_lock_file_is_read() -> None:
    """No entry of the operator's lock file is lost on the way."""
    lock = (ROOT / "requirements" / "operator.txt").read_text()
    assert len(requirements.ENTRY.findall(lock)) == lock.count("==")


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_a_dockerfile_takes_its_base_from_outside(image: Image) -> None:
    """Each Dockerfile has a public base that a build argument replaces."""
    first = next(line for line in image.dockerfile.read_text().splitlines() if not line.startswith("#"))
    assert first.startswith("ARG BASE_IMAGE=docker.io/")


@pytest.mark.parametrize("name", ["enforce", "generate", "operator"])
def test_our_images_run_as_a_numeric_user_that_is_not_root(name: str) -> None:
    """Kubernetes can see without a passwd file that the user is not root."""
    assert "\nUSER 65532:65532\n" in IMAGES[name].dockerfile.read_text()


def spoken_version(package: Path) -> list[str]:
    """Find the version that a package itself tells."""
    (init,) = package.glob("src/*/__init__.py")
    return re.findall(r'^__version__ = "(.+)"$', init.read_text(), re.MULTILINE) or ["none"]


def test_packages_images_and_chart_have_one_version() -> None:
    """The version of the images is that of each package and of the chart."""
    packages = {package for image in IMAGES.values() for package in image.packages}
    versions = {tomllib.loads((package / "pyproject.toml").read_text())["project"]["version"] for package in packages}
    versions |= {found for package in packages for found in spoken_version(package)}
    chart = yaml.safe_load((ROOT / "charts" / "pickleball" / "Chart.yaml").read_text())
    assert versions | {chart["version"], chart["appVersion"]} == {VERSION}
