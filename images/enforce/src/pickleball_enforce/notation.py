"""JSON without `json`: policies are read, records written.

The enforcer imports no module of the standard library that is written in Python, but for those of pickle itself: each
costs at every start, and one that is imported later, in the middle of a load, may be another file by then. The scanner
in C that `json` is made of imports `json.decoder` to say what is wrong, so texts are read here.
"""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakeObject = Callable[[list[tuple[str, object]]], object]

_BLANKS = " \t\n\r"
_INDENT = 16  # blanks that are stepped over at once
_DIGITS = frozenset("0123456789")
_WORDS = {"null": None, "true": True, "false": False}
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NotationError(ValueError):
    """A text that is not JSON, and at which character."""


def read(text: str, make_object: MakeObject = dict) -> object:
    """Read a text; `make_object` makes an object of its pairs. NotationError says what is wrong with it."""
    value, at = _read(text, _skip(text, 0), make_object)
    if _skip(text, at) != len(text):
        raise NotationError(f"something follows the value at character {at}")
    return value


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANKS:
        piece = text[at : at + _INDENT]
        at += len(piece) - len(piece.lstrip(_BLANKS))
    return at


def _read(text: str, at: int, make_object: MakeObject) -> tuple[object, int]:
    """Read the value at a character; give where it ends, too."""
    first = text[at : at + 1]
    if first == '"':
        return _read_text(text, at + 1)
    if first == "{":
        pairs, end = _read_pairs(text, at + 1, make_object)
        return make_object(pairs), end
    if first == "[":
        return _read_items(text, at + 1, make_object)
    for word, meant in _WORDS.items():
        if text.startswith(word, at):
            return meant, at + len(word)
    return _read_number(text, at)


def _read_items(text: str, at: int, make_object: MakeObject) -> tuple[list[object], int]:
    items: list[object] = []
    at = _skip(text, at)
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        value, at = _read(text, at, make_object)
        items.append(value)
        at, ended = _read_comma(text, at, "]")
        if ended:
            return items, at


def _read_pairs(text: str, at: int, make_object: MakeObject) -> tuple[list[tuple[str, object]], int]:
    pairs: list[tuple[str, object]] = []
    at = _skip(text, at)
    if text[at : at + 1] == "}":
        return pairs, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise NotationError(f"a key in quotes is missing at character {at}")
        key, at = _read_text(text, at + 1)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise NotationError(f"':' is missing at character {at}")
        value, at = _read(text, _skip(text, at + 1), make_object)
        pairs.append((key, value))
        at, ended = _read_comma(text, at, "}")
        if ended:
            return pairs, at


def _read_comma(text: str, at: int, closing: str) -> tuple[int, bool]:
    """Step over the comma between two parts, or over the bracket behind the last one; say which it was."""
    at = _skip(text, at)
    following = text[at : at + 1]
    if following == ",":
        return _skip(text, at + 1), False
    if following != closing:
        raise NotationError(f"',' or {closing!r} is missing at character {at}")
    return at + 1, True


def _read_text(text: str, at: int) -> tuple[str, int]:
    """Read a text from behind its first quote."""
    pieces = []
    while True:
        end = text.find('"', at)
        if end < 0:
            raise NotationError(f"a text does not end, from character {at} on")
        slash = text.find("\\", at, end)
        piece = text[at : end if slash < 0 else slash]
        if not piece.isprintable() and any(character < " " for character in piece):
            raise NotationError(f"a text holds a control character, from character {at} on")
        pieces.append(piece)
        if slash < 0:
            return "".join(pieces), end + 1
        piece, at = _read_escape(text, slash + 1)
        pieces.append(piece)


def _read_escape(text: str, at: int) -> tuple[str, int]:
    """Read what a backslash stands before; two halves of one character are put together."""
    kind = text[at : at + 1]
    if kind != "u":
        if kind not in _ESCAPES:
            raise NotationError(f"an escape is unknown at character {at}")
        return _ESCAPES[kind], at + 1
    code = _read_code(text, at + 1)
    at += 5
    if 0xD800 <= code < 0xDC00 and text.startswith("\\u", at):
        low = _read_code(text, at + 2)
        if 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10 | low - 0xDC00)), at + 6
    return chr(code), at


def _read_code(text: str, at: int) -> int:
    digits = text[at : at + 4]
    if len(digits) < 4 or not set(digits) <= frozenset("0123456789abcdefABCDEF"):
        raise NotationError(f"four hexadecimal digits are missing at character {at}")
    return int(digits, 16)


def _read_number(text: str, at: int) -> tuple[object, int]:
    start = at
    at = _digits(text, at + text.startswith("-", at))
    whole = text[start:at].lstrip("-")
    if not whole or (whole[0] == "0" and whole != "0"):
        raise NotationError(f"a value is missing at character {start}")
    end = at
    if text.startswith(".", at):
        end = max(end, _digits(text, at + 1) if _digits(text, at + 1) > at + 1 else at)
    if text[end : end + 1] in ("e", "E"):
        exponent = end + 1 + (text[end + 1 : end + 2] in ("+", "-"))
        end = _digits(text, exponent) if _digits(text, exponent) > exponent else end
    return (int(text[start:end]) if end == at else float(text[start:end])), end


def _digits(text: str, at: int) -> int:
    """Step over digits."""
    while text[at : at + 1] in _DIGITS:
        at += 1
    return at


def write(value: object) -> str:
    """Write texts, integers, lists and dicts on one line, in ASCII."""
    return "".join(_pieces(value, encode_basestring_ascii, "", ", "))


def write_lines(value: object) -> str:
    """Write the same with a line for each part."""
    return "".join(_pieces(value, encode_basestring, "\n", ","))


def _pieces(value: object, quote: Callable[[str], str], line: str, comma: str) -> Iterator[str]:
    if isinstance(value, str):
        yield quote(value)
    elif value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, int):
        yield int.__repr__(value)
    elif isinstance(value, (dict, list, tuple)):
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        inner = line and line + "  "
        yield opening
        for number, key in enumerate(value):
            yield (comma if number else "") + inner
            if isinstance(value, dict):
                yield quote(key) + ": "
            yield from _pieces(value[key] if isinstance(value, dict) else key, quote, inner, comma)
        yield line + closing if value else closing
    else:
        raise TypeError(f"{type(value).__name__} has no notation")
