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


PROXIES = """
import logging, weakref
target = [Kept()]
def make(*args):
    return weakref.proxy(target[0])
shelf.make = make
STATE = b"\\x80\\x04" + name("shelf", "make") + b")R}\\x8c\\x05levelK\\x07sb."
for _ in range(3):
    assert quick.load(STATE) is not None
assert target[0].level == 7
"""
REFERENTS = [
    "logging.getLogger('attacked')",
    "types.ModuleType('attacked')",
    "__import__('enum').Enum('Few', 'a').a",
]


@pytest.mark.parametrize("referent", REFERENTS)
def test_a_proxy_of_a_shared_object_is_refused_after_one_of_a_plain_object(referent: str, tmp_path: Path) -> None:
    """A proxy's class is a static one of C, but what it says to be an instance of depends on what it stands for."""
    hooked(tmp_path, f"{PROXIES}\ntarget[0] = {referent}\nrefused(STATE, 'build-target')\n")


def test_a_callable_proxy_of_a_function_is_refused_after_one_of_a_callable_object(tmp_path: Path) -> None:
    """The same with the class of proxies that can be called."""
    code = """
class Called:
    def __call__(self): pass
target[0] = Called()
for _ in range(3):
    assert quick.load(STATE) is not None
target[0] = make
refused(STATE, "build-target")
"""
    hooked(tmp_path, PROXIES + code)


def test_an_alias_of_a_shared_object_is_refused_after_one_of_a_plain_object(tmp_path: Path) -> None:
    """The class of aliases hands on `__class__` too (Python 3.9 and 3.10; later ones never looked through it)."""
    code = """
if sys.version_info < (3, 11):
    def make(*args):
        return types.GenericAlias(target[0], int)
    shelf.make = make
    for _ in range(3):
        assert quick.load(STATE) is not None
    target[0] = logging.getLogger("attacked")
    refused(STATE, "build-target")
"""
    hooked(tmp_path, PROXIES + code)


# `_bisect.bisect_right` is no caller that is known by that name; `bisect.bisect` is, and is the same function.
CALLER = """
import _bisect, importlib.util
sys.modules.pop("bisect", None)
TAKES = b"\\x80\\x04" + name("_bisect", "bisect_right") + b"]" + name("shelf", "Kept") + b"\\x86R."
"""
ARRIVALS = {
    "another module goes": (
        "sys.modules['other'] = types.ModuleType('other')",
        "del sys.modules['other']; import bisect",
    ),
    "its import was barred": ("sys.modules['bisect'] = None", "del sys.modules['bisect']; import bisect"),
    "it is loaded lazily": (
        (
            "spec = importlib.util.find_spec('bisect'); spec.loader = importlib.util.LazyLoader(spec.loader); "
            "lazy = sys.modules['bisect'] = importlib.util.module_from_spec(spec); spec.loader.exec_module(lazy)"
        ),
        "lazy.bisect",
    ),
    "it was a stand-in": (
        "sys.modules['bisect'] = types.ModuleType('bisect')",
        "del sys.modules['bisect']; import bisect",
    ),
}


@pytest.mark.parametrize(("before", "change"), ARRIVALS.values(), ids=ARRIVALS)
def test_a_module_that_comes_is_seen_although_there_are_as_many_as_before(
    before: str, change: str, tmp_path: Path
) -> None:
    """One goes, or its entry was there already."""
    code = f"{CALLER}\n{before}\nfor _ in range(3): quickly(TAKES)\n{change}\nrefused(TAKES, 'calls-argument')\n"
    hooked(tmp_path, code, called=("_bisect.bisect_right",))


def test_a_load_in_the_midst_of_an_import_is_no_reason_to_keep_what_it_found(tmp_path: Path) -> None:
    """The module is there from the beginning of its import on, and its names come later (as for another thread)."""
    code = """
def hook(event, args):
    if event == "exec" and args[0].co_filename.endswith("bisect.py"):
        seen.append(quickly(TAKES))
seen = []
sys.addaudithook(hook)
import bisect
assert seen == [0]
refused(TAKES, "calls-argument")
"""
    hooked(tmp_path, CALLER + code, called=("_bisect.bisect_right",))


def test_a_module_that_comes_by_a_callee_for_another_one_is_seen(tmp_path: Path) -> None:
    """Within one load: a callee of it makes one module go and another one come."""
    code = """
def make(*args):
    if swap:
        del sys.modules["other"]
        import bisect
    return 1
swap = []
shelf.make = make
sys.modules["other"] = types.ModuleType("other")
stream = b"\\x80\\x04" + name("shelf", "make") + b")R0" + TAKES[2:]
for _ in range(3):
    quickly(stream)
swap.append(1)
refused(stream, "calls-argument")
"""
    hooked(tmp_path, CALLER + code, called=("_bisect.bisect_right",))


def test_a_class_of_shared_objects_that_is_registered_is_seen(tmp_path: Path) -> None:
    """A program's own `logging.Logger` may be an abstract class, of which others become subclasses later."""
    code = """
import abc, logging
def make(*args):
    return iter([1, 2, 3])
shelf.make = make
logging.Logger = abc.ABCMeta("Logger", (), {})
STATE = b"\\x80\\x04" + name("shelf", "make") + b")RK\\x01b."
for _ in range(3):
    quickly(STATE)
logging.Logger.register(type(iter([])))
refused(STATE, "build-target")
"""
    hooked(tmp_path, code)


def test_another_dict_of_modules_is_seen(tmp_path: Path) -> None:
    """Checks in Python look at `sys.modules`, and what outcomes rest on lies in the interpreter's own dict."""
    code = """
quickly(CALL)
sys.modules = dict(sys.modules)
sys.modules["copyreg"] = types.ModuleType("copyreg")
sys.modules["copyreg"].__newobj__ = make
refused(CALL, "helper-arguments")
"""
    hooked(tmp_path, code)


def test_a_function_that_a_program_gave_up_goes(tmp_path: Path) -> None:
    """What it holds is not kept in memory by what was found of it."""
    code = """
import gc, weakref
class Large: pass
def made():
    large = Large()
    def make(*args):
        return [large and 1]
    return make, weakref.ref(large)
shelf.make, known = made()
quickly(CALL)
del shelf.make
gc.collect()
assert known() is None
"""
    hooked(tmp_path, code)
