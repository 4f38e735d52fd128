"""The command `pickleball-generate fetch`: what is asked for, fetched into a folder of sources."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickleball_generate.collect import Collector, Refusal
from pickleball_generate.errors import AnalysisFailed, BadInput

from . import index, repository, wheels

if TYPE_CHECKING:
    import argparse

RECORD = "collected.json"


def arguments(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Define the command line."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="pypi|git|folder")
    pypi = kinds.add_parser("pypi", help="wheels of a package index")
    pypi.add_argument("--requirement", action="append", required=True, metavar="R", help="as numpy==1.26.4")
    pypi.add_argument("--index", default="", metavar="URL", help="the index (default: pip's own)")
    git = kinds.add_parser("git", help="a commit of a repository")
    git.add_argument("--url", required=True, help="https://git.example/PATH; http with a whole commit id as ref only")
    git.add_argument("--ref", default="HEAD", help="branch, tag or commit")
    git.add_argument("--path", default="", help="folder in it that holds the packages")
    folder = kinds.add_parser("folder", help="a folder that is here")
    folder.add_argument("--from", required=True, type=Path, metavar="DIR", dest="folder")
    for kind in (pypi, git, folder):
        kind.add_argument("--output", required=True, type=Path, metavar="DIR", help="where the sources go")
        kind.add_argument("--max-files", type=int, default=200_000, help="files of source that are taken at most")
        kind.add_argument("--max-bytes", type=int, default=4 * 2**30, help="bytes of source that are taken at most")
    return parser


def fetch(options: argparse.Namespace) -> dict[str, Any]:
    """Fetch, copy the sources, and leave a record of what was fetched beside them."""
    with tempfile.TemporaryDirectory(prefix="pickleball-fetch-") as scratch:
        places, origin = _fetched(options, Path(scratch))
        collector = Collector(str(options.output), options.max_files, options.max_bytes)
        try:
            options.output.mkdir(parents=True, exist_ok=True)
            for place in places:
                collector.collect(str(place))
            if not collector.sources:
                raise BadInput(f"{_named(options)} holds no Python package.", reason="no-package")
            collector.write_index({"origin": origin})
        except Refusal as error:
            raise AnalysisFailed(f"{_named(options)}: {error}.", reason="too-large") from error
    return {"status": "fetched", "files": collector.files, "bytes": collector.bytes, "origin": origin}


def _fetched(options: argparse.Namespace, scratch: Path) -> tuple[list[Path], dict[str, Any]]:
    """The folders that hold what was asked for, and what it is."""
    if options.kind == "folder":
        if not options.folder.is_dir():
            raise BadInput(f"There is no folder {options.folder}.", reason="unreadable")
        return [options.folder], {"kind": "folder"}
    if options.kind == "git":
        commit = repository.fetch(options.url, options.ref, scratch / "repository", scratch)
        place = _below(scratch / "repository", options.path)
        return [place], {"kind": "git", "url": options.url, "ref": options.ref, "commit": commit, "path": options.path}
    packed = scratch / "wheels"
    packed.mkdir()
    found = index.fetch(options.requirement, options.index, packed, scratch)
    budget = wheels.Budget(options.max_files * 4, options.max_bytes)
    places = []
    for number, wheel in enumerate(sorted(packed.glob("*.whl"))):
        places.append(scratch / f"wheel-{number}")
        places[-1].mkdir()
        wheels.unpack(wheel, places[-1], budget)
        wheel.unlink()
    return places, {"kind": "pypi", "index": options.index, "requirements": options.requirement, "packages": found}


def _below(folder: Path, path: str) -> Path:
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()) or not place.is_dir():
        raise BadInput(f"The repository has no folder {path}.", reason="no-package")
    return place


def _named(options: argparse.Namespace) -> str:
    if options.kind == "folder":
        return str(options.folder)
    return str(options.url) if options.kind == "git" else ", ".join(options.requirement)


def load(record: Path) -> dict[str, Any]:
    """Give what `fetch` recorded about sources."""
    try:
        origin: dict[str, Any] = json.loads(record.read_text())["origin"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{record} is no record of `fetch`: {error}.", reason="bad-origin") from error
    return origin
