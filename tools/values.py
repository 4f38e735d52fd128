"""The page of the chart's values, made from values.yaml and its schema.

python -m tools.values > docs/reference/values.md
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHART = Path(__file__).parents[1] / "charts" / "pickleball"
VALUES, SCHEMA = CHART / "values.yaml", CHART / "values.schema.json"
KEY = re.compile(r"(?P<indent> *)(?P<key>\w+):(?: (?P<default>.+))?")
FORMS = {
    "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$": "duration, as 1h30m",
    "^[1-9][0-9]*[sm]$": "duration, as 30s or 2m",
    "^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$": "size, as 4Gi",
    "^[1-9][0-9]*m?$": "CPUs, as 2 or 500m",
    "^(sha256:[0-9a-f]{64})?$": "digest",
    "^[0-9a-fA-F.:]+/[0-9]{1,3}$": "CIDR",
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": "namespace",
    r"^(-----BEGIN CERTIFICATE-----[\s\S]*)?$": "PEM",
}
"""What texts of a pattern are called."""
HEAD = """# Values of the chart

<!-- Made by `python -m tools.values`; do not edit. -->

Made from [values.yaml](../../charts/pickleball/values.yaml) and
[its schema](../../charts/pickleball/values.schema.json).
Any other value is refused, and so are values that do not go together: Helm says which, and what to do.
Names of settings are those of the controller's environment in another spelling
(`settings.logLevel` is `PICKLEBALL_LOG_LEVEL`).

| value | default | allowed | meaning |
|---|---|---|---|
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


def schema_of(path: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What the schema says of one value."""
    found = schema
    for step in path.split("."):
        found = _resolved(found["properties"][step], schema)
    return found


def _resolved(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = found.get("$ref")
    return schema["definitions"][reference.rpartition("/")[2]] if reference else found


def allowed(about: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "enum" in about:
        return ", ".join(f"`{one}`" for one in about["enum"])
    kind = str(about.get("type", "anything"))
    if kind == "integer":
        return f"{about.get('minimum', '')} to {about.get('maximum', '')}"
    if kind == "array":
        item = _resolved(about.get("items", {}), schema)
        return f"list: {allowed(item, schema)}"
    if kind == "string":
        return FORMS.get(about.get("pattern", ""), "text")
    return {"boolean": "`true`, `false`", "object": "map"}.get(kind, kind)


def page(text: str, schema: dict[str, Any]) -> str:
    """Write the page."""
    rows = (
        f"| `{value.path}` | `{value.default}` | {allowed(schema_of(value.path, schema), schema)} | {value.meaning} |\n"
        for value in read(text)
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page(VALUES.read_text(), json.loads(SCHEMA.read_text())))
