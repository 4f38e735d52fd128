"""Questions that come back to themselves get whole answers, whatever was asked before."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from pickleball_generate.inference import Options, infer
from pickleball_generate.inference.questions import Questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pickleball_generate.facts import Environment


@pytest.mark.parametrize("seed", range(40))
def test_an_answer_does_not_depend_on_what_was_asked_before(seed: int) -> None:
    """Over a random graph each answer is what can be reached, in whatever order the nodes are asked for."""
    random = Random(seed)
    nodes = [str(number) for number in range(9)]
    edges = {node: random.sample(nodes, random.randrange(4)) for node in nodes}

    def find(node: str) -> Iterator[str]:
        yield node
        for other in edges[node]:
            yield from ask(other)

    def reached(node: str) -> set[str]:
        found, waiting = set(), [node]
        while waiting:
            found.add(current := waiting.pop())
            waiting += [other for other in edges[current] if other not in found]
        return found

    ask: Questions[str] = Questions(find)
    for node in random.choices(nodes, k=30):
        assert set(ask(node)) == reached(node)


def test_whole_answers_are_kept() -> None:
    """What was answered without coming back to an open question is not looked for again."""
    asked: list[str] = []

    def find(node: str) -> list[str]:
        asked.append(node)
        return [node, *(ask("end") if node == "start" else ())]

    ask: Questions[str] = Questions(find)
    assert [ask("start"), ask("end"), ask("start")] == [["start", "end"], ["end"], ["start", "end"]]
    assert asked == ["start", "end"]


def test_modules_that_import_from_their_package_find_what_stars_give_it(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """A base that two modules import from the package above them, which imports all of both, is found for each."""
    root = tree({
        "lib/__init__.py": "",
        "lib/parts/__init__.py": "from .one import *\nfrom .two import *\nfrom .three import *\n",
        "lib/parts/one.py": "class Part:\n    def fit(self):\n        self.late = self.make()\n",
        "lib/parts/two.py": "from lib.parts import Part\nclass Late:\n    pass\n"
        "class Two(Part):\n    def make(self):\n        return Late()\n",
        "lib/parts/three.py": "from lib.parts import Part\nclass Three(Part):\n    def make(self):\n        pass\n",
        "lib/model.py": "from lib.parts.two import Two\nfrom lib.parts.three import Three\nclass Model:\n"
        "    def __init__(self):\n        self.parts = [Three(), Two()]\n",
    })  # fmt: skip
    assert "lib.parts.two.Late" in infer(environment_of(root), ["lib.model.Model"], Options()).policy.globals
