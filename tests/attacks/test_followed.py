"""The fast way of the Python driver says what the other way says, and what differs from stock does not mislead it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.attacks import differential, following
from tests.attacks.comparison import native
from tests.attacks.ledger import ATTACKS
from tests.attacks.requirement import COMPILED
from tests.attacks.streams import mutated, stream

from pickleball_enforce import engine
from pickleball_enforce.policy import Entry, Policy

HERE = Path(__file__).parent
pytestmark = COMPILED
FRAMED = """
import io, os, pickle, struct, sys
import pickleball_enforce
from pickleball_enforce.drivers import followed
from victims import touch
pickleball_enforce.install(sys.argv[1])
def framed(*bodies):
    return b"\\x80\\x04" + b"".join(b"\\x95" + struct.pack("<Q", len(body)) + body for body in bodies)
def load(kind, data, **attributes):
    unpickler = kind(io.BytesIO(data))
    vars(unpickler).update(attributes)
    return unpickler.load()
def refused(kind, data, rule=None, **attributes):
    try:
        load(kind, data, **attributes)
    except pickle.UnpicklingError as error:
        rules = [item.rule for item in getattr(error, "violations", ())]
        assert rule is None or rules == [rule], (rules, error)
    else:
        raise SystemExit("it was loaded")
    assert not os.path.exists(os.environ["VICTIMS_MARKER"]), "it ran"
class Handlers(pickle._Unpickler):
    dispatch = pickle._Unpickler.dispatch.copy()
TOUCH = b"\\x8c\\x07victims\\x8c\\x05touch\\x93)R"
LIST = b"]K\\x01a"
"""


def hooked(tmp_path: Path, code: str, **entry: list[str]) -> None:
    """Run code in a hooked process."""
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"m": {"globals": entry.get("allowed", []), "reduces": entry.get("called", [])}}))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(HERE / "library"), str(HERE.parents[1] / "images/enforce/src"))),
        "VICTIMS_MARKER": str(tmp_path / "marker"),
    }
    program = [sys.executable, "-c", FRAMED + textwrap.dedent(code), str(policy)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_random_streams_are_followed_as_they_are_stepped() -> None:
    """Whatever a stream is cut into, both ways tell the driver the same: findings, stacks, imports, targets."""
    assert native, engine.REASON
    clean = 0
    for seed in range(2000):
        chance = random.Random(seed)
        made = stream(chance)
        streams = [made, stream(chance), differential.mutated(chance, made), mutated(chance)]
        clean += following.check(chance, chance.choice(differential.POLICIES), streams)
    assert clean > 100


def test_the_ledger_is_followed_as_it_is_stepped() -> None:
    """Every attack gets the same judgement, whatever it is cut into, on the first load and on the next."""
    assert native, engine.REASON
    for attack in ATTACKS:
        for seed in range(5):
            policy = Policy({"m": Entry(attack.globals, attack.reduces)})
            following.check(random.Random(seed), policy, [attack.stream] * 2)


def test_a_whole_frame_is_judged_before_anything_in_it_runs(tmp_path: Path) -> None:
    """A call at the end of a frame is refused before an allowed one at its beginning; in a later frame, at that one."""
    hooked(
        tmp_path,
        """
        good = b"\\x8c\\x07victims\\x8c\\x05touch\\x93)R0"
        bad = b"\\x8c\\x02os\\x8c\\x06getcwd\\x93)R."
        assert followed.can_follow(pickle._Unpickler(io.BytesIO(b"")))
        refused(pickle._Unpickler, framed(good + bad), "reduce-not-allowed")
        """,
        called=["victims.touch"],
    )


def test_another_way_to_push_is_used_as_by_stock(tmp_path: Path) -> None:
    """A handler that has stock's handlers push by a function of its own meets what they push, up to the next mark."""
    hooked(
        tmp_path,
        """
        pushed = []
        def load_false(self):
            stack = self.stack
            self.append = lambda item: (pushed.append(item), stack.append(item))
            self.append(False)
        Handlers.dispatch[0x89] = load_false
        assert load(Handlers, framed(b"(\\x89K\\x01\\x94K\\x02h\\x00](K\\x03et.")) == (False, 1, 2, 1, [3])
        assert pushed == [False, 1, 2, 1, [3]], pushed
        """,
    )


