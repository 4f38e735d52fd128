"""Helm's engine in one Java process: renders and checks the chart as often as a test asks."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from tools import cache

HERE = Path(__file__).parent / "helm"
KUBERNETES = "v1.34.10"
CHART = Path(__file__).parents[2] / "charts" / "pickleball"


class ChartError(Exception):
    """Helm refused the chart or its values; the message is Helm's."""


def jars() -> Path:
    """Give the folder of Helm's engine as jars; Maven fetches them once."""
    kept = cache.folder() / f"helm-java-{hashlib.sha256((HERE / 'pom.xml').read_bytes()).hexdigest()[:12]}"
    if not (kept / ".complete").exists():
        subprocess.run(
            [
                "mvn",
                "-q",
                "-B",
                "-C",
                "-f",
                HERE / "pom.xml",
                "dependency:copy-dependencies",
                f"-DoutputDirectory={kept}",
            ],
            check=True,
        )
        (kept / ".complete").touch()
    return kept


@dataclass
class Engine:
    """A running engine; `folder` takes values and results."""

    process: subprocess.Popen[str]
    folder: Path

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start it for our chart."""
        command = ["java", "--class-path", f"{jars()}/*", str(HERE / "Chart.java"), str(CHART)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return cls(process, folder)

    def stop(self) -> None:
        """End it."""
        self.process.communicate()

    def render(self, *, kubernetes: str = KUBERNETES, **values: Any) -> list[dict[str, Any]]:
        """Render the chart's manifests with these values over the chart's own."""
        manifests = yaml.safe_load_all(self.text(kubernetes=kubernetes, **values))
        return [manifest for manifest in manifests if manifest]

    def text(self, *, kubernetes: str = KUBERNETES, **values: Any) -> str:
        """Render them as text, with Helm's comments on where they come from."""
        return self.ask("template", self._write(values), kubernetes)

    def notes(self, **values: Any) -> str:
        """Render what Helm prints after an installation."""
        return self.ask("notes", self._write(values), KUBERNETES)

    def _write(self, values: dict[str, Any]) -> str:
        file = self.folder / "values.json"
        file.write_text(json.dumps(values))
        return str(file)

    def lint(self) -> str:
        """Check the chart strictly and return the findings."""
        return self.ask("lint", "-")

    def ask(self, verb: str, values: str, version: str = "-") -> str:
        """Send one request and return its text; a refusal is an error."""
        assert self.process.stdin
        assert self.process.stdout
        result = self.folder / "result"
        print(verb, values, result, version, sep="\t", file=self.process.stdin, flush=True)
        if self.process.stdout.readline().strip() != "ok":
            raise ChartError(result.read_text())
        return result.read_text()
