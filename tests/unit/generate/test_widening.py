"""Widening: what a caller plugs into a model enters by a bound, when it is graded inert, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pickleball_generate.inference import Options, infer, widening

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

FILES = {
    "lib/__init__.py": "",
    "lib/base.py": "class Base:\n    def get_params(self):\n        return vars(self)\n",
    "lib/composite.py": """
from lib.base import Base

class Composite(Base):
    def __init__(self, steps, scorer=None):
        self.steps = steps
        self.scorer = scorer
    def fit(self, x):
        for name, step in self.steps:
            step = copy_of(step)
            step.fit(x)
        self.scorer(x)

class Fixed(Composite):
    def __init__(self):
        super().__init__([("one", Given(None))])

class Given(Base):
    def __init__(self, store):
        self.store = store
    def fit(self, x):
        self.store.write(x)

def copy_of(part):
    return part.__class__(**part.get_params())
""",
    "lib/parts.py": """
import os
from abc import abstractmethod
from collections import OrderedDict
from lib.base import Base

class Scaler(Base):
    def fit(self, x):
        self.mean = x

class Child(Scaler):
    def fit(self, x):
        self.table = Kept()
        self.log = Logged()
        names = Unkept()
        self.names = OrderedDict(names)

class Kept:
    pass

class Unkept:
    pass

class Logged:
    def __setstate__(self, state):
        os.system(state)

class Evil(Base):
    def __setstate__(self, state):
        os.system(state)
    def fit(self, x):
        pass

class Asking(Base):
    def __setstate__(self, state):
        state.run()
    def fit(self, x):
        pass

class Reading(Base):
    def __setstate__(self, state):
        self.size = state.get("size")
    def fit(self, x):
        pass

class Shelf(Base):
    def get(self, name):
        os.remove(name)
    def fit(self, x):
        pass

class WithoutFit(Base):
    pass

class Abstract(Base):
    @abstractmethod
    def fit(self, x):
        pass

class Table(Base, OrderedDict):
    def fit(self, x):
        pass

class EvilTable(Base, OrderedDict):
    def __init__(self, x):
        os.system(x)
    def fit(self, x):
        pass

class OtherKind:
    def fit(self, x):
        pass

def make():
    class Local(Base):
        def fit(self, x):
            pass
    return Local
""",
    "lib/tests/__init__.py": "",
    "lib/tests/fakes.py": "from lib.base import Base\n\nclass Fake(Base):\n    def fit(self, x):\n        pass\n",
    "more/__init__.py": "from lib import base as b\n\nclass Foreign(b.Base):\n    def fit(self, x):\n        pass\n",
    "lib/configured.py": """
import os
from dataclasses import dataclass, field
from enum import Enum
from typing import Optional, Union

class Kind(Enum):
    PLAIN = 1

@dataclass
class Runtime:
    size: int = 1

class Logged:
    def __setstate__(self, state):
        os.system(state)

@dataclass
class Settings:
    name: str = ""

@dataclass
class Adapter(Settings):
    runtime: Optional[Runtime] = field(default_factory=Runtime)
    kind: Union[Kind, str] = Kind.PLAIN
    log: Logged = None

class Model:
    def __init__(self, settings: Settings):
        self.settings = settings
""",
    "lib/tagger.py": "from lib.words import Words\n\nclass Tagger:\n    def __init__(self, words: Words):\n"
    "        self.words = words\n",
    "lib/recommender.py": """
class Recommender:
    def fit(self, ratings):
        self.ratings = ratings
        return self.ratings.users_of(1), self.ratings.items_of(2)

class Asking:
    def fit(self, ratings):
        self.ratings = ratings
        return self.ratings.users_of(1), self.ratings.run(2)

def load():
    return Ratings(Users())

class Ratings:
    def __init__(self, users):
        self.users = users
    def users_of(self, item):
        pass
    def items_of(self, user):
        pass

class Sparse(Ratings):
    pass

class Users:
    def users_of(self, item):
        pass
    def run(self):
        pass

class Others:
    def users_of(self, item):
        pass
    def run(self):
        pass
""",
    "lib/network.py": """