def test_a_reader_that_hands_out_other_bytes_changes_nothing(tmp_path: Path) -> None:
    """Each byte is asked for once and kept; a buffer that changes after it was handed out is not looked at again."""
    hooked(
        tmp_path,
        """
        class Shifting:
            def __init__(self, data):
                self.file, self.given = io.BytesIO(data), []
            def read(self, size):
                for old in self.given:
                    old[:] = bytes(len(old))
                data = bytearray(self.file.read(size))
                self.given.append(data)
                return data
            def readline(self):
                return self.file.readline()
        body = b"\\x8c\\x02os]K\\x01a\\x86."
        class Late(pickle._Unpickler):
            pass
        unpickler = Late(Shifting(framed(body)))
        assert unpickler.load() == ("os", [1])
        """,
    )


@pytest.mark.parametrize(
    "handler",
    [
        "self.append([]); self.append([])",
        "self.stack.pop()",
        "self.metastack.append(self.stack); self.stack = []; self.append = self.stack.append",
        "self.append([]); self.stack.clear()",
    ],
)
def test_a_handler_that_leaves_another_stack_is_refused(handler: str, tmp_path: Path) -> None:
    """The values under what was judged would be others: nothing runs after it."""
    hooked(
        tmp_path,
        f"""
        def other(self):
            {handler}
        Handlers.dispatch[pickle.EMPTY_LIST[0]] = other
        assert followed.can_follow(Handlers(io.BytesIO(b"")))
        refused(Handlers, framed(b"NN" + LIST + b"0" + TOUCH + b"."), "handler-diverges")
        """,
        called=["victims.touch"],
    )


def test_a_handler_that_reads_its_neighbours_argument_gets_none(tmp_path: Path) -> None:
    """A handler sees the argument of its opcode only; those of the opcodes after it stay theirs."""
    hooked(
        tmp_path,
        """
        seen = []
        def greedy(self):
            seen.append(self.read(100))
            self.append([])
        Handlers.dispatch[pickle.EMPTY_LIST[0]] = greedy
        assert load(Handlers, framed(b"K\\x07" + LIST + b"\\x86.")) == (7, [1]) and seen == [b""]
        """,
    )


def test_a_handler_that_leaves_its_argument_unread_is_refused(tmp_path: Path) -> None:
    """What it leaves would be taken by the next handler."""
    hooked(
        tmp_path,
        """
        Handlers.dispatch[pickle.BININT1[0]] = lambda self: self.append(1)
        refused(Handlers, framed(b"K\\x07."), "handler-diverges")
        """,
    )


