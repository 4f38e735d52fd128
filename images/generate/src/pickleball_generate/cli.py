"""The command `pickleball-generate`."""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from pickleball_generate import __version__, collect
from pickleball_generate.errors import BadInput, GenerateError
from pickleball_generate.fetch import command as fetching
from pickleball_generate.generation import check, diff, generate
from pickleball_generate.isolation import leave_network
from pickleball_generate.joern import parse_memory
from pickleball_generate.memory import bounded
from pickleball_generate.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

EXITS = (
    "Exit codes: 0 policy written, 1 a model file needs more than the policy gives, 2 bad input, 3 something missing "
    "on the machine, 4 analysis failed, 137 it needs more memory than --mem."
)
TERMINATION_LOG = Path("/dev/termination-log")


SEVERAL: dict[str, Any] = {"action": "append", "default": []}
FOLDER: dict[str, Any] = {"type": Path, "metavar": "DIR"}
# Where sources come from and how they are read: the same for every command.
SOURCES: dict[str, dict[str, Any]] = {
    "--library-path": {
        **SEVERAL, **FOLDER, "required": True, "dest": "library_paths",
        "help": "a site-packages folder, a folder of packages, or a package's own folder; several are allowed",
    },
    "--joern-path": {**FOLDER, "help": "Joern's jars (default: what `make joern` built)"},
    "--ignore-paths": {
        "default": "", "metavar": "P,...", "help": "paths below the library path, or folder names, to leave out",
    },
    "--cache-path": {
        **FOLDER, "help": "where facts are kept (default: PICKLEBALL_CACHE, else ~/.cache/pickleball)",
    },
    "--mem": {"default": "4G", "metavar": "SIZE", "help": "memory for Joern, and for the inference (default 4G)"},
    "--json": {"action": "store_true", "help": "one JSON object about the outcome on standard output"},
}  # fmt: skip


class Arguments(argparse.ArgumentParser):
    """A parser whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        """Refuse a command line."""
        raise BadInput(f"{message}. `pickleball-generate --help` lists the flags.", reason="bad-arguments")


def arguments() -> argparse.ArgumentParser:
    """Define the command line; docs/reference/generate.md describes it."""
    parser = Arguments(
        prog="pickleball-generate",
        description="Infer from library sources what a model of one class may import and call while it loads.",
        epilog=f"{EXITS} `pickleball-generate check FILE --policy P` judges a file against a policy, "
        "`pickleball-generate diff OLD NEW` compares two; "
        "`pickleball-generate export-collect --output DIR` writes the program that copies an image's sources.",
    )
    options: dict[str, dict[str, Any]] = {
        "--model-class": {
            **SEVERAL, "metavar": "CLASS", "dest": "classes",
            "help": "class of the model, dotted or in Joern's form; several are allowed",
        },
        "--policy-path": {
            "type": Path, "metavar": "FILE", "help": "where the policy goes; provenance.json goes beside it",
        },
        "--for-model": {
            "action": "extend", "nargs": "+", "default": [], "metavar": "FILE",
            "help": "model files to scan, without loading them, for names that the policy lacks",
        },
        "--accept": {
            "choices": ["none", "inert"], "default": "none",
            "help": "what joins the policy of what the files ask for: nothing, or what has no effect (default none)",
        },
        "--fetched": {
            "type": Path, "metavar": "FILE", "help": "what `fetch` recorded about the sources; kept in the provenance",
        },
        "--no-network": {
            "action": "store_true", "help": "give up the network before anything is read, by a seccomp filter (Linux)",
        },
        "--shared-cache": {
            **FOLDER, "help": "a folder that the cache is copied from before and to after, when that is possible",
        },
        "--propose-only": {
            "action": "store_true",
            "help": "exit with 0 even where the files need more: what they need stands in the provenance",
        },
        "--allow": {**SEVERAL, "metavar": "NAME", "help": "let in a name that was asked for and refused"},
        "--reason": {**SEVERAL, "metavar": "TEXT", "help": "why; kept in the provenance"},
        "--use-cpg": {"action": "store_true", "help": "add the types that Joern recovers: slower, finds more"},
        "--only-cpg": {"action": "store_true", "help": "make the facts with types and stop"},
        "--dry-run": {"action": "store_true", "help": "say what would be analysed and stop"},
        "--no-widening": {"action": "store_true", "help": "only what the sources show to be needed"},
        "--explain": {"metavar": "ENTRY", "help": "say why a name is in the policy, or why it is not"},
        "--diff": {"type": Path, "metavar": "OLD", "help": "say what changes against a policy that is there"},
        "--version": {"action": "version", "version": f"%(prog)s {__version__}"},
    }  # fmt: skip
    for name, described in (SOURCES | options).items():
        parser.add_argument(name, **described)
    return parser


def check_arguments() -> argparse.ArgumentParser:
    """Define the command line of `check`."""
    parser = Arguments(
        prog="pickleball-generate check",
        description="Judge what model files ask for beyond a policy, without loading them; write nothing.",
        epilog="Exit codes: 0 the policy gives all that the files ask for, 1 it does not, 2 bad input, "
        "3 something missing on the machine, 4 analysis failed.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="model files, or patterns")
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy")
    for name, described in SOURCES.items():
        parser.add_argument(name, **described)
    return parser


def diff_arguments() -> argparse.ArgumentParser:
    """Define the command line of `diff`."""
    parser = Arguments(
        prog="pickleball-generate diff", description="Say what changed between two policies, with grades."
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="a policy; its provenance.json beside it is read too")
    parser.add_argument("new", type=Path, metavar="NEW", help="another one")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; every error leaves an existing policy as it was. Without `argv`, the process ends with it."""
    gc.disable()  # facts and variables are large trees that stay: looking through them costs a third of a run
    if argv is None:
        end(command(sys.argv[1:]))
    try:
        return command(list(argv))
    finally:
        gc.enable()


