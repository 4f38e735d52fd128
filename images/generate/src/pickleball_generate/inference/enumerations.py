"""Enumerations of which the text of a module speaks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pickleball_generate.facts.parts import imports
from pickleball_generate.inference.attributes import members

if TYPE_CHECKING:
    from pickleball_generate.inference.pickling import Pickling
    from pickleball_generate.inference.scopes import Scope

MEMBER = re.compile(rb"\b([A-Z]\w*)\.([A-Z][A-Z0-9_]*)\b")


def enumerations(solver: Pickling, module: Scope) -> list[Scope]:
    """Give the enumerations of a module's package that the module defines or imports, and names a member of.

    Members count whose names are written in capitals, as usual.
    """
    spoken: dict[str, set[str]] = {}
    for name, member in MEMBER.findall(solver.program.environment.text(module.module) or b""):
        spoken.setdefault(name.decode(), set()).add(member.decode())
    named = [(cls.name, cls) for cls in module.classes]
    for item in imports(module.facts) if spoken else ():
        name = item.get("as") or item.get("name", "")
        if "from" in item and name in spoken:
            named += [(name, v[1]) for v in solver.program.imported(item, module.module) if v[0] == "cls"]
    package = module.module.partition(".")[0]
    found = (
        cls
        for name, cls in named
        if cls.module.partition(".")[0] == package
        and solver.is_enumeration(cls)
        and not spoken.get(name, set()).isdisjoint(members(cls))
    )
    return [*dict.fromkeys(found)]
