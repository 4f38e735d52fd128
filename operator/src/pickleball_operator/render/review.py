"""What a person reads before approving: the diff as text and as JSON, and the ConfigMap that holds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide.result import CONFIG_MAP_LIMIT

from . import report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pickleball_operator.decide.comparison import Change, Comparison
    from pickleball_operator.decide.policy import Candidate
    from pickleball_operator.model import ModelDeployment

Manifest = dict[str, Any]
REPORTED = 3000
"""Entries that a report in a ConfigMap can hold; more are not even tried."""
DIFF_LIMIT = 900 * 1000
MOVED = {"+": "; could only be instantiated before", "-": "; can still be instantiated"}
TOO_LONG = "The rest does not fit into a ConfigMap: kubectl pickleball diff has all of it."
TOO_LARGE = "The report is too large for a ConfigMap: kubectl pickleball report makes it on your machine."

KEPT = 16
_RENDERED: dict[tuple[str, Comparison], Mapping[str, str]] = {}


def text(comparison: Comparison, name: str) -> str:
    """The diff as lines: `+` added, `-` removed, `~` graded otherwise; what needs reading most first."""
    against = f"against {comparison.against} (in force)" if comparison.against else "(nothing is in force yet)"
    read = [f"read: {one}" for one in comparison.sources]
    return "\n".join([f"{name} {against}", comparison.sentence, *read, *_lines(comparison)]) + "\n"


def document(comparison: Comparison, name: str) -> dict[str, Any]:
    """The diff for programs."""
    return {
        "policy": name,
        "against": comparison.against,
        "sentence": comparison.sentence,
        "sources": list(comparison.sources),
        "added": [_plain(one) for one in comparison.added],
        "removed": [_plain(one) for one in comparison.removed],
        "regraded": [{"before": _plain(before), "after": _plain(after)} for before, after in comparison.regraded],
    }


def config_map(owner: ModelDeployment, found: Candidate, comparison: Comparison) -> Manifest:
    """The ConfigMap with the whole diff and, when it fits, the report of the candidate."""
    name = names.review_name(owner.name)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": {"app.kubernetes.io/managed-by": "pickleball", names.PART: "review"},
            "annotations": {names.POLICY: found.name},
            "ownerReferences": [owner.controller],
        },
        "data": dict(_data(found, comparison)),
    }


def holds(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a ConfigMap gives a person exactly what they are to read."""
    return bool(current.get("data") == wanted["data"] and not current.get("binaryData"))


def _data(found: Candidate, comparison: Comparison) -> Mapping[str, str]:
    """Rendered once for each candidate that waits: every look at it compares what stands there with this."""
    key = (found.name, comparison)
    if key not in _RENDERED:
        for old in list(_RENDERED)[: 1 - KEPT]:
            _RENDERED.pop(old, None)
        _RENDERED[key] = _render(found, comparison)
    return _RENDERED[key]


def _render(found: Candidate, comparison: Comparison) -> dict[str, str]:
    count = len(found.content.policy.globals) + len(found.content.policy.reduces)
    written = report.render(found.content, found.name, comparison) if count <= REPORTED else None
    data = {
        names.DIFF_TEXT: text(comparison, found.name),
        names.DIFF_JSON: json.dumps(document(comparison, found.name), indent=1) + "\n",
    }
    if written is not None and sum(len(value.encode()) for value in (*data.values(), written)) <= CONFIG_MAP_LIMIT:
        return {**data, names.REPORT_FILE: written}
    data[names.DIFF_TEXT] += f"\n{TOO_LARGE}\n"
    if sum(len(value.encode()) for value in data.values()) > CONFIG_MAP_LIMIT:
        del data[names.DIFF_JSON]
        cut = data[names.DIFF_TEXT].encode()[:DIFF_LIMIT].decode(errors="ignore")
        data[names.DIFF_TEXT] = f"{cut.rpartition(chr(10))[0]}\n{TOO_LONG}\n{TOO_LARGE}\n"
    return data


def _lines(comparison: Comparison) -> Iterator[str]:
    rows = [("+", one, _graded(one)) for one in comparison.added]
    rows += [("~", after, f"{_graded(before)} -> {_graded(after)}") for before, after in comparison.regraded]
    rows += [("-", one, _graded(one)) for one in comparison.removed]
    for sign, change, graded in rows:
        moved = MOVED.get(sign, "") if change.moved else ""
        yield f"{sign} {change.list:7} {change.name}  [{graded}; {change.kind}{moved}]"


def _graded(change: Change) -> str:
    return f"{change.grade}: {', '.join(change.effects)}" if change.effects else change.grade


def _plain(change: Change) -> dict[str, Any]:
    return {**vars(change), "effects": list(change.effects)}
