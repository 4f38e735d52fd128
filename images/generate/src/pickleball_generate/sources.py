"""Packages found below the library paths: what there is to analyse, without reading it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pickleball_generate.errors import BadInput
from pickleball_generate.facts.cython import DECLARING, INCLUDED, SUFFIXES
from pickleball_generate.installs import additions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SKIPPED_FOLDERS = frozenset({"__pycache__", ".git", ".hg", ".svn", ".tox", ".venv", "node_modules"})
IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")
SOURCES = (".py", ".pyi", *SUFFIXES, *INCLUDED, *DECLARING)
EXTENSION = re.compile(r"\.(?:[\w-]+\.)?(?:so|pyd)(?:\.strings)?\Z")


@dataclass(frozen=True)
class Package:
    """One top-level package or module below a library path.

    `files` are paths relative to `root`, with `/`, sorted: `.py`, `.pyi`, Cython sources and extension modules.
    Those of other parts of a namespace package are relative to the folder that `elsewhere` names.
    """

    name: str
    root: Path
    files: tuple[str, ...]
    version: str = ""
    elsewhere: dict[str, Path] = field(default_factory=dict, hash=False)

    def root_of(self, file: str) -> Path:
        """Give the folder that a file's path is relative to."""
        return self.elsewhere.get(file, self.root)

    def path(self, file: str) -> Path:
        """Give the whole path of a file."""
        return self.root_of(file) / file

    @cached_property
    def modules(self) -> dict[str, str]:
        """Dotted module names and the `.py` file of each; a stub (`.pyi`) where there is no `.py`."""
        found: dict[str, str] = {}
        for suffix in (".pyi", ".py"):
            for file in self.files:
                if file.endswith(suffix) and (name := module_name(file)):
                    found[name] = file
        return found

    @cached_property
    def folders(self) -> frozenset[str]:
        """Dotted names of the folders that modules lie in."""
        return frozenset(".".join(parts[:size]) for name in self.modules
                         for parts in (name.split("."),) for size in range(1, len(parts)))  # fmt: skip

    @cached_property
    def extensions(self) -> dict[str, str]:
        """Dotted names of the modules that are machine code, and the file of each."""
        found = {}
        for file in self.files:
            folder, _, name = file.rpartition("/")
            stem, dot, rest = name.partition(".")
            if dot and rest[-2:] != "py" and EXTENSION.match(f".{rest}") and IDENTIFIER.match(stem):
                found[".".join([*filter(None, folder.split("/")), stem])] = file
        return found


def module_name(file: str) -> str | None:
    """Turn `a/b/__init__.py` into `a.b`; None for a file that no import statement can name."""
    parts = file.rpartition(".")[0].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    plain = file.isascii() and all(map(str.isidentifier, parts))
    return ".".join(parts) if parts and (plain or all(map(IDENTIFIER.match, parts))) else None


