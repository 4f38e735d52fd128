"""Runs tests of unittest and writes the outcome of each as JSON: python3 outcomes.py OUT MODULE... [--only PATTERN].

It runs in a root file system of another Debian, on any Python that is enforced.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Outcomes(unittest.TestResult):
    """Remembers how each test ended, and the last line of what went wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.found[test.id()] = {"outcome": "passed"}

    def note(self, test: Any, outcome: str, error: Any = None) -> None:
        entry = self.found.setdefault(test.id(), {})
        entry["outcome"] = outcome
        if error is not None:
            entry["error"] = self._exc_info_to_string(error, test)  # type: ignore[attr-defined]

    def addError(self, test: Any, err: Any) -> None:
        self.note(test, "failed", err)

    def addFailure(self, test: Any, err: Any) -> None:
        self.note(test, "failed", err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self.note(test, "failed", err)

    def addSkip(self, test: Any, reason: str) -> None:
        self.note(test, "skipped")

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self.note(test, "passed")

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.note(test, "failed")


def flat(suite: Any) -> Iterator[Any]:
    """Give the tests of a suite."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


def main() -> None:
    """Run the tests that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--only", default="", help="a pattern that the identifiers of the tests to run contain")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts this in the background ignores it
    result = Outcomes()
    for name in options.modules:
        module = unittest.defaultTestLoader.loadTestsFromName(name)
        # Suites are kept whole where nothing is left out: fixtures of modules and classes hang on them.
        chosen = unittest.TestSuite(test for test in flat(module) if re.search(options.only, test.id()))
        chosen.run(result)
    Path(options.out).write_text(json.dumps(result.found))


if __name__ == "__main__":
    sys.argv[0] = __file__
    main()
