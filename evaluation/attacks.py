"""The attacks that are tried against each policy: calls from outside it, and ways to abuse what it allows.

`tests/attacks` has the enforcer's own ledger, rule by rule; these are the same ideas with the names of a real policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.attacks.assembly import BUILD, POP, call, dict_of, list_of, name, new, stack_name, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pickleball_enforce import Policy


@dataclass(frozen=True)
class Attack:
    """One fragment of a stream."""

    name: str
    fragment: bytes
    marker: Path | None = None  # the folder that it makes: stock must be seen to do it


def with_effect(stem: Path) -> Iterator[Attack]:
    """Write the attacks that need no name of the policy: each makes a folder of its own."""
    for called in ("posix.system", "builtins.exec", "posix.mkdir"):
        marker = stem.with_name(f"{stem.name}-{called}")
        argument = {"posix.system": f"mkdir {marker}", "builtins.exec": f"__import__('os').mkdir({str(marker)!r})"}
        fragment = call(name(*called.split(".")), text(argument.get(called, str(marker)))) + POP
        yield Attack(f"{called} by REDUCE", fragment, marker)


def on_names_of(policy: Policy) -> Iterator[Attack]:
    """Write the attacks that abuse what the policy allows."""
    command = text("true")
    kept = _first(policy.globals - policy.reduces)
    called = _first(policy.reduces)
    made = _first(policy.instances)
    if made:
        yield Attack(f"the class {'.'.join(made)} kept, of which there may be instances only",
                     list_of(name(*made)) + POP)  # fmt: skip
    if kept:
        yield Attack(f"call of {'.'.join(kept)}, which may only be referenced", call(name(*kept), command) + POP)
        yield Attack(f"a method of the class {'.'.join(kept)} replaced",
                     name(*kept) + dict_of(text("__setstate__"), name("posix", "system")) + BUILD + POP)  # fmt: skip
        init = call(name("builtins", "getattr"), name(*kept), text("__init__"))
        yield Attack(f"the globals of {'.'.join(kept)}.__init__",
                     call(name("builtins", "getattr"), init, text("__globals__")) + POP)  # fmt: skip
        yield Attack(f"a dotted name through the module of {'.'.join(kept)}",
                     call(stack_name(kept[0], "os.system"), command) + POP)  # fmt: skip
        yield Attack(f"a callable in the state of a {'.'.join(kept)}",
                     new(name(*kept)) + dict_of(text("__reduce__"), name("posix", "system")) + BUILD + POP)  # fmt: skip
    if called:
        yield Attack(f"call of what {'.'.join(called)} returned", call(call(name(*called)), command) + POP)
        yield Attack(f"attributes of the callable {'.'.join(called)} replaced",
                     name(*called) + dict_of(text("__code__"), text("x")) + BUILD + POP)  # fmt: skip


def _first(names: frozenset[str] | set[str]) -> tuple[str, str] | None:
    """Choose a name whose module is plain to see, of the library rather than of Python."""
    split = [name.rpartition(".") for name in sorted(names)]
    plain = [(module, last) for module, _, last in split if not any(part[:1].isupper() for part in module.split("."))]
    outside = [pair for pair in plain if pair[0].partition(".")[0] not in {"builtins", "collections", "_codecs"}]
    return next(iter(outside or plain), None)
