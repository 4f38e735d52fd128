"""Type facts (`--use-cpg`): Joern's type recovery over the modules that a model class reaches."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from pickleball_generate.errors import AnalysisFailed
from pickleball_generate.facts.closure import closure
from pickleball_generate.facts.store import digest_of

if TYPE_CHECKING:
    from pickleball_generate.facts import Environment
    from pickleball_generate.sources import Package


def recover_types(environment: Environment, module: str) -> bool:
    """Put type facts in place of the syntax facts of a module's import closure.

    Gives False, with a note in the environment, when Joern does not come to the end: syntax facts then stay.
    """
    package = environment.package_of(module)
    if package is None:
        return False
    modules = closure(environment, module)
    keys = _keys(package, modules)
    kept = environment.store.get(keys[""])
    if kept is None:
        try:
            failed = _recover(environment, package, keys)
        except AnalysisFailed as failure:
            environment.note(f"no type facts, syntax facts are used instead: {failure}")
            return False
    else:
        failed = json.loads(kept)
    for name in failed:
        environment.note(f"pass of Joern that failed: {name}")
    environment.use_types({name: keys[name] for name in modules})
    return True


def _keys(package: Package, modules: list[str]) -> dict[str, str]:
    """Name the cache's entries: what is recovered of a module depends on all modules of the closure."""
    total = hashlib.sha256(b"types")
    for name in modules:
        file = package.modules[name]
        total.update(f"\0{file}\0{digest_of(package.path(file))}".encode())
    return {name: f"types-{total.hexdigest()}-{name}" for name in (*modules, "")}


def _recover(environment: Environment, package: Package, keys: dict[str, str]) -> list[str]:
    """Have Joern recover types over a copy of the modules, keep the facts, give the passes that failed."""
    files = {package.modules[name]: key for name, key in keys.items() if name}
    before = len(environment.joern.failed)
    with tempfile.TemporaryDirectory(prefix="pickleball-cpg-") as folder:
        for file in files:
            target = Path(folder) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(package.path(file), target)
        found = dict(environment.joern.extract("cpg", Path(folder), sorted(files), environment.progress))
    failed = environment.joern.failed[before:]
    complete = (keys[""], zlib.compress(json.dumps(failed).encode()))
    environment.store.put([*((files[file], content) for file, content in found.items()), complete])
    return failed
