"""Write evaluation/results: a page of Markdown, one self-contained HTML page, and the list of missing names."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from evaluation import figures
from evaluation.catalogue import LEFT_OUT, LIBRARIES
from evaluation.figures import period, share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evaluation.figures import Figures

HEAD = (
    "library", "version", "models", "from classes", "inert proposals", "approved", "weights-only",
    "needed", "missing", "allowed (median, most)", "not inert", "dangerous", "attacks stopped", "s (median, most)",
    "MiB",
)  # fmt: skip
NOTES = tuple(
    """A model is one saved file (or folder) of one kind of model; it counts as loaded when it loads enforced and predicts what it predicts without the enforcer.
*Apart*: a library that was chosen to see how the rules carry over to sources that they were not made with; where it showed that a rule was missing, there is one now.
*From classes*: the policy was inferred from the installed sources and the names of the model's classes alone. *Inert proposals*: with what `--for-model FILE --accept inert` adds. *Approved*: with every name that a person would have to approve added.
*Weights-only*: of the files that torch writes, those that `torch.load(weights_only=True)` loads.
*Needed*: different names that the models import or call. *Missing*: those that no policy of the model gave. *Allowed*: entries of a policy. *Not inert*: entries over all policies whose grade is effects or unknown. *Dangerous*: callables with an effect of their own in `reduces`.
*Attacks stopped*: poisoned variants of the models that were refused with nothing run, of those tried; each of those with an effect of its own was first seen to work without the enforcer.
*s* and *MiB*: wall time and peak memory of one policy.""".splitlines()  # noqa: E501 - one sentence per line in the pages
)

APART = frozenset(one.name for one in LIBRARIES if one.apart)

MISSING = (
    "From classes alone, with what a proposal says of each: inert, ask a person, or refuse; `not asked` where the load "
    "does without it, carries code, or had no proposals. `missing.json` says which models asked."
)


def write(folder: Path) -> list[Figures]:
    """Write the pages from the results that lie in the folder."""
    results = [json.loads((folder / f"{one.name}.json").read_text()) for one in LIBRARIES if _there(folder, one.name)]
    failed = {row["library"]: row["error"] for row in results if "error" in row}
    results = [row for row in results if "error" not in row]
    rows = [figures.of(result) for result in results]
    reasons = {
        **LEFT_OUT,
        **failed,
        **{
            one.name: f"not measured yet; `make evaluate ONLY={one.name}` does it"
            for one in LIBRARIES
            if not _there(folder, one.name)
        },
    }
    dates = sorted({result["date"] for result in results})
    gone = [item for result in results for item in figures.missing(result)]
    (folder / "missing.json").write_text(json.dumps(gone, indent=1) + "\n")
    (folder / "summary.md").write_text(_markdown(rows, reasons, dates, gone))
    (folder / "summary.html").write_text(_html(rows, reasons, dates, gone))
    return rows


def _there(folder: Path, name: str) -> bool:
    return (folder / f"{name}.json").exists()


def _cells(row: Figures) -> list[str]:
    return [
        row.library + (" (apart)" if row.library in APART else ""), row.version,
        str(row.models) + (f" (+{row.coded} with code)" if row.coded else ""),
        *(_loaded(row, how) for how in figures.HOWS),
        f"{row.weights_only[0]} of {row.weights_only[1]}" if row.weights_only else "-",
        str(row.needed), str(row.missing), f"{row.allowed[0]}, {row.allowed[1]}",
        str(sum(count for grade, count in row.grades.items() if grade in {"effects", "unknown"})),
        str(len(row.dangerous)), f"{row.stopped} of {row.attacks}", f"{row.seconds[0]:.1f}, {row.seconds[1]:.1f}",
        str(row.memory),
    ]  # fmt: skip


def _loaded(row: Figures, how: str) -> str:
    count = row.loaded[how]
    return f"{count} ({share(count, row.models)})"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({share(part, whole)})"


def _totals(rows: Sequence[Figures]) -> list[str]:
    said = []
    for how, title in zip(figures.HOWS, ("from classes alone", "with inert proposals", "with approval"), strict=True):
        part, whole = figures.total(rows, how)
        named, apart = (
            figures.total([row for row in rows if (row.library in APART) is one], how) for one in (False, True)
        )
        groups = f"{_share(*named)} without the libraries apart, {_share(*apart)} of those"
        said.append(f"{_share(part, whole)} models load {title}: {groups}.")
    stopped, tried = sum(row.stopped for row in rows), sum(row.attacks for row in rows)
    proven = sum(row.proven for row in rows)
    said.append(f"{stopped} of {tried} attacks were stopped with nothing run; {proven} of them run on stock.")
    dangerous = sorted({name for row in rows for name in row.dangerous})
    said.append(f"Dangerous callables in `reduces`: {', '.join(dangerous) or 'none'}.")
    said.append("The paper loads 79.8 % of its 252 benign models, after editing the sources of several libraries.")
    return said


def _markdown(rows: Sequence[Figures], reasons: dict[str, str], dates: list[str], gone: list[dict[str, Any]]) -> str:
    lines = ["# Results", "", f"Measured {period(dates)} by `make evaluate`.", ""]
    lines += [f"- {sentence}" for sentence in _totals(rows)]
    lines += ["", "| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    lines += ["", *(f"- {note}" for note in NOTES), "", "## Not measured", ""]
    lines += [f"- {name}: {reason}" for name, reason in sorted(reasons.items())] or ["Nothing was left out."]
    broken = [f"- {row.library}: {sentence}" for row in rows for sentence in row.broken]
    lines += ["", "## What went wrong", "", *(broken or ["Nothing."])]
    lines += ["", "## Missing names", "", MISSING, ""]
    for library, said in dict.fromkeys((item["library"], item["proposal"]) for item in gone):
        mine = [f"`{item['name']}`{' (called)' if item['list'] == 'reduces' else ''}" for item in gone
                if (item["library"], item["proposal"]) == (library, said)]  # fmt: skip
        lines.append(f"- {library}, {said}: {', '.join(mine)}")
    return "\n".join(lines) + "\n"


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 100rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th { position: sticky; top: 0; background: #fff; white-space: normal; vertical-align: bottom }
th:first-child, td:first-child { text-align: left }
.bar { display: inline-block; width: 5rem; height: .7rem; background: #eee; margin-right: .4rem }
.bar i { display: block; height: 100%; background: #4a7 } .bad { color: #b00; font-weight: 600 }
"""


