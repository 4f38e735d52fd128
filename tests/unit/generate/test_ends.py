"""An inference that takes too long ends, with what is near, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pickleball_generate.inference import Options, infer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

LONG = 80
FEW = 200


@pytest.fixture
def chain(environment_of: Callable[..., Environment], tree: Callable[[dict[str, str]], Path]) -> Environment:
    """A model that holds a part, which holds a part, and so on."""
    parts = "".join(
        f"class Part{one}:\n    def __init__(self):\n        self.next = Part{one + 1}()\n\n\n" for one in range(LONG)
    )
    last = f"class Part{LONG}:\n    pass\n\n\n"
    model = "class Model:\n    def __init__(self):\n        self.first = Part0()\n"
    return environment_of(tree({"lib/__init__.py": "", "lib/m.py": parts + last + model}))


def test_what_is_near_is_in_the_policy_and_the_rest_is_told(chain: Environment) -> None:
    """The policy is a part of what the whole inference gives, and notes and provenance say that it is one."""
    cut = infer(chain, ["lib.m.Model"], Options(steps=FEW))
    (note,) = chain.notes
    whole = infer(chain, ["lib.m.Model"], Options())
    assert chain.notes == [note]
    assert "lib.m.Model was ended after 200 steps" in note
    assert "--for-model" in note
    assert {"lib.m.Model", "lib.m.Part0"} <= cut.policy.globals < whole.policy.globals
    assert f"lib.m.Part{LONG}" in whole.policy.globals - cut.policy.globals
    assert cut.policy.reduces <= whole.policy.reduces
    what = [item["what"] for item in cut.provenance["classes"]["lib.m.Model"]["unresolved"]]
    assert "what lies beyond 200 steps" in what
    assert whole.provenance["classes"]["lib.m.Model"]["unresolved"] == []


def test_it_ends_at_the_same_place_each_time(chain: Environment) -> None:
    """What is cut does not depend on the machine."""
    first, second = (infer(chain, ["lib.m.Model"], Options(steps=FEW)) for _ in range(2))
    assert (first.policy.dumps(), first.provenance) == (second.policy.dumps(), second.provenance)
