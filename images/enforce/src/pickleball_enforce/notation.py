"""JSON, read and written by the parts of `json` that are in C.

The enforcer imports no module of the standard library that is written in Python, but for those of pickle itself: each
costs at every start, and one that is imported later, in the middle of a load, may be another file by then.
"""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLANKS = " \t\n\r"


class NotationError(ValueError):
    """A text that is not JSON."""


class _Reading:
    """How the scanner reads: as `json.loads`, but without NaN and infinities."""

    strict = True
    object_hook = None
    parse_float = float
    parse_int = int

    def __init__(self, make_object: Callable[[list[tuple[str, object]]], object]) -> None:
        self.object_pairs_hook = make_object

    @staticmethod
    def parse_constant(name: str) -> object:
        """Refuse what is no number in JSON."""
        raise NotationError(f"{name} is no value of JSON")


def read(text: str, make_object: Callable[[list[tuple[str, object]]], object] = dict) -> object:
    """Read a text; `make_object` makes an object of its pairs. ValueError says what is wrong with it."""
    start = len(text) - len(text.lstrip(_BLANKS))
    try:
        value, end = make_scanner(_Reading(make_object))(text, start)  # type: ignore[arg-type]  # not only its own class
    except StopIteration as error:
        raise NotationError(f"a value is missing at character {error.value}") from None
    if text[end:].strip(_BLANKS):
        raise NotationError(f"something follows the value at character {end}")
    return value


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
