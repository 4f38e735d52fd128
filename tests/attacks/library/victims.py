"""A library as libraries are: harmless to import, with classes and functions that a policy may well allow.

`touch` stands for anything that must not happen: it writes a line to the file that the environment names.
"""

from __future__ import annotations

import collections
import enum
import functools
import logging
import os
import tempfile
from pathlib import Path
from typing import ClassVar


def touch(*args: object, **kwargs: object) -> str:
    """Do what must not happen."""
    with Path(os.environ["VICTIMS_MARKER"]).open("a") as file:
        file.write("touched\n")
    return "touched"


def get_touch() -> object:
    """Return a callable, as factories do."""
    return touch


def join(*parts: str) -> str:
    """Return a text made of parts."""
    return "".join(parts)


class Plain:
    """A class without pickle-time code."""

    kind = "plain"

    def close(self) -> None:
        """Release nothing."""


class Closing:
    """A class that ends by calling a method of its own."""

    def close(self) -> None:
        """Release nothing."""

    def __del__(self) -> None:
        self.close()


class ClosingDict(dict):  # type: ignore[type-arg]
    """A dict that is its own namespace, and ends by calling a method of its own."""

    def __init__(self, **items: object) -> None:
        super().__init__(**items)
        self.__dict__ = self

    def close(self) -> None:
        """Release nothing."""

    def __del__(self) -> None:
        self.close()


class Base:
    """A class that reacts to subclasses."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        touch()


class Iterating:
    """An object that does something when it is iterated."""

    def __iter__(self) -> object:
        touch()
        return iter(())


class Starting:
    """A class whose constructor does something, and whose __new__ does not."""

    def __init__(self, *args: object) -> None:
        touch()

    def __bool__(self) -> bool:
        return True


class Valued:
    """A class with a property that does something when it is set."""

    @property
    def level(self) -> int:
        """Give a number."""
        return 0

    @level.setter
    def level(self, value: int) -> None:
        touch()


class Watched:
    """A class with a property that does something when it is read."""

    @property
    def status(self) -> str:
        """Do what must not happen."""
        return touch()

    def watch(self) -> None:
        """Do nothing."""


def get_watched() -> Watched:
    """Return a new object."""
    return Watched()


class Appending:
    """No container, but with a method of that name."""

    def append(self, value: object) -> None:
        """Do something with a value."""
        touch()


class Whole:
    """A class whose state becomes its namespace."""

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__ = state


class Asking:
    """A class that asks for a method of what its state holds."""

    def __setstate__(self, state: dict[str, dict[str, object]]) -> None:
        self.size = state["of"].get("size")


class Updating:
    """A class that takes its namespace out of its state, as data models do."""

    def __setstate__(self, state: dict[str, dict[str, object]]) -> None:
        self.__dict__.update(state["__dict__"])


class Tools:
    """A namespace of functions behind an instance."""

    run = staticmethod(touch)


class Numbers(list):
    """A container."""

    clear_all = staticmethod(touch)


class Level(enum.Enum):
    """A set of values."""

    LOW = 1


class Once:
    """A singleton."""

    _instance: Once | None = None

    def __new__(cls) -> Once:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance


class Namespace(dict):
    """A dict whose items are its attributes."""

    def __new__(cls, *args: object) -> Namespace:
        """Make the object its own namespace."""
        made = super().__new__(cls)
        made.__dict__ = made
        return made


class Keeping:
    """A class that keeps the dict that it is given as its namespace."""

    def __new__(cls, space: dict[str, object]) -> Keeping:
        """Keep the dict."""
        made = super().__new__(cls)
        made.__dict__ = space
        return made


class Shared:
    """A class with one instance for each key, in a table."""

    _table: ClassVar[dict[str, Shared]] = {}

    def __new__(cls, key: str = "a") -> Shared:
        """Give the instance that is there, or a new one."""
        if key not in cls._table:
            cls._table[key] = super().__new__(cls)
        return cls._table[key]


class Placing:
    """No container, but with a method that places items, as tensors have."""

    def __setitem__(self, key: str, value: object) -> None:
        Path(key).touch()


class Nesting:
    """A class that keeps a dict inside its argument as its namespace."""

    def __new__(cls, parts: tuple[dict[str, object], ...]) -> Nesting:
        """Keep the first of the dicts."""
        made = super().__new__(cls)
        made.__dict__ = parts[0]
        return made


class Waiting(functools.partial):
    """A partial by another name."""


class Table(collections.defaultdict):
    """A default dict by another name."""


take = getattr
DEFAULT = Once()
TABLE: dict[str, object] = {}
tools = Tools()
mapper = map
order = sorted


def get_default() -> Once:
    """Return the object that everybody shares."""
    return DEFAULT


def get_table() -> dict[str, object]:
    """Return the table that everybody shares."""
    return TABLE


@functools.lru_cache
def get_cached() -> Plain:
    """Return the object that was made at the first call."""
    return Plain()


CACHED = [get_cached()]


def get_logger() -> logging.Logger:
    """Return the logger of this library."""
    return logging.getLogger("victims")


def __getattr__(name: str) -> object:
    if name == "lazy.run":
        return touch
    raise AttributeError(name)


__all__ = ["tempfile"]
