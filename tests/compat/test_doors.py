"""Each way into pickle is judged, and gives what stock gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.compat.conftest import LIBRARY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compat.conftest import Enforced

DOORS = {
    "pickle.loads": "pickle.loads",
    "pickle.load": "lambda data: pickle.load(io.BytesIO(data))",
    "pickle.Unpickler": "lambda data: pickle.Unpickler(io.BytesIO(data)).load()",
    "pickle._loads": "pickle._loads",
    "pickle._load": "lambda data: pickle._load(io.BytesIO(data))",
    "pickle._Unpickler": "lambda data: pickle._Unpickler(io.BytesIO(data)).load()",
    "_pickle.loads": "_pickle.loads",
    "_pickle.load": "lambda data: _pickle.load(io.BytesIO(data))",
    "_pickle.Unpickler": "lambda data: _pickle.Unpickler(io.BytesIO(data)).load()",
    "from pickle import": "loads",
    "subclass": "lambda data: type('U', (pickle.Unpickler,), {})(io.BytesIO(data)).load()",
    "subclass in Python": "lambda data: type('U', (pickle._Unpickler,), {})(io.BytesIO(data)).load()",
    "shelve's": "lambda data: __import__('shelve').Unpickler(io.BytesIO(data)).load()",
}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_loads_what_the_policy_allows_and_refuses_the_rest(door: str, enforced: Enforced) -> None:
    """At each protocol the good pickle gives an equal value, and nothing of the bad one runs."""
    enforced(f"""
        import _pickle, io, pickle
        from pickle import loads
        from specimens import *
        door = {DOORS[door]}
        for protocol in range(6):
            assert door(good(protocol)) == VALUE
            refused(door, bad(protocol))
    """)


def test_pickle_may_be_imported_first_or_its_c_module(enforced: Enforced) -> None:
    """Whichever of the two modules a program imports first, both are hooked."""
    for first, second in (("pickle", "_pickle"), ("_pickle", "pickle")):
        enforced(f"""
            import {first}, {second}
            from specimens import *
            assert pickle.loads is _pickle.loads and pickle.Unpickler is _pickle.Unpickler
            refused(_pickle.loads, bad())
        """)


def test_what_was_taken_before_the_hook_is_refused_by_the_audit_hook(enforced: Enforced, enforcer: Path) -> None:
    """Unpicklers that a program holds from before cannot import anything."""
    enforced(
        f"""
        import io, pickle, sys
        from pickle import Unpickler, load, loads, _Unpickler, _loads
        from _pickle import loads as c_loads
        class Derived(Unpickler):
            pass
        from specimens import *
        sys.path.insert(0, {str(enforcer)!r})
        data = bad(), good()
        import pickleball_enforce
        pickleball_enforce.install()
        for stock in (loads, c_loads, lambda d: load(io.BytesIO(d)), lambda d: Unpickler(io.BytesIO(d)).load(),
                      lambda d: Derived(io.BytesIO(d)).load(), lambda d: _Unpickler(io.BytesIO(d)).load()):
            for one in data:
                refused(stock, one)
            assert stock(pickle.dumps([1, "a"])) == [1, "a"]
        refused(_loads, data[0])  # looks _Unpickler up when it is called
        assert pickle.loads(data[1]) == VALUE
        """,
        PYTHONPATH=str(LIBRARY),
    )


def test_the_hook_survives_reload_and_a_new_import(enforced: Enforced) -> None:
    """Reloading pickle, or importing it anew, gives hooked modules again."""
    enforced("""
        import importlib, pickle, sys
        from specimens import *
        data = bad()
        for module in ("pickle", "_pickle"):
            importlib.reload(importlib.import_module(module))
            refused(pickle.loads, data)
            refused(pickle._loads, data)
        for gone in (("pickle",), ("_pickle",), ("pickle", "_pickle")):
            for name in gone:
                del sys.modules[name]
            pickle = importlib.import_module("pickle")
            refused(pickle.loads, data)
            refused(pickle._loads, data)
            refused(importlib.import_module("_pickle").loads, data)
        assert pickle.loads(good()) == VALUE
        assert pickle.__spec__.loader is pickle.__loader__ and "Finder" not in repr(pickle.__spec__)
    """)


def test_functions_are_not_bound_when_a_class_holds_them(enforced: Enforced) -> None:
    """`class X: loads = pickle.loads` works as with stock, and the functions can be pickled by name."""
    enforced("""
        import copy, inspect, io, pickle
        from specimens import *
        class Holder:
            loads, load = pickle.loads, pickle.load
        assert Holder().loads(good()) == VALUE and Holder().load(io.BytesIO(good())) == VALUE
        assert pickle.loads.__name__ == "loads" and callable(pickle.load) and pickle.loads.__doc__
        assert copy.deepcopy(pickle.loads) is pickle.loads
        assert b"loads" in pickle.dumps(pickle.loads)
        inspect.signature(pickle.loads)
    """)


def test_wrong_arguments_give_the_errors_of_stock(enforced: Enforced) -> None:
    """Types of arguments are checked as stock checks them."""
    enforced("""
        import io, pickle
        from specimens import *
        def raises(kind, call, *arguments, **options):
            try:
                call(*arguments, **options)
            except kind:
                return
            raise AssertionError((kind, call))
        raises(TypeError, pickle.loads, "text")
        raises(TypeError, pickle.loads)
        raises(TypeError, pickle.loads, good(), encoding=None)
        raises(TypeError, pickle.loads, good(), "ASCII")
        raises(TypeError, pickle.load, b"no file")
        raises(TypeError, pickle.Unpickler, object())
        raises(TypeError, pickle.Unpickler)
        raises(BufferError, pickle.loads, memoryview(good() * 2)[::2])
        raises(EOFError, pickle.loads, b"")
        raises(EOFError, pickle.load, io.BytesIO(b""))
        raises(EOFError, pickle.loads, good(2)[:-1])
        raises(pickle.UnpicklingError, pickle.loads, good()[:-1])
        raises(pickle.UnpicklingError, pickle.loads, b"garbage")
        class Forgetful(pickle.Unpickler):
            def __init__(self):
                pass
        raises(pickle.UnpicklingError, Forgetful().load)
        class ForgetfulToo(pickle._Unpickler):
            def __init__(self):
                pass
        raises(pickle.UnpicklingError, ForgetfulToo().load)
    """)


def test_switches_that_keep_python_from_pythonpath_are_not_covered(enforced: Enforced) -> None:
    """-I and -E ignore PYTHONPATH: that is stated, and the admission rule of the cluster is there for it."""
    for switch in ("-I", "-E", "-S"):
        done = enforced("import sys; print('pickleball_enforce' in sys.modules)", options=(switch,))
        assert done.stdout.strip() == "False", switch
    for switch in ("-s", "-B", "-O"):
        done = enforced("import sys; print('pickleball_enforce' in sys.modules)", options=(switch,))
        assert done.stdout.strip() == "True", switch
