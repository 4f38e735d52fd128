"""The compiled module (images/enforce/verifier/python)."""

from collections.abc import Iterable, Mapping
from typing import Any

from .report import Import, Malformed, Obligation, Verdict, Violation
from .settings import Settings

# What one opcode asks of the driver: the import that it makes, what has to hold for its target, and the object that it
# makes or changes, by number.
Special = tuple[Import | None, list[tuple[Import, Obligation]], int | None]
# Opcodes, their arguments, and how deep the stacks are after them; a single opcode where there is a Special.
Segment = tuple[bytes, bytes, tuple[int, int], Special | None]
# The error, violations, obligations on imports whose objects are there, segments, and whether STOP was read.
Stretch = tuple[Malformed | None, list[Violation], list[tuple[Import, Obligation]], list[Segment], bool]

__version__: str
__sources__: str  # the digest of what it was built from

def scan(data: bytes, position: int) -> tuple[int, bool]: ...

class Tables:
    def __init__(
        self,
        sets: Mapping[str, Iterable[str]],
        positions: Mapping[str, tuple[int, ...]],
        bounds: Mapping[str, str],
        libraries: Iterable[tuple[str, Iterable[str], Iterable[str]]],
    ) -> None: ...
    def with_policy(self, globals: Iterable[str], reduces: Iterable[str]) -> Tables: ...  # noqa: A002

class Verifier:
    def __init__(self, tables: Tables, settings: Settings) -> None: ...
    def configure(self, settings: Settings) -> None: ...
    def verify(
        self, data: bytes, start: int = 0, *, last: bool = False, gaps: list[tuple[int, int]] = ...
    ) -> Verdict: ...
    def end_of_data(self, data: bytes, start: int) -> int | None: ...
    def begin(self) -> None: ...
    def follow(self, piece: bytes, stops: bytes, gap: int | None = None) -> Stretch: ...
    @property
    def needs(self) -> list[Import]: ...
    @property
    def memo(self) -> dict[int, Any]: ...
    @property
    def suppressed(self) -> int: ...
    def abandon(self) -> None: ...
    def adopt(self, keys: Iterable[int]) -> None: ...
