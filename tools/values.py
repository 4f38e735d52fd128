"""The page of the chart's values, made from values.yaml: python -m tools.values > docs/reference/values.md."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

VALUES = Path(__file__).parents[1] / "charts" / "pickleball" / "values.yaml"
KEY = re.compile(r"(?P<indent> *)(?P<key>\w+):(?: (?P<default>.+))?")
HEAD = """# Values of the chart

Made from [values.yaml](../../charts/pickleball/values.yaml) by `python -m tools.values`.
Any other value is refused; names of settings are those of the controller's environment in another spelling
(`settings.logLevel` is `PICKLEBALL_LOG_LEVEL`).

| value | default | meaning |
|---|---|---|
"""


@dataclass(frozen=True)
class Value:
    """One value: its dotted path, what it is by default, what it means."""

    path: str
    default: str
    meaning: str


def read(text: str) -> list[Value]:
    """Read the values and the comments above them, two spaces of indentation to a level."""
    found: list[Value] = []
    parents: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        match = KEY.fullmatch(line)
        if match:
            del parents[len(match["indent"]) // 2 :]
            parents.append(match["key"])
            if match["default"]:
                found.append(Value(".".join(parents), match["default"], " ".join(comment)))
        comment = [*comment, line.strip().removeprefix("# ")] if line.strip().startswith("#") else []
    return found


def page(text: str) -> str:
    """Write the page."""
    return HEAD + "".join(f"| `{value.path}` | `{value.default}` | {value.meaning} |\n" for value in read(text))


if __name__ == "__main__":
    sys.stdout.write(page(VALUES.read_text()))
