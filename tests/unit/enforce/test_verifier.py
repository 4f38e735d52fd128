"""The rules of the verifier: what honest streams write passes, what leaves the policy is told with its place."""

from __future__ import annotations

import collections
import copyreg
import decimal
import enum
import fractions
import functools
import importlib
import io
import pickle
import pickletools
import struct
import time

import pytest
from tests.attacks import assembly as asm

from pickleball_enforce import obligations
from pickleball_enforce.opcodes import read_argument
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.report import Report, Stream
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier


def policy(globals_: str = "", reduces: str = "") -> Policy:
    """Make a policy from names between blanks."""
    return Policy({"test.Model": Entry(tuple(globals_.split()), tuple(reduces.split()))})


def rules(stream: bytes, globals_: str = "", reduces: str = "", settings: Settings | None = None) -> list[str]:
    """Judge a stream: the rules that it breaks, "malformed" for an error."""
    verdict = Verifier(policy(globals_, reduces), settings).verify(stream)
    return [item.rule for item in verdict.violations] + (["malformed"] if verdict.error else [])


def kinds(stream: bytes, globals_: str = "", reduces: str = "") -> set[tuple[str, str, str]]:
    """Judge a stream that is clean so far: (name, kind, detail) of its obligations."""
    verdict = Verifier(policy(globals_, reduces)).verify(stream)
    assert verdict.clean, (verdict.error, verdict.violations)
    found = {(item.path, held.kind, held.detail) for item in verdict.imports for held in item.obligations}
    return {item for item in found if item[1] != "callee"}


class Colour(enum.Enum):
    """A set of values."""

    RED = 1


class Old:
    """Written as protocols 0 and 1 write classes."""


class Numbers(list):
    """A list with attributes."""


class Point(collections.namedtuple("Point", "x y")):
    """A named tuple."""

    __slots__ = ()


class Bag(collections.OrderedDict):
    """A dict with attributes."""


class Choosing:
    """Chooses one of its methods to stand for another."""

    def __init__(self) -> None:
        self.use = self.other  # type: ignore[method-assign]
        self.kept = [self.third]

    def use(self) -> str:
        return "use"

    def other(self) -> str:
        return "other"

    def third(self) -> str:
        return "third"


class WithKeywords:
    """Pickled by NEWOBJ_EX."""

    def __new__(cls, *, size: int) -> WithKeywords:
        made = super().__new__(cls)
        made.size = size
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]:
        return (), {"size": self.size}

    size: int


def made() -> dict[str, object]:
    """Give objects of many forms, all of them honest."""
    numbers, bag, old = Numbers([1, 2]), Bag(a=1), Old()
    numbers.extra = bag.extra = old.__dict__["x"] = "y"  # type: ignore[attr-defined]
    recursive: list[object] = [1]
    recursive.append(recursive)
    old.__dict__["me"] = old
    return {
        "data": [
            None,
            True,
            1,
            -(2**70),
            1.5,
            "text",
            b"bytes",
            bytearray(b"x"),
            (1, (2,)),
            {3},
            frozenset({4}),
            {5: 6},
        ],
        "long": ["t" * 5000, b"b" * 70_000],
        "recursive": recursive,
        "enum": Colour.RED,
        "object": old,
        "list": numbers,
        "dict": bag,
        "tuple": Point(1, 2),
        "keywords": WithKeywords(size=3),
        "decimal": decimal.Decimal("1.5"),
        "fraction": fractions.Fraction(1, 3),
        "counter": collections.Counter("aab"),
        "deque": collections.deque([1, 2], 5),
        "default": collections.defaultdict(list, a=[1]),
        "partial": functools.partial(len, "abc"),
        "class": type(None),
        "singletons": [..., NotImplemented, type(...), type(NotImplemented)],
        "bound": numbers.index,
        "choosing": Choosing(),
        "values": [slice(1, None, 2), range(3), complex(1, 2)],
        "error": ValueError("x", 1),
        "builtin": [len, int, dict.fromkeys],
    }


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", made())
def test_honest_streams_are_clean_under_their_least_policy(name: str, protocol: int) -> None:
    """What pickle itself writes is clean, its obligations hold, and the least policy lists nothing in vain."""
    if name == "keywords" and protocol < 4:
        return  # protocols 0 and 1 cannot write it, 2 and 3 write a call of a partial, which rule 3 refuses
    stream = pickle.dumps(made()[name], protocol)
    tracer = Verifier(None)
    traced = tracer.verify(stream)
    assert traced.clean, (traced.error, traced.violations)
    needed = least(tracer)
    verifier = Verifier(Policy({"test.Model": needed}))
    verdict = verifier.verify(stream)
    assert verdict.clean, (verdict.error, verdict.violations)
    assert not [item.path for item in verdict.imports if item.decision == "stub"]
    for prediction in verdict.imports:
        found = resolve(prediction.canonical)
        assert obligations.discharge(found, prediction) == []
    for list_name, names in vars(needed).items():
        for entry in names:
            less = needed.changed(**{list_name: tuple(name for name in names if name != entry)})
            verdict = Verifier(Policy({"test.Model": less})).verify(stream)
            assert not verdict.clean or any(item.decision == "stub" for item in verdict.imports), entry


