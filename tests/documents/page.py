"""A page of the documentation as a script: files that it shows, commands that it gives, output that it promises.

How a page is written for it:
- an indented block holds commands, which are run in order by one bash;
- a fenced block without a language that follows it is what they print, `...` standing for anything;
- a fenced block with a language whose first line is the comment `# NAME` is a file of that name;
- an HTML comment before a block of commands says more, and readers do not see it:
  `<!-- not run: REASON -->`, `<!-- ends with 1 -->` or `<!-- ends with 0 or 1 -->`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"# (\S+\.\w+|Dockerfile)\n")
REMARK = re.compile(r"<!-- (?:not run: (?P<reason>.+)|ends with (?P<codes>\d+(?: or \d+)*)) -->")
CLUSTER = re.compile(r"\b(kubectl|helm)\b")


@dataclass(frozen=True)
class File:
    """A file that the page shows."""

    line: int
    name: str
    content: str


@dataclass(frozen=True)
class Commands:
    """Commands that the page gives, with what they print (None when it does not say) and how they end."""

    line: int
    text: str
    prints: str | None = None
    ends_with: tuple[int, ...] = (0,)
    not_run: str = ""


Step = File | Commands


def pages() -> list[Path]:
    """Every page that tells users what to do."""
    folders = [ROOT / "docs" / "tutorial", ROOT / "docs" / "how-to"]
    return [ROOT / "README.md", *sorted(page for folder in folders for page in folder.glob("*.md"))]


def name(page: Path) -> str:
    """How tests call a page."""
    return str(page.relative_to(ROOT))


def steps(text: str) -> list[Step]:
    """Read a page, from top to bottom."""
    found = list(_blocks(text))
    joined: list[Step] = []
    for step in found:
        if isinstance(step, str):
            before = joined[-1]
            if isinstance(before, Commands) and before.prints is None:
                joined[-1] = Commands(before.line, before.text, step, before.ends_with, before.not_run)
        else:
            joined.append(step)
    return joined


def _blocks(text: str) -> Iterator[Step | str]:
    """Give files, commands, and output as bare text."""
    remark = ""
    for token in MarkdownIt("commonmark").parse(text):
        line = (token.map or [0])[0] + 1
        if token.type == "code_block":
            yield _commands(line, token, remark)
        elif token.type == "fence" and token.info and (title := FILE.match(token.content)):
            yield File(line, title[1], token.content)
        elif token.type == "fence" and not token.info:
            yield token.content
        remark = token.content if token.type == "html_block" else ""


def _commands(line: int, token: Token, remark: str) -> Commands:
    said = REMARK.match(remark.strip())
    given = said.groupdict() if said else {}
    codes = tuple(int(code) for code in (given.get("codes") or "0").split(" or "))
    return Commands(line, token.content, None, codes, given.get("reason") or "")


def needs_cluster(found: list[Step]) -> bool:
    """Tell whether a page's commands speak to a cluster."""
    return any(isinstance(step, Commands) and not step.not_run and CLUSTER.search(step.text) for step in found)
