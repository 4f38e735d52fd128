"""Class headers, found in the text of modules without a parser: where to look for a class, never what it is.

Asking Joern for a whole package takes seconds. A question such as "which modules define a class of this name, or one
with such a base" needs an index of the package; what it leads to is then read from the facts of those modules.
"""

from __future__ import annotations

import re

VERSION = 1  # of what `class_headers` and `function_names` find; part of the cache's keys
FUNCTION = re.compile(rb"\bdef +(\w+)")

# Up to the next definition, line that begins without a blank, or end. What stands in strings and comments is stepped
# over. No part of it is tried twice: that takes a quarter of the time of one match for each of these.
TOKEN = re.compile(
    rb"""
    (?: [^\#"'\n]++
      | \#[^\n]*+
      | \"\"\"[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+\"\"\"
      | '''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'''
      | "[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"
      | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'
      | ["']
      | \n(?![ \t]*+(?:class|async|def)\b|[A-Za-z_@])
    )*+
    (?: \n(?P<indent>[ \t]*)(?:(?P<class>class)|(?:async[ \t]+)?def)[ \t]+(?P<name>\w+)[ \t]*
      | \n(?P<top>[A-Za-z_@])
      | \n
      | \Z
    )
    """,
    re.VERBOSE | re.DOTALL,
)
INNER = re.compile(
    rb"""
      \#[^\n]* | \"\"\".*?\"\"\" | '''.*?''' | "[^"\\\n]*(?:\\.[^"\\\n]*)*" | '[^'\\\n]*(?:\\.[^'\\\n]*)*'
    | (?P<keyword>\w+[ \t]*=(?!=)) | (?P<name>[^\W\d]\w*(?:\.\w+)*)
    | (?P<comma>,) | (?P<open>[(\[{]) | (?P<close>[)\]}])
    """,
    re.VERBOSE | re.DOTALL,
)

Header = tuple[str, tuple[str, ...], int]


def class_headers(text: bytes) -> list[Header]:
    """List the classes of a module: qualified name, the names among the bases, line."""
    if b"class" not in text:
        return []
    found: list[Header] = []
    outer: list[tuple[int, str]] = []
    line, counted = 0, 0
    text = b"\n" + text
    for match in TOKEN.finditer(text):
        name = match["name"]
        if name is None:
            if match["top"]:
                outer.clear()
            continue
        indent = len(match["indent"])
        while outer and outer[-1][0] >= indent:
            outer.pop()
        word = name.decode(errors="replace")
        if match["class"]:
            line += text.count(b"\n", counted, match.end())
            counted = match.end()
            qualified = ".".join([*(name for _, name in outer), word])
            found.append((qualified, _bases(text, match.end()), line))
        outer.append((indent, word))
    return found


def function_names(text: bytes) -> set[str]:
    """Name the functions of a module, methods included."""
    return {name.decode() for name in FUNCTION.findall(text)}


def _bases(text: bytes, start: int) -> tuple[str, ...]:
    """Read the names between the parentheses after a class's name; type parameters and keywords are left out."""
    found: list[str] = []
    depth, subscripts, keyword = 0, 0, False
    if text[start : start + 1] not in {b"(", b"["}:
        return ()
    for match in INNER.finditer(text, start):
        kind = match.lastgroup
        if kind == "open":
            depth += 1
            subscripts += match.group() == b"["
        elif kind == "close":
            depth -= 1
            subscripts -= match.group() == b"]"
            if depth == 0 and text[match.end() : match.end() + 1] != b"(":
                break
        elif depth == 1 and kind in {"keyword", "comma"}:
            keyword = kind == "keyword"
        elif kind == "name" and not subscripts and not keyword:
            found.append(match.group().decode(errors="replace"))
    return tuple(found)
