"""Tags: what the verifier knows about a value instead of having it.

None, booleans, integers and short texts stand for themselves (a text that is a `str` came from a UNICODE opcode).
An `Import` (report.py) is the tag of what find_class returns. Everything else is one of the classes here.
"""

from __future__ import annotations

from .names import special
from .report import Import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Tag = Any
else:
    Tag = object

# What a value holds, itself or inside: a stub, a helper's operand, a helper or a class that is not to become data,
# something that is not literal data.
STUB, OPERAND, HELPER, LIVE, MUTABLE, SPECIAL = 1, 2, 4, 8, 16, 32  # SPECIAL: a special name with a callable value
NOT_LITERAL = STUB | OPERAND | HELPER | LIVE
COST_LIMIT = 1 << 60
KEYS_KEPT = 256
_LONG_STEP = 64  # bytes of an integer that are hashed as soon as another key


class Opaque:
    """Immutable data, or something that belongs to the application: nothing more is known."""

    __slots__ = ("bound", "candidate", "flags", "hashable", "index", "name", "steps")

    def __init__(self, name: str, flags: int = 0, *, hashable: bool = True) -> None:
        self.name = name
        self.flags = flags
        self.hashable = hashable
        self.steps = 0  # of a long integer: what hashing it costs beyond one
        self.index = -1  # of a persistent object: which persistent_load gave it
        self.candidate: Import | None = None  # ... and the one import that its id held
        self.bound: Import | None = None  # of a bound method, in a trace: what stands for its entry


FLOAT = Opaque("a float")
LONG = Opaque("a long integer")
LONG_TEXT = Opaque("a long text")
BUFFER = Opaque("an out-of-band buffer", LIVE)
PERSISTENT = Opaque("a persistent object", LIVE)
FOREIGN = Opaque("an object of the application", LIVE)
LOST = Opaque("an object of a load that failed")  # in the memo only: nothing gets it from there
BOUND = Opaque("a bound method", LIVE)
LISTED = Opaque(BOUND.name, LIVE)  # ... that `reduces` lists
CLASS = Opaque("the class of a singleton", LIVE)
BYTEARRAY = Opaque("a bytearray", MUTABLE, hashable=False)


def bound_method(entry: Import) -> Opaque:
    """Give the tag of a bound method of which a trace tells more."""
    made = Opaque(BOUND.name, LIVE)
    made.bound = entry
    return made


def is_method(tag: Tag) -> bool:
    """Whether this is the tag of a bound method."""
    return type(tag) is Opaque and tag.name == BOUND.name


def long_integer(size: int) -> Opaque:
    """Give the tag of an integer of so many bytes."""
    steps = size // _LONG_STEP
    if not steps:
        return LONG
    made = Opaque(LONG.name)
    made.steps = steps
    return made


def is_long(tag: Tag) -> bool:
    """Whether this is the tag of a long integer."""
    return type(tag) is Opaque and tag.name == LONG.name


class Bytes:
    """A bytes literal, and where its bytes lie in the buffer."""

    __slots__ = ("content", "start", "stop")

    def __init__(self, start: int, stop: int, content: bytes | None = None) -> None:
        self.start = start
        self.stop = stop
        self.content = content  # where the bytes are not in the buffer: a text that is encoded


class ByteText:
    """A literal of the STRING family: a text that may be data or a state key, never a name."""

    __slots__ = ("text",)

    def __init__(self, text: str | None) -> None:
        self.text = text


class Tuple:
    """A tuple of this stream, immutable: `cost` and `depth` bound what hashing it takes."""

    __slots__ = ("cost", "depth", "flags", "items")

    def __init__(self, items: tuple[Tag, ...]) -> None:
        self.items = items
        self.flags, self.cost, self.depth = summary(items)


class Frozen:
    """A frozenset of this stream: `cost` bounds what comparing it takes."""

    __slots__ = ("cost", "flags")

    def __init__(self, flags: int, cost: int) -> None:
        self.flags = flags
        self.cost = cost


