"""Extension codes whose objects are cached: no find_class is asked for them, one of the application neither."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.attacks import assembly as asm
from tests.attacks.assembly import NONE, POP, PROTO2, STOP

PROGRAM = """
import copyreg, io, pickle, sys, types
import pickleball_enforce
from pickleball_enforce import Entry, Policy

shop = types.ModuleType("shop")
sys.modules["shop"] = shop
shop.Basket, shop.pay, shop.rob = type("Basket", (), {}), (lambda: "paid"), (lambda: "robbed")
for code, name in enumerate(("Basket", "pay", "rob"), 1):
    item = getattr(shop, name)
    item.__module__, item.__qualname__, item.__name__ = "shop", name, name
    copyreg.add_extension("shop", name, code)
    if sys.argv[2] == "cached":
        copyreg._extension_cache[code] = item
pickleball_enforce.install(Policy({"m": Entry(("shop.pay",), (), ("shop.Basket",))}))

class Finding(getattr(pickle, sys.argv[1])):
    def find_class(self, module, name):
        return super().find_class(module, name)

try:
    print(type(Finding(io.BytesIO(bytes.fromhex(sys.argv[3]))).load()).__name__)
except pickle.UnpicklingError as error:
    print([item.rule for item in error.violations][0])
"""
BASKET, PAY, ROB = (b"\x82" + bytes((code,)) for code in (1, 2, 3))
STREAMS = {
    "an instance is made": (asm.new(BASKET), {"Basket"}),
    "a class of which instances are allowed": (asm.list_of(BASKET), {"instances-only"}),
    "the same after it made an instance": (asm.new(BASKET) + POP + asm.list_of(BASKET), {"instances-only"}),
    "a function of globals": (PAY, {"function"}),
    "a function of globals is called": (asm.call(PAY), {"reduce-not-allowed"}),
    "no entry": (ROB, {"extension-not-allowed"}),
    "no entry, and it goes": (ROB + POP + NONE, {"extension-not-allowed"}),
    "no entry, and it is called": (asm.call(ROB), {"extension-not-allowed", "reduce-not-allowed"}),
}


@pytest.mark.parametrize("cache", ["cached", "empty"])
@pytest.mark.parametrize("unpickler", ["Unpickler", "_Unpickler"])
@pytest.mark.parametrize(("stream", "said"), STREAMS.values(), ids=[name.replace(" ", "-") for name in STREAMS])
def test_a_find_class_of_the_application_hides_no_cached_object(
    unpickler: str, cache: str, stream: bytes, said: set[str]
) -> None:
    """The name that the code is registered under is judged, whoever would be asked for it."""
    command = [sys.executable, "-c", PROGRAM, unpickler, cache, (PROTO2 + stream + STOP).hex()]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "images/enforce/src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() in said
