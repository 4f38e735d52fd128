"""The errors of the generator and the exit code of each.

GenerateError
|-- BadInput (2)          what the user named is not there or not readable
|   |-- ClassNotFound     no such class; says which are near
|-- MissingTool (3)       Java, Joern's jars or memory is missing on the machine
|-- AnalysisFailed (4)    the analysis itself did not come to an end
    |-- JoernCrashed      Joern ended each time that it was tried
|-- OutOfMemory (137)     the analysis needs more memory than it may have
|-- FetchFailed (1)       a package index or a git server did not give what it was asked for; it may later
"""

from __future__ import annotations


class GenerateError(Exception):
    """Anything that stops a policy from being written; `reason` is a constant that programs can compare."""

    exit_code = 4
    reason = "generate-error"

    def __init__(self, sentence: str, *, reason: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if reason is not None:
            self.reason = reason


class BadInput(GenerateError):
    """The user named something that cannot be used."""

    exit_code = 2
    reason = "bad-input"


class ClassNotFound(BadInput):
    """A model class stands in none of the sources."""

    reason = "class-not-found"

    def __init__(self, name: str, near: list[str], where: str) -> None:
        hint = f" Near it: {', '.join(near)}." if near else ""
        super().__init__(
            f"The class {name} stands in no source below {where}.{hint} Check the name and --library-path."
        )
        self.name = name
        self.near = near


class MissingTool(GenerateError):
    """Something that the analysis needs is missing on the machine."""

    exit_code = 3
    reason = "missing-tool"


class AnalysisFailed(GenerateError):
    """The analysis ended without a result."""

    exit_code = 4
    reason = "analysis-failed"


class JoernCrashed(AnalysisFailed):
    """Joern ended before it answered, each time that it was tried."""

    reason = "joern-crashed"


class OutOfMemory(GenerateError):
    """The analysis needs more than `--mem`; the code is that of a process which was killed for its memory."""

    exit_code = 137
    reason = "out-of-memory"

    def __init__(self, most: str) -> None:
        super().__init__(
            f"The analysis needs more memory than --mem {most}: give it more, or leave paths out with --ignore-paths."
        )


class FetchFailed(GenerateError):
    """A remote did not give what it was asked for; another attempt may get it."""

    exit_code = 1
    reason = "fetch-failed"