def test_handlers_that_are_replaced_while_it_loads_are_seen_at_the_next_frame(tmp_path: Path) -> None:
    """A frame runs with the handlers that it was cut for; those of the next one are compared again."""
    hooked(
        tmp_path,
        """
        def twice(self):
            self.append(None); self.append(None)
        def switch(self):
            self.append([])
            Handlers.dispatch[pickle.NONE[0]] = twice
        Handlers.dispatch[pickle.EMPTY_LIST[0]] = switch
        assert load(Handlers, framed(LIST + b"N\\x86.")) == ([1], None)
        Handlers.dispatch[pickle.NONE[0]] = pickle._Unpickler.load_none
        refused(Handlers, framed(LIST, b"N\\x86."), "handler-diverges")
        """,
    )


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("def pop_mark(self): return [1, 2, 3]", ""),
        ("def get_extension(self, code): self.append(touch)", ""),
        ("def __getattribute__(self, name): return super().__getattribute__(name)", ""),
        ("def __setattr__(self, name, value): super().__setattr__(name, value)", ""),
        ("stack = property(lambda self: self.other, lambda self, value: setattr(self, 'other', [None, *value]))", ""),
        ("def persistent_load(self, pid): return touch", ""),
        ("pass", "pop_mark=lambda: [1, 2, 3]"),
        ("pass", "memo=type('Memo', (dict,), {})()"),
        ("pass", "memo={'a': 1}"),
        ("pass", "memo={1 << 40: 1}"),
        ("dispatch = {**pickle._Unpickler.dispatch, pickle.FRAME[0]: lambda self: None}", ""),
        ("dispatch = {**pickle._Unpickler.dispatch, pickle.STOP[0]: lambda self: None}", ""),
        ("dispatch = {**pickle._Unpickler.dispatch, pickle.BINPERSID[0]: lambda self: None}", ""),
        ("dispatch = {**pickle._Unpickler.dispatch, pickle.PERSID[0]: lambda self: None}", ""),
        ("dispatch = type('Table', (dict,), {})(pickle._Unpickler.dispatch)", ""),
    ],
)
def test_unpicklers_that_replace_more_than_handlers_are_followed_opcode_by_opcode(
    body: str, attributes: str, tmp_path: Path
) -> None:
    """What stock's handlers use is not stock's: each of their effects is compared."""
    hooked(
        tmp_path,
        f"""
        class Other(pickle._Unpickler):
            {body}
        unpickler = Other(io.BytesIO(b""))
        vars(unpickler).update({attributes})
        assert not followed.can_follow(unpickler)
        """,
    )


PERSISTENT = """
        class Other:
            def __new__(cls):
                touch()
        body = b"]0\\x8c\\x07victims\\x8c\\x05Plain\\x93\\x85Q)\\x81."
        """


def test_a_handler_of_persistent_ids_has_to_give_the_class_that_the_id_names(tmp_path: Path) -> None:
    """Its object is compared before it is instantiated, in a frame and outside."""
    hooked(
        tmp_path,
        PERSISTENT
        + """
        def give(self):
            self.stack[-1] = Other
        Handlers.dispatch[pickle.BINPERSID[0]] = give
        for data in (framed(body), b"\\x80\\x04" + body):
            refused(Handlers, data, "class-not-import")
        """,
        allowed=["victims.Plain"],
    )


def test_methods_that_a_handler_replaces_while_it_loads_are_seen(tmp_path: Path) -> None:
    """What stock's handlers would call is not what they were followed with: nothing runs after it."""
    hooked(
        tmp_path,
        PERSISTENT
        + """
        def of_instance(self):
            self.append([])
            self.persistent_load = lambda pid: Other
        def of_class(self):
            self.append([])
            Handlers.persistent_load = lambda self, pid: Other
        for handler in (of_instance, of_class):
            Handlers.dispatch[pickle.EMPTY_LIST[0]] = handler
            assert followed.can_follow(Handlers(io.BytesIO(b"")))
            for data in (framed(body), b"\\x80\\x04" + body):
                refused(Handlers, data, "handler-diverges")
                vars(Handlers).get("persistent_load") and delattr(Handlers, "persistent_load")
        """,
        allowed=["victims.Plain"],
    )


