"""What is said to the names that model files ask for beyond a policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.attacks.assembly import (
    BUILD,
    EMPTY_DICT,
    PROTO4,
    STOP,
    call,
    dict_of,
    get,
    list_of,
    new,
    put,
    stack_name,
    text,
)

from pickleball_enforce.policy import Policy
from pickleball_generate import cli, packs

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """
import collections
import enum
import os

class Model:
    def __reduce__(self):
        return os.getenv, ("HOME",)

class Part:
    def __setstate__(self, state):
        self.__dict__.update(state)

class Cleaner:
    def __setstate__(self, state):
        clean(state)

class Guesser:
    def __setstate__(self, state):
        state["how"].run()

class Colour(enum.Enum):
    RED = 1

class Noisy(enum.Enum):
    RED = 1
    def __init__(self, value):
        os.system("true")

class Names(collections.OrderedDict):
    pass

class Failure(ValueError):
    pass

class Owner:
    def method(self):
        return 1

class Choosing:
    kind = None

    def use(self):
        return 1

    def other(self):
        return 2

    def clean(self):
        clean("path")

class Inheriting(Choosing, dict):
    pass

class Lost(Choosing, nowhere.Base):
    pass

def clean(path):
    os.remove(path)

def plain(x):
    return x + 1

def rebuild(x):
    return Part()

class Reader:
    def __setstate__(self, state):
        self.size = state["of"].get("size")

class Shelf:
    def get(self, name):
        os.remove(name)

class Box:
    def get(self, name):
        return name

class Starting:
    def __init__(self, path="path"):
        os.remove(path)

class Beginning:
    def __init__(self):
        self.reader, self.started = Reader(), Starting()

class Shelving:
    def __init__(self):
        self.reader, self.shelf = Reader(), Shelf()

class Rebuilt:
    def __reduce__(self):
        return rebuild, (1,)

class Cleaned:
    def __reduce__(self):
        return clean, ("path",)

class Holder:
    def __init__(self):
        self.one = Rebuilt()
        self.two = Cleaned()

class Between:
    def __init__(self):
        self.inner = Rebuilt()

class Outer:
    def __init__(self):
        self.between = Between()

class Setting:
    def __setattr__(self, name, value):
        clean(value)

class Assigning:
    def __setstate__(self, state):
        self.path = state

    @property
    def path(self):
        return 1

    @path.setter
    def path(self, value):
        clean(value)

class Norm:
    pass

class Either:
    pass

class Known:
    pass

try:
    from nowhere.fused import Fused
    Norm = Fused
except ImportError:
    pass

try:
    import nowhere.either
    from nowhere import fast
except ImportError:
    fast = plain(3)
Either = fast.Either
try:
    from os import environ as fused
    Known = fused
except ImportError:
    pass

