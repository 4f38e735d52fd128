"""Loads that stock makes by itself, with each import checked by the audit hook: what changes between two is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.attacks.requirement import COMPILED

HERE = Path(__file__).parent
pytestmark = COMPILED
PRELUDE = """
import _pickle, io, os, pickle, sys, types
captured, stock_loads = _pickle.Unpickler, _pickle.loads
import pickleball_enforce
from pickleball_enforce.drivers import quick
shelf = sys.modules["shelf"] = types.ModuleType("shelf")
class Kept:
    pass
def make(*given):
    return list(given)
Kept.__module__, Kept.__qualname__, shelf.Kept, shelf.make = "shelf", "Kept", Kept, make
pickleball_enforce.install(sys.argv[1])
def name(module, qualname):
    return b"".join(b"\\x8c" + bytes((len(part),)) + part.encode() for part in (module, qualname)) + b"\\x93"
NEW = b"\\x80\\x04" + name("shelf", "Kept") + b")\\x81}\\x8c\\x03useNsb."
CALL = b"\\x80\\x04" + name("shelf", "make") + b"K\\x01\\x85R."
def quickly(data):
    result = pickle.loads(data)
    assert quick.load(data) is not None, "it took the long way"
    return result
def refused(data, rule=None):
    try:
        pickle.loads(data)
    except pickle.UnpicklingError as error:
        rules = [item.rule for item in getattr(error, "violations", ())]
        assert rule is None or rule in rules, (rules, error)
        return error
    raise SystemExit("it was loaded")