@pytest.mark.parametrize("protocol", range(6))
def test_a_trace_lists_methods_that_replace_others_as_called(protocol: int) -> None:
    """A method that a state sets stands in `reduces`, since in `globals` it may not replace one; others do not."""
    stream = pickle.dumps(Choosing(), protocol)
    tracer = Verifier(None)
    tracer.verify(stream)
    needed, path = least(tracer), f"{__name__}.Choosing"
    assert f"{path}.other" in needed.reduces
    assert f"{path}.third" in needed.globals
    less = Entry((*needed.globals, f"{path}.other"), tuple(name for name in needed.reduces if name != f"{path}.other"))
    found = Verifier(Policy({"test.Model": less})).verify(stream).imports
    refused = [one.rule for item in found for one in obligations.discharge(resolve(item.canonical), item)]
    assert refused == ["method-shadowed"]


def least(tracer: Verifier) -> Entry:
    """Give the least policy of what was traced."""
    report = Report("", streams=[Stream("", tracer.finish(), list(tracer.needs))])
    return report.needed()


def resolve(path: tuple[str, str]) -> object:
    """Import what a canonical name names."""
    return functools.reduce(getattr, path[1].split("."), importlib.import_module(path[0]))


# ---- 1 and 2: names and stubs ---------------------------------------------------------------------------------------


def test_names_of_python_2_are_mapped_below_protocol_3_only() -> None:
    """`__builtin__` is `builtins` in protocol 2, itself from protocol 3, and with fix_imports=False."""
    stream = b"\x80\x02c__builtin__\nlist\n."
    assert Verifier(policy("builtins.list")).verify(stream).imports[0].decision == "allow"
    assert Verifier(policy("builtins.list")).verify(b"\x80\x03" + stream[2:]).imports[0].decision == "stub"
    unmapped = Settings(fix_imports=False)
    assert Verifier(policy("builtins.list"), unmapped).verify(stream).imports[0].decision == "stub"


def test_the_protocol_in_force_is_the_last_one_named() -> None:
    """PROTO in the middle of a stream switches the mapping."""
    stream = b"\x80\x02c__builtin__\nlist\n0\x80\x03c__builtin__\nlist\n."
    decisions = [item.decision for item in Verifier(policy("builtins.list")).verify(stream).imports]
    assert decisions == ["allow", "stub"]


def test_a_name_outside_the_policy_is_a_stub_and_breaks_nothing() -> None:
    """Importing, keeping and passing on what the policy lacks is no violation."""
    stream = asm.PROTO2 + asm.list_of(asm.name("a", "b"), asm.call(asm.name("c", "d"), asm.name("a", "b"))) + asm.STOP
    verdict = Verifier(policy("", "c.d")).verify(stream)
    assert verdict.clean
    assert [(item.path, item.decision) for item in verdict.imports] == [
        ("a.b", "stub"),
        ("c.d", "allow"),
        ("a.b", "stub"),
    ]


