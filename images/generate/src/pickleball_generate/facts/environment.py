"""All packages of one or several library paths; their facts, read when somebody asks."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pickleball_generate import __version__
from pickleball_generate.errors import BadInput
from pickleball_generate.facts.archive import SCHEMA, Archive, BrokenArchive
from pickleball_generate.facts.extensions import Extension, read_extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pickleball_generate.joern import Joern
    from pickleball_generate.sources import Library, Package


def silent(label: str, done: int, total: int) -> None:
    """Report no progress."""


class Environment:
    """Facts by module name. Extracts what the cache does not hold, one package at a time."""

    def __init__(
        self, library: Library, joern: Joern, cache: Path, progress: Callable[[str, int, int], None] = silent
    ) -> None:
        self.library = library
        self.joern = joern
        self.cache = cache
        self.progress = progress
        self.notes: list[str] = []
        self.used: set[str] = set()
        self._archives: dict[str, Archive | None] = {}
        self._modules: dict[str, dict[str, Any] | None] = {}
        self._extensions: dict[str, Extension | None] = {}
        self._typed: dict[str, Archive] = {}

    def package_of(self, module: str) -> Package | None:
        """Find the package that a dotted name lies in."""
        return self.library.package(module.partition(".")[0])

    def has_module(self, module: str) -> bool:
        """Tell whether a module with source exists, without reading its facts."""
        package = self.package_of(module)
        return package is not None and module in package.modules

    def is_package(self, module: str) -> bool:
        """Tell whether a module is a package with an `__init__`."""
        package = self.package_of(module)
        return package is not None and package.modules.get(module, "").endswith(("/__init__.py", "/__init__.pyi"))

    def module(self, name: str) -> dict[str, Any] | None:
        """Give the facts of a module; None where there is no source of that name."""
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def extension(self, name: str) -> Extension | None:
        """Give what is known of an extension module; None where there is none of that name."""
        if name not in self._extensions:
            package = self.package_of(name)
            file = package.extensions.get(name) if package else None
            self._extensions[name] = read_extension(package, name, file) if package and file else None
        return self._extensions[name]

    def archive(self, package: Package) -> Archive | None:
        """Give the facts of a package, extracted if need be; None where it has no module with source."""
        if package.name not in self._archives:
            self._archives[package.name] = self._open(package) if package.modules else None
            self.used.add(package.name)
        return self._archives[package.name]

    @property
    def typed(self) -> bool:
        """Whether type facts stand in for the syntax facts of some package."""
        return bool(self._typed)

    def close(self) -> None:
        """Close the archives that were opened."""
        for archive in (*self._archives.values(), *self._typed.values()):
            if archive is not None:
                archive.close()

    def use_types(self, package: Package, archive: Archive) -> None:
        """Prefer the type facts of an archive over the syntax facts of the package's."""
        self._typed[package.name] = archive
        for name in package.modules:
            self._modules.pop(name, None)

    def _load(self, name: str) -> dict[str, Any] | None:
        package = self.package_of(name)
        file = package.modules.get(name) if package else None
        if package is None or file is None:
            return None
        typed = self._typed.get(package.name)
        if typed is not None and typed.has(file):
            return typed.module(file)
        archive = self.archive(package)
        if archive is None:
            return None
        try:
            return archive.module(file)
        except BrokenArchive as broken:
            self.notes.append(f"broken cache entry made again: {broken}")
            archive.close()
            archive.path.unlink(missing_ok=True)
            self._archives.pop(package.name)
            renewed = self.archive(package)
            return renewed.module(file) if renewed else None

    def _open(self, package: Package) -> Archive:
        path = self._path(package)
        with self._only_one(path):
            if path.exists():
                try:
                    return Archive(path)
                except BrokenArchive as broken:
                    self.notes.append(f"broken cache entry made again: {broken}")
            label = f"facts of {package.name} {package.version}".rstrip()
            self.joern.extract(
                "ast",
                package.root,
                sorted(package.modules.values()),
                header(package),
                path,
                lambda done, total: self.progress(label, done, total),
            )
        return Archive(path)

    def _path(self, package: Package) -> Path:
        extractor = (
            next((jar.name for jar in self.joern.jars.glob("facts-*.jar")), "facts") if self.joern.jars else "facts"
        )
        name = f"{package.name}-{package.version or 'unknown'}-{package.digest[:24]}-{SCHEMA}-{extractor}.zip"
        return self.cache / "facts" / name

    @contextmanager
    def _only_one(self, path: Path) -> Iterator[None]:
        """Let one process at a time make an entry of the cache."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path.parent / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise BadInput(
                f"The cache {self.cache} cannot be used: {error.strerror}. Name another with --cache-path.",
                reason="broken-cache",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def header(package: Package) -> dict[str, Any]:
    """Describe a package at the head of its facts."""
    return {
        "schema": SCHEMA,
        "package": package.name,
        "version": package.version,
        "digest": package.digest,
        "generator": __version__,
    }
