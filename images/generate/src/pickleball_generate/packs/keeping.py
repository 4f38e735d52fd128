"""Whether an object keeps others that it is given, and where: tried with an object that fits in most places."""

from __future__ import annotations

import gc
import types
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDING = ("append", "add", "push", "put", "extend", "update", "insert", "setdefault")
COLLECTED = 1 << 14  # Py_TPFLAGS_HAVE_GC
DEEPEST = 5  # references between an object and what it keeps
SHARED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


class Sample:
    """An object that can be called, iterated over, and used as a key."""

    def __call__(self, *_: object) -> Sample:
        """Give itself, whatever it is called with."""
        return self

    def __iter__(self) -> Iterator[Sample]:
        yield self


def keeps(value: Any) -> list[str]:
    """Say whether objects of the type of a value keep others: in `attributes` of any name, or as `elements`.

    Elements are what it takes in any other way: by item operations, by its methods, by its constructor. A type that the
    collector looks into, and of which nobody can build an object anew, may have got them when it was made.
    """
    found = ["attributes"] if hasattr(value, "__dict__") else []
    return [*found, "elements"] if takes_elements(value) or is_closed(type(value)) else found


def is_closed(cls: type) -> bool:
    """Tell whether objects of a type refer to others and its constructor makes none, whatever it is given."""
    return bool(cls.__flags__ & COLLECTED) and all(
        built(partial(cls, *given, **named)) is None for given, named in (((), {}), *offers(Sample()))
    )


def takes_elements(value: Any) -> bool:
    """Try whether a value, or another object of its type, keeps a sample."""
    sample = Sample()
    return any(
        reaches(made, sample)
        for given, named in offers(sample)
        for attempt in attempts(value, given, named)
        if (made := built(attempt)) is not None
    )


def offers(sample: Sample) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Give the arguments with a sample that are tried."""
    for given in ((sample,), (sample, sample), (sample, sample, sample), (sample, 1), ("a", sample)):
        yield given, {}
    for one in ([sample], (sample,), {sample: sample}):
        yield (one,), {}
        yield (one, 1), {}
    yield (), {"a": sample}


def attempts(value: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Give the ways to hand something to a value; each gives the object that may keep it."""

    def store(key: Any) -> Any:
        value[key] = given[-1]
        return value

    def call(name: str) -> Any:
        method: Callable[..., Any] = getattr(value, name)
        method(*given, **named)
        return value

    cls: Callable[..., Any] = type(value)
    yield partial(cls, *given, **named)
    for key in (0, "a", given[0], ...) if given else ():
        yield partial(store, key)
    for name in ADDING:
        yield partial(call, name)


def built(attempt: Callable[[], Any]) -> Any:
    """Give what an attempt gives; None where it fails, however the type says so."""
    try:
        return attempt()
    except Exception:  # noqa: BLE001 - what an arbitrary type raises is its own affair
        return None


def reaches(value: Any, sample: Sample) -> bool:
    """Tell whether an object refers to a sample, or gives it when it is iterated over."""
    if value is sample:
        return False
    seen: dict[int, Any] = {}
    waiting: list[Any] = [value, *(built(partial(list, value)) or () if hasattr(value, "__len__") else ())]
    for _ in range(DEEPEST):
        new = {id(each): each for each in waiting if id(each) not in seen and not isinstance(each, SHARED)}
        if id(sample) in new:
            return True
        seen |= new
        waiting = [inner for each in new.values() for inner in gc.get_referents(each)]
    return False
