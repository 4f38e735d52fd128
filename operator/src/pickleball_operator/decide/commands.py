"""Command lines that would start Python without the enforcer."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = re.compile(r"(?:.*/)?(?:python|pypy)[0-9.]*[a-z]*")
SKIPPING = "IES"
ENDING = "cm"
"""Options after which the program's own arguments follow."""
VALUED = "WX"
"""Options that take the rest of the word, else the next word."""
ASSIGNMENT = re.compile(r"(?<![A-Za-z0-9_])PYTHONPATH=(?P<value>\S*)")
EXTENDED = re.compile(r"[\"']?\$(?:PYTHONPATH|\{PYTHONPATH\})(?::|[\"']|$)")
REMOVED = re.compile(
    r"\bunset\s+(?:-v\s+)?(?:\w+\s+)*PYTHONPATH\b|\benv\s+(?:\S+\s+)*(?:-u\s*|--unset[= ])PYTHONPATH\b"
)
EMPTIED = re.compile(r"(?:^|[\s;|&(/])env\s+(?:-\S+\s+)*(?:-i|-|--ignore-environment)(?:\s|$)")


def bypass(container: Mapping[str, Any]) -> str | None:
    """What in the container's command keeps the enforcer from starting, as the beginning of a sentence."""
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    for line in (words, *(_shell_words(word) for word in words if " " in word or "\n" in word)):
        option = _isolating(line)
        if option is not None:
            return (
                f"starts Python with {option}: -I and -E skip PYTHONPATH and -S skips sitecustomize, so the enforcer"
                " would not start. Remove the option."
            )
    text = " ".join(words)
    for found in ASSIGNMENT.finditer(text):
        if not EXTENDED.match(found["value"]):
            return (
                f"sets {found.group()} in its command, in place of the one that starts the enforcer."
                " Set PYTHONPATH in env, or write PYTHONPATH=$PYTHONPATH:... ."
            )
    if REMOVED.search(text) or EMPTIED.search(text):
        return (
            "removes PYTHONPATH in its command (unset, env -u or env -i), which starts the enforcer."
            " Leave it in the environment."
        )
    return None


def _shell_words(text: str) -> list[str]:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        return list(lexer)
    except ValueError:
        return text.split()


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
    is_value = False
    for option in words:
        if is_value:
            is_value = False
            continue
        if not option.startswith("-") or option in ("-", "--"):
            return None
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