@dataclass
class Library:
    """The packages of one or several library paths; the first path that has a package wins."""

    paths: list[Path]
    ignored: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unread: list[str] = []
        self._roots: dict[str, list[Path]] = {}
        added = [additions(path) for path in self.paths]
        for path in self.paths:
            self._add(self._names(path, bare=any(found.folders or found.packages for found in added)))
        for found in added:
            self.unread += found.unread
            self._add(found.packages.items())
            for folder in found.folders:
                self._add(self._names(folder, bare=True))
        self._listings: dict[Path, list[str]] = {}
        self._packages: dict[str, Package] = {}
        self._installed: dict[Path, dict[str, str]] = {}

    @property
    def names(self) -> list[str]:
        """The names of all packages, sorted."""
        return sorted(self._roots)

    @property
    def roots(self) -> list[Path]:
        """The folders that packages lie in, sorted."""
        return sorted({root for roots in self._roots.values() for root in roots})

    def package(self, name: str) -> Package | None:
        """List the files of one package."""
        if name not in self._packages:
            roots = self._roots.get(name)
            if roots is None:
                return None
            found = {file: root for root in reversed(roots) for file in self._files(root, name)}
            elsewhere = {file: root for file, root in found.items() if root != roots[0]}
            version = next(filter(None, (self._versions(root).get(name, "") for root in roots)), "")
            self._packages[name] = Package(name, roots[0], tuple(sorted(found)), version, elsewhere)
        return self._packages[name]

    def _add(self, named: Iterable[tuple[str, Path]]) -> None:
        """Take packages that are not there yet, and further parts of namespace packages."""
        for name, root in named:
            roots = self._roots.setdefault(name, [])
            if root not in roots and not any(_regular_package(name, folder) for folder in (*roots[:1], root) if roots):
                roots.append(root)

    def _names(self, path: Path, *, bare: bool) -> Iterator[tuple[str, Path]]:
        """Name the packages that a library path holds: itself, when it is one, else those in it.

        One that is `bare` may hold none.
        """
        try:
            entries = sorted(path.iterdir())
        except OSError as error:
            raise BadInput(f"The library path {path} cannot be read: {error.strerror}.", reason="unreadable") from error
        if _package_itself(path, entries):
            yield path.name, path.parent
            return
        count = 0
        for entry in entries:
            if entry.is_dir():
                if IDENTIFIER.match(entry.name) and entry.name not in SKIPPED_FOLDERS:
                    count += 1
                    yield entry.name, path
            elif entry.suffix in {".py", ".so", ".strings"}:
                stem = entry.name.partition(".")[0]
                if IDENTIFIER.match(stem):
                    count += 1
                    yield stem, path
        if not count and not bare:
            raise BadInput(
                f"The library path {path} holds no Python package. Name a site-packages folder, a folder of packages, "
                "or a package's own folder.",
                reason="no-package",
            )

    def _files(self, root: Path, name: str) -> Iterator[str]:
        for entry in self._listing(root):
            if entry.startswith(f"{name}.") and _wanted(entry) and not self._ignores(entry):
                yield from self._regular(root, entry)
        yield from self._below(root, name)

    def _below(self, root: Path, prefix: str) -> Iterator[str]:
        """Give the files of a folder, then those of the folders in it; links to folders are not followed."""
        try:
            with os.scandir(f"{root}{os.sep}{prefix}") as listed:
                entries = list(listed)
        except OSError as error:
            self._note(error)
            return
        folders: list[str] = []
        for entry in entries:
            name = entry.name
            if _is(entry.is_dir):
                if name not in SKIPPED_FOLDERS and not entry.is_symlink() and not self._ignores(f"{prefix}/{name}"):
                    folders.append(name)
            elif _wanted(name) and not self._ignores(relative := f"{prefix}/{name}"):
                yield from self._regular(root, relative, entry)
        for name in sorted(folders):
            yield from self._below(root, f"{prefix}/{name}")

    def _listing(self, root: Path) -> list[str]:
        if root not in self._listings:
            self._listings[root] = sorted(os.listdir(root))  # noqa: PTH208 - names, not paths
        return self._listings[root]

    def _regular(self, root: Path, relative: str, entry: os.DirEntry[str] | None = None) -> Iterator[str]:
        """Give back a file that can be read; a device or a dangling link is none."""
        path = f"{root}{os.sep}{relative}"
        if not relative.isprintable():
            self.unread.append(f"{path!r}: a name that no module has")
        elif _is(entry.is_file) if entry else os.path.isfile(path):  # noqa: PTH113 - Path objects cost more
            if os.access(path, os.R_OK):
                yield relative
            else:
                self.unread.append(f"{path}: no permission to read")

    def _note(self, error: OSError) -> None:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return  # a module without a folder
        self.unread.append(f"{error.filename}: {error.strerror}")

    def _ignores(self, relative: str) -> bool:
        """Match against --ignore-paths: a path below the library path, or one of its folders' names."""
        return bool(self.ignored) and any(
            relative == rule or relative.startswith(f"{rule}/") or f"/{rule}/" in f"/{relative}/"
            for rule in self.ignored
        )

    def _versions(self, root: Path) -> dict[str, str]:
        """Read from the metadata of installed distributions which version each top-level package has."""
        if root not in self._installed:
            self._installed[root] = dict(_installed(root))
        return self._installed[root]


def _installed(root: Path) -> Iterator[tuple[str, str]]:
    for info in sorted(root.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        yield name.lower().replace("-", "_"), version
        top_level = info / "top_level.txt"
        if top_level.is_file():
            for line in top_level.read_text(errors="replace").split():
                yield line, version
            continue
        record = info / "RECORD"
        if record.is_file():
            tops = {line.partition("/")[0] for line in record.read_text(errors="replace").splitlines() if "/" in line}
            for top in sorted(tops):
                if IDENTIFIER.match(top):
                    yield top, version


def _regular_package(name: str, root: Path) -> bool:
    """Tell whether a name is a module or a package with an `__init__`, which hides those in later folders."""
    return not (root / name).is_dir() or any((root / name / f"__init__.{end}").exists() for end in ("py", "pyi"))


def _package_itself(path: Path, entries: list[Path]) -> bool:
    """Tell whether a library path is a package; a distribution may have left an `__init__.py` among installed ones."""
    if not IDENTIFIER.match(path.name) or any(entry.suffix == ".dist-info" for entry in entries):
        return False
    return (path / "__init__.py").is_file()


def _is(kind: Callable[[], bool]) -> bool:
    """Ask an entry of a folder what it is; one that cannot be asked is nothing."""
    try:
        return kind()
    except OSError:
        return False


def _wanted(name: str) -> bool:
    return name.endswith(SOURCES) or bool(EXTENSION.match("." + name.partition(".")[2]))


def stdlib_names() -> frozenset[str]:
    """Top-level modules of the standard library, which have no package below a library path."""
    return frozenset(sys.stdlib_module_names)
