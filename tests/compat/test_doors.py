"""Each way into pickle is judged, and gives what stock gives."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest
from tests.compat.conftest import LIBRARY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compat.conftest import Enforced

WAYS = [
    pytest.param("pickle.loads", marks=pytest.mark.door("`pickle.loads`")),
    pytest.param("lambda data: pickle.load(io.BytesIO(data))", marks=pytest.mark.door("`pickle.load`")),
    pytest.param(
        "lambda data: pickle.Unpickler(io.BytesIO(data)).load()", marks=pytest.mark.door("`pickle.Unpickler`")
    ),
    pytest.param("pickle._loads", marks=pytest.mark.door("`pickle._loads`")),
    pytest.param("lambda data: pickle._load(io.BytesIO(data))", marks=pytest.mark.door("`pickle._load`")),
    pytest.param(
        "lambda data: pickle._Unpickler(io.BytesIO(data)).load()", marks=pytest.mark.door("`pickle._Unpickler`")
    ),
    pytest.param("_pickle.loads", marks=pytest.mark.door("`_pickle.loads`")),
    pytest.param("lambda data: _pickle.load(io.BytesIO(data))", marks=pytest.mark.door("`_pickle.load`")),
    pytest.param(
        "lambda data: _pickle.Unpickler(io.BytesIO(data)).load()", marks=pytest.mark.door("`_pickle.Unpickler`")
    ),
    pytest.param("loads", marks=pytest.mark.door("`from pickle import loads`, after the hook")),
    pytest.param(
        "lambda data: type('U', (pickle.Unpickler,), {})(io.BytesIO(data)).load()",
        marks=pytest.mark.door("a subclass of `pickle.Unpickler`"),
    ),
    pytest.param(
        "lambda data: type('U', (pickle._Unpickler,), {})(io.BytesIO(data)).load()",
        marks=pytest.mark.door("a subclass of `pickle._Unpickler`"),
    ),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_door_loads_what_the_policy_allows_and_refuses_the_rest(way: str, enforced: Enforced) -> None:
    """At each protocol the good pickle gives an equal value, and nothing of the bad one runs."""
    enforced(f"""
        import _pickle, io, pickle
        from pickle import loads
        from specimens import *
        door = {way}
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


@pytest.mark.door("`from pickle import loads`, before the hook")
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


@pytest.mark.door("`importlib.reload(pickle)`, a new import")
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


@pytest.mark.door("`shelve`")
def test_shelves_are_judged_entry_by_entry(enforced: Enforced) -> None:
    """A shelf gives what the policy allows, and no more; a bad entry does not spoil the others."""
    enforced(
        """
        import dbm.dumb, shelve
        from specimens import *
        for protocol in range(6):
            with shelve.open(f"shelf{protocol}", protocol=protocol) as shelf:
                shelf["good"] = VALUE
            with shelve.Shelf(dbm.dumb.open(f"dumb{protocol}"), protocol) as shelf:
                shelf["good"], shelf["bad"] = VALUE, [Exploit()]
            with shelve.open(f"shelf{protocol}", writeback=True) as shelf:
                assert shelf["good"] == VALUE
            with shelve.Shelf(dbm.dumb.open(f"dumb{protocol}")) as shelf:
                refused(shelf.__getitem__, "bad")
                assert shelf["good"] == VALUE
    """,
        PYTHONWARNINGS="error,ignore::ResourceWarning",
    )


@pytest.mark.door("`python -m pickle FILE`")
def test_pickles_own_command_is_judged(enforced: Enforced) -> None:
    """The module that runs as a program is a second pickle, and its unpicklers are the enforced ones all the same."""
    enforced("""
        import os, subprocess, sys
        from specimens import *
        for name, content in (("good", good()), ("bad", bad())):
            with open(name, "wb") as file:
                file.write(content)
        def show(name):
            return subprocess.run([sys.executable, "-m", "pickle", name], capture_output=True, text=True)
        done = show("good")
        assert "OrderedDict" in done.stdout, done.stderr
        done = show("bad")
        assert "PolicyViolation" in done.stderr and not os.path.exists(MARKER)
    """)


