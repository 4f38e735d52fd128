"""What is harmless alone and not together: no rule of the generator lets the parts of such a gadget in.

Code at load asks something of the file for a name; the file gives an object that has an attribute of this name, and
what stands there is called.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.attacks.assembly import BUILD, PROTO4, STOP, dict_of, list_of, new, stack_name, text

from pickleball_enforce.policy import Policy
from pickleball_generate import cli
from pickleball_generate.inference import Options, infer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pickleball_generate.facts import Environment

SOURCES = Path(__file__).parents[2] / "images/enforce/src"
LAYERS = """
import os

class Layer:
    pass

class Asking(Layer):
    def __setstate__(self, state):
        self.size = state["of"].get(state["name"])

class Plain(Layer):
    pass

class Answering(Layer):
    def __getattr__(self, name):
        try:
            return self.__dict__["parts"][name]
        except KeyError:
            raise AttributeError(name) from None

class Making(Layer):
    def __init__(self, name):
        os.mkdir(name)

class Calling(Layer):
    def __call__(self, name):
        os.mkdir(name)

class Bound(Layer):
    get = os.mkdir

class Static(Layer):
    get = staticmethod(os.mkdir)

class Declared(Layer):
    get: object
"""
MODEL = """
from lib.layers import Layer

class Model:
    def __init__(self, part: Layer | None = None):
        self.part = part or Layer()
"""
FILES = {"lib/__init__.py": "", "lib/layers.py": LAYERS, "lib/model.py": MODEL}
STOCK = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1]))"
ENFORCED = (
    "import sys, pickleball_enforce; pickleball_enforce.install(sys.argv[2]); import pickle\n"
    "try:\n    pickle.loads(bytes.fromhex(sys.argv[1]))\n"
    "except pickle.UnpicklingError as error:\n    print(error)\n"
)


def layer(name: str) -> bytes:
    """Import a class of the library."""
    return stack_name("lib.layers", name)


def holding(name: str, state: bytes) -> bytes:
    """Make an instance with a state."""
    return new(layer(name)) + state + BUILD


OBJECTS = {
    "an attribute holds a class": holding("Plain", dict_of(text("get"), layer("Making"))),
    "an attribute holds an instance": holding("Plain", dict_of(text("get"), new(layer("Calling")))),
    "a lookup gives a class": holding("Answering", dict_of(text("parts"), dict_of(text("get"), layer("Making")))),
    "a class has a function of another module": new(layer("Bound")),
    "a class has a static method of another module": new(layer("Static")),
    "a class itself is asked": layer("Static"),
}
OWN = [name for name in OBJECTS if name.startswith("a class ")]


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """Run a test with some of the objects."""
    chosen = list(names)
    ids = [name.replace(" ", "-") for name in chosen]
    return pytest.mark.parametrize("asked", [OBJECTS[name] for name in chosen], ids=ids)


def attack(asked: bytes, marker: Path) -> bytes:
    """Write the file: an instance that asks, and what it asks."""
    state = dict_of(text("of"), asked, text("name"), text(str(marker)))
    return PROTO4 + list_of(holding("Asking", state)) + STOP


def run(code: str, root: Path, *arguments: str) -> str:
    """Run a program with the library on its path."""
    environment = {**os.environ, "PYTHONPATH": f"{root}:{SOURCES}"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


@each(OBJECTS)
def test_the_gadget_works_on_stock_pickle(asked: bytes, tree: Callable[[dict[str, str]], Path], tmp_path: Path) -> None:
    """Stock makes the folder while it loads."""
    run(STOCK, tree(FILES), attack(asked, tmp_path / "marker").hex())
    assert (tmp_path / "marker").is_dir()


@each(OWN)
def test_a_bound_lets_no_class_in_that_answers_with_an_effect(
    asked: bytes,
    tree: Callable[[dict[str, str]], Path],
    environment_of: Callable[..., Environment],
    tmp_path: Path,
) -> None:
    """The class that asks enters, what has a function with an effect under this name does not: the load is refused."""
    root = tree(FILES)
    policy = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert policy.globals >= {"lib.layers.Asking", "lib.layers.Declared"}
    assert policy.globals.isdisjoint({"lib.layers.Bound", "lib.layers.Static"})
    assert refused(root, policy, attack(asked, tmp_path / "marker"), tmp_path)


@each(OBJECTS)
def test_no_gadget_is_accepted_from_a_file(
    asked: bytes, tree: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    """`--accept inert` adds what asks, or what is asked, never both."""
    root = tree(FILES | {"lib/model.py": "class Model:\n    pass\n"})
    model, path = tmp_path / "model.pkl", tmp_path / "policy.json"
    model.write_bytes(attack(asked, tmp_path / "marker"))
    words = ["--library-path", root, "--model-class", "lib.model.Model", "--policy-path", path, "--json"]
    assert cli.main([*map(str, words), "--for-model", str(model), "--accept", "inert"]) == 1
    policy = Policy.load(path)
    assert "lib.layers.Asking" in policy.globals
    assert refused(root, policy, model.read_bytes(), tmp_path)


def refused(root: Path, policy: Policy, stream: bytes, folder: Path) -> bool:
    """Load a file under a policy; tell whether it was refused with nothing run."""
    path = folder / "in-force.json"
    path.write_text(policy.dumps())
    said = run(ENFORCED, root, stream.hex(), str(path))
    assert not (folder / "marker").exists()
    return "which the policy does not allow" in said
