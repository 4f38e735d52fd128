"""The report of a policy: one HTML file that needs nothing else, for a person who decides whether to trust it.

Names, rules and source lines come from the code and the files of others: the template escapes every value, and the
page's Content-Security-Policy lets no script and no style run but the two that stand in it, by their digests.
"""

from __future__ import annotations

import functools
import hashlib
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pickleball_operator.decide import provenance
from pickleball_operator.decide.comparison import Change, entries

if TYPE_CHECKING:
    from pickleball_operator.decide.comparison import Comparison
    from pickleball_operator.decide.result import Content

TEMPLATES = Path(__file__).parent / "templates"
GRADES = {
    "effects": "its code can do more than make the object while a pickle loads; read the path",
    "unknown": "some calls of its code could not be followed",
    "not graded": "nobody looked at its code",
    "no source": "there is no Python source to look at: a knowledge pack names it, or the sources do",
    "resolved": "its code runs while a pickle loads, and every call of it was followed: no effect",
    "trivial": "no code of its own runs while a pickle loads",
}
LISTS = {
    "globals": "may be kept as data and, if it is a class, instantiated without its constructor",
    "instances": "may be instantiated without its constructor, not kept: nothing that a stream gives can be it",
    "reduces": "may be called",
}
SHOWN = 2000
"""Unresolved places that are listed; their number is always said."""


def render(content: Content, name: str, comparison: Comparison | None = None) -> str:
    """The report of a policy; with a comparison it marks what is new, graded otherwise and gone."""
    marks, reasons = _marks(comparison), provenance.Reasons(content.provenance)
    rows: list[dict[str, Any]] = [
        {
            "change": change,
            "mark": marks.get(change, ""),
            "reasons": reasons.of(change.list, change.name),
        }
        for change in _ordered(content)
    ]
    unresolved = list(dict.fromkeys(provenance.unresolved(content.provenance)))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            name=name,
            digest=content.policy.digest,
            classes=sorted(content.policy.entries),
            places=provenance.models(content.provenance),
            sources=provenance.sources(content.provenance),
            comparison=comparison,
            rows=rows,
            grades=GRADES,
            lists=LISTS,
            by_grade=Counter(row["change"].grade for row in rows),
            by_list=Counter(row["change"].list for row in rows),
            changed=sum(bool(row["mark"]) for row in rows),
            refused=list(provenance.refused(content.provenance)),
            proposals=[one for one in provenance.proposals(content.provenance) if one.name not in _given(content, one)],
            unresolved=unresolved[:SHOWN],
            unresolved_count=len(unresolved),
            style=_part("report.css"),
            script=_part("report.js"),
            style_digest=_digest("report.css"),
            script_digest=_digest("report.js"),
        )
    )


def _given(content: Content, proposal: provenance.Proposal) -> frozenset[str]:
    return content.policy.allowed(proposal.list)


def _ordered(content: Content) -> list[Change]:
    return sorted(entries(content).values(), key=lambda one: (provenance.severity(one.grade), one.name, one.list))


def _marks(comparison: Comparison | None) -> dict[Change, str]:
    """What is new or graded otherwise, where there is something to compare with."""
    if comparison is None or comparison.against is None:
        return {}
    new = {one: "may now be kept" if one.moved and one.list == "globals" else "new" for one in comparison.added}
    return new | {after: "graded otherwise" for _, after in comparison.regraded}


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _part(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _digest(name: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(_part(name).encode()).digest()).decode()