"""


def hooked(
    tmp_path: Path,
    code: str,
    allowed: tuple[str, ...] = ("shelf.Kept",),
    called: tuple[str, ...] = (),
    before: str = "",
) -> None:
    """Run code in a hooked process; some of it before that is hooked."""
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"m": {"globals": list(allowed), "reduces": ["shelf.make", *called]}}))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(HERE / "library"), str(HERE.parents[1] / "images/enforce/src"))),
    }
    program = [sys.executable, "-c", textwrap.dedent(before) + PRELUDE + textwrap.dedent(code), str(policy)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


CHANGES = [
    ("shelf.Kept = type", "not-a-plain-class"),
    ("shelf.Kept = print", "not-a-plain-class"),
    ("import enum; shelf.Kept = enum.Enum", "not-a-plain-class"),
    ("import logging; shelf.Kept = logging.Logger", "build-target"),
    ("sys.modules['shelf'] = types.SimpleNamespace(Kept=Kept)", "dotted-name"),
    ("Kept.only = object.__new__(Kept); Kept.__new__ = staticmethod(lambda cls: Kept.only)", "build-target"),
    (("Base = type('Base', (), {'__new__': lambda cls: kept}); Other = type('Kept', (Base,), {}); "
     "kept = object.__new__(Other); Other.only = kept; shelf.Kept = Other"), "build-target"),
    ("import logging; logging.Logger = Kept", "build-target"),
    (("import logging; quickly(NEW); "
     "Same = type('Same', (type,), {'__eq__': lambda *_: True, '__hash__': type.__hash__}); "
     "logging.Logger = Same('Logger', (), {}); shelf.Kept = type('Kept', (logging.Logger,), {})"), "build-target"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule"), CHANGES)
def test_a_name_or_class_that_changes_between_two_loads_is_looked_at_again(
    change: str, rule: str, tmp_path: Path
) -> None:
    """The first loads are quick; the next one meets what the name stands for now."""
    hooked(
        tmp_path,
        f"""
        for _ in range(3):
            assert type(quickly(NEW)) is Kept
        {change}
        refused(NEW, {rule!r})
        """,
    )


def test_bases_that_change_are_seen(tmp_path: Path) -> None:
    """A class that comes to derive from another one is not the class that was looked at."""
    hooked(
        tmp_path,
        """
        import logging
        class One: pass
        class Two(One): pass
        Two.__module__, Two.__qualname__, shelf.Kept = "shelf", "Kept", Two
        assert type(quickly(NEW)) is Two
        class Shared(logging.Logger): pass
        class Made(One):
            def __new__(cls): return only
        Two.__bases__ = (Made,)
        only = Two.kept = object.__new__(Two)
        refused(NEW, "build-target")
        """,
    )


def test_methods_and_slots_that_appear_are_seen(tmp_path: Path) -> None:
    """A state that sets a callable under a name is refused from the moment that the name is a method."""
    hooked(
        tmp_path,
        """
        state = b"}\\x8c\\x03use" + name("shelf", "Kept") + b"sb."
        data = b"\\x80\\x04" + name("shelf", "Kept") + b")\\x81" + state
        quickly(data)
        Kept.use = lambda self: None
        refused(data, "method-shadowed")
        slots = b"\\x80\\x04" + name("shelf", "Kept") + b")\\x81N}\\x8c\\x05otherK\\x01s\\x86b."
        quickly(slots)
        Kept.other = property(lambda self: 1, lambda self, value: print("set"))
        refused(slots, "slot-property")
        """,
    )


def test_a_helper_under_another_name_is_seen(tmp_path: Path) -> None:
    """A name of `reduces` that comes to stand for a helper of pickle, or the helper that comes to be this function."""
    hooked(
        tmp_path,
        """
        import copyreg
        assert quickly(CALL) == [1]
        shelf.make = copyreg._reconstructor
        refused(CALL, "helper-arguments")
        shelf.make = make
        assert quickly(CALL) == [1]
        copyreg.__newobj__ = make
        refused(CALL, "helper-arguments")
        """,
    )


def test_another_policy_is_asked_from_the_next_load_on(tmp_path: Path) -> None:
    """What was kept belongs to the policy that it was judged by."""
    hooked(
        tmp_path,
        """
        from pickleball_enforce.policy import Entry, Policy
        assert quickly(CALL) == [1]
        pickleball_enforce.use_policy(Policy({"m": Entry((), ())}))
        refused(CALL, "reduce-not-allowed")
        refused(NEW, "instance-not-allowed")
        """,
    )


def test_streams_of_other_uses_are_judged_by_their_own(tmp_path: Path) -> None:
    """The same import used otherwise is another question: a call, an item, a state of another form."""
    hooked(
        tmp_path,
        """
        class Bag:
            def append(self, item): print("appended")
            def extend(self, items): print("extended")
        Bag.__module__, Bag.__qualname__, shelf.Kept = "shelf", "Kept", Bag
        made = b"\\x80\\x04" + name("shelf", "Kept") + b")\\x81"
        assert type(quickly(made + b".")) is Bag
        refused(made + b"K\\x01a.", "items-target")
        refused(made + b"(K\\x01e.", "items-target")
        refused(made + b"K\\x05b.", "build-state")
        refused(b"\\x80\\x04" + name("shelf", "Kept") + b")R.", "reduce-not-allowed")
        """,
    )


def test_an_unpickler_that_nobody_judged_gets_nothing_from_a_load_that_runs(tmp_path: Path) -> None:
    """Inside a quick load the imports of a captured unpickler are refused, as outside."""
    hooked(
        tmp_path,
        """
        inner = b"\\x80\\x04" + name("os", "getcwd") + b")R."
        seen = []
        def make(*given):
            try:
                seen.append(captured(io.BytesIO(inner)).load())
            except pickle.UnpicklingError as error:
                seen.append([item.rule for item in error.violations])
            return [1]
        shelf.make = make
        assert pickle.loads(CALL) == [1]
        assert seen == [["unjudged-import"]], seen
        """,
    )


def test_an_unpickler_that_nobody_judged_does_not_get_what_the_load_expects_next(tmp_path: Path) -> None:
    """The name that comes next is for the load that was judged; another one would call what is only referred to."""
    hooked(
        tmp_path,
        """
        import functools
        ran = []
        shelf.refer = lambda *given: ran.append(given)
        inner = b"\\x80\\x04" + name("shelf", "refer") + b"K\\x07\\x85R."
        argument = b"C" + bytes((len(inner),)) + inner + b"\\x85R"
        data = b"\\x80\\x04" + name("shelf", "make") + argument + name("shelf", "refer") + b"\\x86."
        assert quickly(data)[1] is shelf.refer
        shelf.make = lambda given: captured(io.BytesIO(given)).load()
        refused(data, "unjudged-import")
        for shelf.make in (stock_loads, functools.partial(stock_loads), functools.lru_cache(stock_loads)):
            refused(data, "unjudged-import")
        shelf.make = captured(io.BytesIO(inner)).load
        refused(data.replace(argument, b")R"), "unjudged-import")
        assert not ran
        """,
        allowed=("shelf.refer",),
    )


@pytest.mark.parametrize("ending", ["raise KeyError", "raise SystemExit", "pickle.loads(b'no')", "pickle.loads(CALL)"])
def test_a_load_that_ends_leaves_nothing_to_the_next(ending: str, tmp_path: Path) -> None:
    """What a load expected when it failed, or came to its end, is no unpickler's that nobody judges."""
    hooked(
        tmp_path,
        f"""
        def end(*given):
            shelf.make = make
            {ending}
        def load():
            shelf.make = end
            try:
                pickle.loads(data)
            except BaseException:
                pass
        data = b"\\x80\\x04" + name("shelf", "make") + b")R" + name("shelf", "Kept") + b"\\x86."
        quickly(data)
        for _ in range(2):
            load()
            for expected in ("make", "Kept"):
                for unpickle in (stock_loads, lambda given: captured(io.BytesIO(given)).load()):
                    try:
                        unpickle(b"\\x80\\x04" + name("shelf", expected) + b".")
                    except pickle.UnpicklingError as error:
                        assert error.violations[0].rule == "unjudged-import"
                    else:
                        raise SystemExit(expected)
        """,
    )


