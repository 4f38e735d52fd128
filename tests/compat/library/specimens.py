"""What the programs of these tests load: a model that the policy allows, and a pickle that it does not."""

from __future__ import annotations

import collections
import os
import pickle
from typing import Any

MARKER = os.environ["SPECIMENS_MARKER"]


class Model:
    """An object with attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    def __eq__(self, other: object) -> bool:
        return type(other) is Model and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]


class Exploit:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (MARKER,)


class Remade(Model):
    """An object that is pickled as a call."""

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (self.__dict__,)


def rebuild(attributes: dict[str, Any]) -> Model:
    """Make a model again."""
    return Model(**attributes)


VALUE = {"model": Model(weights=[1.5, 2.5], names=("a", "b")), "order": collections.OrderedDict(x=1), "set": {1, 2}}


def good(protocol: int = 4) -> bytes:
    """Pickle what the policy allows."""
    return pickle.dumps(VALUE, protocol)


def bad(protocol: int = 4) -> bytes:
    """Pickle what it does not allow."""
    return pickle.dumps({"model": VALUE["model"], "exploit": Exploit()}, protocol)


def allow(*paths: str, more: tuple[str, ...] = ()) -> None:
    """Put in force the least policy that these honest files need, and more names that may be referenced."""
    import pickleball_enforce
    from pickleball_enforce.policy import Entry, Policy

    entries = [Entry(more)]
    for path in paths:
        traced = pickleball_enforce.verify(path, None)
        assert traced.exit_code == 0, (path, traced.errors, traced.violations)
        entries.append(traced.needed())
    pickleball_enforce.use_policy(Policy({"specimens.Model": Entry.union(entries)}))


def refused(load: Any, *arguments: Any, **options: Any) -> None:
    """Check that a load is refused with an error that programs know, and that nothing ran."""
    try:
        load(*arguments, **options)
    except pickle.UnpicklingError:
        assert not os.path.exists(MARKER), "it ran"  # noqa: PTH110 - as little as possible is imported here
        return
    raise AssertionError("it was loaded")
