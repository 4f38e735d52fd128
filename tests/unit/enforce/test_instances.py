"""Classes of which a policy allows instances only: whatever keeps one as data is refused, whatever makes one is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.attacks import assembly as asm
from tests.attacks.assembly import (
    BUILD,
    EMPTY_TUPLE,
    MARK,
    NONE,
    OBJ,
    POP,
    PROTO2,
    STOP,
    TUPLE1,
    get,
    number,
    put,
    text,
)

from pickleball_enforce import engine
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.report import Report, Stream
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_enforce.report import Verdict

ONLY, OTHER, CALLED = asm.name("shop", "Basket"), asm.name("shop", "Item"), asm.name("shop", "make")
POLICY = Policy({"m": Entry(("builtins.object", "shop.Item"), ("shop.make",), ("shop.Basket",))})
FROZEN = b"\x91"
SET = b"\x8f"
ADDITEMS = b"\x90"
RECONSTRUCT = asm.name("copyreg", "_reconstructor")
MAKES = {
    "NEWOBJ": asm.new(ONLY),
    "NEWOBJ with arguments and a state": asm.new(ONLY, number(1)) + asm.dict_of(text("a"), OTHER) + BUILD,
    "NEWOBJ_EX": ONLY + EMPTY_TUPLE + asm.dict_of(text("a"), number(1)) + b"\x92",
    "NEWOBJ by the memo": ONLY + put(1) + EMPTY_TUPLE + b"\x81" + POP + get(1) + EMPTY_TUPLE + b"\x81",
    "INST": MARK + b"ishop\nBasket\n",
    "OBJ": MARK + ONLY + OBJ,
    "_reconstructor": asm.call(RECONSTRUCT, ONLY, asm.name("builtins", "object"), NONE),
    "__newobj__": asm.call(asm.name("copyreg", "__newobj__"), ONLY, number(1)),
    "__newobj_ex__": asm.call(asm.name("copyreg", "__newobj_ex__"), ONLY, EMPTY_TUPLE, asm.dict_of()),
    "an import that goes": ONLY + POP + NONE,
    "instances among data": asm.list_of(asm.new(ONLY), asm.dict_of(text("a"), asm.new(ONLY)), asm.new(OTHER)),
    "another class is kept": asm.list_of(OTHER, asm.new(ONLY)),
}
KEEPS = {
    "the result": ONLY,
    "a list": asm.list_of(ONLY),
    "a list, by APPEND": b"]" + ONLY + b"a",
    "a tuple in a list": asm.list_of(asm.tuple_of(number(1), asm.tuple_of(ONLY))),
    "a tuple that the memo holds": asm.tuple_of(ONLY) + put(1) + POP + asm.list_of(get(1)),
    "a value of a dict": asm.dict_of(text("a"), ONLY),
    "a key of a dict": asm.dict_of(ONLY, number(1)),
    "a value, by SETITEM": b"}" + text("a") + ONLY + b"s",
    "a set": SET + MARK + ONLY + ADDITEMS,
    "a frozenset": MARK + ONLY + FROZEN,
    "a state": asm.new(OTHER) + ONLY + BUILD,
    "an attribute": asm.new(OTHER) + asm.dict_of(text("a"), ONLY) + BUILD,
    "a slot": asm.new(OTHER) + asm.tuple_of(NONE, asm.dict_of(text("a"), ONLY)) + BUILD,
    "an argument of a call": asm.call(CALLED, ONLY),
    "an argument of INST": MARK + ONLY + b"ishop\nmake\n",
    "an argument of OBJ": MARK + CALLED + ONLY + OBJ,
    "an argument of __new__": asm.new(OTHER, ONLY),
    "an argument of its own __new__": asm.new(ONLY, ONLY),
    "a keyword of __new__": OTHER + EMPTY_TUPLE + asm.dict_of(text("a"), ONLY) + b"\x92",
    "an argument of __newobj__": asm.call(asm.name("copyreg", "__newobj__"), OTHER, ONLY),
    "the state of _reconstructor": asm.call(RECONSTRUCT, OTHER, asm.name("builtins", "tuple"), asm.tuple_of(ONLY)),
    "an item of an object": asm.new(OTHER) + ONLY + b"a",
    "after it made an instance": ONLY + put(1) + EMPTY_TUPLE + b"\x81" + POP + asm.list_of(get(1)),
    "a second import of the name": asm.new(ONLY) + POP + asm.list_of(ONLY),
    "by DUP": ONLY + b"2" + EMPTY_TUPLE + b"\x81" + b"0" + TUPLE1 + asm.list_of() + b"0",
    "a persistent id": asm.tuple_of(ONLY) + b"Q",
    "a persistent id by itself": ONLY + b"Q",
    "under the arguments of what is refused": asm.call(NONE, ONLY),
}


def each(cases: dict[str, bytes]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with each stream."""
    return pytest.mark.parametrize("stream", list(cases.values()), ids=[name.replace(" ", "-") for name in cases])


