"""JSON without the json module: the same texts, the same values, the same refusals."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pickleball_enforce import notation

CHANGES = (
    "", " ", "\n", "\x00", '"', "\\", "\\u", "\\ud83d\\ude00", "\\udc00", ",", ":", "[", "]", "{", "}", "-", "+",
    ".", "0", "1", "e", "E", "true", "null", "a", "1.5e3", "-0", "é",
)  # fmt: skip
TEXTS = ("", "a", 'quote " and \\', "line\nfeed\ttab\x00\x7f", "é ✓ 𝄞", "\ud800", "</script>")


def value(chance: random.Random, depth: int = 0) -> Any:
    """Make a random value of what records and policies hold."""
    kind = chance.randrange(6 if depth < 4 else 4)
    if kind < 2:
        return chance.choice(TEXTS)
    if kind < 4:
        return chance.choice((None, True, False, 0, -1, 1 << 70))
    inner = [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return inner if kind == 4 else {f"{chance.choice(TEXTS)}{place}": item for place, item in enumerate(inner)}


@pytest.mark.parametrize("seed", range(200))
def test_values_are_written_and_read_as_json_does(seed: int) -> None:
    """Down to the last blank, on one line and on many."""
    made = value(random.Random(seed))
    assert notation.write(made) == json.dumps(made)
    assert notation.write_lines(made) == json.dumps(made, indent=2, ensure_ascii=False)
    assert notation.read(f" \n{json.dumps(made)}\t") == made


@pytest.mark.parametrize("seed", range(40))
def test_changed_texts_are_read_or_refused_as_json_does(seed: int) -> None:
    """Whatever a few changed characters make of them."""
    chance = random.Random(seed)
    for _ in range(250):
        text = json.dumps(value(chance), ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, 1)))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(CHANGES) + text[at + chance.randrange(2) :]
        try:
            expected = repr(json.loads(text, parse_constant=float))
        except ValueError:
            with pytest.raises(notation.NotationError):
                notation.read(text)
        else:
            assert repr(notation.read(text)) == expected, text


@pytest.mark.parametrize(
    "text", ["", " ", "{", "[1,]", "{1: 2}", '"a', '"\\q"', "01", "nul", "1 2", "{} x", '"\n"', "NaN", "-Infinity"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """With a ValueError that says where, or what."""
    with pytest.raises(ValueError):  # noqa: PT011 - the sentences are Python's, in part
        notation.read(text)


def test_what_json_has_no_form_for_is_refused() -> None:
    """Instead of being written in a form of our own."""
    with pytest.raises(TypeError, match="set has no notation"):
        notation.write({"a": {1}})
