"""Bound the memory of this process; a program that it starts is bounded by its own flags."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pickleball_generate.errors import OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def bounded(most: int, flag: str) -> Iterator[None]:
    """Let this process have `most` bytes of data; OutOfMemory, which names the flag, where it needs more."""
    before, ceiling = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_lower(most, before), ceiling))
    try:
        yield
    except MemoryError:
        raise OutOfMemory(flag) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, ceiling))


@contextmanager
def unbounded() -> Iterator[None]:
    """Start a program here that shall not inherit the bound."""
    before, ceiling = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, ceiling))


def _lower(most: int, before: int) -> int:
    return most if before == resource.RLIM_INFINITY else min(most, before)
