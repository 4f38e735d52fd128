"""Whether two object graphs are alike: types, values, order, and which objects are the same one."""

from __future__ import annotations

import struct
from typing import Any

_HOLDERS = (list, tuple, dict, set, frozenset)


def likeness(root: object) -> list[Any]:
    """Describe plain data, object by object: equal descriptions stand for graphs that nobody can tell apart."""
    numbers: dict[int, int] = {}
    found: list[Any] = []
    left = [root]
    while left:
        one = left.pop()
        known = numbers.get(id(one))
        if known is not None:
            found.append(known)
            continue
        numbers[id(one)] = len(numbers)
        if type(one) in _HOLDERS:
            items = _items(one)
            found.append((type(one), len(items)))
            left.extend(reversed(items))
        else:
            found.append((type(one), _content(one)))
    return found


def _items(one: Any) -> list[Any]:
    if type(one) is dict:
        return [part for pair in one.items() for part in pair]
    if type(one) in (set, frozenset) and "nan" in repr(one):
        return sorted(one, key=repr)  # where a NaN stands tells where it lies in memory
    return list(one)


def _content(one: Any) -> object:
    if type(one) is float:
        return struct.pack("<d", one)  # the sign of zero, and what a NaN carries
    return bytes(one) if type(one) is bytearray else one


def shared(one: object, other: object) -> list[bool]:
    """Say of each object of a graph whether it is the very object that stands there in a graph that is like it."""
    found: list[bool] = []
    left, seen = [(one, other)], set()
    while left:
        mine, theirs = left.pop()
        if id(mine) in seen:
            continue
        seen.add(id(mine))
        found.append(mine is theirs)
        if type(mine) in _HOLDERS:
            left.extend(zip(_items(mine), _items(theirs)))  # noqa: B905 - Python 3.9
    return found