@pytest.mark.parametrize(
    ("stream", "rule"),
    [
        (asm.call(asm.name("a", "b")), "reduce-not-allowed"),
        (asm.new(asm.name("a", "b")), "instance-not-allowed"),
        (asm.name("a", "b") + asm.EMPTY_DICT + asm.BUILD, "build-target"),
        (asm.name("a", "b") + asm.NONE + asm.APPEND, "items-target"),
        (asm.name("a", "b") + asm.NONE + asm.NONE + asm.SETITEM, "items-target"),
        (asm.name("a", "b") + asm.MARK + asm.NONE + asm.ADDITEMS, "items-target"),
        (asm.EMPTY_DICT + asm.put(1) + b"0" + asm.name("a", "b") + asm.get(1) + asm.BUILD, "build-target"),
    ],
)
def test_using_a_stub_in_the_stream_is_a_violation_that_names_it(stream: bytes, rule: str) -> None:
    """Calling, instantiating and changing a stub is refused with the entry that would be needed."""
    verdict = Verifier(policy("", "x.y")).verify(asm.PROTO2 + stream + asm.STOP)
    assert [item.rule for item in verdict.violations] == [rule]
    assert verdict.violations[0].allow is not None
    assert verdict.violations[0].allow[1] == "a.b"


def test_all_violations_of_a_stream_are_told_at_once_with_their_places() -> None:
    """Every violation stands in the verdict, at the offset of its opcode."""
    first, second = asm.call(asm.name("a", "b")), asm.call(asm.name("c", "d"))
    stream = asm.PROTO2 + first + second + asm.STOP
    found = Verifier(policy("", "x.y")).verify(stream).violations
    assert [(item.name, item.offset) for item in found] == [
        ("a.b", 2 + len(first) - 1),
        ("c.d", 2 + len(first) + len(second) - 1),
    ]
    offsets = {position for opcode, _, position in pickletools.genops(stream) if opcode.name == "REDUCE"}
    assert {item.offset for item in found} == offsets


# ---- 3 to 6: calls --------------------------------------------------------------------------------------------------


def test_a_class_in_globals_is_instantiated_and_not_called() -> None:
    """NEWOBJ needs `globals` or `reduces`, REDUCE needs `reduces`."""
    new, call = asm.PROTO2 + asm.new(asm.name("a", "B")) + asm.STOP, asm.call(asm.name("a", "B")) + asm.STOP
    assert rules(new, "a.B") == rules(new, "", "a.B") == rules(call, "", "a.B") == []
    assert rules(call, "a.B") == ["reduce-not-allowed"]
    assert ("a.B", "class", "") in kinds(new, "a.B")


def test_inst_without_arguments_instantiates_a_class_of_globals() -> None:
    """It is a call where `reduces` lists the name, and an instantiation to be proven otherwise."""
    assert kinds(b"(ia\nB\n.", "a.B") == {("a.B", "class", ""), ("a.B", "no-initargs", "")}
    assert kinds(b"(ia\nB\n.", "", "a.B") == set()
    assert rules(b"(K\x01ia\nB\n.", "a.B") == ["reduce-not-allowed"]


def test_a_memoised_callee_is_the_import_that_it_copies() -> None:
    """A callee may come from the memo."""
    stream = asm.PROTO2 + asm.name("a", "f") + asm.put(0) + b"0" + asm.call(asm.get(0)) + asm.STOP
    assert rules(stream, "", "a.f") == []


@pytest.mark.parametrize(
    ("base", "state", "fine"),
    [
        ("object", asm.NONE, True),
        ("object", asm.number(1), False),
        ("list", asm.list_of(asm.number(1)), True),
        ("dict", asm.EMPTY_DICT, True),
        ("dict", asm.EMPTY_LIST, False),
        ("int", asm.number(1), True),
        ("int", asm.text("1"), False),
        ("str", asm.text("1"), True),
        ("list", asm.call(asm.name("a", "f")), False),
        ("Exception", asm.NONE, False),
    ],
)
def test_reconstructor_takes_what_pickle_writes(base: str, state: bytes, fine: bool) -> None:
    """The base is a builtin data type and the state is data of that kind."""
    stream = asm.call(asm.name("copyreg", "_reconstructor"), asm.name("a", "B"), asm.name("builtins", base), state)
    assert (rules(stream + asm.STOP, "a.B", "a.f") == []) == fine


