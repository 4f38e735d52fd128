"""Knowledge packs: what types without Python source pickle as. Data files, each made by `packs.make`.

A pack names the packages that it describes; its entries count only where an analysed object reaches them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pickleball_generate.inference.scopes import Scope


KEEPING = frozenset({"attributes", "elements"})


@dataclass(frozen=True)
class Needs:
    """Names that a pickle references and names that it calls."""

    globals: tuple[str, ...] = ()
    reduces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pack:
    """One data file."""

    name: str
    version: str
    imports: tuple[str, ...]
    opaque: tuple[str, ...]
    functions_opaque: tuple[str, ...]
    types: dict[str, dict[str, Any]]
    aliases: dict[str, str]
    spellings: dict[str, tuple[str, ...]]
    data: Needs
    constants: frozenset[str]
    results: dict[str, tuple[str, ...]]


@dataclass
class Packs:
    """All packs together."""

    packs: list[Pack]
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._types = {name: (pack, entry) for pack in self.packs for name, entry in pack.types.items()}
        self._aliases = {name: target for pack in self.packs for name, target in pack.aliases.items()}
        self._targets = frozenset(self._aliases.values())
        self._results = {name: made for pack in self.packs for name, made in pack.results.items()}
        self._spellings = {name: others for pack in self.packs for name, others in pack.spellings.items()}
        self._owners = {top: pack for pack in self.packs for top in pack.imports}
        self._rebuilds: dict[tuple[str, bool], str] = {}
        for pack in self.packs:
            for name, entry in sorted(pack.types.items()):
                for kind in ("instance", "subclass"):
                    for listed, called in (("reduces", True), ("globals", False)):
                        for each in self._spelled_alike(entry.get(kind, {}).get(listed, ())):
                            self._rebuilds.setdefault((each, called), name)
            for called, names in ((True, pack.data.reduces), (False, pack.data.globals)):
                for each in self._spelled_alike(names):
                    self._rebuilds.setdefault((each, called), f"data of {pack.name}")
        self._bound = {
            f"{callee}.{method}": name
            for name, (_, entry) in self._types.items()
            for callee in entry.get("instance", {}).get("reduces", ())
            for method in entry.get("methods", ())
        }
        self.opaque = frozenset(top for pack in self.packs for top in pack.opaque)
        self._functions_opaque = frozenset(top for pack in self.packs for top in pack.functions_opaque)
        self._subclasses: dict[str, tuple[str, Needs]] = {}
        self._instances: dict[str, Needs] = {}
        self._data: dict[str, Needs] = {}

    def type_name(self, name: str) -> str | None:
        """Give the canonical name of a type that a pack describes."""
        target = self._aliases.get(name, name)
        return target if "instance" in self._types.get(target, (None, {}))[1] else None

    def results(self, name: str) -> tuple[str, ...]:
        """Give the types of what a function makes, as far as a pack knows them and they are not its package's data."""
        return self._results.get(name) or self._results.get(self.reference(name), ())

    def reference(self, name: str) -> str:
        """Give the name under which a function or class without source is pickled."""
        return self._aliases.get(name, name)

    def names(self, name: str) -> bool:
        """Tell whether a pack gives a name as the canonical one of some function or class."""
        return name in self._targets

    def package_of(self, name: str) -> str | None:
        """Give the package of a pack that a name belongs to."""
        top = name.partition(".")[0]
        return top if top in self._owners else None

    def constant(self, name: str) -> str | None:
        """Give the package of a name that a pack knows to be a plain value."""
        package = self.package_of(name)
        return package if package and name in self._owners[package].constants else None

    def opaque_function(self, function: Scope) -> bool:
        """Tell whether a function's body is left out, because a pack says what its package computes."""
        top = function.module.partition(".")[0]
        return top in self._functions_opaque and (function.parent is None or function.parent.kind != "class")

    def rebuilds(self, name: str, *, called: bool = True) -> str | None:
        """Name a type whose pickles call a name, or refer to it, as some pack says."""
        return self._rebuilds.get((name, called))

    def container(self, name: str) -> bool:
        """Tell whether a type takes elements by item operations."""
        found = self._types.get(self._aliases.get(name, name))
        return bool(found and found[1].get("container"))

    def keeps(self, name: str) -> frozenset[str]:
        """Say where instances of a type keep objects: in attributes, as elements; both where nothing is known."""
        found = self._types.get(self._aliases.get(name, name))
        return frozenset(found[1]["keeps"]) if found and "keeps" in found[1] else KEEPING

    def instance(self, name: str) -> Needs | None:
        """What an instance of a type pickles as."""
        found = self._types.get(self._aliases.get(name, name))
        if found is None or "instance" not in found[1]:
            return None
        self.used.add(found[0].name)
        if name not in self._instances:
            entry = found[1]["instance"]
            self._instances[name] = self._spelled(entry["globals"], entry["reduces"])
        return self._instances[name]

    def methods(self, name: str) -> frozenset[str]:
        """Name the methods of a type whose instances are rebuilt by one call: bound, they have a name in a pickle."""
        found = self._types.get(self._aliases.get(name, name))
        return frozenset(found[1].get("methods", ())) if found else frozenset()

    def bound(self, name: str) -> str | None:
        """Name the type whose bound method a name stands for in a pickle."""
        return self._bound.get(name)

    def subclass(self, name: str) -> tuple[str, Needs] | None:
        """The list that a subclass of a type stands in, and what its instances need beside it."""
        found = self._types.get(self._aliases.get(name, name))
        if found is None or "subclass" not in found[1]:
            return None
        self.used.add(found[0].name)
        if name not in self._subclasses:
            entry = found[1]["subclass"]
            self._subclasses[name] = entry["self"], self._spelled(entry["globals"], entry["reduces"])
        return self._subclasses[name]

    def computing(self) -> list[str]:
        """List the packages whose results of computations some pack describes."""
        return [top for top, pack in self._owners.items() if pack.data != Needs()]

    def types_of(self, package: str) -> list[str]:
        """List the types that the pack of a package describes instances of."""
        return sorted(name for name, entry in self._owners[package].types.items() if "instance" in entry)

    def data(self, package: str) -> Needs:
        """What the results of a package's computations pickle as."""
        pack = self._owners[package]
        self.used.add(pack.name)
        if package not in self._data:
            self._data[package] = self._spelled(pack.data.globals, pack.data.reduces)
        return self._data[package]

    def describe(self) -> list[dict[str, str]]:
        """Name the packs that were used, with the version that each was made from."""
        return [{"name": p.name, "version": p.version} for p in self.packs if p.name in self.used]

    def _spelled(self, globals_: Iterable[str], reduces: Iterable[str]) -> Needs:
        """Add the other spellings of names."""
        return Needs(*(tuple(dict.fromkeys(self._spelled_alike(names))) for names in (globals_, reduces)))

    def _spelled_alike(self, names: Iterable[str]) -> Iterator[str]:
        """Give names and their other spellings."""
        return (other for name in names for other in (name, *self._spellings.get(name, ())))


