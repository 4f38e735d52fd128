"""What stands in the place of a method where the application answers find_class: judged by the name that is reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STAGE = """
ran = []
class Kept:
    def use(self):
        ran.append("use")
    def other(self):
        ran.append("other")
class Loud:
    def use(self):
        ran.append("loud use")
    def other(self):
        ran.append("loud other")
def fine():
    ran.append("fine")
def loud():
    ran.append("loud")
"""
PROGRAM = """
import functools, io, pickle, sys
import stage
from asking import kinds, load
from pickleball_enforce import PolicyViolation, install
install(sys.argv[1])
def name(module, last):
    return b"".join(b"\\x8c" + bytes([len(each)]) + each.encode() for each in (module, last)) + b"\\x93"
def put(value, cls=("stage", "Kept")):
    return b"\\x80\\x04" + name(*cls) + b")\\x81\\x94}\\x8c\\x03use" + value + b"sb."
def bound(method):
    return name("builtins", "getattr") + b"h\\x00\\x8c" + bytes([len(method)]) + method.encode() + b"\\x86R"
def plainly(find, module, name):
    return find(module, name)
def to(**other):
    return lambda find, module, name: find(module, other.get(name, name))
def given(wanted, obj):
    return lambda find, module, name: obj if name == wanted else find(module, name)
def refused(data, rule, answer=plainly):
    for kind in kinds(answer):
        try:
            load(kind, data)
        except PolicyViolation as error:
            assert rule in [item.rule for item in error.violations], (kind, error.violations)
        else:
            raise SystemExit(f"{kind} loaded it")
    assert not stage.ran
def does(data, what, answer=plainly):
    for kind in kinds(answer):
        load(kind, data).use()
        assert stage.ran == [what], (kind, stage.ran)
        stage.ran.clear()
"""


def hooked(tmp_path: Path, code: str, globals_: tuple[str, ...], reduces: tuple[str, ...]) -> None:
    """Run code in a hooked process."""
    (tmp_path / "stage.py").write_text(STAGE)
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"m": {"globals": ["stage.Kept", *globals_], "reduces": list(reduces)}}))
    paths = os.pathsep.join((str(tmp_path), str(HERE / "library"), str(HERE.parents[1] / "images/enforce/src")))
    program = [sys.executable, "-c", PROGRAM + textwrap.dedent(code), str(policy)]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_method_of_reduces_may_stand_there(tmp_path: Path) -> None:
    """`self.forward = self.features`, saved by torch: its unpickler overrides find_class."""
    code = """
    does(put(bound("other")), "other")
    does(put(bound("other"), ("stage", "Old")), "other", to(Old="Kept"))
    """
    hooked(tmp_path, code, ("stage.Old",), ("stage.Kept.other", "stage.Old.other"))


@pytest.mark.parametrize(
    ("globals_", "reduces", "rule"),
    [
        (("stage.Kept.other",), (), "method-shadowed"),
        ((), (), "import-not-allowed"),
        ((), ("stage.Loud.other",), "import-not-allowed"),
    ],
)
def test_another_method_may_not(globals_: tuple[str, ...], reduces: tuple[str, ...], rule: str, tmp_path: Path) -> None:
    """One that `globals` lists may be kept, not called; one of another class is not this one."""
    hooked(tmp_path, f"refused(put(bound('other')), {rule!r})", globals_, reduces)


def test_the_class_that_find_class_leads_to_has_to_have_it_in_reduces(tmp_path: Path) -> None:
    """A class under another name brings its own methods."""
    code = "refused(put(bound('other')), 'reduce-not-allowed', to(Kept='Loud'))"
    for globals_ in (("stage.Loud",), ("stage.Loud", "stage.Loud.other")):
        hooked(tmp_path, code, globals_, ("stage.Kept.other",))
    hooked(
        tmp_path,
        "does(put(bound('other')), 'loud other', to(Kept='Loud'))",
        ("stage.Loud",),
        ("stage.Kept.other", "stage.Loud.other"),
    )


def test_a_method_of_what_a_call_returns_may_not(tmp_path: Path) -> None:
    """What calling a name of reduces gives is known to nobody."""
    code = """
    made = b"\\x80\\x04" + name("stage", "Kept") + b")R\\x94}\\x8c\\x03use" + bound("other") + b"sb."
    refused(made, "method-shadowed")
    """
    hooked(tmp_path, code, (), ("stage.Kept", "stage.Kept.other"))


def test_a_function_of_reduces_may_stand_there(tmp_path: Path) -> None:
    """By the name that is reached, and not where it calls or holds what it is given."""
    code = """
    function = put(name("stage", "fine"))
    does(function, "fine")
    refused(function, "reduce-not-allowed", to(fine="loud"))
    refused(put(name("stage", "loud")), "method-shadowed")
    for other in (functools.partial, functools.reduce, map):
        refused(function, "calls-argument", given("fine", other))
    refused(function, "reduce-not-allowed", lambda find, module, name:
            find("functools", "partial") if name == "fine" else find(module, name))
    """
    hooked(tmp_path, code, ("stage.loud",), ("stage.fine",))


def test_a_method_that_was_taken_of_an_earlier_class_is_judged_too(tmp_path: Path) -> None:
    """The obligation also holds for an import of an earlier pickle, which find_class is not asked for again."""
    code = """
    first = b"\\x80\\x04" + name("stage", "Kept") + b"\\x94."
    getter = name("builtins", "getattr") + b"h\\x01\\x8c\\x05other\\x86R"
    second = b"\\x80\\x04h\\x00)\\x81\\x94}\\x8c\\x03use" + getter + b"sb."
    for answer, loads in ((plainly, True), (to(Kept="Loud"), False)):
        for kind in kinds(answer):
            unpickler = kind(io.BytesIO(first + second))
            unpickler.load()
            try:
                unpickler.load().use()
            except pickle.UnpicklingError:
                assert not loads
            else:
                assert loads and stage.ran == ["other"], stage.ran
            stage.ran.clear()
    """
    hooked(tmp_path, code, ("stage.Loud",), ("stage.Kept.other",))
