"""The command `pickleball scan`: what files would do, many at once, with a policy or without one.

Without a policy each name that a file uses is graded (grades.py), and what no policy could allow is told as well.
"""

from __future__ import annotations

import sys

from . import folders, grades
from .errors import PickleBallError
from .settings import Settings
from .static import Judge
from .value import Options, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from typing import Any

    from .policy import Policy
    from .report import Import, Report, Violation

CLEAN, VIOLATIONS, UNJUDGED = "clean", "violations", "could not judge"
_WAYS = """\
verdicts without a policy, worst first: dangerous, unknown, data; with one: violations, clean; and: could not judge
exit codes: 0 nothing found; 1 dangerous, unknown (but see --fail-on) or violations; 2 something could not be judged
"""


class Use(Value):
    """One name that a file uses, how, and what is known of it."""

    def __init__(self, name: str, how: str, where: str, offset: int, opcode: str, grade: str, effect: str) -> None:
        self.name = name
        self.how = how  # called, instantiated, referenced
        self.where = where
        self.offset = offset
        self.opcode = opcode
        self.grade = grade
        self.effect = effect


class Finding:
    """What a scan says of one file."""

    def __init__(self, report: Report, verdict: str, uses: Sequence[Use] = ()) -> None:
        self.report = report
        self.verdict = verdict
        self.uses = uses

    @property
    def errors(self) -> list[str]:
        """Give every reason why something could not be judged."""
        return self.report.errors

    def violations(self) -> Iterator[tuple[str, Violation]]:
        """Give the violations and where they stand."""
        for stream in self.report.streams:
            for violation in stream.verdict.violations:
                yield stream.where, violation

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as JSON can hold it."""
        return {**self.report.to_dict(), "verdict": self.verdict, "names": [vars(use) for use in self.uses]}


def scan_file(path: str, policy: Policy | None, settings: Settings, *, digest: bool = True) -> Finding:
    """Judge one file; without a policy, grade what it uses. The digest of its bytes costs as much as a judgement."""
    report = Judge(policy, settings, digest=digest).path(path)
    if policy is not None:
        return Finding(report, (CLEAN, VIOLATIONS, UNJUDGED)[report.exit_code])
    uses = list(_uses(report))
    found = {use.grade for use in uses}
    if report.violations or grades.DANGEROUS in found:
        return Finding(report, grades.DANGEROUS, uses)
    if report.errors or not report.streams:
        return Finding(report, UNJUDGED, uses)
    return Finding(report, grades.UNKNOWN if grades.UNKNOWN in found else grades.DATA, uses)


def _uses(report: Report) -> Iterator[Use]:
    seen = set()
    for stream in report.streams:
        for item in stream.needs:
            how = _how(item)
            if (item.path, how, stream.where) in seen or (item.helper and how == "referenced"):
                continue
            seen.add((item.path, how, stream.where))
            grade, effect = grades.grade(item.path)
            yield Use(item.path, how, stream.where, item.offset, item.opcode, grade, effect)


def _how(item: Import) -> str:
    if item.uses & {"call", "held"}:
        return "called"
    return "instantiated" if "instance" in item.uses else "referenced"


def main(argv: Sequence[str]) -> int:
    """Run the command; give its exit code."""
    options = _options(argv)
    try:
        policy = _load_policy(options.policy) if options.policy else None
        listing = folders.find(options.paths)
    except PickleBallError as error:
        sys.stderr.write((_json({"error": str(error)}, lines=False) if options.json else f"pickleball: {error}") + "\n")
        return 2
    settings = Settings(encoding=options.encoding, errors=options.errors, max_expanded=options.max_expanded)
    findings = []
    for finding in _scan(listing, policy, settings, quiet=options.json or options.sarif):
        findings.append(finding)
        if not (options.json or options.sarif):
            _say("\n".join(_lines(finding)))
    if options.sarif:
        from . import sarif  # noqa: PLC0415 - only where it is asked for

        _say(_json(sarif.log(findings)))
    elif options.json:
        files = [finding.to_dict() for finding in findings]
        _say(_json({"files": files, **_summary(findings, listing)}))
    else:
        _say(_sentence(findings, listing))
    return _code(findings, options.fail_on)


def _load_policy(path: str) -> Policy:
    from .policy import Policy  # noqa: PLC0415 - only where there is one

    return Policy.load(path)


def _json(value: object, *, lines: bool = True) -> str:
    from . import notation  # noqa: PLC0415 - only where it is asked for

    return notation.write_lines(value) if lines else notation.write(value)


class Choices(Options):
    """What the command line chooses."""

    paths: Sequence[str] = ()
    policy: str | None = None
    fail_on: str = "unknown"
    json: bool = False
    sarif: bool = False
    encoding: str = "ASCII"
    errors: str = "strict"
    max_expanded: int = Settings.max_expanded


def _options(argv: Sequence[str]) -> Choices:
    """Read the command line; one of nothing but paths without the parser, whose import takes as long as a scan."""
    if argv and not any(argument.startswith("-") for argument in argv):
        return Choices(paths=argv)
    return _parser().parse_args(argv, Choices())


def _parser() -> argparse.ArgumentParser:
    import argparse  # noqa: PLC0415 - see _options

    parser = argparse.ArgumentParser(
        prog="pickleball scan",
        description="Say what files would do when they are loaded, without loading them.",
        epilog=_WAYS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders or patterns; archives are opened")
    parser.add_argument("--policy", help="judge against this policy instead of grading names")
    parser.add_argument("--fail-on", choices=("unknown", "dangerous"), help="what gives exit code 1")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--sarif", action="store_true", help="print a SARIF 2.1.0 log")
    parser.add_argument("--encoding", help="the encoding= that the loader gives to pickle")
    parser.add_argument("--errors", help="the errors= that the loader gives to pickle")
    parser.add_argument("--max-expanded", type=int, metavar="BYTES", help="what a file may expand to")
    return parser


def _scan(listing: folders.Listing, policy: Policy | None, settings: Settings, *, quiet: bool) -> Iterator[Finding]:
    """Judge file after file; on a terminal, show how far that is."""
    terminal = sys.stderr.isatty() and (quiet or not sys.stdout.isatty()) and len(listing.files) > 1
    for count, path in enumerate(listing.files, 1):
        if terminal:
            sys.stderr.write(f"\r\033[K{count}/{len(listing.files)} {path[-60:]}")
            sys.stderr.flush()
        finding = scan_file(path, policy, settings, digest=quiet)
        if finding.report.empty and path in listing.found:
            listing.passed += 1
            continue
        yield finding
    if terminal:
        sys.stderr.write("\r\033[K")


def _say(text: str) -> None:
    if sys.stdout is not None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _lines(finding: Finding) -> list[str]:
    """Say in lines what was found in one file."""
    lines = [f"{finding.report.path}: {finding.verdict}"]
    for where, violation in finding.violations():
        place = f" [{where}]" if where else ""
        lines.append(f"  offset {violation.offset}{place}: {violation.rule}: {violation.sentence}")
    for use in sorted(finding.uses, key=lambda item: (item.grade != grades.DANGEROUS, item.offset)):
        place = f" [{use.where}]" if use.where else ""
        if use.grade == grades.DANGEROUS:
            lines.append(f"  offset {use.offset}{place}: {use.name} is {use.how}; it {use.effect}")
    unknown = sorted({f"{use.name} ({use.how})" for use in finding.uses if use.grade == grades.UNKNOWN})
    if unknown:
        lines.append(f"  needs names that are not known as data: {', '.join(unknown)}")
    return lines + [f"  {error}" for error in finding.errors]


def _summary(findings: list[Finding], listing: folders.Listing) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
    return {"summary": {"files": len(findings), "not pickles": listing.passed, "verdicts": counts}}


def _sentence(findings: list[Finding], listing: folders.Listing) -> str:
    counts = _summary(findings, listing)["summary"]["verdicts"]
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "nothing to judge"
    passed = f"; {listing.passed} other files passed over" if listing.passed else ""
    return f"{len(findings)} files: {told}{passed}"


def _code(findings: list[Finding], fail_on: str) -> int:
    failing = {grades.DANGEROUS, VIOLATIONS} | ({grades.UNKNOWN} if fail_on == "unknown" else set())
    verdicts = {finding.verdict for finding in findings}
    if verdicts & failing:
        return 1
    return 2 if UNJUDGED in verdicts or not findings else 0
