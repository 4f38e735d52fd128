"""The compiled verifier: the contract of `verifier.Verifier` for whole buffers, in Rust.

Importing this fails where the compiled module is missing or does not fit; `engine` then takes the Python verifier.
"""

from __future__ import annotations

from . import _verifier, names
from .names import extension
from .opcodes import read_text
from .settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from mmap import mmap
    from typing import Any

    from ._verifier import Stretch
    from .policy import Policy
    from .report import Import, Verdict

__all__ = [
    "Builder",
    "Callers",
    "Expected",
    "Gate",
    "Guard",
    "Places",
    "Rules",
    "Sanction",
    "Verifier",
    "Watch",
    "canonical_python2",
    "extension",
    "make_core",
    "read_text",
    "scan",
    "tables_of",
]

scan = _verifier.scan
Builder = _verifier.Builder
Callers = _verifier.Callers
Expected = _verifier.Expected
Gate = _verifier.Gate
Guard = _verifier.Guard
Places = _verifier.Places
Rules = _verifier.Rules
Sanction = _verifier.Sanction
Watch = _verifier.Watch
_TRACING = _verifier.Tables(
    {
        "bases": names.BASES,
        "singletons": names.SINGLETONS,
        "literal_arguments": names.LITERAL_ARGUMENTS,
        "callers": names.CALLERS,
        "holders": names.HOLDERS,
        "partials": names.PARTIALS,
        "plain_results": names.PLAIN_RESULTS,
        "array_makers": names.ARRAY_MAKERS,
        "hashing": names.HASHING,
        "protocol_names": names.PROTOCOL_NAMES,
        "protocol_prefixes": names.PROTOCOL_PREFIXES,
        "harmless_names": names.HARMLESS_NAMES,
        "rebuilders": names.REBUILDERS,
        "code": names.BY_VALUE_ANYWHERE,
    },
    names.FUNCTION_POSITIONS,
    names.BOUNDED,
    [
        (library, [module for module, of in names.BY_VALUE_MODULES.items() if of == library], listed.split())
        for library, listed in names.BY_VALUE.items()
    ],
)
_latest: tuple[Policy | None, _verifier.Tables] = (None, _TRACING)


def canonical_python2(module: str, name: str) -> tuple[str, str]:
    """Map a name of Python 2 through the tables that stock reads, as they are now."""
    return names.canonical(module, name, 0, fix_imports=True)


def tables_of(policy: Policy | None) -> _verifier.Tables:
    """Give the tables of a policy; those of the last one are kept."""
    global _latest  # noqa: PLW0603 - one pair, swapped as a whole
    known, tables = _latest
    if known is not policy:
        tables = _TRACING if policy is None else _TRACING.with_policy(policy.globals, policy.reduces, policy.instances)
        _latest = (policy, tables)
    return tables


def make_core(policy: Policy | None, settings: Settings) -> _verifier.Verifier:
    """Make a compiled verifier without this module's wrapping."""
    return _verifier.Verifier(tables_of(policy), settings)


class Verifier:
    """Judges the pickles of one Unpickler, each as a whole buffer."""

    def __init__(self, policy: Policy | None, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._core = make_core(policy, self._settings)

    @property
    def settings(self) -> Settings:
        """How the Unpickler was made."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._core.configure(settings)

    def verify(
        self,
        data: bytes | bytearray | memoryview | mmap,
        start: int = 0,
        *,
        gaps: Iterable[tuple[int, int]] = (),
        last: bool = False,
    ) -> Verdict:
        """Judge one pickle from `start` up to its STOP. A bad stream is told by the verdict, never raised.

        `last` says that no other load will use the memo, so that it need not be kept.
        """
        return self._core.verify(data if type(data) is bytes else bytes(data), start, last=last, gaps=list(gaps))

    def lean(self, least: int = 32) -> bytes | None:
        """Give a pickle that loads as the one that was judged `last`, and sooner.

        It leaves out what that puts into the memo and never gets from there; None where that is less than `least`.
        """
        return self._core.lean(least)

    def begin(self) -> None:
        """Begin a load that is followed: its pickle comes in pieces, as an unpickler reads them."""
        self._core.begin()

    def follow(self, piece: bytes, stops: bytes, gap: int | None = None) -> Stretch:
        """Judge the next piece, which is whole opcodes.

        `gap` says how many bytes of a byte literal are left out at its end; `stops` has a byte for each opcode, which
        is not zero where the driver has something to do.
        """
        return self._core.follow(piece, stops, gap)

    def follow_load(self, owner: Any, driver: Any, methods: dict[str, Any]) -> Any:
        """Follow a whole load of an unpickler in Python; `methods` are those of stock that its handlers call.

        Whatever is rare is asked of the driver (drivers/followed.py).
        """
        return _verifier.follow_load(self._core, owner, driver, methods)

    @property
    def memo(self) -> dict[int, Any]:
        """The entries of the memo, without their tags."""
        return self._core.memo

    @property
    def needs(self) -> list[Import]:
        """The imports of the last load, those by getattr and bound methods included."""
        return self._core.needs

    @property
    def suppressed(self) -> int:
        """How many violations of the last load are not listed."""
        return self._core.suppressed

    def abandon(self) -> None:
        """Forget what the memo held: the load that was judged did not run to its end, or it was refused."""
        self._core.abandon()

    def adopt(self, keys: Iterable[int]) -> None:
        """Take memo entries that the application set; they are its data."""
        self._core.adopt(keys)
