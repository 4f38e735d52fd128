"""Somebody who follows a page word for word, in a folder of their own."""

from __future__ import annotations

import doctest
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.documents.page import Commands, File, Step

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PROLOGUE = "set -eo pipefail; set -a; [ ! -e .shell ] || . ./.shell; trap 'export -p > .shell' EXIT\n"
PATIENCE = 600


class Misled(Exception):
    """A page says something that is not so."""


@dataclass
class Reader:
    """Follows pages; `replaced` stands for what a reader would put in the place of an example."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    def follow(self, page: str, steps: list[Step]) -> int:
        """Take every step of a page; how many commands were run."""
        ran = 0
        for step in steps:
            if isinstance(step, File):
                file = self.folder / step.name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self._own(step.content))
            elif not step.not_run:
                self._run(page, step)
                ran += 1
        return ran

    def _own(self, text: str) -> str:
        for example, own in self.replaced.items():
            text = text.replace(example, own)
        return text

    def _run(self, page: str, step: Commands) -> None:
        done = subprocess.run(
            ["bash", "-c", PROLOGUE + self._own(step.text)],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        where = f"{page}:{step.line}\n{step.text}"
        if done.returncode not in step.ends_with:
            promised = " or ".join(map(str, step.ends_with))
            raise Misled(f"{where}ends with {done.returncode}, not {promised}:\n{done.stdout}")
        if step.prints is not None and not doctest.OutputChecker().check_output(
            self._own(step.prints), done.stdout, OPTIONS
        ):
            raise Misled(f"{where}prints\n{done.stdout}\nand not\n{step.prints}")