STYLES = [
    pytest.param(
        """
        class Door(pickle.Unpickler):
            def find_class(self, module, name):
                if (module, name) == ("specimens", "rebuild"):
                    return lambda attributes: Model(**attributes, device="cpu")
                return super().find_class(module, name)
        load = lambda data: Door(io.BytesIO(data)).load()
        """,
        marks=pytest.mark.door("an Unpickler in skorch's style: `find_class` returns a function of its own"),
    ),
    pytest.param(
        """
        import _pickle
        def load(data):
            with open("model", "wb") as file:
                file.write(data)
            with open("model", "rb") as file:
                return _pickle.load(file, encoding="latin1")
        """,
        marks=pytest.mark.door("a load in gensim's style: `_pickle.load(file, encoding='latin1')`"),
    ),
    pytest.param(
        """
        import types
        class Unpickler(pickle.Unpickler):
            def persistent_load(self, pid):
                return pid
            def find_class(self, module, name):
                return super().find_class(module.replace("old_home", "specimens"), name)
        module = types.SimpleNamespace(Unpickler=Unpickler, load=pickle.load, loads=pickle.loads, __name__="pickle")
        def load(data):
            unpickler = module.Unpickler(io.BytesIO(data), encoding="utf-8")
            unpickler.persistent_load = lambda pid: pid
            return unpickler.load()
        """,
        marks=pytest.mark.door("an Unpickler in fastai's style: in a module that is passed on as `pickle_module`"),
    ),
    pytest.param(
        """
        class Door(pickle._Unpickler):
            dispatch = pickle._Unpickler.dispatch.copy()
            def __init__(self, file):
                self.file_handle = file
                super().__init__(file)
            def load_build(self):
                pickle._Unpickler.load_build(self)
                if isinstance(self.stack[-1], Model):
                    self.stack[-1].seen = True
            dispatch[pickle.BUILD[0]] = load_build
        load = lambda data: Door(io.BytesIO(data)).load()
        """,
        marks=pytest.mark.door("an Unpickler in scikit-learn's and joblib's style: handlers of its own"),
    ),
]


@pytest.mark.parametrize("style", STYLES)
def test_unpicklers_in_the_style_of_libraries_work(style: str, enforced: Enforced, policy: Path) -> None:
    """What libraries make of Unpickler works under a policy that lists what the stream asks for."""
    entry = {"globals": ["specimens.Model"], "reduces": ["specimens.rebuild"]}
    policy.write_text(json.dumps({"specimens.Model": entry}))
    enforced(f"""
        import io, pickle
        from specimens import *
        {textwrap.indent(textwrap.dedent(style), " " * 8).strip()}
        for protocol in range(6):
            loaded = load(pickle.dumps([Model(n=1), Remade(n=2)], protocol))
            assert [type(item).__name__ for item in loaded] == ["Model", "Model"], loaded
            assert [item.n for item in loaded] == [1, 2]
            refused(load, bad(protocol))
    """)


@pytest.mark.door("`python -I`, `-E`, `-S`, with PYTHONPATH")
def test_switches_that_keep_python_from_pythonpath_are_not_covered(enforced: Enforced) -> None:
    """-I and -E ignore PYTHONPATH: that is stated, and the admission rule of the cluster is there for it."""
    for switch in ("-I", "-E", "-S"):
        done = enforced("import sys; print('pickleball_enforce' in sys.modules)", options=(switch,))
        assert done.stdout.strip() == "False", switch
    for switch in ("-s", "-B", "-O"):
        done = enforced("import sys; print('pickleball_enforce' in sys.modules)", options=(switch,))
        assert done.stdout.strip() == "True", switch
