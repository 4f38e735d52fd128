"""An array where a method stands: it passes only as what numpy itself made, whoever answers find_class."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MULTIARRAY = [f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")]
FROMBUFFER = [f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")]
ASKED = """
import io, pickle, sys
import numpy, victims
from asking import kinds, load
from pickleball_enforce import PolicyViolation, install
install(sys.argv[1])
multiarray = numpy._core.multiarray if hasattr(numpy, "_core") else numpy.core.multiarray
class Callable(numpy.ndarray):
    def __call__(self):
        victims.touch()
def closing(array, protocol):
    held = victims.Closing()
    held.close = array
    data = pickle.dumps(held, protocol)
    vars(held).clear()
    return data
def refused(kind, data):
    try:
        load(kind, data)
    except PolicyViolation as error:
        return [item.rule for item in error.violations]
    raise SystemExit("it was loaded")
def instead(wanted, given):
    return lambda find, module, name: given if name == wanted and find(module, name) is not None else find(module, name)
PLAIN = numpy.arange(6.0)
STRIDED = numpy.arange(12.0).reshape(3, 4)[:, ::2]
"""
pytestmark = pytest.mark.skipif(not __import__("importlib.util").util.find_spec("numpy"), reason="numpy is not there")


def hooked(tmp_path: Path, code: str) -> None:
    """Run code in a hooked process; nothing may have been touched afterwards."""
    policy, marker = tmp_path / "policy.json", tmp_path / "marker"
    listed = ["victims.Closing", "victims.Plain", "numpy.ndarray"]
    policy.write_text(json.dumps({"m": {"globals": listed, "reduces": [*MULTIARRAY, *FROMBUFFER, "numpy.dtype"]}}))
    paths = os.pathsep.join((str(HERE / "library"), str(HERE.parents[1] / "images/enforce/src")))
    environment = {**os.environ, "PYTHONPATH": paths, "VICTIMS_MARKER": str(marker)}
    program = [sys.executable, "-c", ASKED + textwrap.dedent(code), str(policy)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not marker.exists(), done.stdout


def test_an_array_of_numpy_may_stand_there_when_the_application_answers(tmp_path: Path) -> None:
    """A find_class of the application that gives numpy's own, under whatever name, changes nothing."""
    hooked(
        tmp_path,
        """
        old = lambda find, module, name: find(module.replace("numpy._core", "numpy.core").replace("numpy.core",
                                              "numpy._core" if hasattr(numpy, "_core") else "numpy.core"), name)
        for answer in (lambda find, module, name: find(module, name), old):
            for protocol in range(2, 6):
                for array in (PLAIN, STRIDED):
                    data = closing(array, protocol)
                    for kind in kinds(answer):
                        found = load(kind, data)
                        assert numpy.array_equal(found.close, array)
                        vars(found).clear()
        """,
    )


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_another_maker_that_the_application_gives_is_refused(protocol: int, tmp_path: Path) -> None:
    """What find_class gives in the place of numpy's maker could give anything that may be called."""
    hooked(
        tmp_path,
        f"""
        def maker(*arguments):
            return multiarray._reconstruct(Callable, (0,), b"b")
        for wanted, array in (("_reconstruct", STRIDED), ("_frombuffer", PLAIN)):
            data = closing(array, {protocol})
            if wanted.encode() in data:
                for kind in kinds(instead(wanted, maker)):
                    assert refused(kind, data) == ["method-shadowed"]
        """,
    )


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_another_class_that_the_application_gives_is_refused(protocol: int, tmp_path: Path) -> None:
    """The maker of numpy gives an array of the class that it gets first, and that one may be called."""
    hooked(
        tmp_path,
        f"""
        data = closing(STRIDED if {protocol} < 5 else numpy.array([None, 1], dtype=object), {protocol})
        assert b"_reconstruct" in data
        for kind in kinds(instead("ndarray", Callable)):
            assert refused(kind, data) == ["method-shadowed"]
        """,
    )


def test_a_maker_that_was_imported_before_is_checked_where_its_array_comes_to_stand(tmp_path: Path) -> None:
    """The obligation also holds for an import of an earlier pickle, which find_class is not asked for again."""
    hooked(
        tmp_path,
        """
        maker = lambda *arguments: multiarray._reconstruct(Callable, (0,), b"b")
        made = multiarray._reconstruct.__module__
        first = b"\\x80\\x02c" + made.encode() + b"\\n_reconstruct\\nq\\x00cnumpy\\nndarray\\nq\\x01."
        array = b"h\\x00h\\x01K\\x00\\x85C\\x01b\\x87R"
        second = b"\\x80\\x04cvictims\\nClosing\\n)\\x81}\\x8c\\x05close" + array + b"sb."
        for name, given in (("_reconstruct", maker), ("ndarray", Callable)):
            for kind in kinds(instead(name, given)):
                unpickler = kind(io.BytesIO(first + second))
                unpickler.load()
                try:
                    unpickler.load()
                except pickle.UnpicklingError:
                    continue
                raise SystemExit("it was loaded")
        """,
    )


def test_the_state_of_an_array_is_written_into_no_other_object(tmp_path: Path) -> None:
    """That an array may stand there frees what gave it from no check of what is changed."""
    hooked(
        tmp_path,
        """
        shared = numpy.zeros(2)
        victims.SHARED = shared
        data = closing(STRIDED, 2)
        for kind in kinds(instead("_reconstruct", lambda *arguments: shared)):
            assert set(refused(kind, data)) <= {"method-shadowed", "build-target"}
            assert not shared.any() and shared.shape == (2,)
        made = multiarray._reconstruct.__module__.encode()
        array = b"c" + made + b"\\n_reconstruct\\n(cnumpy\\nndarray\\n(K\\x00tU\\x01btRq\\x05"
        holder = b"\\x80\\x02cvictims\\nClosing\\n)\\x81}X\\x05\\x00\\x00\\x00close" + array + b"sb"
        state = b"h\\x05(K\\x01(K\\x00tcnumpy\\ndtype\\n(U\\x02f8K\\x00K\\x01tRI00\\nU\\x00tb"
        twice = holder + state + state + b"."
        for kind in kinds(lambda find, module, name: find(module, name)):
            assert refused(kind, twice) == ["build-twice"]
        """,
    )