def rules(verdict: Verdict) -> list[str]:
    """Give the rules that a stream breaks."""
    assert verdict.error is None
    return [violation.rule for violation in verdict.violations]


@each(MAKES)
def test_instances_may_be_made(stream: bytes) -> None:
    """By each opcode and helper that pickle writes for an instance."""
    assert rules(Verifier(POLICY).verify(PROTO2 + stream + STOP)) == []


@each(KEEPS)
def test_the_class_may_not_be_kept(stream: bytes) -> None:
    """Wherever it would become data; the violation says which list would allow it."""
    verdict = Verifier(POLICY).verify(PROTO2 + stream + STOP)
    found = [violation for violation in verdict.violations if violation.rule == "instances-only"]
    assert len(found) == 1, (verdict.error, verdict.violations)
    assert found[0].allow == ("globals", "shop.Basket")
    assert found[0].sentence == "The stream keeps shop.Basket as data; the policy allows instances of it only."


@pytest.mark.parametrize("make", [Verifier, engine.make])
def test_a_method_may_not_be_bound(make: Callable[..., Verifier]) -> None:
    """It is data, and holds its instance or its class; a class of an instance is refused at load."""
    policy = Policy({"m": Entry((), (), ("shop.Basket", "shop.Basket.of"))})
    stream = asm.call(asm.name("builtins", "getattr"), asm.new(ONLY), text("of"))
    assert rules(make(policy, Settings()).verify(PROTO2 + stream + STOP)) == ["import-not-allowed"]
    allowing = Policy({"m": Entry(("shop.Basket.of",), (), ("shop.Basket",))})
    assert rules(make(allowing, Settings()).verify(PROTO2 + stream + STOP)) == []


@each(KEEPS)
def test_a_class_of_globals_may_be_kept(stream: bytes) -> None:
    """The same streams break nothing of this rule where any entry lists the class in `globals`."""
    policy = Policy({**POLICY.entries, "n": Entry(("shop.Basket",))})
    assert policy.instances == frozenset()
    assert "instances-only" not in rules(Verifier(policy).verify(PROTO2 + stream + STOP))


def test_the_memo_of_an_earlier_load_does_not_make_it_data() -> None:
    """The second pickle of an Unpickler is judged alike."""
    judge = Verifier(POLICY)
    assert rules(judge.verify(PROTO2 + ONLY + put(1) + EMPTY_TUPLE + b"\x81" + STOP)) == []
    assert rules(judge.verify(PROTO2 + get(1) + EMPTY_TUPLE + b"\x81" + STOP)) == []
    assert rules(judge.verify(PROTO2 + asm.list_of(get(1)) + STOP)) == ["instances-only"]


@each(KEEPS)
def test_where_the_application_renames_its_real_name_decides(stream: bytes) -> None:
    """An import that a find_class of the application answers is obliged: the list of its real name is not known yet."""
    verdict = Verifier(POLICY, Settings(renames=True)).verify(PROTO2 + stream + STOP)
    kept = {item.path for item in verdict.imports for held in item.obligations if held.kind == "kept"}
    assert "shop.Basket" in kept


@each(MAKES)
def test_instances_are_not_obliged_to_be_kept(stream: bytes) -> None:
    """What only makes instances has no such obligation."""
    verdict = Verifier(POLICY, Settings(renames=True)).verify(PROTO2 + stream + STOP)
    kept = {item.path for item in verdict.imports for held in item.obligations if held.kind == "kept"}
    assert "shop.Basket" not in kept


