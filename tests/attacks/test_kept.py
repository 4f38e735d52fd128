"""Functions whose checks are kept from load to load: what changes between two, or within one, is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.attacks.requirement import COMPILED
from tests.attacks.test_quick import hooked

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = COMPILED
# What `make` gives is chosen by the test: first instances of a class of C, of which nothing can change.
MAKER = """
given = [lambda: iter([1, 2, 3])]
def make(*args):
    return given[0](*args)
shelf.make = make
STATE = b"\\x80\\x04" + name("shelf", "make") + b")RK\\x01b."
TAKES = b"\\x80\\x04" + name("shelf", "make") + name("shelf", "Kept") + b"\\x85R."
for _ in range(3):
    assert list(quickly(STATE)) == [2, 3]
"""
RESULTS = [
    ("shared = iter([1, 2]); given[0] = lambda: shared", "build-target"),
    ("import logging; given[0] = logging.getLogger", "build-target"),
    ("given[0] = Kept", "build-state"),
    ("import enum; given[0] = lambda: enum.Enum('Few', 'a').a", "build-target"),
    ("given[0] = lambda: len", "build-target"),
    ("import logging; logging.Logger = type(iter([]))", "build-target"),
    ("import enum; enum.Enum = type(iter([]))", "build-target"),
]


@pytest.mark.parametrize(("change", "rule"), RESULTS)
def test_results_of_a_function_that_is_kept_are_looked_at(change: str, rule: str, tmp_path: Path) -> None:
    """Others than those of a class that passed, those that others hold, those of a class that is a shared one now."""
    hooked(tmp_path, f"{MAKER}\n{change}\nrefused(STATE, {rule!r})\nrefused(STATE, {rule!r})\n")


def test_results_are_looked_at_again_where_a_callee_makes_their_class_a_shared_one(tmp_path: Path) -> None:
    """Also where the function had been imported before that callee ran."""
    code = """
    import logging
    def spoil(*args):
        logging.Logger = spoiled[0]
    shelf.spoil = spoil
    spoiled = [logging.Logger]
    stream = (b"\\x80\\x04" + name("shelf", "make") + name("shelf", "spoil") + b")R0" + b")RK\\x01b.")
    for _ in range(3):
        assert list(quickly(stream)) == [2, 3]
    spoiled[0] = type(iter([]))
    refused(stream, "build-target")
    """
    hooked(tmp_path, MAKER + "\n".join(line[4:] for line in code.splitlines()), called=("shelf.spoil",))


def test_instances_of_a_class_that_can_change_are_looked_at_in_each_load(tmp_path: Path) -> None:
    """Its `__setstate__` may go."""
    code = """
class Made:
    def __setstate__(self, state):
        self.state = state
given[0] = Made
for _ in range(3):
    assert quickly(STATE).state == 1
del Made.__setstate__
refused(STATE, "build-state")
"""
    hooked(tmp_path, MAKER + code)


CHANGES = [
    ("import functools; shelf.make = functools.reduce", "calls-argument"),
    ("shelf.make = map", "calls-argument"),
    ("import copyreg; shelf.make = copyreg.__newobj__", "helper-arguments"),
    ("import copyreg; copyreg.__newobj__ = make", "helper-arguments"),
    ("shelf.make = type", "helper-arguments"),
]


@pytest.mark.parametrize(("change", "rule"), CHANGES)
def test_another_object_under_the_name_is_looked_at(change: str, rule: str, tmp_path: Path) -> None:
    """And one that has become a helper of pickle."""
    hooked(
        tmp_path,
        f"{MAKER}\ngiven[0] = lambda cls: 1\nfor _ in range(3): quickly(TAKES)\n{change}\nrefused(TAKES, {rule!r})\n",
    )


def test_a_function_is_looked_at_again_once_a_module_has_come(tmp_path: Path) -> None:
    """It may be one that calls what it is given, under the name by which that is known."""
    code = """
from pickleball_enforce import names
given[0] = lambda cls: 1
for _ in range(3):
    quickly(TAKES)
path = next(path for path in sorted(names.CALLERS) if path.rpartition(".")[0] not in sys.modules)
module, _, last = path.rpartition(".")
sys.modules[module] = types.ModuleType(module)
setattr(sys.modules[module], last, make)
refused(TAKES, "calls-argument")
"""
    hooked(tmp_path, MAKER + code)


def test_a_function_whose_results_are_checked_is_not_left_to_stock(tmp_path: Path) -> None:
    """Which calls it without a guard; what the compiled module loaded before is no reason to."""
    code = """
def odd(data):
    return data[:2] + b"I1\\n0" + data[2:]
given[0] = lambda *args: iter([1, 2, 3])
quickly(odd(TAKES))
assert quick._latest[1].judge(odd(TAKES), 0)[1] is not None, "the compiled module makes it by itself"
assert list(quickly(STATE)) == [2, 3]
assert list(pickle.loads(odd(STATE))) == [2, 3]
shared = iter([1, 2])
given[0] = lambda: shared
refused(odd(STATE), "build-target")
"""
    hooked(tmp_path, MAKER + code)
