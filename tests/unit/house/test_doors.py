"""The table of doors and the tests of doors say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "doors.md"
ROW = re.compile(r"^\| (.+?) \| (.+) \| \[\w+\]\(\.\./\.\./(tests/\S+\.py)\) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str]]:
    """Read the doors of the page, each with the file that proves it."""
    return [(match[1], match[3]) for match in ROW.finditer(PAGE.read_text())]


def marks() -> list[tuple[str, str]]:
    """Find the doors that tests are marked with, each with the test's file."""
    return [
        (ast.literal_eval(node.args[0]), str(path.relative_to(ROOT)))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "door"
    ]


def test_every_row_of_the_table_of_doors_has_its_test() -> None:
    """No row without a test that is marked with it, in the file that it links to; no such test without a row."""
    assert sorted(rows()) == sorted(marks())


def test_no_line_of_the_table_of_doors_is_lost() -> None:
    """Each line of a table is read as a row, and each door stands there once."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| door ")]
    assert len(lines) == len(rows()) == len(dict(rows()))
    assert len(lines) > 50
