"""Image archives, built by buildah from a context and a base."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tools import cache

from . import archive, bases, contexts
from .catalogue import Image, ImageError
from .commands import run

KEPT = 2  # archives of one image: this one and the one before


def build(image: Image, joern: Path | None) -> Path:
    """Give the archive of an image; builds it when its content has changed."""
    start = time.monotonic()
    base = bases.root_file_system(image.base)
    contexts.make(image, joern)
    kept = cache.folder() / "images" / f"{image.name}-{contexts.digest(image, base)}.tar"
    if kept.exists():
        kept.touch()
        return kept
    if os.geteuid():
        raise ImageError("buildah needs root to unpack a base image here")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as work:
        draft = Path(work) / "image.tar"
        parent = load_base(base, Path(work))
        stage = (f"--target={image.target}",) if image.target else ()
        built = buildah(
            "build", *stage, "--quiet", "--isolation=chroot", f"--build-arg=BASE_IMAGE={parent}", "--pull-never",
            f"--file={image.dockerfile}", f"--tag={image.reference}", str(image.context),
        )  # fmt: skip
        buildah("push", "--quiet", image.reference, f"docker-archive:{draft}:{image.reference}")
        buildah("rmi", "--force", built.strip().splitlines()[-1])
        draft.replace(kept)
    for old in sorted(kept.parent.glob(f"{image.name}-*.tar"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink()
    print(f"image {image.name}: built in {time.monotonic() - start:.0f} s", flush=True)
    return kept


def load_base(base: Path, work: Path) -> str:
    """Make a base known to buildah and return its name."""
    name = f"docker.io/local/base-{base.stem}:1"
    if name not in buildah("images", "--format={{.Name}}:{{.Tag}}").split():
        archive.write(name, work / "base.tar", base)
        buildah("pull", "--quiet", f"docker-archive:{work / 'base.tar'}")
        (work / "base.tar").unlink()
    return name


def buildah(*words: str) -> str:
    """Run buildah on a storage of our own."""
    return run(
        "buildah",
        f"--root={cache.folder()}/buildah",
        "--runroot=/run/pickleball-buildah",
        "--storage-driver=overlay",
        *words,
    )
