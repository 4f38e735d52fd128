"""The command `kubectl-pickleball`, which kubectl runs as `kubectl pickleball`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pickleball_operator.errors import ConflictError, OperatorError
from pickleball_operator.kube.cluster import Cluster, default_namespace

from . import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pickleball_operator.kube import Kube

    Connect = Callable[[argparse.Namespace], Kube]

MANAGER = "kubectl-pickleball"
"""How the API server records who wrote an annotation with this command."""
EXITS = "Exit codes: 0 done or nothing to do, 1 something waits, is missing or is not Ready, 2 it cannot be done."


def main(arguments: Sequence[str] | None = None, connect: Connect | None = None) -> int:
    """Run one command; 0, 1, or 2 with a line that says what to do."""
    options = parser().parse_args(arguments)
    try:
        kube = None if getattr(options, "policy_file", None) is not None else (connect or _connect)(options)
        answer: commands.Answer = options.run(kube, options)
    except ConflictError:
        return _fail(f"{options.name} changed meanwhile. Read it again: kubectl pickleball diff {options.name}.")
    except (OperatorError, OSError) as error:
        return _fail(str(error))
    print(commands.dumps(answer) if options.json else "\n".join(answer.lines))
    return answer.code


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="kubectl pickleball", description="Read, compare, approve and roll back PickleBall policies.", epilog=EXITS
    )
    found = top.add_subparsers(required=True, metavar="COMMAND")
    diff = _command(found, "diff", commands.diff, "what the policy that waits changes, with grades")
    diff.add_argument("--policy", metavar="POLICY", help="compare this policy with the one in force")
    approve = _command(found, "approve", commands.approve, "approve the policy that waits, under your own name")
    approve.add_argument("policy", nargs="?", help="its name, if you want to be sure that it is the one that you read")
    text = "why a policy has an entry, or why it has not"
    explain = _command(found, "explain", commands.explain, text, name_needed=False)
    explain.add_argument("entry", help="dotted name")
    _policy(explain, "look into this policy (default: the one in force)")
    explain.add_argument("--candidate", action="store_true", help="look into the policy that waits")
    _command(found, "why", commands.why, "why it is not Ready, and what was refused")
    _command(found, "proposals", commands.proposals, "what models want and the policy lacks")
    rollback = _command(found, "rollback", commands.rollback, "list earlier policies, and go back to one")
    rollback.add_argument("policy", nargs="?", help="policy to go back to; without it, they are listed")
    rollback.add_argument("--end", action="store_true", help="follow the spec again")
    report = _command(found, "report", commands.report, "write a policy's report as HTML", name_needed=False)
    _policy(report, "of this policy (default: the one in force, else the one that waits)")
    report.add_argument("--candidate", action="store_true", help="of the policy that waits")
    report.add_argument("-o", "--output", type=Path, default=Path("report.html"), help="file (default: report.html)")
    report.add_argument("--against-file", type=Path, metavar="FILE", help="an older policy.json, to mark what is new")
    return top


def _command(
    found: argparse._SubParsersAction[argparse.ArgumentParser],
    word: str,
    run: Callable[..., commands.Answer],
    text: str,
    *,
    name_needed: bool = True,
) -> argparse.ArgumentParser:
    command = found.add_parser(word, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EXITS)
    command.add_argument("name", nargs=None if name_needed else "?", metavar="NAME", help="the ModelDeployment")
    command.add_argument("-n", "--namespace", help="its namespace (default: the context's)")
    command.add_argument("--context", help="context of the kubeconfig")
    command.add_argument("--kubeconfig", help="the kubeconfig file")
    command.add_argument("--json", action="store_true", help="one JSON document")
    command.set_defaults(run=run)
    return command


def _policy(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--policy", metavar="POLICY", help=text)
    command.add_argument("--policy-file", type=Path, metavar="FILE", help="a policy.json on this machine instead")
    command.add_argument("--provenance-file", type=Path, metavar="FILE", help="default: provenance.json beside it")


def _connect(options: argparse.Namespace) -> Kube:
    if options.namespace is None:
        options.namespace = default_namespace(options.kubeconfig, options.context)
    return Cluster.connect_as_user(options.kubeconfig, options.context, MANAGER)


def _fail(sentence: str) -> int:
    print(f"kubectl pickleball: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
