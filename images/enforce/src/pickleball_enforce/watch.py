"""The second line: an audit hook that refuses what an unpickler imports outside a judged load.

It sees unpicklers that were taken before the hook was installed. It cannot see calls, so it refuses every import of
theirs, whatever the policy lists.
"""

from __future__ import annotations

from . import engine, exemptions, lookup, records, sanction
from .errors import PolicyViolation
from .report import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EVENT = "pickle.find_class"
PROBE = "pickleball.watch"  # shows that the hook is there


def audit(event: str, args: tuple[Any, ...]) -> None:
    """Refuse an import of an unpickler that nobody judged."""
    if event != _EVENT:
        if event == PROBE:
            sanction.watched = True
        return
    module, name = args[:2]
    if sanction.consume(module, name) or exemptions.is_caller_exempt():
        return
    enforcement = lookup.current()
    path = f"{module}.{name}"
    sentence = f"An unpickler that is not enforced imports {path}: it was taken from pickle before PickleBall was."
    found = [Violation("unjudged-import", path, "", 0, sentence)]
    records.write(found, enforcement, "", "")
    if not enforcement.audit:
        raise PolicyViolation(found)


# The compiled hook lets pass what the load that runs is expected to import next, and asks here about the rest.
HOOK = audit if engine.native is None else engine.native.Watch(audit, PROBE)