def test_helpers_need_no_entry_and_are_not_data_without_one() -> None:
    """_reconstructor, getattr and their operands resolve where they are used, and nowhere else."""
    for name in ("copyreg _reconstructor", "builtins getattr", "builtins type", "_codecs encode"):
        stream = asm.list_of(asm.name(*name.split())) + asm.STOP
        assert rules(stream) == ["import-not-allowed"]
        assert rules(stream, name.replace(" ", ".")) == []
    assert Verifier(policy()).verify(asm.name("builtins", "object") + asm.STOP).imports[0].decision == "stub"


def test_getattr_is_an_import_of_the_dotted_name() -> None:
    """getattr(C, 'x') needs C.x; the result may be called where `reduces` lists it."""
    taken = asm.call(asm.name("builtins", "getattr"), asm.name("a", "C"), asm.text("x"))
    assert rules(taken + asm.STOP, "a.C") == ["import-not-allowed"]
    assert rules(taken + asm.STOP, "a.C.x") == []
    assert rules(asm.call(taken) + asm.STOP, "a.C.x") == ["reduce-not-allowed"]
    assert rules(asm.call(taken) + asm.STOP, "", "a.C.x") == []
    assert ("a.C", "attribute", "x") in kinds(taken + asm.STOP, "a.C.x")


def test_a_bound_method_is_data() -> None:
    """getattr(object, 'm') needs Class.m, its result is not called, and special methods are refused."""
    owner = asm.new(asm.name("a", "C"))
    taken = asm.call(asm.name("builtins", "getattr"), owner, asm.text("m"))
    assert rules(asm.PROTO2 + taken + asm.STOP, "a.C") == ["import-not-allowed"]
    assert rules(asm.PROTO2 + taken + asm.STOP, "a.C a.C.m") == []
    assert rules(asm.PROTO2 + asm.call(taken) + asm.STOP, "a.C a.C.m") == ["callee-not-import"]
    special = asm.call(asm.name("builtins", "getattr"), owner, asm.text("__reduce__"))
    assert rules(asm.PROTO2 + special + asm.STOP, "a.C a.C.__reduce__") == ["helper-arguments"]


def test_getattr_with_a_default_or_a_computed_name_is_refused() -> None:
    """Reflection has one form."""
    for args in (
        (asm.name("a", "C"), asm.text("x"), asm.NONE),
        (asm.name("a", "C"), asm.call(asm.name("a", "f"))),
        (asm.name("a", "C"), b"U\x01x"),
        (asm.name("a", "C"), asm.text("x.y")),
    ):
        stream = asm.call(asm.name("builtins", "getattr"), *args) + asm.STOP
        assert "helper-arguments" in rules(stream, "a.C a.C.x", "a.f")


@pytest.mark.parametrize("library", ["cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle"])
def test_code_that_was_written_by_value_is_refused_by_name(library: str) -> None:
    """The sentence says that a function was written into the file, and what to do."""
    verdict = Verifier(policy()).verify(asm.call(asm.name(library, "_make_function")) + asm.STOP)
    assert [item.rule for item in verdict.violations] == ["code-by-value"]
    assert "module that can be imported" in verdict.violations[0].sentence


def test_dotted_names_are_refused_below_protocol_4() -> None:
    """There they would be one attribute with a dot in its name."""
    assert rules(b"\x80\x02ca\nB.c\n.", "a.B.c") == ["dotted-name"]
    assert rules(b"\x80\x04ca\nB.c\n.", "a.B.c") == []


# ---- 7: changes -----------------------------------------------------------------------------------------------------


def built(state: bytes, target: bytes = asm.new(asm.name("a", "B"))) -> bytes:
    """Write an object and its state."""
    return asm.PROTO2 + target + state + asm.BUILD


