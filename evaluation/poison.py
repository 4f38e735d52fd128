"""Put opcodes into the pickle of a file, in front of everything that it does, and leave the rest as it was."""

from __future__ import annotations

import base64
import re
import shutil
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ZIP, PROTO, ZLIB = b"PK\x03\x04", b"\x80", b"\x78"
IN_JSON = re.compile(rb'(?<=":serialized:": ")[\w+/=]+(?=")')  # a pickle in base64, as stable-baselines3 keeps them


def at(raw: bytes) -> int:
    """Where the first opcode after PROTO stands."""
    return 2 if raw[:1] == PROTO else 0


def stream(raw: bytes, fragment: bytes) -> bytes:
    """Put a fragment, which leaves the stack as it found it, at the beginning of a pickle."""
    return raw[: at(raw)] + fragment + raw[at(raw) :]


def file(source: Path, target: Path, fragment: bytes) -> None:
    """Copy a file of pickle, zlib-compressed joblib or zipped torch, with the fragment in its (first) pickle."""
    raw = source.read_bytes()
    if raw.startswith(ZIP):
        _zip(source, target, fragment)
    elif raw.startswith(ZLIB):
        target.write_bytes(zlib.compress(stream(zlib.decompress(raw), fragment)))
    else:
        target.write_bytes(stream(raw, fragment))


def _zip(source: Path, target: Path, fragment: bytes) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            raw = old.read(entry)
            new.writestr(entry.filename, _entry(entry.filename, raw, fragment))


def _entry(name: str, raw: bytes, fragment: bytes) -> bytes:
    """Change an entry of an archive when it is a pickle or JSON that holds one."""
    if name.endswith("data.pkl"):
        return stream(raw, fragment)
    if name != "data":
        return raw
    return IN_JSON.sub(lambda found: base64.b64encode(stream(base64.b64decode(found[0]), fragment)), raw, count=1)


def model(saved: Path, pickle: Path, target: Path, fragment: bytes) -> Path:
    """Copy a saved model (a file, or a folder that holds the pickle); give the file that was changed."""
    if not saved.is_dir():
        file(pickle, target, fragment)
        for beside in saved.parent.glob(f"{saved.name}.*"):  # arrays that a library keeps beside the pickle
            shutil.copyfile(beside, target.with_name(target.name + beside.name.removeprefix(saved.name)))
        return target
    shutil.copytree(saved, target)
    changed = target / pickle.relative_to(saved)
    file(pickle, changed, fragment)
    return changed
