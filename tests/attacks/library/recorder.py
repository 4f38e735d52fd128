"""A library that records what is done to it."""

from __future__ import annotations

DONE: list[tuple[str, str]] = []


def _function(name: str) -> object:
    def function(*args: object) -> object:
        DONE.append(("call", name))
        return Result()

    function.__name__ = function.__qualname__ = name
    return function


class Result:
    """What the functions return."""


class _Recorded:
    """A class that records how its instances come to be."""

    def __new__(cls, *args: object, **kwargs: object) -> object:
        """Record the instantiation."""
        DONE.append(("new", cls.__name__))
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        DONE.append(("call", type(self).__name__))

    def method(self) -> None:
        """Record the call."""
        DONE.append(("call", f"{type(self).__name__}.method"))


called, referenced, refused = (_function(name) for name in ("called", "referenced", "refused"))


class CalledClass(_Recorded):
    """May be called."""


class ReferencedClass(_Recorded):
    """May be referenced and instantiated."""


class MadeClass(_Recorded):
    """May be instantiated, and not kept."""


class RefusedClass(_Recorded):
    """May not be anything."""


class ReferencedList(_Recorded, list):
    """A container that may be referenced and instantiated."""


class ReferencedDict(_Recorded, dict):
    """A container that may be referenced and instantiated."""


CLASSES = (CalledClass, ReferencedClass, MadeClass, RefusedClass, ReferencedList, ReferencedDict, Result)
