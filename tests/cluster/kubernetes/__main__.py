"""Builds, starts and ends the test cluster.

python -m tests.cluster.kubernetes build                              binaries, kept in the cache; prints their folder
python -m tests.cluster.kubernetes up --state DIR [--image FILE]...   prints the path of the kubeconfig
python -m tests.cluster.kubernetes load --state DIR --image FILE...   gives the node more images
python -m tests.cluster.kubernetes inside --state DIR -- COMMAND...   runs a program in the node's namespaces
python -m tests.cluster.kubernetes down --state DIR
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from . import binaries, cluster, record, supervisor
from .programs import ClusterError


def main() -> int:
    """Run one command; an error is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["build", "up", "load", "inside", "down", "supervise"])
    parser.add_argument("--state", type=Path, metavar="DIR")
    parser.add_argument("--image", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("command", nargs="*")
    chosen = parser.parse_intermixed_args()
    if chosen.verb != "build" and chosen.state is None:
        parser.error("--state names the cluster's folder")
    try:
        perform(chosen)
    except ClusterError as problem:
        print(f"test cluster: {problem}", file=sys.stderr)
        return 1
    return 0


def perform(chosen: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    if chosen.verb == "build":
        print(binaries.build())
    elif chosen.verb == "up":
        start = time.monotonic()
        made = cluster.up(chosen.state, binaries.build(), chosen.image)
        print(f"cluster up in {time.monotonic() - start:.1f} s", file=sys.stderr)
        print(made.kubeconfig)
    elif chosen.verb == "down":
        cluster.down(chosen.state)
    else:
        known = record.load(chosen.state)
        if known is None:
            raise ClusterError(f"no cluster in {chosen.state}")
        if chosen.verb == "load":
            cluster.load(known, chosen.image)
        elif chosen.verb == "inside":
            sys.stdout.write(cluster.inside(known, *chosen.command))
        else:
            supervisor.supervise(known)


if __name__ == "__main__":
    sys.exit(main())
