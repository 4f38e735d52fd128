"""A load that is followed does what stock does, and lets nobody in while it does."""

from __future__ import annotations

import random
import sys
import types
from typing import TYPE_CHECKING

import pytest
from tests.attacks import assembly as asm
from tests.attacks import followed_loads
from tests.attacks.calling import calling
from tests.attacks.plain import plain
from tests.attacks.requirement import COMPILED
from tests.attacks.streams import mutated, remembered, stream
from tests.attacks.test_followed import hooked

from pickleball_enforce import stock
from pickleball_enforce.drivers import interpreted
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = COMPILED


class Watched:
    """What the classes below have in common: they look at the unpickler that makes them, or change it."""

    unpickler: types.SimpleNamespace
    seen: list[object] = []  # noqa: RUF012 - for all of them

    def look(self) -> None:
        """Write down what the unpickler shows."""
        unpickler = Watched.unpickler
        self.seen.append((list(map(type, unpickler.stack)), [len(held) for held in unpickler.metastack]))


class Shown(Watched):
    """Looks when it is made, and when it gets a state."""

    def __new__(cls) -> object:
        """Look."""
        made = super().__new__(cls)
        made.look()
        return made

    def __setstate__(self, state: object) -> None:
        self.look()


class Swapping(Shown):
    """Puts another stack there, with the same items."""

    def look(self) -> None:
        """Swap them."""
        super().look()
        Watched.unpickler.stack = list(Watched.unpickler.stack)
        Watched.unpickler.append = Watched.unpickler.stack.append


class Emptying(Watched):
    """Takes from the stack what it is to be put into."""

    def __setstate__(self, state: object) -> None:
        Watched.unpickler.stack.clear()


class Stateless:
    """Reads no state."""

    __setstate__ = None


class Mislaying(Watched):
    """Says that it reads no state, and puts another stack there when it is asked."""

    def _swap(self) -> None:
        Watched.unpickler.stack = list(Watched.unpickler.stack)
        Watched.unpickler.append = Watched.unpickler.stack.append

    __setstate__ = property(_swap)


class Slotted:
    """Has no namespace."""

    __slots__ = ("x",)


class Asked:
    """Is asked for what it lacks, and says so in words of its own."""

    def __getattr__(self, name: str) -> object:
        if name == "__setstate__":
            Watched.seen.append(name)
        raise AttributeError(name)


KINDS = (Shown, Swapping, Emptying, Stateless, Mislaying, Slotted, Asked, int)


class Showing(followed_loads.Run):
    """A load whose unpickler the classes above find."""

    def __init__(self, base: type, data: bytes) -> None:
        super().__init__(base, data, [], 0)

    def _make(self, base: type, replaced: list[str], twist: int) -> type:
        made = super()._make(base, replaced, twist)

        class Found(made):  # type: ignore[misc,valid-type]
            def __init__(self, file: object) -> None:
                super().__init__(file)
                Watched.unpickler = self  # type: ignore[assignment]

        return Found