def _html(rows: Sequence[Figures], reasons: dict[str, str], dates: list[str], gone: list[dict[str, Any]]) -> str:
    head = "".join(f"<th>{html.escape(title)}</th>" for title in HEAD)
    body = "\n".join(
        "<tr>" + "".join(_cell(row, n, text) for n, text in enumerate(_cells(row))) + "</tr>" for row in rows
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>PickleBall: evaluation</title>",
        f"<style>{STYLE}</style><h1>PickleBall: evaluation</h1>",
        f"<p>Measured {period(dates)} by <code>make evaluate</code>.",
        _items(_totals(rows)),
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>",
        _items(NOTES),
        "<h2>Not measured</h2>",
        _items([f"{name}: {reason}" for name, reason in sorted(reasons.items())] or ["Nothing was left out."]),
        "<h2>What went wrong</h2>",
        _items([f"{row.library}: {sentence}" for row in rows for sentence in row.broken] or ["Nothing."]),
        "<h2>Missing names</h2><table><thead><tr><th>name<th>library<th>list<th>proposal<th>models</tr></thead><tbody>",
        *(
            f"<tr><td><code>{html.escape(item['name'])}</code><td>{item['library']}<td>{item['list']}"
            f"<td>{item['proposal']}<td>{', '.join(item['models'])}</tr>"
            for item in gone
        ),
        "</tbody></table></html>",
    ]
    return "\n".join(parts) + "\n"


def _cell(row: Figures, column: int, text: str) -> str:
    bad = (column == HEAD.index("dangerous") and row.dangerous) or (
        column == HEAD.index("attacks stopped") and row.stopped < row.attacks
    )
    how = dict(zip(range(3, 6), figures.HOWS, strict=True)).get(column)
    bar = ""
    if how and row.models:
        bar = f"<span class=bar><i style='width:{100 * row.loaded[how] / row.models:.0f}%'></i></span>"
    return f"<td{' class=bad' if bad else ''}>{bar}{html.escape(text)}</td>"


def _items(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(sentence)}" for sentence in sentences) + "</ul>"
