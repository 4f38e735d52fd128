"""`python -m evaluation.surveys hub|imports|weights-only`: Section 3 of the paper over stored listings."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from evaluation.environments import named
from evaluation.surveys import listing, pages, traces

ALLOWED = Path(__file__).with_name("weights_only.json")
ASK = """
import json, torch
from torch._weights_only_unpickler import _get_allowed_globals
print(json.dumps({"torch": torch.__version__, "names": sorted(_get_allowed_globals())}))
"""


def main() -> int:
    """Run one survey."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.surveys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    hub = commands.add_parser("hub", help="which models of a hub are pickles", description=listing.__doc__)
    hub.add_argument("--popular", type=int, default=listing.POPULAR, metavar="N", help="least downloads of a model")
    imports = commands.add_parser("imports", help="what model files import", description=traces.__doc__)
    commands.add_parser("weights-only", help="write weights_only.json again, by asking the evaluation's torch")
    for command in (hub, imports):
        command.add_argument("files", nargs="+", type=Path, metavar="FILE")
        command.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the page and plots go")
    options = parser.parse_args()
    if options.command == "weights-only":
        return ask_torch()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        if options.command == "hub":
            models = [model for file in options.files for model in listing.read(file)]
            text = pages.hub(models, options.popular, options.output)
        else:
            found = [trace for file in options.files for trace in traces.read(file)]
            text = pages.imports(found, traces.weights_only(), options.output)
    except (OSError, listing.BadListing) as error:
        print(f"surveys: {error}", file=sys.stderr)
        return 2
    page = options.output / f"{options.command}.md"
    page.write_text(text)
    print(page)
    return 0


def ask_torch() -> int:
    """Write down what the restricted unpickler of the evaluation's torch allows."""
    environment = named("torch")
    environment.make()
    said = subprocess.run([environment.python, "-c", ASK], capture_output=True, text=True, check=True).stdout
    ALLOWED.write_text(json.dumps(json.loads(said.splitlines()[-1]), indent=1) + "\n")
    print(ALLOWED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