class Container:
    """A list, dict or set of this stream; `frozen` once it has become the state of an object."""

    __slots__ = (
        "checked", "cost", "depth", "entries", "flags", "frozen", "given", "kept", "kind", "nested", "obscure",
        "overflow", "puts", "texts",
    )  # fmt: skip

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.flags = MUTABLE
        self.frozen = False
        self.given: Import | None = None  # the callee that got it as an argument, and may have kept it
        self.nested = False  # something else holds it: a container, the arguments of a call
        self.checked: set[tuple[Import, str]] | None = None  # as a state: for which origins that was done
        self.cost = 1
        self.depth = 1
        self.entries: dict[str, Tag] | None = None  # of a dict: text keys that a rule may ask for
        self.puts = self.kept = 0  # how often a text key was put, and how often that was kept
        self.overflow = False  # a dict with more text keys than are kept (values that may be callable always are)
        self.texts = True  # a dict whose keys are all texts of this stream
        self.obscure = False  # a dict with a key that might equal a text that nobody sees

    def put(self, key: Tag, value: Tag) -> None:
        """Note an item of a dict."""
        if type(key) is ByteText:
            key = key.text
        if type(key) is not str:
            self.texts = key is LONG_TEXT and self.texts
            if not plain(key):
                self.obscure = True
            return
        if self.entries is None:
            self.entries = {}
        if special(key) and callable_like(value):
            self.flags |= SPECIAL
        self.puts += 1
        if self.puts <= KEYS_KEPT or callable_like(value) or key.startswith("__"):
            self.kept += 1
            self.entries[key] = value
        else:
            self.overflow = True


class Object:
    """What a call or an instantiation of this stream gave."""

    __slots__ = ("args", "built", "fresh", "frozen", "how", "level", "origin", "state")

    def __init__(self, origin: Import | None, how: str, args: Tag = None) -> None:
        self.origin = origin
        self.how = how  # "new" or "call"
        self.args = args  # kept for readers of the stream (joblib's arrays), not for rules
        self.state: Tag = None
        self.built = False
        self.frozen = False
        self.level = 0  # of a partial whose state is known: how deep partials nest in what it gives to its function
        self.fresh = False  # the driver in lockstep has seen that nothing else held the result


EMPTY_TUPLE = Tuple.__new__(Tuple)
EMPTY_TUPLE.items, EMPTY_TUPLE.flags, EMPTY_TUPLE.cost, EMPTY_TUPLE.depth = (), 0, 1, 1
_SCALARS = (type(None), bool, int, str)


def flags_of(tag: Tag) -> int:
    """Give what a value holds."""
    kind = type(tag)
    if kind in _SCALARS or kind is Bytes or kind is ByteText:
        return 0
    if kind is Import:
        if tag.decision == "stub":
            return STUB | LIVE
        if tag.helper or tag.unkept:
            return (OPERAND if tag.operand else HELPER) | LIVE
        return LIVE
    if kind is Object:
        return LIVE
    flags: int = tag.flags
    return flags


def summary(items: Iterable[Tag]) -> tuple[int, int, int]:
    """Give what the items hold together, the cost of hashing them, and how deep they nest."""
    flags, cost, depth = 0, 1, 1
    for item in items:
        kind = type(item)
        if kind in _SCALARS:
            cost += 1
            continue
        flags |= flags_of(item)
        if kind is Import:
            item.uses.add("data")
        if kind is Container:
            item.nested = True
        if kind is Frozen:
            cost += item.cost
        elif kind is Tuple or kind is Container:
            cost += item.cost
            if item.depth >= depth:
                depth = item.depth + 1
        else:
            cost += 1 + (item.steps if kind is Opaque else 0)
    return flags, min(cost, COST_LIMIT), depth


def callable_like(tag: Tag) -> bool:
    """Whether the value could be something that runs when it is called."""
    kind = type(tag)
    return kind is Import or kind is Object or (kind is Opaque and bool(tag.flags & LIVE))


def literal(tag: Tag) -> bool:
    """Whether the value is immutable data written in the stream."""
    return not flags_of(tag) & (NOT_LITERAL | MUTABLE)


def plain(tag: Tag) -> bool:
    """Whether a dict key can be compared and hashed without code of a class."""
    return not flags_of(tag) & NOT_LITERAL


def hashable(tag: Tag) -> bool:
    """Whether stock could hash the value (an object's own hash is not judged)."""
    kind = type(tag)
    if kind is Container:
        return False
    if kind is Opaque:
        known: bool = tag.hashable
        return known
    if kind is Tuple:
        return not tag.flags & MUTABLE
    return True


def describe(tag: Tag) -> str:
    """Say in two or three words what the value is."""
    kind = type(tag)
    if kind is Import:
        return str(tag.path)
    if kind is Object:
        source = f" of {tag.origin.path}" if tag.origin else ""
        return ("an instance" if tag.how == "new" else "the result") + source
    if kind is Container:
        return f"a {tag.kind}"
    if kind is Opaque:
        return str(tag.name)
    return {
        Tuple: "a tuple",
        Frozen: "a frozenset",
        Bytes: "a bytes literal",
        str: "a text",
        ByteText: "a text",
    }.get(kind, "a number" if kind in (int, bool) else "None")
