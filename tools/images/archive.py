"""Image archives without a container engine: packs a root file system for `ctr images import` and `buildah pull`."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write(name: str, out: Path, content: Path) -> None:
    """Write the archive of an image of one layer: a tar of a root file system, or one static program.

    The same content gives the same digest.
    """
    layer = content.read_bytes() if tarfile.is_tarfile(content) else program_layer(content)
    settings = {"Env": [PATH], "Entrypoint": None if tarfile.is_tarfile(content) else [f"/{content.name}"]}
    configuration = {
        "architecture": "amd64",
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(out, "w") as tar:
        add(tar, "config.json", json.dumps(configuration).encode())
        add(tar, "layer.tar", layer)
        add(tar, "manifest.json", json.dumps(manifest).encode())


def program_layer(program: Path) -> bytes:
    """Give a layer that holds one program at the root."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, program.name, program.read_bytes(), mode=0o755)
    return out.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file to a tar, with no time and no owner."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))
