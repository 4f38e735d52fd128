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

class Looking(Layer):
    def __hash__(self):
        self.table.place_of(self.word)
        return 0

class Placing(Layer):
    def place_of(self, name):
        os.mkdir(name)

class Hooked(Layer):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__getattr__(state["key"])

    def __getattr__(self, name):
        return name.endswith(self.__dict__["word"])

class Named(Layer):
    def __setstate__(self, state):
        getattr(self, state["key"])

    def __getattr__(self, name):
        return name.upper()

class Word(str, Layer):
    def upper(self):
        os.mkdir(self)
        return str.upper(self)

class Summing(Layer):
    def __setstate__(self, state):
        found = []
        found += state["of"]
        found.append(state["name"])

class Adding(Layer):
    def __radd__(self, other):
        return self.found

def documented(text):
    def write(function):
        function.__doc__ = text
        return function
    return write

def filled(function):
    def call(*args):
        return function(*args, "w")
    return call

class Two(Layer):
    def write(self, name, mode):
        os.mkdir(name)

def one(name):
    os.mkdir(name)

def two(name, mode):
    os.mkdir(name)

@documented("of two names")
def told(name, mode):
    os.mkdir(name)

@filled
def changed(name, mode):
    os.mkdir(name)

def none():
    os.mkdir("none")

class Passing(Layer):
    def get(self, name):
        self.inner.keys(name)

class Listing(Layer):
    def keys(self, name):
        os.mkdir(name)
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
OBJECTS["what is asked asks for a method with an effect"] = holding(
    "Passing", dict_of(text("inner"), new(layer("Listing")))
)
OBJECTS["what is asked has a class in an attribute"] = holding(
    "Passing", dict_of(text("inner"), holding("Plain", dict_of(text("keys"), layer("Making"))))
)
PLACES = {
    "an attribute holds a class": holding("Plain", dict_of(text("place_of"), layer("Making"))),
    "an attribute holds an instance": holding("Plain", dict_of(text("place_of"), new(layer("Calling")))),
    "a class has the method": new(layer("Placing")),
}
NAMES = {
    "an attribute holds a class": holding("Plain", dict_of(text("endswith"), layer("Making"))),
    "an attribute holds an instance": holding("Plain", dict_of(text("endswith"), new(layer("Calling")))),
}
KEEPING = [name for name in OBJECTS if "holds a class" in name or "gives a class" in name or "a class in" in name]


def gadget(asked: bytes, marker: Path) -> bytes:
    """Write an instance that asks for `get`, and what it asks."""
    return holding("Asking", dict_of(text("of"), asked, text("name"), text(str(marker))))


def lookup(asked: bytes, marker: Path) -> bytes:
    """Write an instance that asks for a method with a rare name, when it becomes a key."""
    return dict_of(holding("Looking", dict_of(text("table"), asked, text("word"), text(str(marker)))), text("x"))


def hook(asked: bytes, marker: Path) -> bytes:
    """Write an instance whose code gives something else than a text to its own `__getattr__`."""
    return holding("Hooked", dict_of(text("key"), asked, text("word"), text(str(marker))))


def word(_: bytes, marker: Path) -> bytes:
    """Write an instance that reads an attribute whose name is of a subclass of `str`."""
    return holding("Named", dict_of(text("key"), new(layer("Word"), text(str(marker)))))


def total(_: bytes, marker: Path) -> bytes:
    """Write an instance that adds something to a list, which an object has a say in."""
    found = holding("Plain", dict_of(text("append"), layer("Making")))
    added = holding("Adding", dict_of(text("found"), found))
    return holding("Summing", dict_of(text("of"), added, text("name"), text(str(marker))))


ATTACKS = {f"get: {name}": (gadget, asked) for name, asked in OBJECTS.items()} | {
    f"place_of: {name}": (lookup, asked) for name, asked in PLACES.items()
}
ATTACKS |= {f"a name: {name}": (hook, asked) for name, asked in NAMES.items()}
ATTACKS["a name is of a class of its own"] = (word, b"")
ATTACKS["a list becomes something else by a sum"] = (total, b"")


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """Run a test with some of the files."""
    chosen = list(names)
    ids = [name.replace(" ", "-") for name in chosen]
    return pytest.mark.parametrize("attack", [_written(*ATTACKS[name]) for name in chosen], ids=ids)


def _written(write: Callable[[bytes, Path], bytes], asked: bytes) -> Callable[[Path], bytes]:
    return lambda marker: PROTO4 + list_of(write(asked, marker)) + STOP


