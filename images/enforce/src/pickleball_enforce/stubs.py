"""Inert stubs: what an import outside the policy gives.

A stub survives what programs do with values that they never use: printing, comparing, hashing, testing, copying,
pickling, `isinstance` in both places. Any other use raises StubUsed and is recorded.
"""

from __future__ import annotations

from .errors import PolicyViolation
from .report import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    Recorder = Callable[[Sequence[Violation]], None]


class StubUsed(PolicyViolation, AttributeError):
    """A use of a name that the policy does not allow, by the program or by a library, after the load.

    It is an AttributeError too, so that `hasattr` and `getattr` with a default give their answer.
    """


class Stub:
    """Stands for an object that the policy does not allow."""

    __slots__ = ("__weakref__", "_pickleball_name", "_pickleball_offset", "_pickleball_record")

    def __init__(self, name: tuple[str, str], offset: int = 0, record: Recorder | None = None) -> None:
        object.__setattr__(self, "_pickleball_name", name)
        object.__setattr__(self, "_pickleball_offset", offset)
        object.__setattr__(self, "_pickleball_record", record)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to be called."""
        del args, kwargs
        self._pickleball_refuse("calls", "reduces")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        self._pickleball_refuse(f"takes the attribute {name} of", "globals")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        del value
        self._pickleball_refuse(f"sets the attribute {name} of", "globals")

    def __delattr__(self, name: str) -> NoReturn:
        self._pickleball_refuse(f"deletes the attribute {name} of", "globals")

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        """Refuse to be a base class."""
        del bases
        self._pickleball_refuse("derives a class from", "globals")

    def _pickleball_refuse(self, does: str, wanted: str) -> NoReturn:
        path = ".".join(self._pickleball_name)
        sentence = f"The program {does} {path}, which stands in a model and which the policy does not allow."
        found = Violation("stub-used", path, "GLOBAL", self._pickleball_offset, sentence, (wanted, path))
        record = self._pickleball_record
        if record is not None:
            record([found])
        raise StubUsed([found])

    def __repr__(self) -> str:
        return f"<not allowed by the policy: {'.'.join(self._pickleball_name)}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stub) and other._pickleball_name == self._pickleball_name

    def __hash__(self) -> int:
        return hash(self._pickleball_name)

    def __bool__(self) -> bool:
        return True

    def __copy__(self) -> Stub:
        """Give the stub itself."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Stub:
        """Give the stub itself."""
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickle as a stub of the same name: where that is loaded, it is a stub again."""
        return restore, (*self._pickleball_name, self._pickleball_offset)

    def __instancecheck__(self, instance: object) -> bool:
        """Nothing is an instance of what is not there."""
        return False

    def __subclasscheck__(self, subclass: object) -> bool:
        """Nothing derives from what is not there."""
        return False

    if TYPE_CHECKING:
        _pickleball_name: tuple[str, str]
        _pickleball_offset: int
        _pickleball_record: Recorder | None


def restore(module: str, qualname: str, offset: int) -> Stub:
    """Make a stub that was pickled."""
    return Stub((module, qualname), offset)