from lib import layers
from lib.layers import Layer

class Network:
    def __init__(self, spec):
        self.layers = [made(name) for name in spec]
        self.size = sum(layer.size_of() for layer in self.layers)
        self.norm = getattr(layers, "Norm" + str(self.size))()
        getattr(layers, spec)()

class Named:
    def __init__(self, name, known=None):
        self.known = getattr(layers, "Linear")() or globals()["Own"](name)
        self.kind = getattr(layers, name)
        self.value = getattr(self.known, name)()

def made(name):
    return vars(layers)[name](1) if name.startswith("nn.") else globals()[name](2)

class Own(Layer):
    def __init__(self, size, scale: "Scale | None" = None, table: dict[str, Part] = None, unkept: Unkept = None):
        self.parts = [Part(each) for each in size]
        self.scale = scale
        self.table: "Table" = table

class Part:
    pass

class Scale:
    pass

class Table:
    pass

class Unkept:
    pass
""",
    "lib/layers.py": """
import os
from lib.more_layers import *

class Layer:
    def size_of(self):
        return 1

class Linear(Layer):
    pass

class _Hidden(Layer):
    pass

class Evil(Layer):
    def __setstate__(self, state):
        os.system(state)

class Unsized:
    pass

class Norm1:
    pass
""",
    "lib/more_layers.py": "class Starred:\n    def size_of(self):\n        return 2\n",
    "lib/words.py": "class Words:\n    pass\n\nclass Stacked(Words):\n    pass\n",
}
WIDENED = {"lib.parts.Scaler", "lib.parts.Child", "lib.parts.Kept", "lib.parts.Reading", "more.Foreign"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, environment_of: Callable[..., Environment]) -> Environment:
    """The facts of two packages."""
    root = tmp_path_factory.mktemp("widening")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return environment_of(root)


def test_parts_of_the_holders_kind_are_let_in(library: Environment) -> None:
    """A composite calls `fit` of its steps and has it itself: inert classes of all packages that share its base do.

    Outside stay classes with effects, also those that others can make them have (`get` of a shelf), with unknown
    calls, with no such method, of another base, abstract and local ones, and tests; of those that pickle by calling
    themselves, only what is built without an effect may be called. What they make for an attribute comes with them.
    """
    result = infer(library, ["lib.composite.Composite"], Options())
    policy = result.policy
    assert policy.globals - {"lib.composite.Composite"} == WIDENED | {"lib.composite.Given", "lib.composite.Fixed"}
    assert policy.reduces == {"lib.parts.Table", "collections.OrderedDict"}
    entry = result.provenance["classes"]["lib.composite.Composite"]["globals"]["more.Foreign"]
    assert (entry["kind"], entry["grade"]) == ("widened", "trivial")
    assert "given to Composite as steps, asked for fit" in entry["rule"]
    assert entry["chain"][-1]["holds"] == "what a caller gives to lib.composite.Composite as steps"


def test_a_part_of_another_kind_widens_nothing(library: Environment) -> None:
    """What is asked for methods that the holder does not have has no bound."""
    assert infer(library, ["lib.composite.Given"], Options()).policy.globals == {"lib.composite.Given"}


def test_what_a_class_gives_to_the_constructor_of_its_base_is_no_part(library: Environment) -> None:
    """A composite whose steps are fixed holds those, and nothing by a bound."""
    assert infer(library, ["lib.composite.Fixed"], Options()).policy.globals == {
        "lib.composite.Fixed", "lib.composite.Given",
    }  # fmt: skip


def test_subclasses_of_an_annotated_class_are_let_in(library: Environment) -> None:
    """The annotation is needed, its subclasses are widened."""
    described = infer(library, ["lib.tagger.Tagger"], Options()).provenance["classes"]["lib.tagger.Tagger"]["globals"]
    assert {name: entry["kind"] for name, entry in described.items()} == {
        "lib.tagger.Tagger": "needed", "lib.words.Words": "needed", "lib.words.Stacked": "widened",
    }  # fmt: skip


def test_what_a_class_declares_that_is_let_in_comes_with_it(library: Environment) -> None:
    """The fields of a dataclass: inert classes, and enumerations, which are called with their values."""
    policy = infer(library, ["lib.configured.Model"], Options()).policy
    named = {f"lib.configured.{name}" for name in ("Model", "Settings", "Adapter", "Runtime")}
    assert policy.globals == named
    assert policy.reduces == {"lib.configured.Kind"}


def test_the_only_class_that_has_what_is_asked_of_a_part_is_let_in(library: Environment) -> None:
    """With what its makers give it; where several classes have these methods, none is."""
    named = [f"lib.recommender.{name}" for name in ("Recommender", "Ratings", "Users")]
    assert infer(library, ["lib.recommender.Recommender"], Options()).policy.globals == set(named)
    assert infer(library, ["lib.recommender.Asking"], Options()).policy.globals == {"lib.recommender.Asking"}


def test_classes_of_a_module_are_let_in_that_code_names_by_an_expression(library: Environment) -> None:
    """`getattr(module, name)`, `globals()[name]`: inert public classes that have what is asked of their instances.

    As far as a beginning or an end of the name is known, only those; of a module whose instance nobody keeps, none.
    What their methods make for an attribute comes with them, and what annotations say that they keep.
    """
    described = infer(library, ["lib.network.Network"], Options()).provenance["classes"]["lib.network.Network"]
    globals_ = described["globals"]
    layers = {f"lib.layers.{name}" for name in ("Layer", "Linear", "Norm1")} | {"lib.more_layers.Starred"}
    own = {f"lib.network.{name}" for name in ("Network", "Own", "Part", "Scale", "Table")}
    assert globals_.keys() == layers | own
    entry = globals_["lib.layers.Linear"]
    assert (entry["kind"], entry["grade"]) == ("widened", "trivial")
    assert entry["rule"] == "class of lib.layers, looked up under a computed name"
    assert entry["chain"][-1]["holds"] == "an instance of a class of lib.layers under a computed name"


def test_a_module_with_too_many_classes_for_a_computed_name_gives_none(
    library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would read them; the provenance says whose they are. Where the name's beginning is known, few are left."""
    monkeypatch.setattr(widening, "MOST_NAMED", 2)
    result = infer(library, ["lib.network.Network"], Options())
    assert result.policy.globals == {"lib.network.Network", "lib.layers.Norm1"}
    unresolved = result.provenance["classes"]["lib.network.Network"]["unresolved"]
    assert {item["what"] for item in unresolved} >= {
        f"which of the classes of lib.{module} it holds: too many to list" for module in ("layers", "network")
    }