@pytest.mark.parametrize(
    ("maker", "first", "array"),
    [
        ("numpy._core.multiarray._reconstruct", asm.name("numpy", "ndarray"), True),
        ("numpy._core.numeric._frombuffer", b"C\x01x", True),
        ("numpy._core.multiarray._reconstruct", asm.name("a", "Callable"), False),
        ("numpy._core.multiarray._reconstruct", asm.new(asm.name("a", "B")), False),
        ("a.make", asm.name("numpy", "ndarray"), False),
    ],
)
def test_an_array_may_stand_where_a_method_does(maker: str, first: bytes, array: bool) -> None:
    """A plain array of numpy cannot be called; an array of another class, or another result, may be."""
    module, _, name = maker.rpartition(".")
    made = asm.call(asm.name(module, name), first, asm.number(0))
    stream = built(asm.dict_of(asm.text("x"), made)) + asm.STOP
    found = kinds(stream, "a.B numpy.ndarray a.Callable", maker)
    assert (("a.B", "shadow", "x") not in found) is array


def test_an_array_whose_names_an_application_answers_is_obliged_to_be_of_numpy() -> None:
    """With an overridden find_class the maker, and the class that it gets, have to be numpy's own."""
    maker = asm.name("numpy._core.multiarray", "_reconstruct")
    for first, path in ((asm.name("numpy", "ndarray"), "numpy.ndarray"), (b"C\x01x", "")):
        stream = built(asm.dict_of(asm.text("x"), asm.call(maker, first))) + asm.STOP
        verdict = Verifier(policy("a.B"), Settings(renames=True)).verify(stream)
        found = {(item.path, held.kind, held.detail) for item in verdict.imports for held in item.obligations}
        assert ("a.B", "shadow", "x") not in found
        assert ("numpy._core.multiarray._reconstruct", "array", "") in found
        assert {item for item in found if item[:2] == ("numpy.ndarray", "array")} == (
            {(path, "array", path)} if path else set()
        )


def test_a_state_brings_obligations_for_what_may_be_called_and_for_slots() -> None:
    """Literal values in a dict state need no check, callable ones and slots do."""
    plain = built(asm.dict_of(asm.text("x"), asm.number(1), asm.text("y"), asm.list_of())) + asm.STOP
    assert kinds(plain, "a.B") == {("a.B", "class", ""), ("a.B", "build", "")}
    held = built(asm.dict_of(asm.text("x"), asm.name("c", "d"))) + asm.STOP
    assert ("a.B", "shadow", "x") in kinds(held, "a.B c.d")
    assert ("a.B", "shadow", "x") not in kinds(held, "a.B", "c.d")
    assert ("c.d", "handed", "") in kinds(held, "a.B", "c.d")
    assert ("a.B", "shadow", "x") in kinds(held.replace(b"cc\nd\n", b"cbuiltins\nmap\n"), "a.B", "builtins.map")
    slots = built(asm.NONE + asm.dict_of(asm.text("x"), asm.number(1)) + asm.TUPLE2) + asm.STOP
    assert ("a.B", "slot", "x") in kinds(slots, "a.B")
    other = built(asm.tuple_of(asm.number(1), asm.number(2), asm.number(3))) + asm.STOP
    assert ("a.B", "setstate", "") in kinds(other, "a.B")


def test_slots_of_a_later_pickle_are_told_from_those_at_the_same_place_of_an_earlier_one() -> None:
    """What is remembered of one buffer says nothing of the next, whose bytes may spell other names there."""

    def slots(key: str) -> bytes:
        state = asm.NONE + asm.dict_of(asm.text(key), asm.number(1)) + asm.TUPLE2
        return asm.get(0) + asm.EMPTY_TUPLE + asm.NEWOBJ + state + asm.BUILD

    first = asm.PROTO2 + asm.name("a", "B") + asm.put(0) + slots("kept")
    second = asm.PROTO2 + asm.text("x" * (len(first) - 5)) + asm.POP
    judge = Verifier(policy("a.B"))
    assert judge.verify(first + slots("kept") + asm.STOP).clean
    late = judge.verify(second + slots("evil") + asm.STOP).late
    assert [(held.kind, held.detail) for _, held in late] == [("slot", "evil")]


