"""Findings of a scan as a SARIF 2.1.0 log, for code-scanning services and editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import grades

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scan import Finding

_RULES = {
    "dangerous-name": "A name that is known to do more than build data.",
    "unknown-name": "A name that is not known as data: judge the file against a policy.",
    "could-not-judge": "A file, or a part of it, could not be judged.",
}


def log(findings: list[Finding]) -> dict[str, Any]:
    """Make the log of one run."""
    results = [result for finding in findings for result in _results(finding)]
    rules = {result["ruleId"]: _RULES.get(result["ruleId"], "A rule of enforcement.") for result in results}
    driver = {
        "name": "pickleball",
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in sorted(rules.items())],
    }
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _results(finding: Finding) -> Iterator[dict[str, Any]]:
    path = finding.report.path
    for where, violation in finding.violations():
        yield _result(violation.rule, "error", violation.sentence, path, where, violation.offset)
    for use in finding.uses:
        if use.grade == grades.DANGEROUS:
            text = f"{use.name} is {use.how}; it {use.effect}."
            yield _result("dangerous-name", "error", text, path, use.where, use.offset)
        elif use.grade == grades.UNKNOWN:
            text = f"{use.name} is {use.how}, and it is not known as data."
            yield _result("unknown-name", "warning", text, path, use.where, use.offset)
    for error in finding.errors:
        yield _result("could-not-judge", "error", error, path, "", 0)


def _result(rule: str, level: str, text: str, path: str, where: str, offset: int) -> dict[str, Any]:
    """Make one result; in a member of an archive, the offset is that in the member."""
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": Path(path).as_posix()}}}
    if where:
        location["logicalLocations"] = [{"name": where, "kind": "member"}]
    location["physicalLocation"]["region"] = {"byteOffset": offset, "byteLength": 1}
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [location]}
