"""Type facts (`--use-cpg`): Joern's type recovery over the modules that a model class reaches."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pickleball_generate.errors import JoernCrashed
from pickleball_generate.facts.archive import Archive, BrokenArchive
from pickleball_generate.facts.closure import closure
from pickleball_generate.facts.environment import header

if TYPE_CHECKING:
    from pickleball_generate.facts.environment import Environment


def recover_types(environment: Environment, module: str) -> Archive | None:
    """Put type facts in place of the syntax facts of a module's import closure.

    Returns None, with a note in the environment, when Joern ends while it recovers types: syntax facts then stay.
    """
    package = environment.package_of(module)
    if package is None:
        return None
    files = sorted(package.modules[name] for name in closure(environment, module))
    digest = hashlib.sha256("\n".join([package.digest, *files]).encode()).hexdigest()
    path = environment.cache / "facts" / f"{package.name}-{digest[:24]}-{environment.joern.version[:12]}-cpg.zip"
    try:
        archive = Archive(path)
    except BrokenArchive:
        with tempfile.TemporaryDirectory(prefix="pickleball-cpg-") as folder:
            for file in files:
                target = Path(folder) / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(package.root / file, target)
            label = f"types of {package.name} {package.version}".rstrip()
            environment.progress(label, 0, len(files))
            try:
                environment.joern.extract(
                    "cpg", Path(folder), files, header(package), path,
                    lambda done, total: environment.progress(label, done, total),
                )  # fmt: skip
            except JoernCrashed as failure:
                environment.notes.append(f"no type facts, syntax facts are used instead: {failure}")
                return None
        archive = Archive(path)
    environment.notes += [f"pass of Joern that failed: {name}" for name in archive.extraction.get("failed", [])]
    environment.use_types(package, archive)
    return archive