@pytest.mark.parametrize("padding", [0, 40_000, 70_000])
@pytest.mark.parametrize("after", ["", "}K\\x01K\\x02sb"])
def test_a_stream_that_calls_a_channel_between_processes_is_not_exempt(
    padding: int, after: str, tmp_path: Path
) -> None:
    """What such a function loads for a stream is judged, however the stream is loaded and its results are checked."""
    hooked(
        tmp_path,
        f"""
        loky = sys.modules["loky"] = types.ModuleType("loky")
        wrapper = loky.cloudpickle_wrapper = sys.modules["loky.cloudpickle_wrapper"] = types.ModuleType("loky.wrapper")
        wrapper.__name__, wrapper.wrap_non_picklable_objects = "loky.cloudpickle_wrapper", None
        exec("from pickle import loads\\ndef rebuild(data): return loads(data)", vars(wrapper))
        from pickleball_enforce import guards
        inner = b"\\x80\\x04" + name("os", "getcwd") + b")R."
        argument = b"C" + bytes((len(inner),)) + inner
        call = name("loky.cloudpickle_wrapper", "rebuild") + argument + b"\\x85R" + b"{after}."
        data = b"\\x80\\x04B" + ({padding}).to_bytes(4, "little") + bytes({padding}) + b"0" + call
        for _ in range(2):
            refused(data, "reduce-not-allowed")
            for kind in (pickle.Unpickler, pickle._Unpickler):
                try:
                    kind(io.BytesIO(data)).load()
                except pickle.UnpicklingError as error:
                    assert error.violations[0].rule == "reduce-not-allowed", error
                else:
                    raise SystemExit(f"{{kind}} has loaded it")
            guards.guarded = guards.ResultGuard  # as where there is no compiled module
        """,
        called=("loky.cloudpickle_wrapper.rebuild",),
    )


def test_helpers_and_shared_classes_that_change_while_the_load_runs_are_seen(tmp_path: Path) -> None:
    """An allowed call makes a class one of shared objects before the stream gives an instance a state."""
    hooked(
        tmp_path,
        """
        import logging
        data = b"\\x80\\x04" + name("shelf", "make") + b")R0" + NEW[2:]
        assert type(quickly(data)) is Kept
        def share():
            logging.Logger = Kept
        shelf.make = share
        refused(data, "build-target")
        """,
    )


