"""Plots of the surveys, as SVG without a date, so that equal figures give equal files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

mpl.rcParams.update({"svg.hashsalt": "pickleball", "svg.fonttype": "none", "font.size": 9})
COLOURS = ("#b5473c", "#d99a4e", "#4b8f6b", "#7f8fa6", "#cccccc")


def stacked(rows: Mapping[str, Mapping[str, int]], title: str, path: Path) -> None:
    """Draw a bar of shares for each row."""
    figure = Figure(figsize=(7, 1 + 0.35 * len(rows)), layout="constrained")
    axes = figure.subplots()
    kinds = list(next(iter(rows.values())))
    left = dict.fromkeys(rows, 0.0)
    for kind, colour in zip(kinds, COLOURS, strict=False):
        widths = [100 * parts[kind] / max(1, sum(parts.values())) for parts in rows.values()]
        axes.barh(list(rows), widths, left=list(left.values()), color=colour, label=kind)
        left = {row: left[row] + width for row, width in zip(rows, widths, strict=True)}
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="% of models", title=title)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3, frameon=False)
    _save(figure, path)


def bars(counts: Sequence[tuple[str, int]], title: str, label: str, path: Path) -> None:
    """Draw a bar for each count."""
    figure = Figure(figsize=(7, 1 + 0.25 * len(counts)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in counts], [count for _, count in counts], color=COLOURS[2])
    axes.invert_yaxis()
    axes.set(xlabel=label, title=title)
    _save(figure, path)


def cumulative(values: Sequence[int], title: str, label: str, path: Path) -> None:
    """Draw the share of files that have at most so many."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.step(values, [100 * (at + 1) / len(values) for at in range(len(values))], where="post", color=COLOURS[2])
    axes.set(ylim=(0, 100), xlabel=label, ylabel="% of files", title=title)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