def test_long_integers_in_a_list_cost_what_hashing_them_takes() -> None:
    """However they came into it, one by one or many at once."""
    integer = b"\x8b" + struct.pack("<I", 1 << 16) + b"\x01" * (1 << 16) + asm.put(0) + asm.POP
    for items in ((asm.get(0) + asm.APPEND) * 1000, asm.MARK + asm.get(0) * 1000 + asm.APPENDS):
        made = asm.call(asm.name("builtins", "set"), asm.EMPTY_LIST + items)
        settings = Settings(max_hash_cost=0)
        assert rules(asm.PROTO2 + integer + made + asm.STOP, reduces="builtins.set", settings=settings) == ["malformed"]


def test_an_object_may_be_its_own_state_where_its_items_are_known() -> None:
    """As of a dict with `self.__dict__ = self`: what may be called among its items is obliged like a state."""
    new = asm.PROTO2 + asm.new(asm.name("a", "B"))
    own = asm.DUP + asm.BUILD + asm.STOP
    items = asm.text("x") + asm.name("c", "d") + asm.SETITEM + asm.text("y") + asm.number(1) + asm.SETITEM
    assert {("a.B", "own-state", ""), ("a.B", "shadow", "x")} <= kinds(new + items + own, "a.B c.d")
    assert ("a.B", "shadow", "y") not in kinds(new + items + own, "a.B c.d")
    assert ("a.B", "setstate", "") not in kinds(new + items + own, "a.B c.d")
    for unknown in (
        new + b"U\x01x" + asm.name("c", "d") + asm.SETITEM,
        new + asm.text("__deepcopy__") + asm.list_of() + asm.SETITEM,
        new + asm.number(1) + asm.APPEND,
        new + b"".join(asm.text(f"x{n}") + asm.name("c", "d") + asm.SETITEM for n in range(257)),
        asm.PROTO2 + asm.new(asm.name("a", "B"), asm.number(1)),
    ):
        assert ("a.B", "setstate", "") in kinds(unknown + own, "a.B c.d")


def test_special_names_in_a_state_take_literal_data_only() -> None:
    """Names that protocols look up are refused with other values; names that libraries set are not."""
    for key in ("__setstate__", "__deepcopy__", "__array_interface__", "__reduce_ex__"):
        assert rules(built(asm.dict_of(asm.text(key), asm.name("c", "d"))) + asm.STOP, "a.B c.d") == ["state-key"]
        assert rules(built(asm.dict_of(asm.text(key), asm.number(1))) + asm.STOP, "a.B") == []
    for key in ("__orig_class__", "__wrapped__", "__notes__", "__doc__"):
        assert rules(built(asm.dict_of(asm.text(key), asm.name("c", "d"))) + asm.STOP, "a.B c.d") == []
    assert rules(built(asm.dict_of(asm.text("__class__"), asm.number(1))) + asm.STOP, "a.B") == ["state-key"]


def test_a_state_is_set_once_and_items_come_before_it() -> None:
    """A second BUILD, and items after BUILD, are refused."""
    assert rules(built(asm.EMPTY_DICT) + asm.EMPTY_DICT + asm.BUILD + asm.STOP, "a.B") == ["build-twice"]
    assert rules(built(asm.EMPTY_DICT) + asm.NONE + asm.APPEND + asm.STOP, "a.B") == ["items-after-build"]
    before = asm.PROTO2 + asm.new(asm.name("a", "B")) + asm.NONE + asm.APPEND + asm.EMPTY_DICT + asm.BUILD + asm.STOP
    assert rules(before, "a.B") == []
    assert ("a.B", "items", "append") in kinds(before, "a.B")


