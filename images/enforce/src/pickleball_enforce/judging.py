"""The commands `pickleball verify` and `pickleball trace`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import folders
from .environment import policy_path
from .errors import PickleBallError
from .policy import Entry, Policy
from .settings import Settings
from .static import verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .report import Report

_RECORDS = 20  # the last lines of output are what a pod's status shows
_WAYS = """\
exit codes of verify and trace: 0 clean, 1 violations, 2 could not judge
"""


def main(argv: Sequence[str], others: Mapping[str, str]) -> int:
    """Run the command; give its exit code. `others` are the commands that are told of in its help."""
    options = _parser(others).parse_args(argv)
    try:
        return _verify(options) if options.command == "verify" else _trace(options)
    except PickleBallError as error:
        return _fail(str(error), as_json=options.json)


def _parser(others: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pickleball",
        description="Judge pickles against a policy before anything in them runs.",
        epilog=_WAYS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    judge = commands.add_parser("verify", help="judge files against a policy, without loading them")
    judge.add_argument(
        "--policy", help="the policy file (default: $PICKLEBALL_POLICY, then /root/policies/policy.json)"
    )
    trace = commands.add_parser("trace", help="print the least policy that files need, without loading them")
    trace.add_argument("--model-class", default="traced.model", help="the class name that the policy is written for")
    for command in (judge, trace):
        command.add_argument("files", nargs="+", metavar="FILE")
        command.add_argument("--json", action="store_true", help="print one JSON object")
        command.add_argument("--encoding", default="ASCII", help="the encoding= that the loader gives to pickle")
        command.add_argument("--errors", default="strict", help="the errors= that the loader gives to pickle")
    for name, text in others.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser


def _verify(options: argparse.Namespace) -> int:
    policy = Policy.load(options.policy or policy_path(os.environ))
    reports = [verify(path, policy, _settings(options)) for path in folders.find(options.files).files]
    code = _code(reports)
    if options.json:
        known = {"path": policy.where, "sha256": policy.digest}
        print(json.dumps({"policy": known, "files": [report.to_dict() for report in reports]}, indent=2), flush=True)
        for record in _records(reports, known)[:_RECORDS]:
            print(json.dumps(record), file=sys.stderr)
    else:
        for report in reports:
            print("\n".join(_lines(report)))
    return code


def _trace(options: argparse.Namespace) -> int:
    reports = [verify(path, None, _settings(options)) for path in folders.find(options.files).files]
    policy = Policy({options.model_class: Entry.union(report.needed() for report in reports)})
    if options.json:
        content = {"policy": json.loads(policy.dumps()), "files": [report.to_dict() for report in reports]}
        print(json.dumps(content, indent=2))
    else:
        print(policy.dumps(), end="")
        for report in reports:
            if report.exit_code:
                print("\n".join(_lines(report)), file=sys.stderr)
    return _code(reports)


def _records(reports: Sequence[Report], policy: dict[str, str]) -> list[dict[str, Any]]:
    """Give a violation record for each violation, as loads write them."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017 - Python 3.9
    return [
        {
            "time": now,
            "pid": os.getpid(),
            "mode": "verify",
            **violation.to_dict(),
            "source": {"path": report.path, "sha256": report.sha256},
            "policy": policy,
        }
        for report in reports
        for violation in report.violations
    ]


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(encoding=options.encoding, errors=options.errors)


def _code(reports: list[Report]) -> int:
    codes = {report.exit_code for report in reports}
    return 1 if 1 in codes else max(codes)


def _lines(report: Report) -> list[str]:
    """Say in lines what was found in one file."""
    verdict = report.to_dict()["verdict"]
    lines = [f"{report.path}: {verdict}"]
    for stream in report.streams:
        place = f" [{stream.where}]" if stream.where else ""
        for violation in stream.verdict.violations:
            allow = f" To allow it, list {violation.allow[1]} in {violation.allow[0]}." if violation.allow else ""
            lines.append(f"  offset {violation.offset}{place}: {violation.rule}: {violation.sentence}{allow}")
        stubs = sorted({item.path for item in stream.verdict.imports if item.decision == "stub"})
        if stubs:
            lines.append(f"  not in the policy, imported as inert stubs{place}: {', '.join(stubs)}")
    lines += [f"  {error}" for error in report.errors]
    return lines


def _fail(sentence: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": sentence}))
    else:
        print(f"pickleball: {sentence}", file=sys.stderr)
    return 2
