"""Tables of the surveys as Markdown, with their plots beside them."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from evaluation.figures import share
from evaluation.surveys import listing, plots, traces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from evaluation.surveys.listing import Model
    from evaluation.surveys.traces import Trace, WeightsOnly

MOST = 20  # rows of a table


def hub(models: Sequence[Model], least: int, folder: Path) -> str:
    """Say which popular models are pickles, by day of the listing and by library."""
    chosen = listing.popular(models, least)
    if not chosen:
        return f"No model of {len(models)} has {least} downloads or more.\n"
    held = listing.pickled(chosen)
    asked = f"{len(chosen)} of {len(models)} models have at least {least} downloads a month"
    lines = ["# Models that are pickles", ""]
    lines += [f"{asked}; {held} of them ({share(held, len(chosen))}) hold a pickle.", ""]
    days = listing.by_date(chosen)
    lines += ["## By day of the listing", "", *_kinds("day", days.items()), "", "![](days.svg)", ""]
    plots.stacked({day or "all": listing.kinds(m) for day, m in days.items()}, "Models by format", folder / "days.svg")
    libraries = dict(list(listing.by_library(chosen).items())[:MOST])
    lines += ["## By library", "", *_kinds("library", libraries.items()), "", "![](libraries.svg)"]
    plots.stacked({name: listing.kinds(m) for name, m in libraries.items()}, "Models by format",
                  folder / "libraries.svg")  # fmt: skip
    return "\n".join(lines) + "\n"


def _kinds(what: str, groups: Iterable[tuple[str, Sequence[Model]]]) -> list[str]:
    head = [what, "models", "with a pickle", *listing.KINDS]
    rows = [
        [name or "all", str(len(models)), share(listing.pickled(models), len(models)),
         *map(str, listing.kinds(models).values())]
        for name, models in groups
    ]  # fmt: skip
    return _table(head, rows)


def imports(found: Sequence[Trace], allowed: WeightsOnly, folder: Path) -> str:
    """Say what files import, and how many of them torch's weights-only unpickler would load."""
    whole = [trace for trace in found if not trace.truncated]
    if not whole:
        return f"No complete list among {len(found)} files.\n"
    loads = sum(allowed.loads(trace) for trace in whole)
    numbers = traces.sizes(whole)
    lines = [
        "# What model files import", "",
        f"{len(found)} files, {len(found) - len(whole)} with a list that was cut: those are left out.",
        f"A file imports {median(numbers):g} names in the median, {numbers[-1]} at most.",
        f"Weights-only of torch {allowed.version} would load {loads} of {len(whole)} ({share(loads, len(whole))}).", "",
        "## By library", "",
    ]  # fmt: skip
    rows = []
    for name, members in list(traces.by_library(whole).items())[:MOST]:
        ready = sum(allowed.loads(trace) for trace in members)
        rows.append([name, str(len(members)), f"{ready} ({share(ready, len(members))})",
                     str(len(traces.names(members)))])  # fmt: skip
    lines += [*_table(["library", "files", "weights-only loads", "different names"], rows), ""]
    lines += _counted("Packages", "packages", traces.packages(whole).most_common(MOST), len(whole), folder)
    lines += _counted("Names", "names", traces.names(whole).most_common(MOST), len(whole), folder)
    outside = traces.names(whole)
    beyond = [(name, count) for name, count in outside.most_common() if name not in allowed.names][:MOST]
    lines += _counted("Names that weights-only refuses", "refused", beyond, len(whole), folder)
    plots.cumulative(numbers, "Imports of a file", "different names", folder / "sizes.svg")
    lines += ["## Names of a file", "", "![](sizes.svg)"]
    return "\n".join(lines) + "\n"


def _counted(title: str, stem: str, counts: Sequence[tuple[str, int]], files: int, folder: Path) -> list[str]:
    if not counts:
        return [f"## {title}", "", "None.", ""]
    plots.bars(counts, title, "files", folder / f"{stem}.svg")
    rows = [[f"`{name}`", str(count), share(count, files)] for name, count in counts]
    return [f"## {title}", "", *_table(["name", "files", "share"], rows), "", f"![]({stem}.svg)", ""]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