run = os.system
made = plain(2)
"""
FILES = {
    "lib/__init__.py": "", "lib/parts.py": LIBRARY, "lib/shim.py": "from lib.parts import Part\n",
    "lib/lazy.py": "def __getattr__(name):\n    return name\n", "lib/tests/__init__.py": "",
    "lib/tests/case.py": "class Case:\n    pass\n",
}  # fmt: skip
INSTANCES, CALLS, REFERENCES = "instance", "call", "reference"


def stream(how: str, name: str) -> bytes:
    """Write a pickle that instantiates, calls or refers to a name."""
    module, _, last = name.rpartition(".")
    if name.startswith("lib.parts.Owner."):
        module, last = "lib.parts", name.removeprefix("lib.parts.")
    imported = stack_name(module, last)
    body = {INSTANCES: new(imported), CALLS: call(imported, text("x")), REFERENCES: list_of(imported)}[how]
    return PROTO4 + body + STOP


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources that the files are judged against."""
    root: Path = tmp_path_factory.mktemp("proposals")
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def run(library: Path, folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Generate a policy for the model class; give the exit code and the outcome."""
    common = ["--library-path", str(library), "--json"]
    if words[0] != "check":
        common += ["--model-class", "lib.parts.Model", "--policy-path", str(folder / "policy.json")]
        code = cli.main([*common, *words])
    else:
        code = cli.main([*words, *common])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(
    ("how", "name", "decision", "because"),
    [
        (INSTANCES, "lib.parts.Part", "inert", "no effect"),
        (INSTANCES, "lib.shim.Part", "inert", "no effect"),
        (INSTANCES, "lib.parts.Cleaner", "ask", "os.remove"),
        (INSTANCES, "lib.parts.Guesser", "ask", "cannot be followed"),
        (INSTANCES, "lib.parts.Setting", "ask", "os.remove"),
        (INSTANCES, "lib.parts.Assigning", "ask", "os.remove"),
        (CALLS, "lib.parts.Colour", "inert", "no effect"),
        (CALLS, "lib.parts.Noisy", "ask", "os.system"),
        (CALLS, "lib.parts.Names", "inert", "no effect"),
        (CALLS, "lib.parts.Failure", "inert", "no effect"),
        (CALLS, "lib.parts.Part", "ask", "calls it"),
        (CALLS, "lib.parts.rebuild", "ask", "calls it"),
        (REFERENCES, "lib.parts.plain", "inert", "no effect"),
        (REFERENCES, "lib.parts.clean", "ask", "os.remove"),
        (REFERENCES, "lib.parts.Owner.method", "inert", "no effect"),
        (REFERENCES, "lib.parts.run", "refuse", "process"),
        (CALLS, "lib.parts.run", "refuse", "process"),
        (CALLS, "posix.system", "refuse", "process"),
        (CALLS, "builtins.tuple", "ask", "calls it"),
        (CALLS, "builtins.eval", "refuse", "by value"),
        (REFERENCES, "lib.parts.made", "refuse", "no source"),
        (INSTANCES, "lib.parts.Norm", "inert", "no effect"),
        (INSTANCES, "lib.parts.Either", "refuse", "no source"),
        (INSTANCES, "lib.parts.Known", "ask", "it can be any of"),
        (INSTANCES, "lib.lazy.Part", "refuse", "no source"),
        (INSTANCES, "nowhere.Part", "refuse", "no source"),
        (INSTANCES, "lib.tests.case.Case", "ask", "tests"),
        (INSTANCES, "__main__.Part", "refuse", "script"),
        (CALLS, "cloudpickle.cloudpickle._make_function", "refuse", "cloudpickle by value"),
        (CALLS, "somewhere.externals.cloudpickle.cloudpickle._make_function", "refuse", "cloudpickle by value"),
        (CALLS, "dill._dill._create_function", "refuse", "dill by value"),
    ],
)
def test_a_name_is_judged_by_what_its_code_can_do(
    how: str, name: str, decision: str, because: str, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inert names may be added, effects are asked, what nothing is known of is refused; only the inert ones join."""
    model = tmp_path / "model.pkl"
    model.write_bytes(stream(how, name))
    code, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    [proposal] = outcome["proposals"]
    assert (proposal["name"], proposal["decision"]) == (name, decision)
    assert because in proposal["because"]
    assert proposal["list"] == {CALLS: "reduces", INSTANCES: "instances"}.get(how, "globals") or "by value" in because
    policy = Policy.load(tmp_path / "policy.json")
    assert (name in policy.globals | policy.reduces) == (decision == "inert")
    assert code == (0 if decision == "inert" else 1)
    assert outcome["covered"] == (decision == "inert")


@pytest.mark.parametrize(
    ("cls", "key", "method", "asked"),
    [
        ("Choosing", "use", "other", ("reduces", "ask", "the method lib.parts.Choosing.use")),
        ("Choosing", "use", "clean", ("reduces", "ask", "os.remove")),
        ("Inheriting", "use", "other", ("reduces", "ask", "the method lib.parts.Inheriting.use")),
        ("Inheriting", "get", "other", ("reduces", "ask", "the method lib.parts.Inheriting.get")),
        ("Lost", "free", "other", ("reduces", "ask", "the method lib.parts.Lost.free")),
        ("Choosing", "kind", "other", ("globals", "inert", "no effect")),
        ("Choosing", "free", "other", ("globals", "inert", "no effect")),
        ("Inheriting", "free", "clean", ("globals", "ask", "os.remove")),
    ],
)
def test_a_method_that_replaces_another_is_asked_for_as_called(
    cls: str, key: str, method: str, asked: tuple[str, ...], library: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The sources say whether what a state sets stands in the place of a method: then it is for `reduces`, graded."""
    model = tmp_path / "model.pkl"
    bound = call(stack_name("builtins", "getattr"), get(1), text(method))
    made = new(stack_name("lib.parts", cls)) + put(1) + dict_of(text(key), bound) + BUILD
    model.write_bytes(PROTO4 + made + STOP)
    _, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    [found] = [item for item in outcome["proposals"] if item["name"] == f"lib.parts.{cls}.{method}"]
    assert (found["list"], found["decision"]) == asked[:2]
    assert asked[2] in found["because"]
    assert found["grade"] == ("effects" if method == "clean" else "resolved")


def test_several_files_are_one_question(library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files behind one flag, behind several, and by a pattern: a name says which of them ask for it."""
    paths = [tmp_path / f"{at}.pkl" for at in range(3)]
    for path, name in zip(paths, ("Part", "Part", "Owner"), strict=True):
        path.write_bytes(stream(INSTANCES, f"lib.parts.{name}"))
    flag, first, *rest = "--for-model", *map(str, paths)
    for words in ([flag, first, *rest], [flag, first, flag, *rest], [flag, str(tmp_path / "*.pkl")]):
        _, outcome = run(library, tmp_path, capsys, *words)
        asked = {proposal["name"]: proposal["files"] for proposal in outcome["proposals"]}
        assert asked == {"lib.parts.Part": [str(paths[0]), str(paths[1])], "lib.parts.Owner": [str(paths[2])]}


def test_proposals_are_only_shown_unless_they_are_accepted(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The policy is written without them, the provenance ties them to the file; exit code 1, with --propose-only 0."""
    model = tmp_path / "model.pkl"
    model.write_bytes(stream(INSTANCES, "lib.parts.Part"))
    code, outcome = run(library, tmp_path, capsys, "--for-model", str(model))
    assert code == 1
    assert outcome["violations"][str(model)]
    assert "lib.parts.Part" not in Policy.load(tmp_path / "policy.json").globals
    proposed = json.loads((tmp_path / "provenance.json").read_text())["proposals"]
    assert proposed["accept"] == "none"
    assert proposed["files"][0]["sha256"] == outcome["files"][0]["sha256"]
    assert [name["name"] for name in proposed["names"]] == ["lib.parts.Part"]
    assert run(library, tmp_path, capsys, "--for-model", str(model), "--propose-only")[0] == 0


def test_an_accepted_name_says_which_file_asked_for_it(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its entry is of kind proposed and carries the file's digest; the policy's digest is the one that was written."""
    model = tmp_path / "model.pkl"
    model.write_bytes(stream(INSTANCES, "lib.parts.Part"))
    _, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    entry = provenance["classes"]["lib.parts.Model"]["globals"]["lib.parts.Part"]
    assert (entry["kind"], entry["grade"]) == ("proposed", "resolved")
    assert entry["files"] == [{"path": str(model), "sha256": outcome["files"][0]["sha256"]}]
    assert provenance["policy"] == Policy.load(tmp_path / "policy.json").digest


def test_a_proposed_class_brings_the_callables_that_its_parts_need(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What its sources show to rebuild its parts joins with it, as far as the file asks, and never with an effect."""
    model = tmp_path / "model.pkl"
    callees = [call(stack_name("lib.parts", name), text("x")) for name in ("rebuild", "clean")]
    model.write_bytes(PROTO4 + list_of(new(stack_name("lib.parts", "Holder")), *callees) + STOP)
    code, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    decided = {proposal["name"]: proposal for proposal in outcome["proposals"]}
    assert {name: proposal["decision"] for name, proposal in decided.items()} == {
        "lib.parts.Holder": "inert", "lib.parts.rebuild": "inert", "lib.parts.clean": "ask",
    }  # fmt: skip
    assert "a class of the file needs it" in decided["lib.parts.rebuild"]["because"]
    assert code == 1
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    entry = provenance["classes"]["lib.parts.Model"]["reduces"]["lib.parts.rebuild"]
    assert [link["holds"] for link in entry["chain"]] == [
        "an instance of lib.parts.Holder", "an instance of lib.parts.Rebuilt",
    ]  # fmt: skip


@pytest.mark.parametrize(("named", "decision"), [(["Outer"], "ask"), (["Outer", "Between"], "inert")])
def test_a_class_that_the_file_does_not_name_explains_nothing(
    named: list[str], decision: str, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a part needs joins only where the file can hold the part: its class is named, or has a reduce method."""
    model = tmp_path / "model.pkl"
    parts = [new(stack_name("lib.parts", name)) for name in named]
    model.write_bytes(PROTO4 + list_of(*parts, call(stack_name("lib.parts", "rebuild"), text("x"))) + STOP)
    _, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    decided = {proposal["name"]: proposal["decision"] for proposal in outcome["proposals"]}
    assert decided == {f"lib.parts.{name}": "inert" for name in named} | {"lib.parts.rebuild": decision}


@pytest.mark.parametrize("provenance", [True, False])
def test_check_knows_accepted_classes_beside_the_policy(
    provenance: bool, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class that an earlier file brought in explains what a later one needs, with the provenance and without it."""
    first, second = tmp_path / "first.pkl", tmp_path / "second.pkl"
    holder = new(stack_name("lib.parts", "Holder"))
    first.write_bytes(PROTO4 + holder + STOP)
    second.write_bytes(PROTO4 + list_of(holder, call(stack_name("lib.parts", "rebuild"), text("x"))) + STOP)
    run(library, tmp_path, capsys, "--for-model", str(first), "--accept", "inert")
    if not provenance:
        (tmp_path / "provenance.json").unlink()
    _, outcome = run(library, tmp_path, capsys, "check", str(second), "--policy", str(tmp_path / "policy.json"))
    assert [(each["name"], each["decision"]) for each in outcome["proposals"]] == [("lib.parts.rebuild", "inert")]


@pytest.mark.parametrize(("other", "decision"), [("Shelf", "ask"), ("Box", "inert")])
def test_two_classes_that_are_harmless_apart_are_judged_together(
    other: str, decision: str, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One calls `get` of what its state holds, the other's `get` has an effect: the gadget of both is asked about."""
    model = tmp_path / "model.pkl"
    parts = [new(stack_name("lib.parts", name)) for name in ("Reader", other)]
    model.write_bytes(PROTO4 + list_of(*parts) + STOP)
    _, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    decided = {proposal["name"]: proposal for proposal in outcome["proposals"]}
    assert decided[f"lib.parts.{other}"]["decision"] == decision
    assert decided["lib.parts.Reader"]["decision"] == "inert"
    assert ("code of lib.parts.Reader calls get" in decided[f"lib.parts.{other}"]["because"]) == (decision == "ask")


@pytest.mark.parametrize(
    ("model", "name", "because"),
    [
        ("Beginning", "Starting", "code of lib.parts.Reader calls get of what a stream gives, and it can stand there"),
        ("Beginning", "Reader", ""),
        ("Shelving", "Reader", ""),
        ("Shelving", "Shelf", ""),
    ],
)
def test_what_the_policy_has_instances_of_is_judged_again_where_a_file_keeps_the_class(
    model: str, name: str, because: str, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class that may be kept can stand in the place of a method: `{"get": Starting}`. It asks nothing more."""
    file = tmp_path / "model.pkl"
    file.write_bytes(PROTO4 + list_of(stack_name("lib.parts", name)) + STOP)
    words = ("--library-path", str(library), "--json", "--model-class", f"lib.parts.{model}")
    cli.main([*words, "--policy-path", str(tmp_path / "policy.json"), "--for-model", str(file), "--accept", "inert"])
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    (proposal,) = outcome["proposals"]
    assert (proposal["name"], proposal["list"]) == (f"lib.parts.{name}", "globals")
    assert proposal["decision"] == ("ask" if because else "inert")
    assert because in proposal["because"]


@pytest.mark.parametrize(
    ("how", "name", "decision"),
    [
        (CALLS, "numpy._core.multiarray._reconstruct", "inert"),
        (CALLS, "collections.defaultdict", "inert"),
        (INSTANCES, "numpy.random._pcg64.PCG64", "inert"),
        (CALLS, "operator.methodcaller", "refuse"),
        (CALLS, "builtins.map", "refuse"),
    ],
)
def test_what_a_pack_names_may_rebuild_data(
    how: str, name: str, decision: str, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reconstructors and types of knowledge packs are inert; a sink stays one, whatever a pack says."""
    model = tmp_path / "model.pkl"
    model.write_bytes(stream(how, name))
    _, outcome = run(library, tmp_path, capsys, "--for-model", str(model))
    assert [proposal["decision"] for proposal in outcome["proposals"]] == [decision]


def test_a_person_may_allow_what_was_asked_for(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of the file, and callables that the sources ask for, join with the reason that was given."""
    model = tmp_path / "model.pkl"
    model.write_bytes(stream(CALLS, "lib.parts.rebuild"))
    allow = ["--allow", "lib.parts.rebuild", "--reason", "read its body"]
    code, outcome = run(library, tmp_path, capsys, "--for-model", str(model), *allow)
    assert (code, outcome["covered"]) == (0, True)
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    entry = provenance["classes"]["lib.parts.Model"]["reduces"]["lib.parts.rebuild"]
    assert (entry["kind"], entry["rule"]) == ("allowed", "read its body")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--allow", "lib.parts.Part"], "no-reason"),
        (["--allow", "lib.parts.Colour", "--reason", "nobody asks"], "not-asked-for"),
        (["--for-model", "/nonexistent/model.pkl"], "file-unreadable"),
        (["--for-model", "/nonexistent/*.pkl"], "file-unreadable"),
        (["check", "/nonexistent/model.pkl", "--policy", "/nonexistent/policy.json"], "bad-policy"),
    ],
)
def test_bad_input_is_refused(
    words: list[str], reason: str, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written, and the reason is a constant."""
    code, outcome = run(library, tmp_path, capsys, *words)
    assert (code, outcome["reason"]) == (2, reason)
    assert not (tmp_path / "policy.json").exists()


def test_a_file_that_is_no_pickle_is_refused(library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be judged in full gets no proposal."""
    model = tmp_path / "model.pkl"
    model.write_bytes(PROTO4 + EMPTY_DICT)
    code, outcome = run(library, tmp_path, capsys, "--for-model", str(model), "--accept", "inert")
    assert (code, outcome["reason"]) == (2, "file-unreadable")


def test_check_judges_a_file_against_a_policy_that_is_there(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits 1 with proposals while something lacks, 0 when nothing does, and writes nothing."""
    model, policy = tmp_path / "model.pkl", tmp_path / "given.json"
    model.write_bytes(stream(INSTANCES, "lib.parts.Part"))
    policy.write_text('{"lib.parts.Model": {"globals": [], "reduces": []}}')
    before = sorted(tmp_path.iterdir())
    code, outcome = run(library, tmp_path, capsys, "check", str(model), "--policy", str(policy))
    assert (code, outcome["covered"], outcome["proposals"][0]["decision"]) == (1, False, "inert")
    policy.write_text('{"lib.parts.Model": {"globals": ["lib.parts.Part"], "reduces": []}}')
    code, outcome = run(library, tmp_path, capsys, "check", str(model), "--policy", str(policy))
    assert (code, outcome["covered"], outcome["proposals"]) == (0, True, [])
    assert sorted(tmp_path.iterdir()) == before


def test_what_rebuilds_a_type_is_known_under_its_other_spellings() -> None:
    """Files of older releases call it by the name that it had then."""
    known = packs.load()
    for name in ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"):
        assert known.rebuilds(name)
    assert not known.rebuilds("numpy.core.multiarray.fromfile")
