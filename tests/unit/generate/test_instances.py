"""Which classes a stream keeps, and of which it only makes instances: no pickle of the model needs more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pickleball_enforce.static import verify
from pickleball_generate.inference import Options, infer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

PARTS = """
import copyreg, sys
from collections import defaultdict
from functools import partial
from uuid import UUID

class Part:
    pass

class Base:
    pass

def rebuild(*given):
    return Part()

def decided(instance):
    return rebuild, (Decided,)

class Given:
    def __reduce__(self):
        return rebuild, (Given,)

class GivenType:
    def __reduce__(self):
        return rebuild, (type(self), 1)

class GivenState:
    def __reduce__(self):
        return rebuild, (), {"cls": self.__class__}

class Default:
    def __reduce__(self):
        return super().__reduce__()

class DefaultEx:
    def __reduce_ex__(self, protocol):
        return super().__reduce_ex__(protocol)

class Decided:
    def __reduce__(self):
        return vars(sys.modules[__name__])["decided"](self)

class Registered:
    pass

def reduce_registered(instance):
    return rebuild, (Registered,)

copyreg.pickle(Registered, reduce_registered)

class NewArgs:
    def __new__(cls, kind=None):
        return super().__new__(cls)
    def __getnewargs__(self):
        return (NewArgs,)

class State:
    def __getstate__(self):
        return {"kind": State}

class Names(dict):
    pass

class Text(str):
    pass

class Listed(Base):
    def kinds(self):
        return [Listed]
    def __init__(self):
        self.known = {"kinds": [Listed]}

class Named(Base):
    def __init__(self, size=1):
        super().__init__()
        self.made_with = {key: value for key, value in locals().items() if key != "self"}

class Bound:
    @classmethod
    def make(cls):
        return cls()
    def __init__(self):
        self.maker = Bound.make
"""
TREE = {"lib/__init__.py": "", "lib/parts.py": PARTS}
DUMP = (
    "import json, pickle; from lib.model import Model\n"
    "print(json.dumps([pickle.dumps(Model(), protocol).hex() for protocol in range(6)]))"
)


@dataclass(frozen=True)
class Case:
    """What the constructor of the model does, and the list that a class of the parts stands in."""

    body: str
    name: str
    listed: str
    followed: bool = True  # what its reduce method gives


CASES = [
    Case("self.part = Part()", "Part", "instances"),
    Case("self.part, self.kind = Part(), Part", "Part", "globals"),
    Case("self.kind, self.part = Part, Part()", "Part", "globals"),
    Case("self.kind = type(Part())", "Part", "globals"),
    Case("self.kind = Part().__class__", "Part", "globals"),
    Case("self.__class__ = Part", "Part", "instances"),
    Case("self.parts = {Part: [Part()]}", "Part", "globals"),
    Case("self.parts = defaultdict(Part)", "Part", "globals"),
    Case("self.part = partial(Part)", "Part", "globals"),
    Case("self.part = Given()", "Given", "globals"),
    Case("self.part = GivenType()", "GivenType", "globals"),
    Case("self.part = GivenState()", "GivenState", "globals"),
    Case("self.part = Default()", "Default", "instances"),
    Case("self.part = DefaultEx()", "DefaultEx", "instances"),
    Case("self.part = Decided()", "Decided", "globals", followed=False),
    Case("self.part = Registered()", "Registered", "globals"),
    Case("self.part = NewArgs()", "NewArgs", "globals"),
    Case("self.part = State()", "State", "globals"),
    Case("self.part = Names()", "Names", "instances"),
    Case("self.part = Text()", "Text", "instances"),
    Case("self.part = Listed()", "Listed", "globals"),
    Case("self.part = Bound()", "Bound", "globals"),
    Case("self.part = Named()", "Named", "globals"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.body.removeprefix("self.").replace(" ", "-") for case in CASES])
def test_a_class_is_kept_where_a_pickle_has_it_otherwise_than_for_its_instances(
    case: Case, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment], tmp_path: Path
) -> None:
    """Stock's pickles of the model stay inside its policy, whatever the protocol."""
    model = f"from lib.parts import *\n\nclass Model:\n    def __init__(self):\n        {case.body}\n"
    root = tree(TREE | {"lib/model.py": model})
    result = infer(environment_of(root), ["lib.model.Model"], Options(widen=False))
    entry = result.policy.entries["lib.model.Model"]
    name = f"lib.parts.{case.name}"
    assert [listed for listed in ("globals", "instances") if name in getattr(entry, listed)] == [case.listed]
    known = result.provenance["classes"]["lib.model.Model"]["globals"][name]
    assert known.get("use") == (case.listed if case.listed == "instances" else None)
    assert "lib.model.Model" in entry.instances
    environment = {**os.environ, "PYTHONPATH": str(root)}
    dumped = subprocess.run([sys.executable, "-c", DUMP], env=environment, capture_output=True, text=True, check=True)
    for protocol, stream in enumerate(json.loads(dumped.stdout)):
        path = tmp_path / f"{protocol}.pkl"
        path.write_bytes(bytes.fromhex(stream))
        assert [found.sentence for found in verify(str(path), result.policy).violations if case.followed] == []


WIDE = """
class Part:
    pass

class Plain(Part):
    pass

class Reducing(Part):
    def __reduce__(self):
        return rebuild, (Reducing,)

def rebuild(cls):
    return cls()
"""


def test_a_bound_lets_instances_in_and_keeps_what_a_reduce_method_may_keep(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """What widens is made, not kept, unless the class says itself how its instances pickle."""
    body = "    def __init__(self, part: Part = None):\n        self.part = part or Part()\n"
    model = f"from lib.parts import Part\nclass Model:\n{body}"
    root = tree({"lib/__init__.py": "", "lib/parts.py": WIDE, "lib/model.py": model})
    entry = infer(environment_of(root), ["lib.model.Model"], Options()).policy.entries["lib.model.Model"]
    assert {"lib.parts.Part", "lib.parts.Plain"} <= {*entry.instances}
    assert "lib.parts.Reducing" in entry.globals
