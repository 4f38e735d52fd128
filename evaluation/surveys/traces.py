"""What model files import: Section 3.2 of the paper, over stored import traces.

A trace file has one JSON object a line, for each model file: `file`, `imports` (dotted names), `library` and `repo`
(may be absent), `truncated` (true when the list was cut).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from evaluation.surveys.listing import BadListing
from pickleball_enforce.names import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Trace:
    """One model file and the names that it imports."""

    file: str
    library: str
    imports: frozenset[str]
    truncated: bool


@dataclass(frozen=True)
class WeightsOnly:
    """What torch's restricted unpickler lets a file import."""

    version: str
    names: frozenset[str]

    def loads(self, trace: Trace) -> bool:
        """Tell whether it would load the file."""
        return trace.imports <= self.names


def read(path: Path) -> list[Trace]:
    """Read a trace file."""
    traces = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row: Any = json.loads(line)
            names = frozenset(_modern(name) for name in row["imports"])
            traces.append(Trace(str(row["file"]), str(row.get("library") or "unknown"), names,
                                bool(row.get("truncated"))))  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            expected = "a JSON object with file and imports, and perhaps library and truncated"
            raise BadListing(f"{path}:{number}: {error!r}: a row is {expected}") from error
    return traces


def weights_only() -> WeightsOnly:
    """The names that a release of torch allows; `python -m evaluation.surveys weights-only` writes them again."""
    kept = json.loads(resources.files(__package__).joinpath("weights_only.json").read_text())
    return WeightsOnly(kept["torch"], frozenset(map(_modern, kept["names"])))


def _modern(name: str) -> str:
    module, _, last = name.rpartition(".")
    return ".".join(canonical(module, last, 2, fix_imports=True)) if module else name


def names(traces: Iterable[Trace]) -> Counter[str]:
    """Count in how many files each name stands."""
    return Counter(name for trace in traces for name in trace.imports)


def packages(traces: Iterable[Trace]) -> Counter[str]:
    """Count in how many files each top-level package stands."""
    return Counter(top for trace in traces for top in {name.partition(".")[0] for name in trace.imports})


def by_library(traces: Iterable[Trace]) -> dict[str, list[Trace]]:
    """Group files by library, the largest first."""
    groups: defaultdict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        groups[trace.library].append(trace)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def sizes(traces: Sequence[Trace]) -> list[int]:
    """How many names each file imports."""
    return sorted(len(trace.imports) for trace in traces)