@pytest.mark.parametrize("kind", [stream, mutated, remembered, plain, calling], ids=lambda kind: kind.__name__)
def test_random_streams_are_loaded_as_by_stock(kind: Callable[[random.Random], bytes]) -> None:
    """Whatever handlers are replaced, and whatever those do: the same is called, raised, left and shown to them."""
    ends = []
    for seed in range(600):
        chance = random.Random(seed)
        ends.append(followed_loads.check(chance, kind(chance)))
    assert ends.count("loaded") > 20


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
@pytest.mark.parametrize("call", [")\x81", ")R", "K\x01\x85R"])
@pytest.mark.parametrize("state", ["", "Nb", "}b", ")b", "}\x8c\x01xK\x01sb", "N}\x8c\x01xK\x01s\x86b", "K\x01b"])
def test_what_a_class_does_while_it_is_made_is_as_on_stock(
    kind: str, call: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees the same stack, may put another one there, is asked the same, and its errors come through."""
    module = types.ModuleType("shelf")
    vars(module).update({cls.__name__: cls for cls in KINDS})
    monkeypatch.setitem(sys.modules, "shelf", module)
    body = b"N(K\x01" + asm.stack_name("shelf", kind) + (call + state).encode("latin1") + b"\x86t."
    for data in (b"\x80\x04" + asm.frame(body), b"\x80\x04" + body):
        found = []
        for base in (interpreted.Unpickler, stock.PythonUnpickler):
            monkeypatch.setattr(Watched, "seen", [])
            policy = Policy({"m": Entry((f"shelf.{kind}",), (f"shelf.{kind}",))})
            with followed_loads.enforced(policy):
                run = Showing(base, data)
            if run.refused:
                break
            found.append((run.end, Watched.seen, run.left))
        if len(found) == 2:
            assert found[0][0].is_like(found[1][0]), found
            assert found[0][1:] == found[1][1:], found


def test_a_handler_that_loads_again_or_raises_ends_the_load(tmp_path: Path) -> None:
    """No load runs within another of the same unpickler; after a failure, nothing gets what is remembered."""
    hooked(
        tmp_path,
        """
        def again(self):
            self.load()
        def failing(self):
            raise KeyError("in the midst")
        called = b"\\x8c\\x07victims\\x8c\\x04join\\x93"
        for handler, error in ((again, pickle.UnpicklingError), (failing, KeyError)):
            Handlers.dispatch[pickle.EMPTY_LIST[0]] = handler
            file = io.BytesIO(framed(called + b"\\x94", LIST + b"."))
            unpickler = Handlers(file)
            try:
                unpickler.load()
            except error:
                pass
            else:
                raise SystemExit("it was loaded")
            Handlers.dispatch[pickle.EMPTY_LIST[0]] = pickle._Unpickler.load_empty_list
            file.seek(0); file.truncate(); file.write(framed(b"h\\x00)R.")); file.seek(0)
            try:
                print(unpickler.load())
            except pickle.UnpicklingError as error:
                assert "is of a load that failed" in str(error), error
            else:
                raise SystemExit("it was called")
        """,
        called=["victims.join"],
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("data[:-1]", "UnpicklingError"),
        ("data[:2] + b'\\x95' + struct.pack('<Q', 1 << 63) + data[11:]", "UnpicklingError"),
        ("data[:2] + b'\\x95' + struct.pack('<Q', (1 << 64) - 1) + data[11:]", "UnpicklingError"),
        ("data[:2] + b'\\x95' + struct.pack('<Q', 3) + data[11:]", "UnpicklingError"),
        ("data[:7]", "EOFError"),
        ("data[:2]", "EOFError"),
        ("b''", "EOFError"),
    ],
)
def test_a_frame_that_lies_about_its_length_is_refused(change: str, error: str, tmp_path: Path) -> None:
    """Nothing of it runs, and no memory is taken for what is not there."""
    hooked(
        tmp_path,
        f"""
        import resource
        data = framed(TOUCH + b"0" + TOUCH + b".")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            load(Handlers, {change})
        except {error.replace("UnpicklingError", "pickle.UnpicklingError")}:
            pass
        else:
            raise SystemExit("it was loaded")
        assert not os.path.exists(os.environ["VICTIMS_MARKER"]), "it ran"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
        """,
        called=["victims.touch"],
    )


def test_a_reader_that_gives_more_or_less_than_asked_misleads_nobody(tmp_path: Path) -> None:
    """What it gives beyond the end of a frame is judged with it; a frame may come in parts."""
    hooked(
        tmp_path,
        """
        class Reader:
            def __init__(self, data, *sizes):
                self.file, self.sizes = io.BytesIO(data), list(sizes)
            def read(self, size):
                return self.file.read(self.sizes.pop(0) if self.sizes else size)
            def readline(self):
                return self.file.readline()
        data = framed(LIST + b".")
        assert pickle._Unpickler(Reader(data, 1, 1, 1, 8, 1, 2)).load() == [1]
        for sizes in ((1, 1, 1, 7), (1, 1, 1, 0), (1, 1, 0), (1, 0)):
            try:
                pickle._Unpickler(Reader(data, *sizes)).load()
            except (EOFError, ValueError, pickle.UnpicklingError):
                continue
            raise SystemExit("it was loaded")
        for more in (b"0" + TOUCH + b".", TOUCH):
            reader = Reader(framed(LIST) + more, 1, 1, 1, 8, 4 + len(more))
            try:
                pickle._Unpickler(reader).load()
            except pickle.UnpicklingError:
                assert not os.path.exists(os.environ["VICTIMS_MARKER"]), "it ran"
            else:
                raise SystemExit("it was loaded")
        """,
    )