def test_tables_of_old_names_that_change_while_the_load_runs_are_seen(tmp_path: Path) -> None:
    """A name comes to be mapped to one that may be referred to, after the stream was judged to call another."""
    hooked(
        tmp_path,
        """
        import _compat_pickle
        ran = []
        shelf.refer = lambda *given: ran.append(given)
        def swap():
            _compat_pickle.NAME_MAPPING["shelf", "Kept"] = ("shelf", "refer")
        class Stepped(pickle._Unpickler):
            def persistent_load(self, pid): raise KeyError(pid)
        data = b"cshelf\\nmake\\n(tR0cshelf\\nKept\\n(tR."
        for kind in (None, pickle.Unpickler, pickle._Unpickler, Stepped):
            shelf.make = make
            pickle.loads(data) if kind is None else kind(io.BytesIO(data)).load()
            shelf.make = swap
            try:
                pickle.loads(data) if kind is None else kind(io.BytesIO(data)).load()
            except pickle.UnpicklingError:
                _compat_pickle.NAME_MAPPING.pop(("shelf", "Kept"))
            else:
                raise SystemExit(f"{kind} has loaded it")
        assert not ran
        """,
        allowed=("shelf.refer",),
        called=("shelf.Kept",),
    )


def test_a_policy_that_is_lost_while_the_load_runs_is_told(tmp_path: Path) -> None:
    """What has changed by then is refused with the reason that nothing may be loaded."""
    hooked(
        tmp_path,
        """
        data = b"\\x80\\x04" + name("shelf", "make") + b")R0" + NEW[2:]
        assert type(quickly(data)) is Kept
        def lose():
            pickleball_enforce.use_policy("/nowhere")
            shelf.Kept = type
        shelf.make = lose
        refused(data, "no-policy")
        """,
    )


def test_modules_that_are_not_there_are_not_looked_into(tmp_path: Path) -> None:
    """A program that has emptied sys.modules loads what stock loads."""
    hooked(
        tmp_path,
        """
        for missing in ("copyreg", "_codecs"):
            kept = sys.modules.pop(missing)
            assert type(pickle.loads(NEW)) is Kept
            sys.modules[missing] = kept
        """,
    )


def test_another_dict_for_sys_modules_hides_nothing(tmp_path: Path) -> None:
    """What is looked at is what stock finds, also where a program has put a copy in the place of `sys.modules`."""
    hooked(
        tmp_path,
        """
        import copyreg
        assert type(quickly(NEW)) is Kept and quickly(CALL) == [1]
        other = types.ModuleType("shelf")
        other.Kept, other.make = Kept, make
        sys.modules = {**sys.modules, "shelf": other}
        shelf.Kept, shelf.make = type, copyreg._reconstructor
        refused(NEW, "not-a-plain-class")
        refused(CALL, "helper-arguments")
        """,
    )


def test_an_import_function_of_the_program_comes_before_the_checks(tmp_path: Path) -> None:
    """What changes a name while stock imports its module changes nothing that was checked already."""
    hooked(
        tmp_path,
        """
        import builtins
        assert type(quickly(NEW)) is Kept
        own = builtins.__import__
        def change(name, *rest, **named):
            if name == "shelf":
                shelf.Kept = type
            return own(name, *rest, **named)
        builtins.__import__ = change
        refused(NEW, "not-a-plain-class")
        """,
    )


def test_an_import_function_of_the_program_is_asked(tmp_path: Path) -> None:
    """Who guards or counts imports by a function of his own is asked about those of each pickle, as by stock."""
    hooked(
        tmp_path,
        """
        import builtins
        own, asked = builtins.__import__, []
        def guard(name, *rest, **named):
            asked.append(name)
            if name == "shelf" and shelf.shut:
                raise ImportError("shut")
            return own(name, *rest, **named)
        shelf.shut = False
        for data in (CALL, CALL[:2] + b"N0" * 40_000 + CALL[2:]):
            assert pickle.loads(data) == [1]
            builtins.__import__ = guard
            asked.clear()
            assert pickle.loads(data) == [1] and "shelf" in asked, asked
            shelf.shut = True
            try:
                pickle.loads(data)
            except ImportError:
                pass
            else:
                raise SystemExit("it was loaded")
            shelf.shut, builtins.__import__ = False, own
        """,
    )


