"""The compiled module (images/enforce/verifier/python)."""

from collections.abc import Iterable, Mapping
from typing import Any

from .report import Import, Verdict
from .settings import Settings

__version__: str

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
    def verify(self, data: bytes, start: int = 0, *, last: bool = False) -> Verdict: ...
    @property
    def needs(self) -> list[Import]: ...
    @property
    def memo(self) -> dict[int, Any]: ...
    @property
    def suppressed(self) -> int: ...
    def abandon(self) -> None: ...
    def adopt(self, keys: Iterable[int]) -> None: ...