def command(words: list[str]) -> int:
    """Run what the first word names."""
    if words[:1] == ["export-collect"]:
        return export_collect(words[1:])
    if words[:1] == ["fetch"]:
        return fetch(words[1:])
    return run(words)


def end(code: int) -> NoReturn:
    """End the process as it is: to take its trees apart, object by object, costs a tenth of a run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(words: list[str]) -> int:
    """Do what the words of a command line say, and tell how it went."""
    progress = Progress()
    start = time.monotonic()
    out = sys.stdout if "--json" in words else None
    try:
        if words[:1] == ["check"]:
            options = check_arguments().parse_args(words[1:])
            with bounded(parse_memory(options.mem), options.mem):
                outcome = check(options, progress)
        elif words[:1] == ["diff"]:
            options = diff_arguments().parse_args(words[1:])
            outcome = diff(options)
        else:
            options = arguments().parse_args(words)
            if options.no_network:
                leave_network()
            with bounded(parse_memory(options.mem), options.mem):
                outcome = generate(options, progress, start)
    except GenerateError as error:
        progress.close()
        return fail(error, out)
    except (OSError, UnicodeError) as error:
        progress.close()
        return fail(BadInput(f"{error}. Check that the folders can be read and written.", reason="unreadable"), out)
    progress.close()
    if options.json:
        print(json.dumps(outcome))
    return 0 if outcome.get("covered", True) or getattr(options, "propose_only", False) else 1


def fail(error: GenerateError, out: TextIO | None) -> int:
    """Tell a person, a program and the kubelet why there is no policy."""
    document = json.dumps({"status": "error", "reason": error.reason, "sentence": error.sentence})
    if out is None:
        print(f"pickleball-generate: {error.sentence}", file=sys.stderr)
    else:
        print(document, file=out)
    if TERMINATION_LOG.is_file() and os.access(TERMINATION_LOG, os.W_OK):
        TERMINATION_LOG.write_text(document[:4096])
    return error.exit_code


def fetch(words: Sequence[str]) -> int:
    """Fetch sources from elsewhere."""
    try:
        outcome = fetching.fetch(fetching.arguments(Arguments(prog="pickleball-generate fetch")).parse_args(words))
    except GenerateError as error:
        return fail(error, sys.stdout)
    except (OSError, UnicodeError) as error:
        return fail(BadInput(f"The sources cannot be kept: {error}.", reason="unwritable"), sys.stdout)
    print(json.dumps(outcome))
    return 0


def export_collect(words: Sequence[str]) -> int:
    """Copy collect.py to a folder from which an image without us can run it."""
    parser = argparse.ArgumentParser(prog="pickleball-generate export-collect")
    parser.add_argument("--output", type=Path, required=True)
    output = parser.parse_args(words).output
    try:
        output.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(collect.__file__, output / "collect.py")
        (output / "collect.py").chmod(0o755)
    except OSError as error:
        return fail(BadInput(f"{output} cannot be written: {error.strerror}.", reason="unwritable"), None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
