"""Objects that others hold too: what a stream must not change, although a call or a class gave it.

Reference counts and the cyclic collector tell what holds an object; a class that makes its instances itself (a
`__new__` of its own, a metaclass that answers calls) is looked through for instances that it keeps.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import OrderedDict, defaultdict, deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_SHARED = (types.ModuleType, type, *FUNCTIONS, types.CodeType)


def shared() -> tuple[type, ...]:
    """Give the classes whose instances belong to the whole process: Enums and loggers too, once there can be any."""
    global _known  # noqa: PLW0603 - swapped as a whole
    enum, logging = sys.modules.get("enum"), sys.modules.get("logging")
    member = None if enum is None else enum.__dict__.get("Enum")
    logger = None if logging is None else logging.__dict__.get("Logger")
    manager = None if logging is None else logging.__dict__.get("Manager")
    known = _known
    if known[0] is not member or known[1] is not logger or known[2] is not manager:
        classes = [cls for cls in (member, logger, manager) if isinstance(cls, type)]
        known = _known = (member, logger, manager, (*_SHARED, *classes))
    return known[3]


_known: tuple[object, object, object, tuple[type, ...]] = (None, None, None, _SHARED)


def enums() -> list[type]:
    """Give the class of all Enums, once there can be any."""
    return _classes_of("enum", "Enum")


def _classes_of(module: str, *names: str) -> list[type]:
    """Give classes of a module that may not be imported: then nothing is an instance of them."""
    known = sys.modules.get(module)
    found = [vars(known).get(name) for name in names] if known is not None else []
    return [cls for cls in found if isinstance(cls, type)]


MISSING = object()
_SEQUENCES = frozenset({list, tuple, set, frozenset, deque})
_MAPPINGS = frozenset({dict, OrderedDict, defaultdict, types.MappingProxyType})
_DEPTH = 3  # how deep containers of a namespace are looked into
_LIMIT = 100_000  # how many objects are looked at; a namespace with more is taken to hold an instance


_read_mro = type.__dict__["__mro__"].__get__


def mro(cls: type) -> tuple[type, ...]:
    """Give a class and its bases, past what a metaclass may say."""
    found: tuple[type, ...] = _read_mro(cls)
    return found


def static_attribute(cls: type, name: str) -> object:
    """Look a name up in the namespaces of a class and its bases; `MISSING` where there is none."""
    for base in _read_mro(cls):
        found = base.__dict__.get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_read_flags = type.__dict__["__flags__"].__get__


def is_static(cls: type) -> bool:
    """Whether a class is a static one of C: nothing of its own namespace can change."""
    return not _read_flags(cls) & _HEAP


def is_fixed(cls: type) -> bool:
    """Whether nothing of a class can change: it, its bases and its metaclass are static ones."""
    return all(map(is_static, (*mro(cls), *mro(type(cls)))))


_CLASS = object.__dict__["__class__"]
_ASKS = [(name, type.__dict__[name]) for name in ("__instancecheck__", "__subclasscheck__")]


def by_bases_alone(cls: type) -> bool:
    """Whether its bases alone say whether a class, or an instance of it, belongs to the shared ones."""
    asked = all(static_attribute(type(known), name) is usual for known in shared() for name, usual in _ASKS)
    return asked and static_attribute(cls, "__class__") is _CLASS


def may_return_shared(cls: type) -> bool:
    """Whether making an instance runs code that could give one which exists already."""
    made = static_attribute(cls, "__new__")
    return type(cls).__call__ is not type.__call__ or isinstance(made, (staticmethod, types.FunctionType))


def holds_instance(cls: type) -> bool:
    """Whether the class, its bases or its module keep an instance of it, by itself or in containers."""
    return any(type(item) is cls or count > _LIMIT for count, item in enumerate(_kept(cls)))


def is_known(result: object) -> bool:
    """Whether a module or class that belongs to the result's class holds this very object."""
    return any(value is result for space in _namespaces(type(result)) for value in list(space.values()))


def is_held(result: object, holders: tuple[object, ...]) -> bool:
    """Whether something else than the unpickler holds the result of a call, so that it is not new.

    Objects that are reachable from the result itself may refer back to it.
    """
    skipped = {id(item) for item in holders} | {id(result)}
    outside = [
        item
        for item in gc.get_referrers(result)
        if id(item) not in skipped and not isinstance(item, (types.FrameType, types.CellType))
    ]
    if not outside:
        return False
    inside = _reachable(result, limit=10_000)
    return any(id(item) not in inside for item in outside)


def _namespaces(cls: type) -> list[Mapping[str, Any]]:
    """Give the namespaces that may hold a shared instance of a class: its module's, its own and its bases'."""
    module = sys.modules.get(cls.__module__) if isinstance(cls.__module__, str) else None
    spaces: list[Mapping[str, Any]] = [vars(module)] if isinstance(module, types.ModuleType) else []
    return spaces + [vars(base) for base in mro(cls) if base is not object]


def _kept(cls: type) -> Iterator[object]:
    """Go through the values of the namespaces of a class, and into the containers among them."""
    mappings = _MAPPINGS.union(_classes_of("weakref", "WeakValueDictionary"))
    containers = mappings.union(_SEQUENCES, _classes_of("weakref", "WeakSet"))
    level: list[object] = [value for space in _namespaces(cls) for value in list(space.values())]
    seen: set[int] = set()
    for _ in range(_DEPTH):
        yield from level
        deeper: list[object] = []
        for item in level:
            known: Any = item
            if type(item) in containers and id(item) not in seen and len(deeper) <= _LIMIT:
                seen.add(id(item))
                deeper += list(known.values()) if type(item) in mappings else list(known)
        level = deeper
    yield from level


def _reachable(root: object, limit: int) -> set[int]:
    seen = {id(root)}
    pending = [root]
    while pending and len(seen) < limit:
        for item in gc.get_referents(pending.pop()):
            if id(item) not in seen and not isinstance(item, (type, types.ModuleType, types.FunctionType)):
                seen.add(id(item))
                pending.append(item)
    return seen
