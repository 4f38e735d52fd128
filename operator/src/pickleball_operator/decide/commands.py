"""Command lines that would start Python without the enforcer."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)[0-9.]*[a-z]*")
SKIPPING = "IES"
ENDING = "cm"
"""Options after which the program's own arguments follow."""
VALUED = "WX"
"""Options that take the rest of the word, else the next word."""
LONG_VALUED = ("--check-hash-based-pycs", "--jit")
"""Long options that take the next word."""
ISOLATING = re.compile(r"(?:^|\s)-[ABD-HJ-RT-VYZabd-ln-z?0-9]*[IES]")
"""An option that skips the enforcer, as a variable may hold it."""
SHELL = re.compile(r"(?:.*/)?(?:ba|da|a|z|k)?sh")
ASSIGNMENT = re.compile(r"(?:^|[^A-Za-z0-9_])(PYTHONPATH=\S*)")
BEHIND = ("PYTHONPATH=$(PYTHONPATH):",)
"""Assignments that leave ours in front: the kubelet puts the value in."""
BEHIND_IN_SHELL = tuple(
    f"PYTHONPATH={quote}{name}:" for quote in ("", '"') for name in ("$PYTHONPATH", "${PYTHONPATH}")
)
"""The same, where a shell puts it in."""
REMOVED = re.compile(
    r"\bunset\s+(?:-v\s+)?(?:\w+\s+)*PYTHONPATH\b|\benv\s+(?:\S+\s+)*(?:-u\s*|--unset[= ])PYTHONPATH\b"
)
EMPTIED = re.compile(r"(?:^|[\s;|&(/])env\s+(?:-\S+\s+)*(?:-i|-|--ignore-environment)(?:\s|$)")


def bypass(container: Mapping[str, Any]) -> str | None:
    """What in the container's command keeps the enforcer from starting, as the beginning of a sentence."""
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    scripts = [line for word in words if " " in word or "\n" in word for line in _shell_lines(word)]
    for line in (words, *scripts):
        option = _isolating(line)
        if option is not None:
            return f"starts Python with {option}: {SKIPS} Remove the option."
    text = "\n".join(words)
    variable = _referred(text, container.get("env") or ())
    if variable is not None:
        return f"takes an option from its variable {variable} into its command: {SKIPS} Remove it from the variable."
    assigned = _assigned(text, in_shell=bool(words) and SHELL.fullmatch(words[0]) is not None)
    if assigned is not None:
        return (
            f"sets {assigned} in its command, in place of the one that starts the enforcer. Set PYTHONPATH in env, or"
            " write PYTHONPATH=$PYTHONPATH:... in the shell that the command begins with."
        )
    if REMOVED.search(text) or EMPTIED.search(text):
        return (
            "removes PYTHONPATH in its command (unset, env -u or env -i), which starts the enforcer."
            " Leave it in the environment."
        )
    return None


SKIPS = "-I and -E skip PYTHONPATH and -S skips sitecustomize, so the enforcer would not start."


def _referred(text: str, variables: Iterable[Mapping[str, Any]]) -> str | None:
    """The first variable with such an option in it that the command refers to."""
    for variable in variables:
        name, value = str(variable.get("name")), str(variable.get("value") or "")
        if ISOLATING.search(value) and any(reference in text for reference in (f"$({name})", f"${{{name}", f"${name}")):
            return name
    return None


def _assigned(text: str, *, in_shell: bool) -> str | None:
    """The first PYTHONPATH that the command sets without ours in front."""
    for behind in (*BEHIND, *(BEHIND_IN_SHELL if in_shell else ())):
        text = text.replace(behind, "")
    found = ASSIGNMENT.search(text)
    return found[1] if found is not None else None


def _shell_lines(text: str) -> Iterator[list[str]]:
    """The simple commands of a script, as far as words and separators tell."""
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = text.split()
    for separates, line in itertools.groupby(words, lambda word: not word.strip(";&|()")):
        if not separates:
            yield list(line)


def _isolating(words: list[str]) -> str | None:
    """The option of an interpreter on this command line that makes it skip the environment or site."""
    for place, word in enumerate(words):
        if PYTHON.fullmatch(word):
            option = _skipping(words[place + 1 :])
            if option is not None:
                return option
    return None


def _skipping(words: list[str]) -> str | None:
    """The first such option in front of the program."""
    is_value = may_be_value = False
    for option in words:
        if is_value or (may_be_value and not option.startswith("-")):
            is_value = may_be_value = False
            continue
        if not option.startswith("-") or option in ("-", "--"):
            return None
        may_be_value = option in LONG_VALUED
        if option.startswith("--"):
            continue
        for place, letter in enumerate(option[1:], 2):
            if letter in SKIPPING:
                return option
            if letter in ENDING:
                return None
            if letter in VALUED:
                is_value = place == len(option)
                break
    return None
