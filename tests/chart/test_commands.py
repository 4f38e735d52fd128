"""The admission policy and the webhook read command lines alike: what one lets pass, the other does not deny."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from tests.chart.test_rendering import only

from pickleball_operator.decide.commands import bypass

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chart.engine import Engine

WORDS = [
    "python3", "/usr/bin/python3.11", "python", "pypy3", "python3d", "-I", "-E", "-S", "-u", "-uE", "-bIq", "-W",
    "ignore", "-Wignore", "-WIgnore", "-X", "dev", "-Xdev", "-XIES", "-c", "-m", "app", "--help", "--", "-", "app.py",
    "exec", "env", "-i", "A=1", "unset", "PYTHONPATH", "PYTHONPATH=/x", "PYTHONPATH=$PYTHONPATH:/x", "MYPYTHONPATH=/x",
    "PYTHONPATH=${PYTHONPATH}:/x", "PYTHONPATH=$(PYTHONPATH):/x", "PYTHONPATH=$PYTHONPATHX:/x", "sh", "/bin/bash",
    "PYTHONPATH=${PYTHONPATH}x", "--check-hash-based-pycs", "always", "--jit",
    "export", "echo", "-u", "--unset=PYTHONPATH", "-Ic", "-cI", "-mE", "-B", "-O",
]  # fmt: skip
JOINTS = [" ", " ", " ", ";", "; ", " && ", "\n", " | ", "&"]


@pytest.fixture(scope="module")
def denied(chart: Engine) -> Callable[[list[str]], bool]:
    """The rule of the policy on commands, evaluated by Python: CEL's `matches` and `replace` mean the same there."""
    policy = only(chart.render(), "ValidatingAdmissionPolicy", "pickleball-selected-pods")["spec"]
    (rule,) = [one["expression"] for one in policy["validations"] if "variables.commands.all" in one["expression"]]
    (assigning,) = [one["expression"] for one in policy["variables"] if one["name"] == "assigning"]
    literal = r"'((?:[^'\\]|\\.)*)'"
    *patterns, assignment, _variable = [plain(one) for one in re.findall(rf"matches\({literal}\)", rule)]
    (shell,) = [plain(one) for one in re.findall(rf"matches\({literal}\)", assigning)]
    everywhere, *in_shells = [plain(one) for one in re.findall(rf"replace\({literal}, ''\)", assigning)]
    assert (len(patterns), len(in_shells)) == (4, 4)

    def judge(words: list[str]) -> bool:
        text = "\n".join(words)
        if any(re.search(pattern, text) for pattern in patterns):
            return True
        for one in (everywhere, *(in_shells if re.search(shell, words[0]) else ())):
            text = text.replace(one, "")
        return re.search(assignment, text) is not None

    return judge


def plain(literal: str) -> str:
    """A CEL string as its value."""
    return re.sub(r"\\(.)", r"\1", literal)


@pytest.mark.parametrize("seed", range(20))
def test_random_commands_are_judged_alike(denied: Callable[[list[str]], bool], seed: int) -> None:
    """Words as a list are judged alike; of a shell's line, which it cannot take apart, the policy denies no less."""
    chance = random.Random(seed)
    for _ in range(200):
        words = chance.choices(WORDS, k=chance.randint(1, 7))
        assert denied(words) == (bypass({"command": words}) is not None), words
        line = "".join(word + chance.choice(JOINTS) for word in words).strip(" ;&|\n")
        assert denied(["sh", "-c", line]) >= (bypass({"command": ["sh", "-c", line]}) is not None), line