@pytest.mark.parametrize("kind", ["Handlers", "Stepped"])
@pytest.mark.parametrize("before", ["", "\\x82\\x07)R0"])
@pytest.mark.parametrize(
    "change",
    [
        "copyreg._extension_registry.clear(); copyreg._inverted_registry[7] = ('victims', 'touch')",
        "copyreg._extension_cache[7] = touch",
    ],
)
def test_extension_codes_that_change_while_it_loads_are_seen(
    kind: str, before: str, change: str, tmp_path: Path
) -> None:
    """A code stands for the name that was judged, the first time and again: another one is not to be called."""
    hooked(
        tmp_path,
        f"""
        import copyreg, types
        module = sys.modules["shelf"] = types.ModuleType("shelf")
        class Stepped(pickle._Unpickler):
            def persistent_load(self, pid): raise KeyError(pid)
        def swap():
            copyreg.clear_extension_cache()
            {change}
        module.swap, module.join = swap, lambda *given: None
        copyreg.add_extension("shelf", "join", 7)
        data = b"{before}\\x8c\\x05shelf\\x8c\\x04swap\\x93)R0\\x82\\x07)R."
        assert followed.can_follow({kind}(io.BytesIO(b""))) is ({kind} is Handlers)
        for stream in (framed(data), b"\\x80\\x04" + data):
            refused({kind}, stream)
            copyreg._extension_registry.clear(); copyreg._inverted_registry.clear(); copyreg._extension_cache.clear()
            copyreg.add_extension("shelf", "join", 7)
        module.swap = lambda: None
        for stream in (framed(data), b"\\x80\\x04" + data):
            assert load({kind}, stream) is None
        """,
        allowed=["victims.touch"],
        called=["shelf.join", "shelf.swap"],
    )


def test_a_handler_that_renames_is_judged_by_what_reaches_the_base_class(tmp_path: Path) -> None:
    """It asks for a name that the policy lets be referred to, where the stream has one that may be called."""
    hooked(
        tmp_path,
        """
        def renaming(self):
            name, module = self.stack.pop(), self.stack.pop()
            self.append(self.find_class(module, {"join": "touch"}.get(name, name)))
        Handlers.dispatch[pickle.STACK_GLOBAL[0]] = renaming
        body = b"\\x8c\\x07victims\\x8c\\x04join\\x93"
        for data in (framed(body + b")R."), b"\\x80\\x04" + body + b")R."):
            refused(Handlers, data, "reduce-not-allowed")
        assert load(Handlers, framed(body + b".")) is touch
        """,
        allowed=["victims.touch"],
        called=["victims.join"],
    )


@pytest.mark.parametrize("kind", ["Handlers", "Stepped"])
def test_a_memo_that_two_unpicklers_share_holds_no_names_of_the_other(kind: str, tmp_path: Path) -> None:
    """One keeps a name that may be called; another one puts there what may only be referred to."""
    hooked(
        tmp_path,
        f"""
        class Stepped(pickle._Unpickler):
            def persistent_load(self, pid): raise KeyError(pid)
        called, given = b"\\x8c\\x07victims\\x8c\\x04join\\x93", b"\\x8c\\x07victims\\x8c\\x05touch\\x93"
        again = framed(b"h\\x00)R.")
        one = {kind}(io.BytesIO(framed(called + b"\\x94.") + again + again))
        other = {kind}(io.BytesIO(framed(given + b"q\\x00.")))
        one.load()
        assert one.load() == ""
        other.memo = one.memo
        assert other.load() is touch
        try:
            one.load()
        except pickle.UnpicklingError as error:
            assert [item.rule for item in error.violations] == ["callee-not-import"]
        assert not os.path.exists(os.environ["VICTIMS_MARKER"]), "it ran"
        """,
        allowed=["victims.touch"],
        called=["victims.join"],
    )


def test_results_of_calls_are_checked_on_the_stack(tmp_path: Path) -> None:
    """What a call gives is looked at when the stream changes it, in its frame and in a later one."""
    hooked(
        tmp_path,
        """
        import logging
        target = b"\\x8c\\x07logging\\x8c\\x09getLogger\\x93)R"
        state = b"}\\x8c\\x05levelK\\x05sb."
        for data in (framed(target + state), framed(target, state), b"\\x80\\x04" + target + state):
            refused(pickle._Unpickler, data, "build-target")
        assert logging.getLogger().level != 5
        """,
        called=["logging.getLogger"],
    )