def run(code: str, root: Path, *arguments: str) -> str:
    """Run a program with the library on its path."""
    environment = {**os.environ, "PYTHONPATH": f"{root}:{SOURCES}"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


@each(ATTACKS)
def test_the_gadget_works_on_stock_pickle(
    attack: Callable[[Path], bytes], tree: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    """Stock makes the folder while it loads."""
    run(STOCK, tree(FILES), attack(tmp_path / "marker").hex())
    assert (tmp_path / "marker").is_dir()


@each(ATTACKS)
def test_a_bound_lets_no_class_in_that_answers_with_an_effect(
    attack: Callable[[Path], bytes],
    tree: Callable[[dict[str, str]], Path],
    environment_of: Callable[..., Environment],
    tmp_path: Path,
) -> None:
    """The class that asks enters, what answers with an effect does not, or for instances only: the load is refused."""
    root = tree(FILES)
    policy = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert policy.instances >= {"lib.layers.Asking", "lib.layers.Declared", "lib.layers.Making"}
    assert policy.globals.isdisjoint({f"lib.layers.{name}" for name in ("Bound", "Static", "Calling", "Listing")})
    assert refused(root, policy, attack(tmp_path / "marker"), tmp_path)


@each(ATTACKS)
def test_no_gadget_is_accepted_from_a_file(
    attack: Callable[[Path], bytes], tree: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    """`--accept inert` adds what asks, or what is asked, never both."""
    root = tree(FILES | {"lib/model.py": "class Model:\n    pass\n"})
    model, path = tmp_path / "model.pkl", tmp_path / "policy.json"
    model.write_bytes(attack(tmp_path / "marker"))
    words = ["--library-path", root, "--model-class", "lib.model.Model", "--policy-path", path, "--json"]
    assert cli.main([*map(str, words), "--for-model", str(model), "--accept", "inert"]) == 1
    policy = Policy.load(path)
    assert policy.globals & {f"lib.layers.{name}" for name in ("Asking", "Looking", "Hooked", "Named", "Summing")}
    assert refused(root, policy, model.read_bytes(), tmp_path)


@each(f"get: {name}" for name in KEEPING)
def test_a_class_of_which_there_are_instances_only_stands_in_the_place_of_no_method(
    attack: Callable[[Path], bytes], tree: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    """A file that makes instances may have all its classes, the one with an effect in its constructor too."""
    root = tree(FILES | {"lib/model.py": "class Model:\n    pass\n"})
    model, path = tmp_path / "model.pkl", tmp_path / "policy.json"
    plain = [new(layer(name)) for name in ("Plain", "Answering", "Passing", "Making")]
    model.write_bytes(PROTO4 + list_of(*plain, holding("Asking", asked_for_nothing())) + STOP)
    words = ["--library-path", root, "--model-class", "lib.model.Model", "--policy-path", path, "--json"]
    assert cli.main([*map(str, words), "--for-model", str(model), "--accept", "inert"]) == 0
    assert "lib.layers.Making" in Policy.load(path).instances
    assert refused(root, Policy.load(path), attack(tmp_path / "marker"), tmp_path)


NEEDED = """
from lib.layers import Asking, Calling, Making, Plain, Static

class Model:
    def __init__(self):
        self.asking = Asking()
        self.part = {part}
"""


@pytest.mark.parametrize("part", ["Static()", "Calling()", "Making"])
def test_what_a_model_needs_is_said_where_it_is_not_harmless_together(
    part: str, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Nothing can be kept out: the provenance names the class that asks, the method, and what can run there."""
    root = tree(FILES | {"lib/model.py": NEEDED.replace("{part}", part)})
    found = infer(environment_of(root), ["lib.model.Model"], Options()).provenance["classes"]["lib.model.Model"]
    said = [item for item in found["unresolved"] if item["in"] == f"lib.layers.{part.removesuffix('()')}"]
    assert len(said) == 1
    assert "lib.layers.Asking calls get of what a stream gives" in said[0]["what"]
    assert "os.mkdir" in said[0]["what"]


HOOKING = """
from lib.layers import Layer, Making

class Hooking(Layer):
    def __getattr__(self, key):
        name = key
        if name.endswith("_id") or super().__getattr__(key):
            raise AttributeError(name)

class Model:
    def __init__(self):
        self.asking = Hooking()
        self.part = Making
"""


def test_a_name_that_python_gives_to_a_hook_is_a_text(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """A file that has no class of texts of its own cannot answer what code asks of the name."""
    found = infer(environment_of(tree(FILES | {"lib/model.py": HOOKING})), ["lib.model.Model"], Options())
    assert not found.provenance["classes"]["lib.model.Model"]["unresolved"]
    assert "lib.layers.Making" in found.policy.globals


CALLED = """
from lib.layers import Looking, Two, changed, none, one, told, two

class Model:
    def __init__(self):
        self.asking = Looking()
        self.part = {part}
"""


@pytest.mark.parametrize(
    ("part", "said"), [("one", 1), ("two", 0), ("told", 0), ("changed", 1), ("none", 0), ("Two().write", 1)]
)
def test_a_call_reaches_what_takes_its_arguments(
    part: str, said: int, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """What Python refuses to call with one argument answers nothing; what is bound may be in a partial with more."""
    root = tree(FILES | {"lib/model.py": CALLED.replace("{part}", part)})
    found = infer(environment_of(root), ["lib.model.Model"], Options()).provenance["classes"]["lib.model.Model"]
    assert [item["in"] for item in found["unresolved"]] == [f"lib.layers.{part.replace('()', '')}"] * said


def test_a_needed_class_with_an_effect_in_its_constructor_is_harmless_as_an_instance(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Nothing is said of it: no stream may keep the class."""
    root = tree(FILES | {"lib/model.py": NEEDED.replace("{part}", "Making('x')")})
    result = infer(environment_of(root), ["lib.model.Model"], Options())
    assert "lib.layers.Making" in result.policy.instances
    assert not result.provenance["classes"]["lib.model.Model"]["unresolved"]


def asked_for_nothing() -> bytes:
    """Write a state with what `Asking` asks for."""
    return dict_of(text("of"), dict_of(text("x"), text("y")), text("name"), text("x"))


def refused(root: Path, policy: Policy, stream: bytes, folder: Path) -> bool:
    """Load a file under a policy; tell whether it was refused with nothing run."""
    path = folder / "in-force.json"
    path.write_text(policy.dumps())
    said = run(ENFORCED, root, stream.hex(), str(path))
    assert not (folder / "marker").exists()
    return "which the policy does not allow" in said or "the policy allows instances of it only" in said