RENAMING = """
import io, json, pickle, sys, types
import pickleball_enforce
from pickleball_enforce import Entry, Policy

shop = types.ModuleType("shop")
for name in ("Basket", "Item"):
    setattr(shop, name, type(name, (), {"__module__": "shop"}))
shop.pay = lambda *given: print("paid")
shop.pay.__module__, shop.pay.__qualname__ = "shop", "pay"
sys.modules["shop"] = shop
pickleball_enforce.install(Policy({"m": Entry(("shop.Item", "shop.pay"), (), ("shop.Basket",))}))

class Renaming(getattr(pickle, sys.argv[1])):
    def find_class(self, module, name):
        return super().find_class(*{("old", "Bag"): ("shop", "Basket")}.get((module, name), (module, name)))

unpickler = Renaming(io.BytesIO(bytes.fromhex(sys.argv[2])))
for _ in range(int(sys.argv[3])):
    try:
        print(type(unpickler.load()).__name__)
    except pickle.UnpicklingError as error:
        print(error)
"""
BAG, PAY = asm.name("old", "Bag"), asm.name("shop", "pay")
SENTENCE = "The stream keeps shop.Basket as data; the policy allows instances of it only."
PAYS = "The stream calls shop.pay, which the policy does not allow."
RENAMED = {
    "made": (asm.new(BAG), ["Basket"]),
    "kept": (asm.list_of(BAG), [SENTENCE]),
    "kept by its own name": (asm.list_of(ONLY), [SENTENCE]),
    "made, and kept by the next": (
        BAG + put(1) + EMPTY_TUPLE + b"\x81" + STOP + PROTO2 + asm.list_of(get(1)), ["Basket", SENTENCE],
    ),
    "a function, and called by the next": (
        asm.list_of(PAY + put(1)) + STOP + PROTO2 + asm.call(get(1)), ["list", PAYS],
    ),
}  # fmt: skip


@pytest.mark.parametrize("unpickler", ["Unpickler", "_Unpickler"])
@pytest.mark.parametrize(("stream", "said"), RENAMED.values(), ids=[name.replace(" ", "-") for name in RENAMED])
def test_a_find_class_of_the_application_changes_nothing(unpickler: str, stream: bytes, said: list[str]) -> None:
    """The name that reaches the base class decides, for each pickle of an Unpickler."""
    command = [sys.executable, "-c", RENAMING, unpickler, (PROTO2 + stream + STOP).hex(), str(len(said))]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "images/enforce/src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == said


@pytest.mark.parametrize(
    ("stream", "listed"),
    [
        (asm.new(ONLY), "instances"),
        (asm.call(RECONSTRUCT, ONLY, asm.name("builtins", "object"), NONE), "instances"),
        (MARK + ONLY + OBJ, "instances"),
        (asm.list_of(asm.new(ONLY), asm.new(ONLY)), "instances"),
        (asm.list_of(ONLY), "globals"),
        (asm.list_of(ONLY, asm.new(ONLY)), "globals"),
        (asm.new(ONLY, ONLY), "globals"),
        (asm.list_of(asm.new(ONLY), asm.call(ONLY)), "reduces"),
    ],
)
def test_the_least_policy_lists_what_is_only_instantiated(stream: bytes, listed: str) -> None:
    """Traces put a class into `instances` where that is enough."""
    tracer = Verifier(None)
    report = Report("", streams=[Stream("", tracer.verify(PROTO2 + stream + STOP), list(tracer.needs))])
    needed = report.needed()
    assert [key for key, names in vars(needed).items() if "shop.Basket" in names] == [listed]
    assert Verifier(Policy({"m": needed})).verify(PROTO2 + stream + STOP).clean


def test_loads_make_instances_and_keep_none(tmp_path: Path) -> None:
    """The short ways of loading obey, too: the same class, made a hundred times and kept once."""
    code = """
import pickle, sys
import pickleball_enforce
from fractions import Fraction
from pickleball_enforce import Entry, Policy

class Point:
    pass

Point.__module__ = "fractions"
import fractions
fractions.Point = Point
pickleball_enforce.install(Policy({"m": Entry((), (), ("fractions.Point",))}))
for count in (1, 3, 500, 50_000):
    points = [Point() for _ in range(count)]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert len(pickle.loads(pickle.dumps(points, protocol))) == count
        try:
            pickle.loads(pickle.dumps([*points, Point], protocol))
        except pickle.UnpicklingError as error:
            assert "allows instances of it only" in str(error), error
        else:
            raise AssertionError(count)
print("done")
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "images/enforce/src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "done\n", done.stderr[-2000:]
    assert not list(tmp_path.iterdir())


def test_policies_hold_the_list() -> None:
    """It is written where there is something in it, and read back."""
    text_ = POLICY.dumps()
    assert '"instances": [' in text_
    assert Policy.parse(text_).entries == POLICY.entries
    assert "instances" not in Policy({"m": Entry(("a.B",))}).dumps()
    assert POLICY.globals == {"shop.Item", "builtins.object", "shop.Basket"}
    assert POLICY.instances == {"shop.Basket"}
    joined = Entry.union([POLICY.entries["m"], Entry((), ("shop.Basket",)), Entry((), (), ("shop.Item", "a.B"))])
    assert joined == Entry(("builtins.object", "shop.Item"), ("shop.Basket", "shop.make"), ("a.B",))
