"""`python -m evaluation`: measure libraries and write evaluation/results."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation import coverage, covered, figures, report
from evaluation.catalogue import LIBRARIES
from evaluation.environments import CACHE, ROOT, named
from evaluation.measurement import Measurement

if TYPE_CHECKING:
    from evaluation.catalogue import Library

RESULTS = ROOT / "evaluation" / "results"
WORK = ROOT / "build" / "evaluation"


def main() -> int:
    """Measure what the command line asks for."""
    if sys.argv[1:2] == ["coverage"]:
        return cover(sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="python -m evaluation",
        description=__doc__,
        epilog="`python -m evaluation coverage FILE` says how much of a list of imports policies cover.",
    )
    parser.add_argument("--only", action="append", default=[], metavar="LIB", help="this library; several are allowed")
    parser.add_argument("--subset", choices=["ci"], help="the libraries of a subset")
    parser.add_argument("--jobs", type=int, default=1, help="libraries at a time")
    parser.add_argument("--list", action="store_true", help="print the libraries and stop")
    options = parser.parse_args()
    chosen = [
        library
        for library in LIBRARIES
        if (not options.only or library.name in options.only) and (not options.subset or library.subset)
    ]
    unknown = set(options.only) - {library.name for library in LIBRARIES}
    if unknown or not chosen:
        parser.error(f"no library {', '.join(sorted(unknown))}: `python -m evaluation --list` prints them")
    if options.list:
        print("\n".join(library.name for library in chosen))
        return 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(measure, chosen))
    return judge(results)


def cover(words: list[str]) -> int:
    """Say how much of a list of imports the policies cover; what each file lacks goes to build/evaluation."""
    parser = argparse.ArgumentParser(prog="python -m evaluation coverage", description=coverage.__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--only", action="append", default=[], metavar="LIB", help="files of this library; repeatable")
    parser.add_argument("--keep", action="store_true", help="put the figures into evaluation/results")
    options = parser.parse_args(words)
    try:
        rows = coverage.run(options.file, options.only)
    except (OSError, ValueError) as error:
        print(f"evaluation: {error}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "coverage.json").write_text(json.dumps(coverage.document(rows), indent=1) + "\n")
    found = covered.figures(rows)
    print(covered.page(found))
    if options.keep:
        keep(found)
    return 0


def keep(found: dict[str, covered.Figures]) -> None:
    """Put what was covered of some libraries beside what is known of the others."""
    environments = {library.name: named(library.environment) for library in LIBRARIES}
    for library, row in found.items():
        row |= {"version": environments[library].version(library), "date": today()}
    path = RESULTS / "coverage.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= found
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    path.with_suffix(".md").write_text(covered.page(known))


def today() -> str:
    """The date that results carry."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def judge(results: list[dict[str, Any]]) -> int:
    """Write the report; 1 when a library could not be measured, a policy calls a sink or an attack got through.

    What else went wrong, and where fewer models load than before, is said and stands in the report.
    """
    rows = {row.library: row for row in report.write(RESULTS)}
    failed = 0
    for result in results:
        row = rows.get(result["library"])
        for sentence in [result["error"]] if row is None else [*row.broken, *result["worse"]]:
            print(f"{result['library']}: {sentence}", file=sys.stderr)
        if row is None or row.dangerous or row.stopped < row.attacks:
            failed = 1
    return failed


def known(name: str) -> dict[str, Any] | None:
    """Give what was measured of a library before."""
    path = RESULTS / f"{name}.json"
    result: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return result if result and "error" not in result else None


def worse(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """Say where fewer models of the same version load than before."""
    if before is None or "error" in after or before["version"] != after["version"]:
        return []
    old, new = figures.of(before), figures.of(after)
    return [
        f"{new.loaded[how]} of {new.models} models load ({how}); it was {old.loaded[how]} of {old.models}"
        for how in figures.HOWS
        if new.loaded[how] * old.models < old.loaded[how] * new.models
    ]


def measure(library: Library) -> dict[str, Any]:
    """Measure one library and keep its result."""
    start = time.monotonic()
    before = known(library.name)
    try:
        result = Measurement(library, WORK).run()
    except Exception as error:  # noqa: BLE001 - one library must not end the others' measurements
        traceback.print_exc()
        result = {"library": library.name, "error": f"{type(error).__name__}: {error}"}
    result["date"] = today()
    result["minutes"] = round((time.monotonic() - start) / 60, 1)
    result["worse"] = worse(before, result)
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, sort_keys=True) + "\n"
    for folder, name in ((WORK, "build/evaluation"), (CACHE, "CACHE")):  # results name no place of this machine
        text = text.replace(str(folder), name)
    (RESULTS / f"{library.name}.json").write_text(text)
    print(json.dumps({k: v for k, v in result.items() if k in {"library", "version", "minutes", "error"}}), flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