def test_a_state_is_frozen_through_every_alias() -> None:
    """The dict of a state, and both dicts of a slot state, take no items afterwards."""
    change = asm.get(1) + asm.text("k") + asm.NONE + asm.SETITEM + asm.STOP
    assert rules(built(asm.EMPTY_DICT + asm.put(1)) + change, "a.B") == ["state-frozen"]
    assert rules(built(asm.NONE + asm.EMPTY_DICT + asm.put(1) + asm.TUPLE2) + change, "a.B") == ["state-frozen"]
    assert rules(built(asm.EMPTY_DICT + asm.put(1) + asm.NONE + asm.TUPLE2) + change, "a.B") == ["state-frozen"]


def test_results_of_calls_are_changed_under_a_guard() -> None:
    """A callee whose result gets a state has obligations on its results."""
    stream = asm.call(asm.name("a", "f")) + asm.EMPTY_DICT + asm.BUILD + asm.STOP
    verdict = Verifier(policy("", "a.f")).verify(stream)
    assert verdict.clean
    assert verdict.imports[0].guarded


def test_literals_get_no_state_but_none() -> None:
    """BUILD of a list is refused unless its state is None, which does nothing."""
    assert rules(b"]}b.") == ["build-target"]
    assert rules(b"]Nb.") == []


# ---- 8 and 9 --------------------------------------------------------------------------------------------------------


def test_what_calls_its_arguments_gets_callees_only() -> None:
    """Map takes functions of `reduces`, no other, and no created object."""
    stream = asm.call(asm.name("builtins", "map"), asm.name("a", "f"), asm.list_of()) + asm.STOP
    assert rules(stream, "a.f", "builtins.map") == ["calls-argument"]
    assert rules(stream, "", "builtins.map a.f") == []
    created = asm.PROTO2 + asm.call(asm.name("builtins", "map"), asm.new(asm.name("a", "F")), asm.list_of()) + asm.STOP
    assert rules(created, "a.F", "builtins.map") == ["calls-argument"]


def test_what_holds_a_callable_takes_classes_of_globals() -> None:
    """Partial and defaultdict take a function of `reduces`, or what proves to be a class."""
    stream = asm.call(asm.name("functools", "partial"), asm.name("a", "F")) + asm.STOP
    assert kinds(stream, "a.F", "functools.partial") == {("a.F", "type", "")}
    assert kinds(stream, "", "functools.partial a.F") == set()


def test_persistent_objects_are_data() -> None:
    """They are passed on, not called and not changed."""
    assert rules(asm.call(asm.name("a", "f"), asm.text("id") + b"Q") + asm.STOP, "", "a.f") == []
    assert rules(asm.call(asm.text("id") + b"Q") + asm.STOP) == ["callee-not-import"]
    assert rules(asm.text("id") + b"Q" + asm.EMPTY_DICT + asm.BUILD + asm.STOP) == ["build-target"]


def test_a_class_that_the_application_hands_through_is_the_one_of_the_id() -> None:
    """An id that holds one class may come back as that class, where the driver proves that it does."""
    held = asm.tuple_of(asm.text("module"), asm.name("a", "C"), asm.NONE) + b"Q"
    stream = asm.PROTO2 + asm.new(held) + asm.STOP
    assert rules(stream, "a.C") == ["class-not-import"]
    verdict = Verifier(policy("a.C"), Settings(persistent_classes=True)).verify(stream)
    assert verdict.clean
    assert verdict.persistent == {0: verdict.imports[0]}
    called = asm.PROTO2 + asm.call(held) + asm.STOP
    assert rules(called, "", "a.C", Settings(persistent_classes=True)) == ["callee-not-import"]


def test_a_name_inside_a_persistent_id_counts_as_used() -> None:
    """It needs an entry: the application may call it."""
    stream = asm.tuple_of(asm.text("storage"), asm.name("torch", "FloatStorage")) + b"Q" + asm.STOP
    assert rules(stream) == ["persistent-import"]
    assert rules(stream, "torch.FloatStorage") == []


def test_buffers_are_data() -> None:
    """Out-of-band buffers are accepted where the unpickler was given some."""
    stream = b"\x80\x05\x97\x98."
    assert rules(stream, settings=Settings(buffers=True)) == []
    assert rules(stream, settings=Settings(buffers=False)) == ["malformed"]


