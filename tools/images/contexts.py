"""Build contexts: dist/NAME holds all that an image's Dockerfile copies, so the build itself needs no network.

wheels/*.whl        our packages and the third-party ones
requirements.txt    the third-party ones, pinned with hashes
joern/*.jar         the facts extractor and what it runs on (generate)
other files         those beside the Dockerfile of an image that is no package of ours
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from .catalogue import Image, ImageError
from .commands import run
from .requirements import wheels


def make(image: Image, joern: Path | None) -> None:
    """Make the context of an image anew."""
    context = image.context
    shutil.rmtree(context, ignore_errors=True)
    (context / "wheels").mkdir(parents=True)
    for package in image.packages:
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", context / "wheels", cwd=package)
    if image.requirements:
        kept, lock = wheels(image.requirements)
        (context / "requirements.txt").write_text(lock)
        for wheel in sorted(kept.glob("*.whl")):
            place(wheel, context / "wheels" / wheel.name)
    if image.joern:
        copy_jars(joern, context / "joern")
    if not image.packages:
        for file in sorted(image.folder.iterdir()):
            if file.is_file() and file.name != "Dockerfile":
                shutil.copy(file, context / file.name)


def copy_jars(joern: Path | None, target: Path) -> None:
    """Put the jars of the facts extractor into a context."""
    jars = sorted(joern.rglob("*.jar")) if joern else []
    if not jars:
        raise ImageError(f"no jars in {joern}: `make joern` builds them, --joern names their folder")
    target.mkdir()
    for jar in jars:
        place(jar, target / jar.name)


def place(source: Path, target: Path) -> None:
    """Link a file, or copy it where the cache lies on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def digest(image: Image, base: Path) -> str:
    """Give the digest of everything that an image is built from."""
    total = hashlib.sha256(base.name.encode())
    for path in (image.dockerfile, *sorted(image.context.rglob("*"))):
        if path.is_file():
            name = path.relative_to(image.context) if path.is_relative_to(image.context) else Path(path.name)
            with path.open("rb") as file:
                total.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()[:12]
