"""Policies: what a pickle may import and call (policy.json).

One JSON object; each key is a fully qualified class name, each value ``{"globals": [...], "reduces": [...]}`` with
dotted names, and ``"instances": [...]`` where there are classes that a stream may only make instances of. A file with
several classes is the union of its entries. Whatever is not exactly that is refused.
"""

from __future__ import annotations

from . import notation
from .digest import sha256
from .errors import PolicyError
from .value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from typing import Any

LISTS = ("globals", "reduces")
INSTANCES = "instances"  # a list that an entry may leave out
LIMIT = 64 * 1024 * 1024


class Entry(Value):
    """What the models of one class may keep and instantiate (`globals`), call (`reduces`), or only instantiate."""

    def __init__(
        self,
        globals: tuple[str, ...] = (),  # noqa: A002 - the key
        reduces: tuple[str, ...] = (),
        instances: tuple[str, ...] = (),
    ) -> None:
        self.globals = globals
        self.reduces = reduces
        self.instances = instances

    @classmethod
    def union(cls, entries: Iterable[Entry]) -> Entry:
        """Give what allows all that some entries allow, each name in the one list that allows most."""
        kept, called, made = set[str](), set[str](), set[str]()
        for entry in entries:
            kept.update(entry.globals)
            called.update(entry.reduces)
            made.update(entry.instances)
        return cls(*(tuple(sorted(names)) for names in (kept - called, called, made - kept - called)))

    def joined(self, names: Iterable[tuple[str, str]]) -> Entry:
        """Give the entry with more names, each with its list; what may be kept then is in `instances` no more."""
        found = {listed: {*getattr(self, listed)} for listed in (*LISTS, INSTANCES)}
        for listed, name in names:
            found[listed].add(name)
        found[INSTANCES] -= found["globals"] | found["reduces"]
        return Entry(*(tuple(sorted(listed)) for listed in found.values()))


class Policy(Value):
    """The union of the entries, and the file that they come from.

    `globals` has all names that may be kept or instantiated, `instances` those of them that may not be kept: an entry
    that lists a name in another list allows more, and that counts.
    """

    def __init__(self, entries: Mapping[str, Entry], where: str = "policy", source: bytes = b"") -> None:
        self.entries = entries
        self.where = where
        kept = frozenset(name for entry in entries.values() for name in entry.globals)
        made = frozenset(name for entry in entries.values() for name in entry.instances)
        self.reduces = frozenset(name for entry in entries.values() for name in entry.reduces)
        self.globals = kept | made
        self.instances = made - kept - self.reduces
        self._source = source
        self._digest = ""

    def lists(self) -> dict[str, frozenset[str]]:
        """Give the names of each list: in `instances` those of which there may be instances only."""
        return {
            "globals": self.globals - self.instances,
            INSTANCES: self.instances,
            "reduces": self.reduces,
        }

    def allowed(self, listed: str) -> frozenset[str]:
        """Give the names that may be used as those of a list may.

        What may be called may be kept, and what may be kept may be instantiated.
        """
        if listed == "reduces":
            return self.reduces
        return self.reduces | (self.globals if listed == INSTANCES else self.globals - self.instances)

    @property
    def digest(self) -> str:
        """The sha256 of the file, or of what `dumps` writes."""
        if not self._digest:
            self._digest = sha256([self._source or self.dumps().encode()])
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self.digest)

    def _told(self) -> tuple[object, ...]:
        return self.entries, self.where, self.digest

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy file. PolicyError says what is wrong with it."""
        where = str(path)
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib would be imported at each start
                data = file.read(LIMIT + 1)
        except OSError as error:
            raise PolicyError(where, f"cannot be read: {error.strerror or error}") from error
        if len(data) > LIMIT:
            raise PolicyError(where, f"is larger than {LIMIT} bytes")
        return cls.parse(data, where)

    @classmethod
    def parse(cls, text: str | bytes, where: str = "policy") -> Policy:
        """Read a policy from its text; `where` names the text in errors."""
        try:
            data = text.encode() if isinstance(text, str) else bytes(text)
            decoded = data.decode("utf-8")
        except UnicodeError as error:
            raise PolicyError(where, f"is not UTF-8 text: {error}") from error
        if not decoded.strip():
            raise PolicyError(where, "is empty")
        try:
            content = notation.read(decoded, _unique)
        except (ValueError, RecursionError) as error:
            raise PolicyError(where, f"is not JSON: {error}") from error
        entries = {name: _entry(name, value, where) for name, value in _classes(content, where).items()}
        return cls(entries, where, data)

    def dumps(self) -> str:
        """Write the policy: sorted, two spaces, a newline at the end; the same policy gives the same bytes."""
        content = {name: _lists(entry) for name, entry in sorted(self.entries.items())}
        return notation.write_lines(content) + "\n"


def _lists(entry: Entry) -> dict[str, list[str]]:
    """Give the lists of an entry as a file has them, `instances` where there are some."""
    keys = [key for key in (*LISTS, INSTANCES) if key in LISTS or entry.instances]
    return {key: sorted(set(getattr(entry, key))) for key in sorted(keys)}


class _DuplicateKeyError(ValueError):
    """A key that stands twice in one JSON object: two readers could take different ones."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _classes(content: object, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise PolicyError(where, f"holds {_kind(content)}, not an object with class names as keys")
    if not content:
        raise PolicyError(where, "names no class; a policy has at least one")
    return content


def _entry(name: str, value: object, where: str) -> Entry:
    _check_name(name, f"the class name {name!r}", where)
    if not isinstance(value, dict):
        raise PolicyError(where, f"{name}: is {_kind(value)}, not an object with 'globals' and 'reduces'")
    for key in value:
        if key not in LISTS and key != INSTANCES:
            known = "there are 'globals', 'instances' and 'reduces'"
            raise PolicyError(where, f"{name}: the key {key!r} is unknown; {known}")
    for key in LISTS:
        if key not in value:
            raise PolicyError(where, f"{name}: the list {key!r} is missing")
    given = {INSTANCES: [], **value}
    return Entry(*(_names(name, key, given, where) for key in (*LISTS, INSTANCES)))


def _names(name: str, key: str, value: dict[str, Any], where: str) -> tuple[str, ...]:
    listed = value[key]
    if not isinstance(listed, list):
        raise PolicyError(where, f"{name}.{key}: is {_kind(listed)}, not a list of dotted names")
    for position, item in enumerate(listed):
        place = f"{name}.{key}[{position}]"
        if not isinstance(item, str):
            raise PolicyError(where, f"{place}: is {_kind(item)}, not a dotted name")
        _check_name(item, f"{place}: {item!r}", where)
    return tuple(sorted(set(listed)))


def _check_name(name: str, place: str, where: str) -> None:
    """Refuse a name that no stream could mean: empty steps, blanks, control or surrogate characters."""
    if any(not step or not step.isprintable() or " " in step for step in name.split(".")):
        raise PolicyError(where, f"{place} is not a dotted name")


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
