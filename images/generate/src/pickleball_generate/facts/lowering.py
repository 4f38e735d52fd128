"""The Python in a Cython source: what its `def` functions, constructors and module statements say, as a module text.

Lines keep their numbers. C declarations, C functions and what Python's own parser does not read become `pass`, so the
text that comes out is Python, and says less than the source, never other things.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

VERSION = 1  # of the texts that are made: facts are kept by it and by the sources
REPAIRS = 24  # lines of one block that may be left out

Lines = dict[int, str]  # texts by the number of their line

_DEFINITION = re.compile(r"(?:async\s+def|def|cpdef)\b")
_HEADER = re.compile(
    r"(?P<indent>\s*)(?P<how>(?:async\s+)?def|cpdef)\s+(?P<type>[\w.\[\], *]+\s+[*]*)??(?P<name>\w+)\s*\("
)
_CLASS = re.compile(r"(?P<indent>\s*)(?:(?:cdef|cpdef)\s+)?(?:public\s+)?class\s+(?P<rest>\w+.*)", re.DOTALL)
_C_BLOCK = re.compile(r"(?:cdef|ctypedef|cpdef\s+enum)\b")
_ENUM = re.compile(r"\benum\b")
_ENUMERATOR = re.compile(r"(?P<name>\w+)\s*(?:=[^,]*)?,?", re.DOTALL)
_CIMPORT = re.compile(r"\bcimport\b")
_DECLARED = re.compile(
    r"cdef\s+(?!class\b)(?:[\w.]+(?:\[[^\]=]*\])?[\s*&]+)+(?P<name>\w+)\s*=(?!=)\s*(?P<value>.+)", re.DOTALL
)
_CAST = re.compile(
    r"(?P<before>(?:^|[=(,\[:{+*/%&|^<>!~-]|\b(?:return|in|and|or|not|is|if|elif|else|yield|while|assert)\b)\s*)"
    r"<\s*[A-Za-z_][\w.\s*\[\],:]*\??\s*>(?=\s*[\w(&\"'\[])"
)
_ADDRESS = re.compile(r"(?<=[(,=])(?P<space>\s*)&(?=\s*\w)")
_NOT_NONE = re.compile(r"\s+(?:not|or)\s+None\b")
_PARAMETER = re.compile(r"(?P<stars>\*{0,2})\s*(?:.+?[\s*&\]])??(?P<name>\w+)\s*(?P<rest>[:=].*)?$", re.DOTALL)
_TEXT = re.compile(r'("""|\'\'\').*?\1', re.DOTALL)


@dataclass
class Statement:
    """A logical line with what is indented below it; `lines` is how many lines of the source it takes itself."""

    text: str
    number: int
    lines: int
    indent: int
    inside: list[Statement] = field(default_factory=list)

    @property
    def bare(self) -> str:
        """The text without its indentation."""
        return self.text.strip()


def lower(source: str) -> str:
    """Give the Python of a Cython source, line by line."""
    lines: Lines = {}
    try:
        for statement in statements(source):
            _lower(statement, lines)
    except RecursionError:  # blocks in blocks, deeper than any that people write
        lines.clear()
    return "\n".join(lines.get(number, "") for number in range(1, source.count("\n") + 2)) + "\n"


def statements(source: str) -> list[Statement]:
    """Cut a source into its statements, by brackets and indentation; texts over several lines become empty ones."""
    flat = _TEXT.sub(lambda match: '""' + "\\\n" * match.group().count("\n"), source)
    top: list[Statement] = []
    open_: list[Statement] = []
    for statement in _logical(flat.split("\n")):
        while open_ and statement.indent <= open_[-1].indent:
            open_.pop()
        (open_[-1].inside if open_ else top).append(statement)
        open_.append(statement)
    return top


def _logical(lines: list[str]) -> list[Statement]:
    found: list[Statement] = []
    number = 0
    while number < len(lines):
        first = number
        parts = [_without_comment(lines[number])]
        depth = _depth(parts[0])
        number += 1
        while number < len(lines) and (depth > 0 or parts[-1].endswith("\\")):
            parts[-1] = parts[-1].removesuffix("\\")
            parts.append(_without_comment(lines[number]))
            depth += _depth(parts[-1])
            number += 1
        text = "\n".join(parts)
        if text.strip():
            found.append(Statement(text.rstrip(), first + 1, number - first, len(text) - len(text.lstrip())))
    return found


def _without_comment(line: str) -> str:
    """Leave a comment out; a `#` inside a text is none."""
    quote = ""
    at = 0
    while at < len(line):
        if quote and line[at] == "\\":
            at += 1
        elif quote:
            quote = "" if line[at] == quote else quote
        elif line[at] in "\"'":
            quote = line[at]
        elif line[at] == "#":
            return line[:at].rstrip()
        at += 1
    return line.rstrip()


def _depth(text: str) -> int:
    """Count the brackets that a text leaves open, those in texts aside."""
    bare = re.sub(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"", "", text)
    return sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))


def _lower(statement: Statement, lines: Lines) -> None:
    """Write what a statement of a module or class says."""
    bare = statement.bare
    if opened := _CLASS.match(statement.text):
        header = f"{opened['indent']}class {opened['rest']}"
        if _parses(f"{header.strip()}\n pass"):
            _put(lines, statement, header if statement.inside else f"{header} pass")
            body: Lines = {}
            for inner in statement.inside:
                if _DEFINITION.match(inner.bare):
                    _lower(inner, body)
            if statement.inside and not any(body.values()):
                lines[statement.number + statement.lines - 1] += " pass"
            lines |= body
    elif _DEFINITION.match(bare) and not _ENUM.search(bare):
        _write_block(statement, lines, definition=True)
    elif _C_BLOCK.match(bare):
        _write_numbers(statement, lines)
    elif not bare.startswith("@"):
        _write_block(statement, lines, definition=False)


