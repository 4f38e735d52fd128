"""What tests of several rooms share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pickleball_generate.facts import Environment
    from pickleball_generate.joern import Joern


@pytest.fixture(scope="session")
def joern() -> Iterator[Joern]:
    """Joern itself, one process for all tests."""
    from pickleball_generate.joern import Joern, default_jars

    process = Joern(default_jars(), 2 * 2**30)
    yield process
    process.close()


@pytest.fixture(scope="session")
def environment_of(joern: Joern) -> Iterator[Callable[..., Environment]]:
    """Open the packages below a folder; their facts are made by the real extractor and kept in the user's cache."""
    from pickleball_generate.facts import Environment
    from pickleball_generate.joern import cache_folder
    from pickleball_generate.sources import Library

    def open_environment(*paths: Path, ignored: tuple[str, ...] = ()) -> Environment:
        opened.append(Environment(Library(list(paths), list(ignored)), joern, cache_folder()))
        return opened[-1]

    opened: list[Environment] = []
    yield open_environment
    for environment in opened:
        environment.close()


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write a small source tree and give its folder."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "library"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write
