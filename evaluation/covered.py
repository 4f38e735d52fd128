"""Say how much of a list of imports is covered: pure functions over rows, and the page that keeps their figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from evaluation.coverage import ABSENT, NOT_MEASURED, OWN_PROGRAM
from evaluation.figures import period, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evaluation.coverage import Row

Figures = dict[str, Any]
HEAD = (
    "library", "version", "files", "from classes", "with proposals", "with approval", "missing", "own program",
    "truncated",
)  # fmt: skip
# What becomes of a name that no policy of its file has, in the order of the pages.
FATES = {
    "moved": "Moved: another module of today's release has it",
    "removed": "Removed: today's release has no such name",
    "another package": "Of packages that are not installed with the library",
    "ask": "Asked of a person",
    "refuse": "Refused: nothing is known of what they do",
    "no class": "In files that name no class of the library with a policy",
}
NOTES = tuple(
    """A file is a list of names that a model file imports; it is covered when the policy of one of its classes has every name. Nothing says which names are called, so either list counts.
*With proposals*: with what `--accept inert` adds. *With approval*: with what a person would be asked for as well.
*Own program*: of the missing, files that name classes of `__main__`, which no library has. *Truncated*: files whose list was cut; they are in no other column.""".splitlines()  # noqa: E501 - one sentence per line in the pages
)


def figures(rows: Iterable[Row]) -> dict[str, Figures]:
    """Sum rows up, each library by itself; rows of libraries that are not measured are left out."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        if NOT_MEASURED not in row.missing.values():
            grouped.setdefault(row.library, []).append(row)
    return {library: _sum(members) for library, members in sorted(grouped.items())}


def _sum(rows: Sequence[Row]) -> Figures:
    whole = [row for row in rows if not row.truncated]
    verdicts = Counter(row.verdict for row in whole)
    short = [row for row in whole if row.verdict == "missing"]
    return {
        "files": len(whole),
        "truncated": len(rows) - len(whole),
        "classes": verdicts["classes"],
        "proposals": verdicts["classes"] + verdicts["proposals"],
        "approval": len(whole) - sum(not {*row.missing.values()} <= {"inert", "ask"} for row in short),
        "own program": sum(OWN_PROGRAM in row.missing.values() for row in short),
        "absent": sum(not ABSENT.isdisjoint(row.missing.values()) for row in short),
        "causes": Counter(cause for row in short for cause in {*row.missing.values()} - {"inert"}),
        "names": {
            fate: found
            for fate in FATES
            if (found := sorted({name for row in short for name, cause in row.missing.items() if cause == fate}))
        },
    }


def page(known: Mapping[str, Figures]) -> str:
    """Write the shares, truncated rows apart, and the causes of what is missing."""
    dates = sorted({found["date"] for found in known.values() if "date" in found})
    lines = ["# Coverage of a list of imports", ""]
    lines += [f"Measured {period(dates)} by `python -m evaluation coverage FILE --keep`.", ""] if dates else []
    lines += [f"- {sentence}" for sentence in _totals(known)]
    lines += ["", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [_line(library, found) for library, found in sorted(known.items())]
    lines += ["", *(f"- {note}" for note in NOTES), "", "## What keeps files from being covered", ""]
    causes = Counter[str]()
    for found in known.values():
        causes.update(found["causes"])
    lines += [f"- {cause}: {count}" for cause, count in causes.most_common()] or ["Nothing."]
    for fate, title in FATES.items():
        listed = [
            f"- {library}: {', '.join(f'`{name}`' for name in found['names'][fate])}"
            for library, found in sorted(known.items())
            if fate in found["names"]
        ]
        lines += ["", f"## {title}", "", *listed] if listed else []
    return "\n".join(lines) + "\n"


def _line(library: str, found: Figures) -> str:
    files = found["files"]
    loaded = [f"{found[how]} ({share(found[how], files)})" for how in ("classes", "proposals", "approval")]
    cells = [
        library,
        found.get("version", "-"),
        files,
        *loaded,
        files - found["proposals"],
        found["own program"],
        found["truncated"],
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _totals(known: Mapping[str, Figures]) -> list[str]:
    total = Counter[str]()
    for found in known.values():
        total.update({name: count for name, count in found.items() if isinstance(count, int)})
    files, covered, own = total["files"], total["proposals"], total["own program"]
    said = [
        f"{files + total['truncated']} files of {len(known)} libraries, {total['truncated']} of them truncated.",
        f"{total['classes']} of {files} are covered from classes alone ({share(total['classes'], files)}).",
        f"{covered} of {files} are covered with proposals ({share(covered, files)}).",
        f"{total['approval']} of {files} are covered with approval ({share(total['approval'], files)}).",
    ]
    if absent := total["absent"]:
        said.append(
            f"{absent} files name what no policy of today's releases can have (moved, removed, of other packages, or"
            f" {OWN_PROGRAM}); of the others, {covered} of {files - absent} are covered with proposals"
            f" ({share(covered, files - absent)})."
        )
    if own:
        said.append(
            f"{own} files name classes {OWN_PROGRAM} (`__main__`), which no library has; of the others, {covered} of"
            f" {files - own} are covered with proposals ({share(covered, files - own)})."
        )
    return said