def test_a_module_that_another_thread_imports_is_waited_for(tmp_path: Path) -> None:
    """A class of a module that is still being imported is looked up when its import has ended, as by stock."""
    (tmp_path / "slow.py").write_text(
        "import __main__\nclass Kept: pass\n__main__.begun.set()\n__main__.go_on.wait(20)\n"
        "class Kept:\n    whole = True\n    def __init__(self, *given): pass\n"
    )
    hooked(
        tmp_path,
        f"""
        import threading, time
        sys.path.insert(0, {str(tmp_path)!r})
        begun, go_on, loaded = threading.Event(), threading.Event(), []
        data = b"\\x80\\x04" + name("slow", "Kept") + b")R."
        def load():
            loaded.append(pickle.loads(data))
        importing = threading.Thread(target=__import__, args=("slow",))
        importing.start()
        assert begun.wait(20)
        loading = threading.Thread(target=load)
        loading.start()
        loading.join(0.3)
        waited = not loaded
        go_on.set()
        importing.join()
        loading.join()
        assert waited and loaded[0].whole
        assert type(quickly(data)) is sys.modules["slow"].Kept
        """,
        allowed=("slow.Kept",),
        called=("slow.Kept",),
    )


@pytest.mark.parametrize(
    ("given", "stream"),
    [
        ("Kept = type('Kept', (), {'__setstate__': staticmethod(stock_loads)})", 'name("shelf", "Kept") + b")\\x81"'),
        ("Kept = type('Kept', (), {'__new__': functools.partial(lambda load, cls, state: load(state), stock_loads)})",
         'name("shelf", "Kept")'),
        ("Kept = type('Kept', (), {'append': staticmethod(functools.lru_cache(stock_loads))})",
         'name("shelf", "Kept") + b")\\x81"'),
        ("make = type('Maker', (), {'__call__': stock_loads})()", 'name("shelf", "make")'),
        ("make = type('Maker', (), {'__call__': functools.partial(stock_loads)})()", 'name("shelf", "make")'),
        ("make = type('Maker', (functools.partial,), {})(stock_loads)", 'name("shelf", "make")'),
        ("make = type('Meta', (type,), {'__call__': stock_loads})('Made', (), {})", 'name("shelf", "make")'),
    ],
)  # fmt: skip
def test_classes_that_load_by_c_alone_get_nothing_from_the_load_that_runs(
    given: str, stream: str, tmp_path: Path
) -> None:
    """A name that is only referred to is not called by a pickle that a method in C loads, without a frame between."""
    hooked(
        tmp_path,
        f"""
        import functools
        ran = []
        shelf.refer = lambda *given: ran.append(given)
        inner = b"\\x80\\x04" + name("shelf", "refer") + b"K\\x07\\x85R."
        {given}
        shelf.Kept, shelf.make = Kept, make
        inner = b"C" + bytes((len(inner),)) + inner
        for use in (b"b", b"\\x85R", b"\\x85\\x81", b"a"):
            try:
                pickle.loads(b"\\x80\\x04" + {stream} + inner + use + name("shelf", "refer") + b"\\x86.")
            except Exception as error:
                print(type(error), error)
            assert not ran, use
        """,
        allowed=("shelf.Kept", "shelf.refer"),
    )


def test_loads_that_wait_for_each_other_on_one_thread_keep_apart(tmp_path: Path) -> None:
    """Greenlets leave a load in its midst and come back to it, in any order."""
    place = str(Path(pytest.importorskip("greenlet").__file__).parents[1])
    hooked(
        tmp_path,
        f"\n        sys.path.append({place!r})"
        """
        import greenlet
        data = b"\\x80\\x04" + name("shelf", "make") + b")R" + name("shelf", "Kept") + b")\\x81\\x86."
        assert type(quickly(data)[1]) is Kept
        shelf.make = lambda: greenlet.getcurrent().parent.switch("waits")
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
            loads = [greenlet.greenlet(pickle.loads) for _ in order]
            assert [load.switch(data) for load in loads] == ["waits"] * 3
            assert all(type(loads[at].switch(at)[1]) is Kept for at in order)
        for expected in ("make", "Kept"):
            try:
                stock_loads(b"\\x80\\x04" + name("shelf", expected) + b".")
            except pickle.UnpicklingError as error:
                assert error.violations[0].rule == "unjudged-import"
            else:
                raise SystemExit(expected)
        """,
    )


def test_a_name_that_changes_while_the_load_runs_is_refused(tmp_path: Path) -> None:
    """An allowed call rebinds the name that the stream imports next: its object is not what was looked at."""
    hooked(
        tmp_path,
        """
        data = b"\\x80\\x04" + name("shelf", "make") + b")R0" + name("shelf", "Kept") + b")\\x81."
        ran = []
        def make():
            if ran is not None:
                shelf.Kept = replaced
        replaced = Kept
        shelf.make = make
        assert type(quickly(data)) is Kept
        replaced = type
        refused(data, "not-a-plain-class")
        """,
    )