def test_a_method_of_a_result_may_be_bound(tmp_path: Path) -> None:
    """`re.compile(...).search` is kept as data where the policy lists it: its owner is what a call gave."""
    hooked(
        tmp_path,
        """
        import re
        for protocol in range(2, 6):
            data = pickle.dumps([re.compile("a+b").search, re.compile("c").search], protocol)
            for kind in (pickle._Unpickler, Handlers, pickle.Unpickler):
                first, second = load(kind, data)
                assert first("xaab").span() == (1, 4) and second("ab") is None
                refused(kind, data.replace(b"search", b"groups"), "dotted-name")
                refused(kind, data.replace(b"search", b"escape"))
        """,
        allowed=["re._compile.search", "re._compile.groups"],
        called=["re._compile"],
    )


def test_no_property_of_a_result_of_an_earlier_load_is_read(tmp_path: Path) -> None:
    """Whether what the call gave has such a method was not looked at then: it is refused."""
    hooked(
        tmp_path,
        """
        taken = b"c__builtin__\\ngetattr\\nh\\x00"
        made = b"\\x80\\x02cvictims\\nget_watched\\n)Rq\\x00" + taken + b"X\\x05\\x00\\x00\\x00watch\\x86R."
        read = b"\\x80\\x02" + taken + b"X\\x06\\x00\\x00\\x00status\\x86R."
        for kind in (pickle._Unpickler, Handlers, pickle.Unpickler):
            unpickler = kind(io.BytesIO(made + read))
            assert unpickler.load().__name__ == "watch"
            try:
                unpickler.load()
            except pickle.UnpicklingError as error:
                assert {item.rule for item in error.violations} <= {"build-target", "dotted-name"}
            else:
                raise SystemExit("it was loaded")
            assert not os.path.exists(os.environ["VICTIMS_MARKER"]), "it ran"
        """,
        allowed=["victims.get_watched.watch", "victims.get_watched.status"],
        called=["victims.get_watched"],
    )


def test_a_class_that_changes_between_two_loads_is_looked_at_again(tmp_path: Path) -> None:
    """A class becomes one of shared objects, a name comes to stand for another object: the next load sees it."""
    hooked(
        tmp_path,
        """
        import types
        module = sys.modules["shelf"] = types.ModuleType("shelf")
        class Kept:
            pass
        Kept.__module__, Kept.__qualname__, module.Kept = "shelf", "Kept", Kept
        made = b"\\x8c\\x05shelf\\x8c\\x04Kept\\x93)\\x81"
        data = framed(made + b"}\\x8c\\x03useN" + b"sb.")
        for kind in (pickle._Unpickler, pickle.Unpickler):
            module.Kept = Kept
            assert type(load(kind, data)) is Kept
            Kept.__new__ = staticmethod(lambda cls: Kept.only)
            Kept.only = object.__new__(Kept)
            refused(kind, data, "build-target")
            del Kept.__new__, Kept.only
            assert type(load(kind, data)) is Kept
            Kept.use = lambda self: None
            assert type(load(kind, data)) is Kept
            module.Kept = type
            refused(kind, data)
            module.Kept = print
            refused(kind, data)
        """,
        allowed=["shelf.Kept"],
    )


@pytest.mark.parametrize("protocol", range(6))
def test_what_a_call_has_just_made_is_not_searched_for(protocol: int, tmp_path: Path) -> None:
    """A new array is seen to be new where it is made, in frames and outside of them: a search goes over the heap."""
    pytest.importorskip("numpy")
    code = f"""
        import numpy
        from pickleball_enforce import sharing
        searches = []
        is_held = sharing.is_held
        sharing.is_held = lambda *given: searches.append(given) or is_held(*given)
        given = [numpy.arange(5.0).reshape(1, 5).T[::2] for _ in range(10)]
        assert len(load(pickle._Unpickler, pickle.dumps(given, {protocol}))) == 10
        assert not searches, len(searches)
    """
    reduces = [f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")] + ["numpy.dtype"]
    frombuffer = [f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")]
    hooked(tmp_path, code, allowed=["numpy.ndarray", "numpy.dtype"], called=reduces + frombuffer)
