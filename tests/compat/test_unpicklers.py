"""Unpickler classes, subclasses and their hooks behave as stock's do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.compat.conftest import Enforced

KINDS = pytest.mark.parametrize("kind", ["pickle.Unpickler", "pickle._Unpickler"])


@pytest.mark.door("`persistent_load`, as a method and as an attribute")
@KINDS
def test_persistent_ids_are_the_applications(kind: str, enforced: Enforced) -> None:
    """persistent_load is called, as a method or an attribute; without it the error is stock's kind."""
    enforced(f"""
        import io, pickle
        from specimens import *
        class Pickler(pickle.Pickler):
            def persistent_id(self, obj):
                return "model" if isinstance(obj, Model) else None
        for protocol in range(6):
            file = io.BytesIO()
            Pickler(file, protocol).dump(VALUE)
            class Unpickler({kind}):
                def persistent_load(self, pid):
                    assert pid == "model"
                    return VALUE["model"]
            assert Unpickler(io.BytesIO(file.getvalue())).load() == VALUE
            unpickler = {kind}(io.BytesIO(file.getvalue()))
            unpickler.persistent_load = lambda pid: VALUE["model"]
            assert unpickler.load() == VALUE
            refused({kind}(io.BytesIO(file.getvalue())).load)
    """)


@pytest.mark.door("`find_class`, overridden: renames, redirects, inventions")
@KINDS
def test_an_overridden_find_class_is_judged_by_the_name_that_reaches_the_base(kind: str, enforced: Enforced) -> None:
    """Renames work; what the base class is never asked for needs its own name in the policy, else it is a stub."""
    enforced(f"""
        import io, os, pickle
        from specimens import *
        moved = good(2).replace(b"specimens\\nModel", b"old.place\\nModel")
        assert moved != good(2)
        class Renaming({kind}):
            def find_class(self, module, name):
                return super().find_class("specimens" if module == "old.place" else module, name)
        assert Renaming(io.BytesIO(moved)).load() == VALUE
        refused(Renaming(io.BytesIO(bad(2))).load)
        evil = bad(2).replace(b"cposix\\nmkdir", b"cspecimens\\nModel").replace(b"cos\\nmkdir", b"cspecimens\\nModel")
        class Redirecting({kind}):
            def find_class(self, module, name):
                return super().find_class("os", "mkdir") if name == "Model" else super().find_class(module, name)
        refused(Redirecting(io.BytesIO(evil)).load)
        class Inventing({kind}):
            def find_class(self, module, name):
                return os.mkdir if name == "mkdir" else super().find_class(module, name)
        refused(Inventing(io.BytesIO(bad(2))).load)
        plain = pickle.dumps([os.mkdir], 2)
        found = Inventing(io.BytesIO(plain)).load()
        assert found[0] is not os.mkdir and "mkdir" in repr(found[0])
        instance = {kind}(io.BytesIO(moved))
        base = type(instance).find_class
        places = dict([("old.place", "specimens")])
        instance.find_class = lambda module, name: base(instance, places.get(module, module), name)
        assert instance.load() == VALUE
    """)


@pytest.mark.door("several pickles by one Unpickler, its `memo`")
@KINDS
def test_one_unpickler_loads_several_pickles_with_one_memo(kind: str, enforced: Enforced) -> None:
    """What an earlier pickle has memoised is there in a later one, and is judged with what is known of it."""
    enforced(f"""
        import io, pickle
        from specimens import *
        for protocol in (2, 4):
            file = io.BytesIO()
            pickler = pickle.Pickler(file, protocol)
            shared = Model(n=1)
            for _ in range(3):
                pickler.dump([shared, VALUE])
            unpickler = {kind}(io.BytesIO(file.getvalue()))
            first, second, third = (unpickler.load() for _ in range(3))
            assert first == second == third and first[0] is second[0] is third[0]
            other = {kind}(io.BytesIO(file.getvalue()))
            other.load()
            other.memo = unpickler.memo
            assert other.load()[0] is first[0]
            other.memo.clear()
            refused(other.load)
        late = {kind}(io.BytesIO(b"\\x80\\x02cspecimens\\nModel\\nq\\x00.h\\x00(tR."))
        assert late.load() is Model
        refused(late.load)  # called in the second pickle, and only in `globals`
    """)