def test_loads_within_loads_and_in_threads_keep_apart(tmp_path: Path) -> None:
    """Each load asks about its own imports."""
    hooked(
        tmp_path,
        """
        import threading
        depth = []
        class Deep:
            def __setstate__(self, state):
                if state: self.inner = pickle.loads(state)
        Deep.__module__, Deep.__qualname__, shelf.Kept = "shelf", "Kept", Deep
        def deep(count):
            state = deep(count - 1) if count else b""
            body = b"B" + len(state).to_bytes(4, "little") + state
            return b"\\x80\\x04" + name("shelf", "Kept") + b")\\x81" + body + b"b" + name("shelf", "make") + b")R\\x86."
        def work():
            for _ in range(200):
                value = pickle.loads(deep(5))
                assert value[1] == [] and value[0].inner[0].inner[1] == []
        threads = [threading.Thread(target=work) for _ in range(4)]
        failed = []
        threading.excepthook = lambda found: failed.append(found)
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
        assert not failed, failed
        """,
    )


def test_a_verifier_that_is_kept_keeps_no_room_for_the_largest_pickle(tmp_path: Path) -> None:
    """What one large pickle needed, loaded or refused, is given back to the system."""
    hooked(
        tmp_path,
        """
        import pathlib
        def resident():
            return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
        pickle.loads(pickle.dumps([1]))
        count = 5_000_000
        for many in (b"(" + b"N" * count + b"1", b"(" * count + b"1" * count, b"N\\x94" * count + b"cno\\n"):
            before = resident()
            try:
                pickle.loads(b"\\x80\\x04" + many + b"N.")
            except pickle.UnpicklingError:
                pass
            assert resident() < before + 30, (many[:3], before, resident())
        """,
    )


