"""What was refused once is refused again: nothing gets what the memo held when a load failed."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.attacks import assembly as asm
from tests.attacks.assembly import BUILD, EMPTY_TUPLE, NONE, POP, PROTO2, STOP, get, put, text

from pickleball_enforce import engine
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier

PROGRAM = """
import io, pickle, sys, types
import pickleball_enforce
from pickleball_enforce import Entry, Policy

class Item:
    def close(self):
        pass

shop = types.ModuleType("shop")
sys.modules["shop"] = shop
shop.Item, shop.Basket = Item, type("Basket", (), {})
shop.fail, shop.pay = (lambda: {}["none"]), (lambda: None)
for name in ("Item", "Basket", "fail", "pay"):
    item = getattr(shop, name)
    item.__module__, item.__qualname__, item.__name__ = "shop", name, name
pickleball_enforce.install(Policy({"m": Entry(("shop.Item", "shop.pay"), ("shop.fail",), ("shop.Basket",))}))

class Renaming(getattr(pickle, sys.argv[1])):
    if sys.argv[2] == "renaming":
        def find_class(self, module, name):
            return super().find_class(module, name)

file = io.BytesIO()
unpickler = Renaming(file)
for stream in sys.argv[3:]:
    file.seek(0)
    file.truncate()
    file.write(bytes.fromhex(stream))
    file.seek(0)
    try:
        print(type(unpickler.load()).__name__)
    except Exception as error:
        print(type(error).__name__)
"""
ONLY, ITEM, PAY = (asm.name("shop", name) for name in ("Basket", "Item", "pay"))
HELPER = asm.name("copyreg", "_reconstructor")
FAILS = asm.call(asm.name("shop", "fail"))
SHADOWED = get(1) + EMPTY_TUPLE + b"\x81" + asm.dict_of(text("close"), get(2)) + BUILD
OK, REFUSED, LOST = "NoneType", "PolicyViolation", "MalformedStream"
LOADS = {
    "a class in a tuple": (asm.tuple_of(ONLY) + put(1) + POP + NONE, [get(1)] * 3, [OK, REFUSED, LOST, LOST]),
    "a class": (ONLY + put(1) + POP + NONE, [get(1)] * 3, [OK, REFUSED, LOST, LOST]),
    "a helper in a tuple": (asm.tuple_of(HELPER) + put(1) + POP + NONE, [get(1)] * 2, [OK, REFUSED, LOST]),
    "a class of a load that raises": (ONLY + put(1) + FAILS, [get(1), asm.list_of(get(1))], ["KeyError", LOST, LOST]),
    "a helper of a load that raises": (HELPER + put(1) + FAILS, [get(1)], ["KeyError", LOST]),
    "a method that is replaced": (
        ITEM + put(1) + POP + PAY + put(2) + POP + NONE, [SHADOWED] * 2, [OK, REFUSED, LOST],
    ),
}  # fmt: skip


@pytest.mark.parametrize("finder", ["plain", "renaming"])
@pytest.mark.parametrize("unpickler", ["Unpickler", "_Unpickler"])
@pytest.mark.parametrize(("first", "later", "said"), LOADS.values(), ids=[name.replace(" ", "-") for name in LOADS])
def test_a_later_load_gets_nothing_of_what_was_refused(
    unpickler: str, finder: str, first: bytes, later: list[bytes], said: list[str]
) -> None:
    """However often the program asks its Unpickler for the next pickle."""
    streams = [(PROTO2 + stream + STOP).hex() for stream in [first, *later]]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "images/enforce/src")}
    command = [sys.executable, "-c", PROGRAM, unpickler, finder, *streams]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == said


@pytest.mark.parametrize("unpickler", ["Unpickler", "_Unpickler"])
def test_what_is_only_at_its_end_keeps_its_memo(unpickler: str) -> None:
    """A program may find no pickle, and ask again when there is one."""
    streams = [stream.hex() for stream in (PROTO2 + b"]" + put(1) + STOP, b"", PROTO2 + get(1) + STOP)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "images/enforce/src")}
    command = [sys.executable, "-c", PROGRAM, unpickler, "plain", *streams]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["list", "EOFError", "list"]


def test_a_large_memo_index_makes_nobody_forget() -> None:
    """The second load is not followed in compiled code, as such indexes are not; it gets nothing of the first."""
    large = 1 << 24
    literal = b"B" + struct.pack("<I", large + 1000) + bytes(large + 1000)
    first = ONLY + put(1) + POP + literal + b"r" + struct.pack("<I", large + 500) + POP + NONE
    code = PROGRAM.replace("bytes.fromhex(stream)", "open(stream, 'rb').read()")
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "images/enforce/src")}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("first", "second")]
        for path, stream in zip(paths, (first, asm.list_of(get(1)))):  # noqa: B905 - Python 3.9
            path.write_bytes(PROTO2 + stream + STOP)
        command = [sys.executable, "-c", code, "_Unpickler", "plain", *map(str, paths)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[0] == OK
    assert done.stdout.splitlines()[1] in (REFUSED, LOST)


@pytest.mark.parametrize("renames", [False, True])
def test_both_verifiers_give_nothing_of_a_load_that_failed(renames: bool) -> None:
    """The sentence is the same; an entry that a later load puts there is one again."""
    policy = Policy({"m": Entry(("shop.Item",), (), ("shop.Basket",))})
    settings = Settings(renames=renames)
    for judge in (Verifier(policy, settings), engine.make(policy, settings)):
        assert judge.verify(PROTO2 + ONLY + put(1) + POP + NONE + STOP).error is None
        judge.abandon()
        error = judge.verify(PROTO2 + get(1) + STOP).error
        assert error is not None
        assert error.sentence == "The memo entry 1 is of a load that failed."
        assert judge.verify(PROTO2 + NONE + put(1) + POP + get(1) + STOP).clean
        assert judge.verify(PROTO2 + get(1) + STOP).clean
