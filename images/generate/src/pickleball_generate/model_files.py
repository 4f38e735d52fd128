"""What model files ask for: a static scan by the enforcer's reader, which loads and imports nothing."""

from __future__ import annotations

import glob
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pickleball_enforce.errors import SourceError
from pickleball_enforce.static import verify
from pickleball_generate.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pickleball_enforce.policy import Policy


@dataclass(frozen=True)
class ModelFile:
    """One file: its digest, and the least policy that it needs."""

    path: str
    sha256: str
    format: str
    globals: tuple[str, ...]  # kept
    reduces: tuple[str, ...]
    instances: tuple[str, ...] = ()  # only instantiated
    replaces: Mapping[str, Sequence[str]] = field(default_factory=dict)  # what methods of `reduces` may stand for

    def wants(self, name: str) -> bool:
        """Tell whether the file names something."""
        return name in self.globals or name in self.reduces or name in self.instances

    def settled(self, may_be_method: Callable[[str], bool]) -> ModelFile:
        """Keep in `reduces` only those of the methods that a state sets which may replace one of the class."""
        kept = {name for name, replaced in self.replaces.items() if not any(map(may_be_method, replaced))}
        return replace(
            self,
            globals=tuple(sorted({*self.globals, *kept})),
            reduces=tuple(name for name in self.reduces if name not in kept),
            replaces={name: list(filter(may_be_method, self.replaces[name])) for name in self.replaces.keys() - kept},
        )


def scan(patterns: Sequence[str]) -> list[ModelFile]:
    """Scan files, named or by patterns; BadInput where one is missing or cannot be judged in full."""
    return [_scan(path) for path in _expand(patterns)]


def violations(files: Sequence[ModelFile], policy: Policy) -> dict[str, list[str]]:
    """Say for each file what leaves a policy: the sentences of the verifier."""
    found = {}
    for file in files:
        report = verify(file.path, policy)
        if report.sha256 != file.sha256:
            raise BadInput(f"{file.path} changed while it was judged. Scan it again.", reason="file-changed")
        found[file.path] = list(dict.fromkeys(violation.sentence for violation in report.violations))
    return found


def _scan(path: str) -> ModelFile:
    try:
        report = verify(path, None)
    except SourceError as error:
        raise BadInput(f"{error}.", reason="file-unreadable") from error
    if report.errors:
        raise BadInput(
            f"{path} cannot be judged: {report.errors[0].rstrip('.')}. `pickleball trace {path}` shows the rest.",
            reason="file-unreadable",
        )
    needed = report.needed()
    lists = (needed.globals, needed.reduces, needed.instances)
    return ModelFile(path, report.sha256, report.format, *lists, report.replacing())


def _expand(patterns: Sequence[str]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        there = Path(pattern).exists() or not glob.has_magic(pattern)
        matches = [pattern] if there else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns
        if not matches:
            raise BadInput(f"No file matches {pattern}.", reason="file-unreadable")
        found += matches
    return list(dict.fromkeys(found))