def test_a_name_that_is_written_out_stands_for_its_class_alone(library: Environment) -> None:
    """It is needed, not widened; a class under a computed name that nobody makes an instance of gives nothing."""
    described = infer(library, ["lib.network.Named"], Options()).provenance["classes"]["lib.network.Named"]["globals"]
    assert {name: entry["kind"] for name, entry in described.items()} == dict.fromkeys(
        (*(f"lib.network.{cls}" for cls in ("Named", "Own", "Part", "Scale", "Table")), "lib.layers.Linear"), "needed"
    )


@pytest.mark.parametrize("name", ["lib.composite.Composite", "lib.tagger.Tagger", "lib.network.Network"])
def test_widening_can_be_turned_off(name: str, library: Environment) -> None:
    """Without it nothing is widened."""
    described = infer(library, [name], Options(widen=False)).provenance["classes"][name]
    kinds = {entry["kind"] for listed in ("globals", "reduces") for entry in described[listed].values()}
    assert "widened" not in kinds


def test_a_bound_that_nobody_would_read_is_narrowed_then_given_up(
    library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many classes in all packages: those of the model's own; too many there: none, and the provenance says so."""
    inside = WIDENED - {"more.Foreign"} | {"lib.composite.Given", "lib.composite.Fixed"}
    monkeypatch.setattr(widening, "MOST", 11)
    narrowed = infer(library, ["lib.composite.Composite"], Options())
    assert narrowed.policy.globals - {"lib.composite.Composite"} == inside
    monkeypatch.setattr(widening, "MOST", 2)
    result = infer(library, ["lib.composite.Composite"], Options())
    assert result.policy.globals == {"lib.composite.Composite"}
    unresolved = result.provenance["classes"]["lib.composite.Composite"]["unresolved"]
    assert any("too many to list" in item["what"] for item in unresolved)


def test_a_class_under_a_computed_name_takes_what_it_is_called_with(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """`getattr(layers, name)(3, bidirectional=True)`: of many classes those whose constructor accepts this."""
    root = tree({
        "lib/__init__.py": "", "lib/layers.py": (
            "class Recurrent:\n    def __init__(self, size, bidirectional=False):\n        self.size = size\n"
            "class Open:\n    def __init__(self, *sizes, **more):\n        self.sizes = sizes\n"
            "class Wide(Recurrent):\n    pass\n"
            "class Flat:\n    def __init__(self, size):\n        self.size = size\n"
            "class Nothing:\n    def __init__(self):\n        self.size = 1\n"
            "class Both:\n    def __init__(self, size, other, bidirectional=False):\n        self.size = size\n"
        ),
        "lib/model.py": "from lib import layers\n\nclass Model:\n    def __init__(self, name):\n"
        "        self.rnn = getattr(layers, name)(3, bidirectional=True)\n",
    })  # fmt: skip
    policy = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert policy.globals == {"lib.model.Model", *(f"lib.layers.{name}" for name in ("Recurrent", "Open", "Wide"))}


def test_a_class_that_is_left_out_takes_no_other_one_with_it(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Two classes clash with a third one, which is left out; they do not clash with each other, and both enter."""
    asking = "class {}(Layer):\n    def __setstate__(self, state):\n        state['x'].extend(1)\n"
    root = tree({
        "lib/__init__.py": "",
        "lib/layers.py": "class Layer:\n    pass\n" + asking.format("First") + asking.format("Second")
        + "class Chain(Layer):\n    def extend(self, x):\n        self.hook(x)\n",
        "lib/model.py": "from lib.layers import Layer\n\nclass Model:\n    def __init__(self, part: Layer):\n"
        "        self.part = part or Layer()\n",
    })  # fmt: skip
    policy = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert policy.globals == {"lib.model.Model", *(f"lib.layers.{name}" for name in ("Layer", "First", "Second"))}


KINDS = {
    "lib/__init__.py": "",
    "other.py": "import enum\nclass Far(enum.Enum):\n    ONE = 1\n",
    "lib/kinds.py": """
import enum, os

class Kind(enum.Enum):
    ONE = 1
    TWO = 2

class Silent(enum.Enum):
    ONE = 1

class Noisy(enum.Enum):
    ONE = 1
    def __init__(self, value):
        os.system(value)

class Plain:
    ONE = 1
""",
    "lib/model.py": """
import enum
from other import Far
from lib.kinds import Kind as How, Noisy, Plain, Silent
from lib.checks import check

class Own(enum.Enum):
    ONE = 1

class Base:
    def say(self):
        return How.ONE in self.found, Noisy.ONE, Plain.ONE, Far.ONE, Own.ONE, Silent.THREE

class Open(Base):
    def fit(self, x):
        self.found = check(x)

class Closed(Base):
    def fit(self, x):
        self.found = 1
""",
    "lib/checks.py": "import json\ndef check(x):\n    return json.loads(x)\n",
}


def test_enumerations_that_code_speaks_of_are_let_in_where_something_unknown_is_held(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Those of the package whose members the module names and that make their members without an effect."""
    environment = environment_of(tree(KINDS))
    result = infer(environment, ["lib.model.Open"], Options())
    assert {name for name in result.policy.reduces if name[:4] in {"lib.", "othe"}} == {
        "lib.kinds.Kind",
        "lib.model.Own",
    }
    entry = result.provenance["classes"]["lib.model.Open"]["reduces"]["lib.kinds.Kind"]
    assert (entry["kind"], entry["grade"]) == ("widened", "trivial")
    assert "lib.model names a member" in entry["rule"]
    for name, options in (("lib.model.Closed", Options()), ("lib.model.Open", Options(widen=False))):
        assert not infer(environment, [name], options).policy.reduces
