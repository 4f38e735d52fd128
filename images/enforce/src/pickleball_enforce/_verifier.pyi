"""The compiled module (images/enforce/verifier/python)."""

from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any

from .drivers.quick import Stream
from .drivers.replay import Gaps
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

def scan(data: bytes, position: int, *, frames: bool = False, known: bool = False) -> tuple[int, bool]: ...
def follow_load(verifier: Verifier, owner: object, driver: object, methods: dict[str, Any]) -> Any: ...

class Builder:
    def __init__(self, settings: Settings, encodes: Callable[[], bool]) -> None: ...
    def build(self, data: bytes, start: int, gaps: Gaps | None = None) -> tuple[Any, int] | None: ...
    def load(
        self, data: bytes, start: int, end: int, find: Load | Callable[[str, str], Any], gaps: Gaps | None = None
    ) -> tuple[Any] | None: ...

class Result:
    fresh: bool
    def take(self) -> Any: ...

class Guard:
    def __init__(self, callee: Callable[..., Any], check: Callable[[Result], int]) -> None: ...
    def __call__(self, *args: Any) -> Any: ...

class Places:
    def __init__(self, modules: list[tuple[str, list[str]]]) -> None: ...
    def hold(self, objects: tuple[object, ...]) -> bool: ...

class Rules:
    def __init__(
        self,
        examine: Callable[[object, Import, bool], int | None],
        check: Callable[[object, Import, int, Stream, bool], object],
        guard: Callable[[object, Import, int, Stream], Callable[[Result], int]],
        places: tuple[Places, Places],
        missing: object,
        between: CodeType,
        audit: Callable[..., None],
    ) -> None: ...

class Expected:
    def __init__(
        self, rules: Rules, asked: tuple[str, str], canonical: tuple[str, str], prediction: Import
    ) -> None: ...
    def is_there(self) -> bool: ...

class Load:
    def run(self, call: Callable[..., Any], *arguments: Any) -> Any: ...

class Gate:
    def __init__(
        self,
        rules: Rules,
        make: Callable[[], Verifier],
        learn: Callable[[list[Import]], tuple[list[Expected] | None, bool]],
    ) -> None: ...
    def judge(self, content: bytes, start: int, gaps: Gaps | None = None) -> tuple[int, bytes | None, Load] | None: ...

class Watch:
    def __init__(self, other: Callable[[str, tuple[Any, ...]], None], probe: str) -> None: ...
    def __call__(self, event: str, args: tuple[Any, ...], /) -> None: ...

class Sanction:
    pair: tuple[object, object] | None
    exempt: bool

class Callers:
    def __init__(self, noted: frozenset[str]) -> None: ...
    def is_common(self) -> bool: ...

class Tables:
    def __init__(
        self,
        sets: Mapping[str, Iterable[str]],
        positions: Mapping[str, tuple[int, ...]],
        bounds: Mapping[str, str],
        libraries: Iterable[tuple[str, Iterable[str], Iterable[str]]],
    ) -> None: ...
    def with_policy(
        self,
        globals: Iterable[str],  # noqa: A002
        reduces: Iterable[str],
        instances: Iterable[str],
    ) -> Tables: ...

class Verifier:
    def __init__(self, tables: Tables, settings: Settings) -> None: ...
    def configure(self, settings: Settings) -> None: ...
    def verify(
        self, data: bytes, start: int = 0, *, last: bool = False, gaps: list[tuple[int, int]] = ...
    ) -> Verdict: ...
    def lean(self, least: int = 32) -> bytes | None: ...
    def begin(self) -> None: ...
    def follow(self, piece: bytes, stops: bytes, gap: int | None = None) -> Stretch: ...
    def shape(self, data: bytes, start: int) -> tuple[int, bytes, bytes] | None: ...
    @property
    def needs(self) -> list[Import]: ...
    @property
    def memo(self) -> dict[int, Any]: ...
    @property
    def suppressed(self) -> int: ...
    def abandon(self) -> None: ...
    def adopt(self, keys: Iterable[int]) -> None: ...