@KINDS
def test_a_load_inside_a_load_of_the_same_unpickler_is_refused(kind: str, enforced: Enforced) -> None:
    """Neither a callback nor another thread may use an Unpickler that is loading."""
    enforced(f"""
        import io, pickle, threading
        from specimens import *
        class Nested({kind}):
            def persistent_load(self, pid):
                return self.load()
        refused(Nested(io.BytesIO(b"Pa\\n0N.N.")).load)
        waiting, entered = threading.Event(), threading.Event()
        class Slow({kind}):
            def persistent_load(self, pid):
                entered.set()
                assert waiting.wait(30)
                return "slow"
        unpickler = Slow(io.BytesIO(b"Pa\\n.N."))
        results = []
        thread = threading.Thread(target=lambda: results.append(unpickler.load()))
        thread.start()
        assert entered.wait(30)
        refused(unpickler.load)
        waiting.set()
        thread.join()
        assert results == ["slow"]
    """)


@KINDS
def test_an_error_in_the_middle_leaves_no_unjudged_bytes(kind: str, enforced: Enforced) -> None:
    """After a failed load the rest of that pickle is not taken for the next one, and nothing gets its memo entries."""
    enforced(f"""
        import io, pickle
        from specimens import *
        class Failing({kind}):
            fail = True
            def persistent_load(self, pid):
                if self.fail:
                    raise KeyError(pid)
                return pid
        first = b"\\x80\\x02]q\\x00Pa\\n0" + b"N0" * 50 + b"."
        unpickler = Failing(io.BytesIO(first + good(2)))
        try:
            unpickler.load()
        except KeyError:
            pass
        else:
            raise AssertionError
        unpickler.fail = False
        if {kind!r} == "pickle.Unpickler":
            assert unpickler.load() == VALUE
        file = io.BytesIO(first + good(2) + b"h\\x00.")
        unpickler = Failing(file)
        try:
            unpickler.load()
        except KeyError:
            pass
        unpickler = Failing(io.BytesIO(first))
        try:
            unpickler.load()
        except KeyError:
            pass
        unpickler.__init__(io.BytesIO(good(2) * 2))
        assert unpickler.load() == VALUE and unpickler.load() == VALUE
    """)


def test_a_file_that_does_not_wait_is_at_its_end(enforced: Enforced) -> None:
    """Python's own unpickler takes None for no bytes."""
    enforced("""
        import io, pickle
        from specimens import *
        class Idle(io.BytesIO):
            def read(self, size=-1):
                return super().read(size) or None
        unpickler = pickle._Unpickler(Idle(good()))
        assert unpickler.load() == VALUE
        for file in (Idle(b""), Idle(good()[:2])):
            try:
                pickle._Unpickler(file).load()
            except EOFError:
                continue
            raise AssertionError
    """)


def test_handlers_that_differ_from_what_was_judged_are_refused(enforced: Enforced) -> None:
    """A subclass may replace entries of the dispatch table, as long as the stack is what the verifier says."""
    enforced("""
        import io, pickle
        from specimens import *
        class Counting(pickle._Unpickler):
            dispatch = pickle._Unpickler.dispatch.copy()
            calls = 0
            def load_build(self):
                Counting.calls += 1
                pickle._Unpickler.load_build(self)
            dispatch[pickle.BUILD[0]] = load_build
        assert Counting(io.BytesIO(good())).load() == VALUE and Counting.calls == 1
        class Dropping(pickle._Unpickler):
            dispatch = pickle._Unpickler.dispatch.copy()
            def load_none(self):
                self.append(None); self.append(None)
            dispatch[pickle.NONE[0]] = load_none
        refused(Dropping(io.BytesIO(b"NN.")).load)
    """)


@pytest.mark.door("`Unpickler.find_class`, called by the program")
def test_find_class_of_an_idle_unpickler_needs_the_policy(enforced: Enforced) -> None:
    """A program that uses an Unpickler to import names gets those of the policy."""
    enforced("""
        import io, os, pickle
        from specimens import *
        for kind in (pickle.Unpickler, pickle._Unpickler):
            unpickler = kind(io.BytesIO())
            assert unpickler.find_class("specimens", "Model") is Model
            refused(unpickler.find_class, "os", "mkdir")
    """)