def _write_numbers(statement: Statement, lines: Lines) -> None:
    """Write the names that a C enumeration declares: they are numbers."""
    for inner in statement.inside:
        if not _ENUM.search(statement.bare):
            _write_numbers(inner, lines)
        elif found := _ENUMERATOR.fullmatch(inner.bare):
            lines[inner.number] = f"{found['name']} = int()"


def _write_block(statement: Statement, lines: Lines, *, definition: bool) -> None:
    """Write a statement with all below it, as far as it is Python; a definition that is not is left out."""
    block: Lines = {}
    header = _header(statement.text) if definition else _expression(statement.text)
    _put(block, statement, header)
    for inner in statement.inside:
        _write_inner(inner, block)
    first, last = statement.number, _last(statement)
    for _ in range(REPAIRS):
        # a function inside a class is parsed as if it stood at the margin
        text = "\n".join(block.get(number, "")[statement.indent :] for number in range(first, last + 1))
        try:
            ast.parse(text)
        except SyntaxError as error:
            if not definition or not _repair(statement, block, (error.lineno or 1) + first - 1):
                return
        except (ValueError, RecursionError, MemoryError):  # as `ast` says of what is nested too deep
            return
        else:
            lines |= block
            return


def _repair(statement: Statement, block: Lines, number: int) -> bool:
    """Put `pass` for the statement of a line that Python does not read; False where that is the header itself."""
    found = _at(statement, min(max(number, statement.number), _last(statement)))
    if found is statement or block.get(found.number, "").strip() in {"", "pass", "if True:"}:
        return False
    for line in range(found.number, found.number + found.lines):
        block[line] = ""
    block[found.number] = " " * found.indent + ("if True:" if found.inside else "pass")
    return True


def _at(statement: Statement, number: int) -> Statement:
    """Find the innermost statement that has a line, or the last one before it."""
    found = statement
    while True:
        inner = [each for each in found.inside if each.number <= number]
        if not inner or number < found.number + found.lines:
            return found
        found = inner[-1]


def _last(statement: Statement) -> int:
    while statement.inside:
        statement = statement.inside[-1]
    return statement.number + statement.lines - 1


def _write_inner(statement: Statement, block: Lines) -> None:
    """Write a statement of a function."""
    bare = statement.bare
    indent = " " * statement.indent
    if declared := _DECLARED.fullmatch(bare):
        _put(block, statement, f"{indent}{declared['name']} = {_expression(declared['value'])}")
    elif bare.startswith("cdef") and not statement.inside:
        _put(block, statement, f"{indent}pass")
    elif bare.startswith("cdef"):
        block[statement.number] = f"{indent}if True:"
        for inner in statement.inside:
            _write_inner(
                Statement(f"{' ' * inner.indent}cdef {inner.bare}", inner.number, inner.lines, inner.indent), block
            )
        return
    elif _DEFINITION.match(bare):
        _put(block, statement, _header(statement.text))
    else:
        _put(block, statement, _expression(statement.text))
    for inner in statement.inside:
        _write_inner(inner, block)


def _put(lines: Lines, statement: Statement, text: str) -> None:
    """Write a text over the lines of a statement; one with fewer lines leaves the rest empty."""
    parts = text.split("\n")
    if len(parts) > statement.lines:
        parts = [*parts[: statement.lines - 1], " ".join(parts[statement.lines - 1 :])]
    depth = 0
    for at, part in enumerate(parts):
        depth += _depth(part)
        lines[statement.number + at] = part + (" \\" if at < len(parts) - 1 and depth <= 0 else "")


def _expression(text: str) -> str:
    """Leave casts, addresses and C's imports out of a text."""
    text = _CAST.sub(r"\g<before>", _CIMPORT.sub("import", text))
    return _ADDRESS.sub(r"\g<space>", text)


def _header(text: str) -> str:
    """Write the header of a function as Python does: without the types that stand before the names of parameters."""
    opened = _HEADER.match(text)
    if opened is None:
        return text
    depth, at = 1, opened.end()
    while at < len(text) and depth:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[at], 0)
        at += 1
    parameters = "\n".join(_parameters(text[opened.end() : at - 1]))
    rest = text[at:]
    returned = re.match(r"\s*->\s*[^:]+", rest)
    how = "def" if opened["how"] == "cpdef" else opened["how"]
    return (
        f"{opened['indent']}{how} {opened['name']}({parameters}){returned.group() if returned else ''}:{_after(rest)}"
    )


def _after(rest: str) -> str:
    """Give what stands behind the colon of a header: a body on the same line."""
    return rest.rpartition(":")[2] if ":" in rest and "[" not in rest else ""


def _parameters(text: str) -> list[str]:
    """Write the parameters of a header, one line for each line of the source."""
    parts: list[str] = []
    start = depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return ",".join(map(_parameter, parts)).split("\n")


def _parameter(text: str) -> str:
    """Write one parameter: `Vocab vocab not None=None` as `vocab=None`."""
    lead = text[: len(text) - len(text.lstrip())]
    found = _PARAMETER.fullmatch(_NOT_NONE.sub("", text.strip()))
    return f"{lead}{found['stars']}{found['name']}{_expression(found['rest'] or '')}" if found is not None else text


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
