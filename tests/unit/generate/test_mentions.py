"""Where a text names a variable: also in statements whose lines do not spell it."""

from __future__ import annotations

import pytest

from pickleball_generate.inference.mentions import ANYWHERE, Mentions, read

FILLING = [
    "globals()['hooks'].append(f)",
    r"globals()['\x68ooks'].append(f)",
    r"globals()['ho\u006fks'].append(f)",
    "globals()['ho' 'oks'].append(f)",
    "globals()['ho''oks'].append(f)",
    "globals()[('ho'\n        # a remark\n        'oks')].append(f)",
    "globals()['''ho''' 'oks'].append(f)",
    "globals()['ho\\\noks'].append(f)",
    "globals()[b'ho' b'oks'].append(f)",
    "\uff48ooks.append(f)",  # an identifier that Python reads as `hooks`
    "x = [\n        1,\n        hooks.append(f),\n    ]",
    "with hooks.lock: pass",
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("statement", FILLING)
def test_a_name_is_seen_however_the_text_spells_it(statement: str, line_end: str) -> None:
    """Escapes, joined literals, other characters, brackets over several lines; whatever ends the lines."""
    text = f"hooks = []\n\n\ndef other():\n    return 1\n\n\ndef fill(f):\n    {statement}\n\n\ndef last():\n    pass\n"
    found = read(text.replace("\n", line_end).encode(), "hooks", home=True)
    assert found == Mentions(outside=False, functions=frozenset({"fill"}))


@pytest.mark.parametrize("decorator", ["@hooks.append", "@register(\n    hooks)", "@other\n@hooks.append"])
def test_a_decorator_belongs_to_the_statement_below_it(decorator: str) -> None:
    """Its lines come before the first line of the definition."""
    text = f"hooks = []\n\n\n{decorator}\ndef fill():\n    pass\n"
    assert read(text.encode(), "hooks", home=True) == ANYWHERE


@pytest.mark.parametrize(
    "own",
    ["def len(x): x.append(f)", "len = fill", "from mine import fill as len", "for len in fills: pass",
     "class list: pass", "def outer():\n    global sorted\n    sorted = fill", "len: object = fill",
     "with f as (len, x): pass"],
)  # fmt: skip
def test_a_module_with_its_own_reading_functions_may_fill_anywhere(own: str) -> None:
    """However it binds the name of such a function."""
    text = f"hooks = []\n\n\ndef use():\n    return len(hooks)\n\n\n{own}\n"
    assert read(text.encode(), "hooks", home=True) == ANYWHERE


@pytest.mark.parametrize("use", ["len(hooks)", "len (hooks)", "[*map(len, [1])]", "sorted(hooks.values())"])
def test_what_only_reads_is_no_mention(use: str) -> None:
    """Nor is the text of a documentation."""
    text = f"hooks = []\n\n\ndef use():\n    '''Reads hooks.'''\n    return {use}\n"
    assert read(text.encode(), "hooks", home=True) == Mentions(outside=False, functions=frozenset())


def test_a_text_that_python_does_not_read_may_fill_anywhere() -> None:
    """Nothing is known of it."""
    assert read(b"hooks = [\n", "hooks", home=True) == ANYWHERE