def test_a_hook_that_keeps_ours_out_takes_the_long_way(tmp_path: Path) -> None:
    """An audit hook may forbid other ones: without ours nothing is left to stock."""
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"m": {"globals": ["os.sep"], "reduces": []}}))
    code = """
    import sys
    def forbid(event, args):
        if event == "sys.addaudithook":
            raise RuntimeError("no other hooks")
    sys.addaudithook(forbid)
    import pickle, pickleball_enforce
    from pickleball_enforce import sanction
    pickleball_enforce.install(sys.argv[1])
    assert not sanction.watched
    data = b"\\x80\\x04\\x8c\\x02os\\x8c\\x06getcwd\\x93)R."
    try:
        pickle.loads(data)
    except pickle.UnpicklingError:
        pass
    else:
        raise SystemExit("it was loaded")
    """
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "images/enforce/src")}
    program = [sys.executable, "-c", textwrap.dedent(code), str(policy)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hooks_of_others_are_told_of_each_import(tmp_path: Path) -> None:
    """What the compiled module loads by itself is told to the audit hooks as stock tells it, once for each import."""
    hooked(
        tmp_path,
        """
        told = []
        sys.addaudithook(lambda event, args: told.append(args) if event == "pickle.find_class" else None)
        for data in (CALL, b"\\x80\\x04" + name("shelf", "make") + name("shelf", "Kept") + b"\\x85R."):
            quickly(data)
            told.clear()
            pickle.loads(data)
            mine = list(told)
            told.clear()
            with_stock = [("shelf", "make")] + ([("shelf", "Kept")] if b"Kept" in data else [])
            assert mine == with_stock, mine
        """,
    )


def test_a_hook_that_changes_the_name_changes_nothing_unchecked(tmp_path: Path) -> None:
    """An audit hook that is told of an import puts another object there: that one is checked."""
    hooked(
        tmp_path,
        """
        import copyreg
        quickly(CALL)
        on = []
        def change(event, args):
            if event == "pickle.find_class" and on:
                shelf.make = on.pop()
        sys.addaudithook(change)
        on.append(copyreg.__newobj__)
        refused(CALL)
        on.append(make)
        assert pickle.loads(CALL) == [1]
        on.append(stock_loads)
        refused(b"\\x80\\x04" + name("shelf", "make") + b"C\\x02N.\\x85R.")
        """,
    )


def test_what_a_hook_loads_meanwhile_is_not_the_import_that_is_told(tmp_path: Path) -> None:
    """An unpickler that nobody judged, run by a hook while it is told of an import, gets nothing, nor that import."""
    hooked(
        tmp_path,
        """
        quickly(CALL)
        on, got = [], []
        def load(event, args):
            if event == "pickle.find_class" and on:
                data = on.pop()
                try:
                    got.append(stock_loads(data))
                except pickle.UnpicklingError:
                    got.append("refused")
        sys.addaudithook(load)
        for data in (b"cos\\nsystem\\n.", b"cshelf\\nmake\\n.", b"\\x80\\x04" + name("shelf", "make") + b"."):
            on.append(data)
            assert pickle.loads(CALL) == [1]
        assert got == ["refused"] * 3, got
        """,
    )


def test_a_hook_before_ours_gets_nothing_of_the_import_that_is_told(tmp_path: Path) -> None:
    """What such a hook loads unjudged, of the very name that it is told of, is refused, whoever loads the pickle."""
    hooked(
        tmp_path,
        """
        on.append(b"cshelf\\nmake\\n.")
        assert pickle.loads(CALL) == [1]
        on.append(b"cshelf\\nmake\\n.")
        try:
            pickle.loads(CALL, encoding="latin1")  # a driver loads it
        except pickle.UnpicklingError as error:
            assert error.violations[0].rule == "unjudged-import"
        assert got == ["refused"] * 2, got
        """,
        before="""
        import _pickle, sys
        on, got, unjudged = [], [], _pickle.loads
        def load(event, args):
            if event == "pickle.find_class" and on:
                data = on.pop()
                try:
                    got.append(unjudged(data))
                except _pickle.UnpicklingError:
                    got.append("refused")
        sys.addaudithook(load)
        """,
    )


def test_what_a_callee_loads_unjudged_gets_nothing(tmp_path: Path) -> None:
    """A callee of a short pickle that runs stock's unpickler does not get the imports that are expected next."""
    hooked(
        tmp_path,
        """
        got = []
        def run(*given):
            try:
                got.append(stock_loads(b"cshelf\\nKept\\n."))
            except pickle.UnpicklingError:
                got.append("refused")
        shelf.make = run
        data = b"\\x80\\x04" + name("shelf", "make") + b")R" + name("shelf", "Kept") + b"\\x86."
        for _ in range(3):
            assert pickle.loads(data)[1] is Kept
        assert got == ["refused"] * 3, got
        """,
    )


@pytest.mark.parametrize(
    ("globals_", "reduces", "method", "refusal"),
    [
        (("shelf.Kept",), ("shelf.Kept.other",), "other", None),
        (("shelf.Kept", "shelf.Kept.other"), (), "other", "method-shadowed"),
        (("shelf.Kept",), ("shelf.Kept.other",), "use", "import-not-allowed"),
        (("shelf.Kept", "shelf.Kept.use"), ("shelf.Kept.other",), "use", "method-shadowed"),
        (("shelf.Kept",), ("shelf.Kept.gone",), "gone", "dotted-name"),
    ],
)
def test_a_bound_method_stands_for_a_method_only_where_reduces_lists_it(
    tmp_path: Path, globals_: tuple[str, ...], reduces: tuple[str, ...], method: str, refusal: str | None
) -> None:
    """An object that chooses its own method by an attribute loads; a method of `globals` does not take its place."""
    hooked(
        tmp_path,
        f"""
        ran = []
        Kept.use, Kept.other = (lambda self: ran.append("use")), (lambda self: ran.append("other"))
        bound = name("builtins", "getattr") + b"h\\x00\\x8c" + bytes([{len(method)}]) + b"{method}" + b"\\x86R"
        data = b"\\x80\\x04" + name("shelf", "Kept") + b")\\x81\\x94}}\\x8c\\x03use" + bound + b"sb."
        if {refusal!r}:
            refused(data, {refusal!r})
        else:
            pickle.loads(data).use()
        assert ran == ({[method] if refusal is None else []})
        """,
        globals_,
        reduces,
    )
