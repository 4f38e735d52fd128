"""Runs in a library's own environment: builds and saves models, loads files and predicts. Prints one JSON line each.

python workshop.py build RECIPE FOLDER
python workshop.py load RECIPE        (standard input: {"specimen": ..., "way": ..., "path": ..., "policy": ...} lines)
python workshop.py weights            (standard input: paths, one a line)
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # this repository, not this folder

from evaluation.refusals import lacking  # noqa: E402
from evaluation.specimens import Recipe, Specimen, emptied, files, plain  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = bytes.fromhex("6cfc9c46f9206aa85019")  # what torch's old format begins with, as a number


def main() -> None:
    """Do what the command line says; a recipe that cannot be imported ends the process with its traceback."""
    warnings.simplefilter("ignore")
    command, *rest = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr
    if command == "weights":
        rows = weights()
    else:
        recipe: Recipe = importlib.import_module(f"evaluation.recipes.{rest[0]}").RECIPE
        rows = build(recipe, Path(rest[1])) if command == "build" else load(recipe)
    for row in rows:
        out.write(json.dumps(row) + "\n")
        out.flush()


def build(recipe: Recipe, folder: Path) -> Iterator[dict[str, Any]]:
    """Build every specimen and save it in each of its ways."""
    for specimen in recipe.specimens:
        said = {"specimen": specimen.name, "classes": specimen.classes, "code": specimen.code}
        try:
            model = specimen.build()
        except Exception:  # noqa: BLE001 - whatever a library raises is the result
            yield {**said, "error": traceback.format_exc()}
            continue
        for number, way in enumerate(specimen.ways):
            path = emptied(folder / f"{specimen.name}-{number}{way.suffix}")
            try:
                way.save(model, path)
                found = [str(file) for file in files(way, path)]
            except Exception:  # noqa: BLE001
                yield {**said, "way": way.name, "error": traceback.format_exc()}
            else:
                yield {**said, "way": way.name, "path": str(path), "files": found}


def load(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Load the files that standard input names, and predict with each."""
    known = {specimen.name: specimen for specimen in recipe.specimens}
    records = Path(os.environ.get("PICKLEBALL_VIOLATIONS", os.devnull))
    for line in sys.stdin:
        wanted = json.loads(line)
        before = records.stat().st_size if records.is_file() else 0
        if wanted["policy"]:
            sys.modules["pickleball_enforce"].use_policy(wanted["policy"])  # the process is hooked: `pickleball run`
        start = time.perf_counter()
        try:
            said = attempt(known[wanted["specimen"]], wanted["way"], Path(wanted["path"]))
        except Exception as error:  # noqa: BLE001
            kinds = [kind.__name__ for kind in type(error).__mro__]
            said = {"error": f"{type(error).__name__}: {error}"[:2000], "kinds": kinds}
            if records.is_file():
                said["lacking"] = lacking(records.read_bytes()[before:].decode().splitlines())
        yield {"path": wanted["path"], "seconds": round(time.perf_counter() - start, 4), **said}


def weights() -> Iterator[dict[str, Any]]:
    """Load the files of torch that standard input names with weights_only=True."""
    import torch  # noqa: PLC0415 - most environments have none

    for line in sys.stdin:
        path = line.rstrip("\n")
        if not (zipfile.is_zipfile(path) or MAGIC in Path(path).read_bytes()[:32]):
            yield {"path": path, "loads": None}
            continue
        try:
            torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # noqa: BLE001
            yield {"path": path, "loads": False}
        else:
            yield {"path": path, "loads": True}


def attempt(specimen: Specimen, way_name: str, path: Path) -> dict[str, Any]:
    """Load one file by one of the specimen's ways."""
    (way,) = (way for way in specimen.ways if way.name == way_name)
    return {"prediction": plain(specimen.predict(way.load(path)))}


if __name__ == "__main__":
    main()
