"""What an attack is: the stream, the policy that is in force, and how its effect shows.

The effect of nearly all is a call of `victims.touch`, which writes to a file; the others say in `check` how to see it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.attacks.assembly import name

TOUCH = name("victims", "touch")


@dataclass(frozen=True)
class Attack:
    """One way to leave the policy."""

    name: str
    rule: int  # of docs/explanation/enforcement.md
    found: str  # the rule id of the violation, or "malformed"
    stream: bytes
    globals: tuple[str, ...] = ()
    reduces: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    unpicklers: tuple[str, ...] = ("c", "python")  # where stock shows the effect
    setup: str = ""  # what the application did before it loads
    check: str = ""  # an expression over `result`: true when the effect happened; the marker file otherwise
    arguments: str = ""  # of the Unpickler
    loads: int = 1
    persistent: str = ""  # the body of persistent_load(pid)
    at_load: bool = False  # needs the real object: stopped by find_class, with nothing run
    needs: tuple[str, tuple[int, int]] | None = None  # a package, and from which version on it works on stock
    gone: tuple[int, int] | None = None  # the first Python whose stock is safe from it
    allowed: bool = False  # reaches its effect through names that the policy allows
