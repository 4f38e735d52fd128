"""What the makers of packs find out about types: whether their objects keep others."""

from __future__ import annotations

import argparse
import array
import collections
import functools
import itertools
import types
from pathlib import PurePosixPath
from typing import Any

import pytest

from pickleball_generate.packs.keeping import keeps


class Attribute:
    """Keeps what its constructor gets, in an attribute of its own."""

    __slots__ = ("inner",)

    def __init__(self, inner: object) -> None:
        self.inner = inner


class Deep:
    """Keeps what a method gets, two objects away."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[list[object]] = [[]]

    def push(self, row: object) -> None:
        """Keep something."""
        self.rows[0].append(row)


class Uninterested:
    """Takes everything and keeps nothing."""

    __slots__ = ("__weakref__",)

    def __init__(self, *given: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, row: object) -> None:
        """Keep nothing."""


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([1], ["elements"]),
        ({}, ["elements"]),
        ({1}, ["elements"]),
        (frozenset(), ["elements"]),
        ((1,), ["elements"]),
        (slice(1), ["elements"]),
        (collections.OrderedDict(), ["attributes", "elements"]),
        (collections.deque(), ["elements"]),
        (functools.partial(len), ["attributes", "elements"]),
        (argparse.Namespace(), ["attributes", "elements"]),
        (types.SimpleNamespace(), ["attributes", "elements"]),
        (itertools.islice([1], 1), ["elements"]),
        (iter([1]), ["elements"]),
        (ValueError(), ["attributes", "elements"]),
        (Attribute(1), ["elements"]),
        (Deep(), ["elements"]),
        ("a", []),
        (5, []),
        (1.5, []),
        (b"a", []),
        (range(3), []),
        (PurePosixPath("a"), []),
        (Uninterested(), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_type_keeps_what_it_can_be_seen_to_keep(value: Any, kept: list[str]) -> None:
    """Objects of a type keep others as elements when one way of handing them over ends in a reference."""
    assert keeps(value) == kept


def test_a_type_that_nobody_can_build_may_keep_anything() -> None:
    """What cannot be tried is taken to keep objects: an array without its type code, an iterator of a list."""
    assert keeps(array.array("d")) == ["elements"]
    assert keeps(iter([])) == ["elements"]
