"""What pages say to do without a cluster works, word for word, and prints what they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.documents import desk
from tests.documents.page import Commands, File, name, needs_cluster, pages, steps
from tests.documents.reader import Misled, Reader

if TYPE_CHECKING:
    from pathlib import Path

LAPTOP = [page for page in pages() if not needs_cluster(steps(page.read_text()))]


@pytest.mark.parametrize("page", LAPTOP, ids=name)
def test_a_page_works_word_for_word(page: Path, tmp_path: Path) -> None:
    """Every command of a page that needs no cluster ends as the page says; those left out say why."""
    found = steps(page.read_text())
    Reader(tmp_path, desk.prepare(tmp_path), desk.OWN).follow(name(page), found)
    assert found


def test_each_command_for_files_is_shown() -> None:
    """No page has to be written for it: what the enforcer's command does for files stands in the how-tos."""
    shown = " ".join(step.text for page in pages() for step in steps(page.read_text()) if isinstance(step, Commands))
    assert {"verify", "trace", "scan", "explain", "run"} <= set(re.findall(r"\bpickleball (\w+)", shown))


EXAMPLE = """
Write it:

```yaml
# a/b.yaml
x: 1
```

<!-- ends with 3 -->

    cat a/b.yaml; N=7; exit 3

```
# a/b.yaml
x: ...
```

<!-- not run: nobody has it -->

    no-such-program

Then:

    echo $N
"""


def test_a_page_is_read_as_files_commands_and_output(tmp_path: Path) -> None:
    """Blocks are taken in order; variables live on, as in the reader's shell."""
    found = steps(EXAMPLE)
    assert [type(step) for step in found] == [File, Commands, Commands, Commands]
    assert Reader(tmp_path).follow("example", found) == 2
    assert Reader(tmp_path).follow("example", steps("    echo $N\n\n```\n7\n```\n")) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("    false\n", "ends with 1, not 0"),
        ("    true | false | true\n", "ends with 1, not 0"),
        ("<!-- ends with 1 -->\n\n    true\n", "ends with 0, not 1"),
        ("    echo a\n\n```\nb\n```\n", "prints"),
    ],
)
def test_a_page_that_misleads_is_told(text: str, said: str, tmp_path: Path) -> None:
    """Another exit code than promised, or other output, is an error that names the place."""
    with pytest.raises(Misled, match=said) as error:
        Reader(tmp_path).follow("example", steps(text))
    assert str(error.value).startswith("example:")