# ---- several loads --------------------------------------------------------------------------------------------------


def test_the_memo_lives_as_long_as_its_unpickler() -> None:
    """A later load may use what an earlier one stored; new obligations on it are told apart."""
    verifier = Verifier(policy("a.B"))
    first = verifier.verify(asm.PROTO2 + asm.name("a", "B") + asm.put(0) + asm.STOP)
    assert first.clean
    second = verifier.verify(asm.PROTO2 + asm.new(asm.get(0)) + asm.STOP)
    assert second.clean
    assert second.imports == []
    assert [(item.path, found.kind) for item, found in second.late] == [("a.B", "class")]
    assert second.late[0][0] is first.imports[0]


def test_an_attribute_of_a_class_of_an_earlier_load_brings_late_obligations() -> None:
    """What the stream does with it is checked, though its owner was imported before."""
    verifier = Verifier(policy("a.C a.C.D"))
    assert verifier.verify(asm.PROTO2 + asm.name("a", "C") + asm.put(0) + asm.STOP).clean
    taken = asm.call(asm.name("builtins", "getattr"), asm.get(0), asm.text("D"))
    second = verifier.verify(asm.PROTO2 + asm.new(taken) + asm.STOP)
    assert second.clean
    assert {(item.path, found.kind) for item, found in second.late} == {("a.C", "attribute"), ("a.C.D", "class")}


def test_a_shared_tuple_with_a_helper_is_walked_through_once() -> None:
    """A stream that refers to it often takes time in proportion to its length."""
    inner = asm.name("builtins", "getattr") + asm.MARK + b"N" * 20_000 + asm.TUPLE + asm.TUPLE2
    stream = asm.PROTO2 + inner + asm.put(0) + asm.EMPTY_LIST + asm.MARK + asm.get(0) * 20_000 + b"e."
    started = time.process_time()
    assert rules(stream) == ["import-not-allowed"]
    assert time.process_time() - started < 5


def test_a_refused_load_leaves_no_trace_in_the_memo() -> None:
    """Nothing of it ran, so the unpickler's memo is what it was."""
    verifier = Verifier(policy("a.B"))
    assert not verifier.verify(
        asm.PROTO2 + asm.name("a", "B") + asm.put(0) + asm.call(asm.name("c", "d")) + asm.STOP
    ).clean
    assert verifier.memo == {}


def test_memo_entries_of_the_application_are_its_data() -> None:
    """Of entries that the application set, nothing is known."""
    verifier = Verifier(policy("a.B", "a.f"))
    verifier.adopt([7])
    assert verifier.verify(asm.get(7) + asm.STOP).clean
    assert [item.rule for item in verifier.verify(asm.call(asm.get(7)) + asm.STOP).violations] == ["callee-not-import"]


def test_an_extension_code_is_predicted_once() -> None:
    """Its second use calls find_class no more: copyreg caches the object."""
    copyreg.add_extension("a", "B", 240)
    try:
        verdict = Verifier(policy("a.B")).verify(b"\x80\x02\x82\xf0\x83\xf0\x00\x86.")
        assert verdict.clean
        assert [(item.path, item.optional, item.code) for item in verdict.imports] == [("a.B", True, 240)]
    finally:
        copyreg.remove_extension("a", "B", 240)


def test_lockstep_gives_the_same_verdict_as_the_whole_buffer() -> None:
    """Both ways drive the same machine."""
    for protocol in range(6):
        stream = pickle.dumps({key: value for key, value in made().items() if key != "keywords"}, protocol)
        whole = Verifier(None).verify(stream)
        stepped = Verifier(None)
        file = io.BytesIO(stream)
        while not stepped.stopped:
            offset = file.tell()
            code = file.read(1)[0]
            stepped.step(code, read_argument(code, file.read, file.readline), offset)
        verdict = stepped.finish()
        assert verdict.clean
        assert verdict.end == whole.end
        assert [item.path for item in verdict.imports] == [item.path for item in whole.imports]
