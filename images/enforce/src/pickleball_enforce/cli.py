"""The command `pickleball`: judge, trace, scan and explain files, run programs enforced, install the enforcer.

A subcommand's module is imported when it is asked for: starting Python takes most of the time of a short command.
"""

from __future__ import annotations

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Subcommands with a parser of their own: they get the rest of the command line.
OTHERS = {
    "scan": "say what files would do, many at once; SARIF for code-scanning services",
    "explain": "say step by step what a file asks for, and what would allow it",
    "run": "run a program with its pickle loads enforced",
    "selftest": "check that this interpreter refuses a bad pickle and loads a good one",
    "install": "copy the enforcer into a folder for PYTHONPATH",
    "witness": "say how the containers of a pod stand by what their processes report",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in OTHERS:
        module = __import__(f"{__package__}.{arguments[0]}", fromlist=["main"])
        code: int = module.main(arguments[1:])
        return code
    from . import judging  # noqa: PLC0415 - see the module's docstring

    return judging.main(arguments, OTHERS)


def _fail(error: OSError) -> int:
    print(f"pickleball: {error}", file=sys.stderr)
    return 2


def command() -> int:
    """Run the command as a program: with nothing left to do, leave without taking the interpreter apart.

    That takes as long as the scan of a small file. When what it says cannot be written, the exit code is 2: it is not
    known what was read of it.
    """
    try:
        code = main()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BrokenPipeError:
        os._exit(2)
    except OSError as error:
        sys.stdout = None  # what it still holds cannot be written
        return _fail(error)
    if atexit._ncallbacks() or "threading" in sys.modules:  # noqa: SLF001 - there is no other way to ask
        return code
    os._exit(code)


if __name__ == "__main__":
    sys.exit(command())