@cache
def _read() -> tuple[Pack, ...]:
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    return tuple(_pack(json.loads(f.read_text(encoding="utf-8"))) for f in files if f.name.endswith(".json"))


def _pack(content: dict[str, Any]) -> Pack:
    """Take a pack from its file: what older versions wrote counts as what today's do."""
    older = content["older"]
    for name, before in older.get("needs", {}).items():
        _join(content["types"][name]["instance"], before)
    _join(content["data"], older.get("data", {}))
    return Pack(
        name=content["name"],
        version=content["version"],
        imports=tuple(content["imports"]),
        opaque=tuple(content["opaque"]),
        functions_opaque=tuple(content["functions_opaque"]),
        types=content["types"],
        aliases={**older.get("renamed", {}), **content["aliases"]},
        spellings={name: tuple(others) for name, others in content["spellings"].items()},
        data=Needs(tuple(content["data"]["globals"]), tuple(content["data"]["reduces"])),
        constants=frozenset(content["constants"]),
        results={name: tuple(types) for name, types in content["results"].items()},
    )


def _join(needs: dict[str, list[str]], more: dict[str, list[str]]) -> None:
    for kind, names in more.items():
        needs[kind] = sorted({*needs[kind], *names})


def load() -> Packs:
    """Read the packs that come with the package."""
    return Packs(list(_read()))
