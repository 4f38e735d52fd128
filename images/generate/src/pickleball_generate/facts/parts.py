"""Facts of a module in parts: what a function says is parsed when somebody asks for it.

Most functions of the modules that an analysis reads are never looked into, and they are most of the text. So facts are
kept as lines of JSON: the module, with a stub for each function that stands in it or in its classes, then a line for
each of these functions. A module without stubs is one line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Facts = dict[str, Any]
CALLING = ("assigns", "calls", "returns", "reach")  # statements of a body that may call something
HEAD = ("name", "line", "decorators")  # what a stub says as the function does


def split(facts: Facts) -> bytes:
    """Write the facts of a module in parts."""
    lines: list[str] = []

    def function(whole: Facts) -> Facts:
        stub = {key: whole[key] for key in HEAD if key in whole}
        stub["imports"] = [*imports(whole)]  # those of functions and classes in it too
        stub["called"] = sorted(called_in([whole.get(kind, ()) for kind in CALLING]))
        stub["inner"] = bool(whole.get("functions") or whole.get("classes"))
        stub["part"] = len(lines)
        lines.append(json.dumps({key: value for key, value in whole.items() if key != "decorators"}))
        return stub

    def scope(whole: Facts) -> Facts:
        replaced = {"functions": function, "classes": scope}
        return {
            key: [replaced[key](inner) for inner in value] if key in replaced else value for key, value in whole.items()
        }

    first = json.dumps(scope(facts))
    return "\n".join([first, *lines]).encode()


def load(content: bytes) -> Facts:
    """Read facts in parts: `parts` of the module are the lines of its functions."""
    first, *rest = content.split(b"\n")
    facts: Facts = json.loads(first)
    return facts | {"parts": rest} if rest else facts


def body(stub: Facts, parts: list[bytes]) -> Facts:
    """Read the facts of a function."""
    facts: Facts = json.loads(parts[stub["part"]])
    if "decorators" in stub:
        facts["decorators"] = stub["decorators"]
    return facts


def whole(module: Facts) -> Facts:
    """Give the facts of a module with those of all its functions."""
    parts = module.get("parts", [])

    def function(found: Facts) -> Facts:
        return body(found, parts) if "part" in found else found

    def scope(found: Facts) -> Facts:
        replaced = {"functions": function, "classes": scope}
        return {
            key: [replaced[key](inner) for inner in value] if key in replaced else value
            for key, value in found.items()
            if key != "parts"
        }

    return scope(module) if parts else module


def plain(facts: Facts) -> bool:
    """Tell whether a module has no function that could be a part."""
    return not facts.get("functions") and all(map(plain, facts.get("classes", ())))


def imports(facts: Facts) -> Iterator[Facts]:
    """The import statements of a body and of those inside it."""
    yield from facts.get("imports", ())
    for inner in (*facts.get("classes", ()), *facts.get("functions", ())):
        yield from imports(inner)


def called_in(facts: object) -> set[str]:
    """Name what expressions call, and those inside them."""
    waiting: list[Any] = [facts] if isinstance(facts, (dict, list)) else []
    found: set[str] = set()
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if isinstance(name := current["call"] if "call" in current else current.get("f"), str):
                found.add(name)
            current = current.values()
        waiting += [inner for inner in current if inner.__class__ is dict or inner.__class__ is list]
    return found - {""}
