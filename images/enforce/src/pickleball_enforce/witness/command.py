"""`pickleball witness`: options, the port, signals, and the loop."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from pickleball_enforce.environment import AUDIT, ENFORCE
from pickleball_enforce.errors import PolicyError
from pickleball_enforce.policy import Policy as PolicyFile

from .account import Expected
from .endpoint import Endpoint
from .exposition import Policy
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

PAUSE = 0.5
STOP = (signal.SIGTERM, signal.SIGINT)
"""Blocked and waited for: a handler would run in the midst of anything, and may then wait for a lock of its own thread.
The first process of a container gets signals that it blocks, but none that it neither blocks nor handles."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; 0 then, 2 when it cannot begin."""
    options = _parser().parse_args(argv)
    try:
        policy = PolicyFile.load(options.policy)
        mounted = os.stat(options.policy).st_mtime  # noqa: PTH116
    except (PolicyError, OSError) as error:
        return _fail(f"{error}")
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    expected = Expected(policy.digest, options.mode, options.shared_processes)
    told = Policy(options.policy_name, policy.digest, options.mode, mounted)
    places = dict(options.container)
    watch = Watch(options.reports, places, told, expected, sys.stdout, time.time)
    try:
        watch.prepare(places)
    except OSError as error:
        return _fail(f"{options.reports}: reports cannot be read here: {error}")
    try:
        endpoint = Endpoint(watch, options.port) if options.port else None
    except OSError as error:
        return _fail(
            f"port {options.port} of the pod cannot be had ({error.strerror}): another container uses it."
            " Give the witness another one (PICKLEBALL_WITNESS_PORT of the operator)."
        )
    with endpoint or contextlib.nullcontext():
        watch.look()
        while signal.sigtimedwait(STOP, PAUSE) is None:
            watch.look()
        watch.look()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pickleball witness", description=__doc__)
    parser.add_argument("--reports", required=True, help="the folder with a folder for each container")
    parser.add_argument(
        "--container", required=True, action="append", type=_container, metavar="NAME=FOLDER", help="a container"
    )
    parser.add_argument("--policy", required=True, help="the policy file that interpreters have to report")
    parser.add_argument("--policy-name", default="", help="how the policy is called in logs and metrics")
    parser.add_argument("--mode", choices=(ENFORCE, AUDIT), default=ENFORCE, help="the mode that they have to report")
    parser.add_argument("--port", type=int, default=0, help="port of /ready and /metrics; 0: none")
    parser.add_argument(
        "--shared-processes", action="store_true", help="the pod shares its process namespace: any process counts"
    )
    return parser


def _container(text: str) -> tuple[str, str]:
    name, equals, folder = text.partition("=")
    if not name or not equals or not folder or "/" in folder or folder in (".", ".."):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER")
    return name, folder


def _fail(sentence: str) -> int:
    sys.stdout.write(json.dumps({"event": "failed", "level": "error", "sentence": sentence}) + "\n")
    sys.stdout.flush()
    return 2
