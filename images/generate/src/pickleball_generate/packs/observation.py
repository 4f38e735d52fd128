"""What the pickles of objects need: built, pickled with every protocol, and judged by the enforcer's verifier."""

from __future__ import annotations

import enum
import pickle
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier

if TYPE_CHECKING:
    from pickleball_enforce.report import Verdict

NOTHING = Policy(entries={"nothing.Nothing": Entry()})
PROBE = "pickleball_probe"


def pickled(value: object, protocol: int) -> bytes | None:
    """Pickle an object; None where it has no pickle, whatever its type raises then."""
    try:
        return pickle.dumps(value, protocol)
    except Exception:  # noqa: BLE001 - what an arbitrary type raises is its own affair
        return None


class Needs:
    """What streams need, collected: names to reference and names to call."""

    def __init__(self) -> None:
        self.globals: set[str] = set()
        self.reduces: set[str] = set()

    def observe(self, value: object) -> bool:
        """Pickle an object with every protocol; False where no protocol can."""
        done = False
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            data = pickled(value, protocol)
            if data is None:
                continue
            verdict = Verifier(NOTHING, Settings()).verify(data)
            called = _asked(verdict, "reduces")
            # what is given to a callable is judged only where that may be called
            allowed = Entry(tuple(sorted(_asked(verdict, "globals"))), tuple(sorted(called)))
            called |= _asked(Verifier(Policy({PROBE: allowed}), Settings()).verify(data), "reduces")
            self.reduces |= called
            self.globals |= {found.path for found in verdict.imports if not found.helper and found.path not in called}
            done = True
        self.globals -= self.reduces
        return done

    def as_dict(self, without: str = "") -> dict[str, list[str]]:
        """Give the lists, sorted."""
        return {
            "globals": sorted(self.globals - {without}),
            "reduces": sorted(self.reduces - {without}),
        }


def _asked(verdict: Verdict, listed: str) -> set[str]:
    """Give the names that a stream lacks in a list."""
    return {found.allow[1] for found in verdict.violations if found.allow and found.allow[0] == listed}


def name_of(cls: type) -> str:
    """The name that pickle writes for a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def probe(cls: type, value: object) -> dict[str, Any] | None:
    """Say what an instance of a subclass needs: which list the subclass stands in, and what else."""
    module = types.ModuleType(PROBE)
    sys.modules[PROBE] = module
    try:
        if isinstance(cls, type) and issubclass(cls, enum.Enum):
            members: Any = {"A": "1" if issubclass(cls, str) else 1}
            made: Any = cls("Probe", members, module=PROBE)  # type: ignore[call-arg]
            module.Probe = made  # type: ignore[attr-defined]
            sample = made.A
        else:
            base: Any = cls
            if cls is typing.Generic:
                base = base[typing.TypeVar("T")]
            made = types.new_class("Probe", (base,), {}, lambda names: names.update(__module__=PROBE))
            if getattr(made, "__abstractmethods__", None):
                made.__abstractmethods__ = frozenset()
            module.Probe = made  # type: ignore[attr-defined]
            sample = rebuilt(made, value)
        needs = Needs()
        if not needs.observe(sample):
            return None
    except Exception:  # noqa: BLE001 - a type that cannot be subclassed or built has no such entry
        return None
    finally:
        del sys.modules[PROBE]
    name = f"{PROBE}.Probe"
    listed = "reduces" if name in needs.reduces else "globals"
    return {"self": listed, **needs.as_dict(name)}


def rebuilt(made: Any, value: object) -> Any:
    """Build an instance of a subclass with the arguments that make the sample."""
    for arguments in ((), (value,), (1,), (1, 1), ("a",), (2020, 1, 1)):
        try:
            return made(*arguments)
        except Exception:  # noqa: BLE001, S112 - the next arguments may fit
            continue
    raise TypeError(made)
