"""All packages of one or several library paths; their facts, read when somebody asks."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickleball_generate.facts import extensions, headers, parts
from pickleball_generate.facts.lowering import VERSION, lower
from pickleball_generate.facts.store import Store, digest_of
from pickleball_generate.joern import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pickleball_generate.joern import Joern
    from pickleball_generate.sources import Library, Package

BATCH = 256  # modules in one request to Joern


def silent(label: str, done: int, total: int) -> None:
    """Report no progress."""


class Environment:
    """Facts by module name. Extracts what the cache does not hold, one module at a time or many at once."""

    def __init__(
        self, library: Library, joern: Joern, cache: Path, progress: Callable[[str, int, int], None] = silent
    ) -> None:
        self.library = library
        self.joern = joern
        self.cache = cache
        self.progress = progress
        self.used: set[str] = set()
        self.read = 0
        self._notes: list[str] = []
        self._modules: dict[str, dict[str, Any] | None] = {}
        self._texts: dict[str, bytes | None] = {}
        self._searched: tuple[str, dict[str, bytes]] = ("", {})  # the package in which words were looked for last
        self._headers: dict[str, bytes] = {}
        self._classes: dict[str, dict[str, list[headers.Header]]] = {}
        self._extensions: dict[str, extensions.Extension | None] = {}
        self._lowered: dict[str, dict[str, Any] | None] = {}
        self._digests: dict[str, str] = {}
        self._files: dict[str, dict[str, str]] = {}
        self._typed: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """What went otherwise than planned."""
        return [*self._notes, *(self.store.notes if "store" in self.__dict__ else ())]

    def note(self, sentence: str) -> None:
        """Remember something that the user should know."""
        self._notes.append(sentence)

    @cached_property
    def store(self) -> Store:
        """The cache; facts of another schema or extractor are in files of their own."""
        return Store(self.cache / "facts" / f"{SCHEMA}-{self.joern.version[:16]}.sqlite")

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

    def text(self, name: str) -> bytes | None:
        """Give the text of a module; None where there is no source of that name."""
        if name not in self._texts:
            package = self.package_of(name)
            file = package.modules.get(name) if package else None
            self._texts[name] = package.path(file).read_bytes() if package and file else None
        return self._texts[name]

    def module(self, name: str) -> dict[str, Any] | None:
        """Give the facts of a module; None where there is no source of that name."""
        facts = self.parted(name)
        return parts.whole(facts) if facts is not None else None

    def parted(self, name: str) -> dict[str, Any] | None:
        """Give the facts of a module in which those of functions may be parts of their own (parts.py)."""
        if name not in self._modules:
            self.prepare([name])
        return self._modules[name]

    def prepare(self, names: Iterable[str], *, keep: bool = True) -> None:
        """Read the facts of modules, those that the cache lacks in few requests to Joern; `keep` them in memory too."""
        lacking: dict[Path, dict[str, tuple[str, str]]] = {}
        split: dict[str, bytes] = {}
        for name in names:
            if name in self._modules:
                continue
            package = self.package_of(name)
            file = package.modules.get(name) if package else None
            if package is None or file is None:
                self._modules[name] = None
                continue
            self.used.add(package.name)
            key = self._typed.get(name) or (self._contents(package)[file] if keep else digest_of(package.path(file)))
            content = self.store.get(key)
            if content is None:
                key = self._typed.get(name) or digest_of(package.path(file))  # as it is when Joern reads it
                lacking.setdefault(package.root_of(file), {})[file] = (name, key)
            elif keep and (made := self._take(name, file, content)):
                split[key] = made
        for root, files in lacking.items():
            contents = self._extract(root, files)
            for file, content in contents.items() if keep else ():
                if made := self._take(files[file][0], file, zlib.decompress(content)):
                    split[files[file][1]] = made
        self.store.put((key, zlib.compress(content, 1)) for key, content in split.items())

    def prepare_all(self) -> int:
        """Let the cache have the facts of every module of every package; gives their number."""
        modules = [name for top in self.library.names if (found := self.library.package(top)) for name in found.modules]
        for start in range(0, len(modules), BATCH):
            self.prepare(modules[start : start + BATCH], keep=False)
            self.progress("facts of all packages", min(start + BATCH, len(modules)), len(modules))
        return len(modules)

    def classes(self, package: Package) -> dict[str, list[headers.Header]]:
        """List the class headers of a package by file, as its text shows them: where to look, never what is."""
        if package.name not in self._classes:
            loaded: dict[str, list[Any]] = json.loads(self._header_text(package))
            self._classes[package.name] = {
                file: [(name, tuple(bases), line) for name, bases, line in listed] for file, listed in loaded.items()
            }
        return self._classes[package.name]

    def may_name_class(self, package: Package, end: str) -> bool:
        """Tell from their text whether the name of a class of a package, or of a base of one, may end so."""
        return json.dumps(end)[1:].encode() in self._header_text(package)

    def _header_text(self, package: Package) -> bytes:
        if package.name not in self._headers:
            self.used.add(package.name)
            self._headers[package.name] = self._kept(
                f"headers-{headers.VERSION}-{self.digest(package)}", lambda: self._read_headers(package)
            )
        return self._headers[package.name]

    def _read_headers(self, package: Package) -> bytes:
        texts = ((file, package.path(file).read_bytes()) for file in package.modules.values())
        found = ((file, headers.class_headers(text)) for file, text in texts)
        return json.dumps({file: listed for file, listed in found if listed}).encode()

    def definers(self, package: Package) -> dict[str, list[str]]:
        """List the modules of a package whose text defines a function of a name: where to look, never what is."""
        key = f"functions-{headers.VERSION}-{self.digest(package)}"
        found: dict[str, list[str]] = json.loads(self._kept(key, lambda: self._read_definers(package)))
        return found

    def _read_definers(self, package: Package) -> bytes:
        found: dict[str, list[str]] = {}
        for module, file in package.modules.items():
            for name in headers.function_names(package.path(file).read_bytes()):
                found.setdefault(name, []).append(module)
        return json.dumps(found).encode()

    def naming(self, package: Package, word: str) -> frozenset[str]:
        """Name the modules of a package whose text has a word: where to look, never what is."""
        key = f"naming-{headers.VERSION}-{self.digest(package)}-{word}"
        found: list[str] = json.loads(self._kept(key, lambda: self._read_naming(package, word.encode())))
        return frozenset(found)

    def _read_naming(self, package: Package, word: bytes) -> bytes:
        if self._searched[0] != package.name:  # many words are looked for in one package after the other
            texts = {module: package.path(file).read_bytes() for module, file in package.modules.items()}
            self._searched = (package.name, texts)
        return json.dumps([module for module, text in self._searched[1].items() if word in text]).encode()

    def told(self, module: str, question: str, tell: Callable[[bytes], Any]) -> Any:
        """Give what a function tells of the text of a module, as JSON has it; kept by the text and the question.

        A module without source has an empty text.
        """
        text = self.text(module) or b""
        key = f"{question}-{hashlib.sha256(text).hexdigest()}"
        return json.loads(self._kept(key, lambda: json.dumps(tell(text)).encode()))

    def _kept(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Give what the cache has under a key, or make it and keep it."""
        content = self.store.get(key)
        if content is None:
            content = make()
            self.store.put([(key, zlib.compress(content, 1))])
        return content

    def digest(self, package: Package) -> str:
        """Give the sha256 over the names and contents of a package's files."""
        if package.name not in self._digests:
            total = hashlib.sha256()
            contents = self._contents(package)
            for file in package.files:
                total.update(f"{file}\0{contents[file]}\n".encode())
            self._digests[package.name] = total.hexdigest()
        return self._digests[package.name]

    def _contents(self, package: Package) -> dict[str, str]:
        """Give the sha256 of each file of a package, as it was when somebody asked first."""
        if package.name not in self._files:
            found = self._files[package.name] = {}
            for root in dict.fromkeys([package.root, *package.elsewhere.values()]):
                files = [file for file in package.files if package.root_of(file) == root]
                found |= self.store.digests(root, package.name, files)
        return self._files[package.name]

    def extension(self, name: str) -> extensions.Extension | None:
        """Give what is known of an extension module; None where there is none of that name."""
        if name not in self._extensions:
            package = self.package_of(name)
            file = package.extensions.get(name) if package else None
            found = self._extension(package, name, file) if package and file else self._submodule(name)
            self._extensions[name] = found
        return self._extensions[name]

    def _extension(self, package: Package, name: str, file: str) -> extensions.Extension:
        """Read what is known of an extension module, by all that its package has beside it."""
        key = f"extension-{extensions.VERSION}-{self.digest(package)}-{name}"
        kept = self._kept(key, lambda: extensions.dump(extensions.read_extension(package, name, file)))
        return extensions.load(name, file, kept)

    def _submodule(self, name: str) -> extensions.Extension | None:
        """Give what a stub says of a module that machine code makes inside its own."""
        package = self.package_of(name)
        file = package.modules.get(name, "") if package else ""
        if package is None or not file.endswith(".pyi") or not any(map(package.extensions.get, above(name))):
            return None
        return extensions.stubbed_extension(name, file, self.parted(name) or {})

    def lowered(self, name: str) -> dict[str, Any] | None:
        """Give the facts of the Python in the Cython source of an extension module; None where there is no source."""
        if name not in self._lowered:
            package = self.package_of(name)
            extension = self.extension(name)
            source = extension.source if extension is not None else None
            plain = package is not None and source is not None and source.endswith(".pyx")
            self._lowered[name] = self._lower(package, source) if package and source and plain else None
        return self._lowered[name]

    def _lower(self, package: Package, source: str) -> dict[str, Any]:
        """Have Joern read the Python of a Cython source, with what its declarations import."""
        declarations = source.removesuffix("pyx") + "pxd"
        texts = [package.path(file).read_bytes() for file in (source, declarations) if file in package.files]
        key = hashlib.sha256(b"\0".join([b"lowered %d" % VERSION, *texts])).hexdigest()
        content = self.store.get(key)
        if content is None:
            with tempfile.TemporaryDirectory() as folder:
                text = "".join(lower(text.decode(errors="replace")) for text in texts)
                Path(folder, "lowered.py").write_text(text)
                found = dict(self.joern.extract("ast", Path(folder), ["lowered.py"], self.progress))
            self.store.put([(key, found["lowered.py"])])
            content = zlib.decompress(found["lowered.py"])
        self.used.add(package.name)
        return {"file": source, **json.loads(content)}

    def unread(self, modules: Iterable[str]) -> Iterator[str]:
        """Say what of these modules could not be read: lines that were lost, errors of the parser."""
        for name in sorted(modules):
            facts = self._modules.get(name) or {}
            for lost in facts.get("lost", ()):
                yield f"{facts['file']}:{lost['line']}: {lost['text']}"
            for error in facts.get("errors", ()):
                yield f"{facts['file']}:{error['line']}: {error['why']}"

    @property
    def typed(self) -> bool:
        """Whether type facts stand in for the syntax facts of some module."""
        return bool(self._typed)

    def use_types(self, keys: dict[str, str]) -> None:
        """Prefer type facts, kept under these keys, over the syntax facts of modules."""
        self._typed |= keys
        for name in keys:
            self._modules.pop(name, None)

    def close(self) -> None:
        """Close the cache."""
        if "store" in self.__dict__:
            self.store.close()

    def _take(self, name: str, file: str, content: bytes) -> bytes | None:
        """Take the facts of a module; gives them in parts, where they come as Joern wrote them."""
        self.read += 1
        facts = parts.load(content)
        self._modules[name] = {"file": file, **facts}
        return parts.split(facts) if "parts" not in facts and not parts.plain(facts) else None

    def _extract(self, root: Path, files: dict[str, tuple[str, str]]) -> dict[str, bytes]:
        """Have Joern read modules; keep what it has read even when it does not come to the end."""
        contents: dict[str, bytes] = {}
        try:
            for file, content in self.joern.extract("ast", root, sorted(files), self.progress):
                contents[file] = content
                self.progress("modules read by Joern", self.joern.extracted, 0)
        finally:
            self.store.put((files[file][1], content) for file, content in contents.items())
        return contents


def above(module: str) -> Iterator[str]:
    """Give the modules that a module lies in, the nearest first."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module
