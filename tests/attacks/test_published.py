"""Every published bypass works on stock pickle where it can run here, and is refused before anything ran."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.attacks.published import PUBLISHED

from pickleball_enforce import verify
from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.scan import scan_file
from pickleball_enforce.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.attacks.published import Published

LIBRARY = Path(__file__).parent / "library"
SOURCES = Path(__file__).parents[2] / "images/enforce/src"

# What an honest policy for models of numpy, scikit-learn, pandas and torch lists.
POLICY = Policy(
    {
        "sklearn.pipeline.Pipeline": Entry(
            ("numpy.ndarray", "numpy.float64", "sklearn.pipeline.Pipeline", "pandas.core.frame.DataFrame",
             "builtins.str", "collections.OrderedDict", "numpy.random._mt19937.MT19937", "victims.Placing",
             "victims.join",
             "torch.FloatStorage"),
            ("numpy._core.multiarray._reconstruct", "numpy.dtype", "numpy._core.multiarray.scalar", "builtins.set",
             "builtins.getattr", "functools.partial", "collections.defaultdict",
             "numpy.random._pickle.__randomstate_ctor", "pandas.core.internals.managers.BlockManager",
             "pandas._libs.internals._unpickle_block",
             "torch._utils._rebuild_tensor_v2", "builtins.slice", "re._compile"),
        )
    }
)  # fmt: skip
NAMES = [f"{entry.of}: {entry.what} ({entry.ids})" for entry in PUBLISHED]

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
# Each stream is loaded in a process of its own, forked from one that has started; what it starts is waited for, too.
RUNNER = """
import io, json, os, signal, sys
jobs = json.load(open(sys.argv[1]))
if sys.argv[2]:
    import pickleball_enforce
    pickleball_enforce.install(sys.argv[2])
import pickle, warnings
for module in sys.argv[3:]:
    __import__(module)
def reap():
    while True:  # the children of a child that has ended are this process's own (run)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
outcome = {}
for number, (stream, marker) in enumerate(jobs):
    for base in ("Unpickler", "_Unpickler"):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(20)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0), os.dup2(null, 1), os.dup2(null, 2)
            warnings.simplefilter("ignore")
            try:
                getattr(pickle, base)(io.BytesIO(bytes.fromhex(stream))).load()
                said = "loaded"
            except pickle.UnpicklingError:
                said = "refused"
            except BaseException as error:
                said = type(error).__name__
            os.write(write, said.encode())
            sys.exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read().decode()
        reap()
        left = os.path.exists(marker)
        if left:
            os.remove(marker)
        outcome.setdefault(str(number), []).append([left, said])
json.dump(outcome, sys.stdout)
"""


def run(folder: Path, policy: str, entries: Sequence[Published] = PUBLISHED) -> dict[int, list[tuple[bool, str]]]:
    """Load every stream by both unpicklers, stock or hooked; give whether the marker was left, and how it ended.

    What entries of a part of the list need is imported before.
    """
    jobs = []
    for number, entry in enumerate(entries):
        marker = folder / f"marker-{number}"
        jobs.append((entry.stream(str(marker)).hex(), str(marker)))
    listing = folder / "jobs.json"
    listing.write_text(json.dumps(jobs))
    environment = {**os.environ, "PYTHONPATH": f"{LIBRARY}:{SOURCES}", "PICKLEBALL_VIOLATIONS": str(folder / "records")}
    command = [sys.executable, "-W", "ignore", "-c", RUNNER, str(listing), policy]
    if entries is not PUBLISHED:
        command += sorted({entry.needs for entry in entries if entry.needs})
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0),
    )
    assert done.returncode == 0, done.stderr
    return {int(key): value for key, value in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[tuple[bool, str]]]:
    """Load all on stock."""
    return run(tmp_path_factory.mktemp("stock"), "")


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[tuple[bool, str]]]:
    """Load all under an honest policy."""
    folder = tmp_path_factory.mktemp("hooked")
    path = folder / "policy.json"
    path.write_text(POLICY.dumps())
    return run(folder, str(path))


def has_terminals() -> bool:
    """Whether pseudo-terminals can be made here: not in every chroot."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


CASES = pytest.mark.parametrize("number", range(len(PUBLISHED)), ids=NAMES)


@CASES
def test_it_works_on_stock(number: int, stock: dict[int, list[tuple[bool, str]]]) -> None:
    """Both unpicklers of stock leave the marker."""
    entry = PUBLISHED[number]
    if entry.gone is not None and sys.version_info >= entry.gone:
        pytest.skip(f"Python {'.'.join(map(str, entry.gone))} has no such module any more")
    if "pty" in entry.what and not has_terminals():
        pytest.skip("there are no pseudo-terminals here")
    if entry.runs and not entry.needs:  # tests/real/torch has the others
        assert [left for left, _ in stock[number]] == [True, True], stock[number]


@CASES
def test_it_is_refused_before_anything_ran(number: int, hooked: dict[int, list[tuple[bool, str]]]) -> None:
    """Both drivers raise an unpickling error, and nothing has left a marker."""
    assert [tuple(item) for item in hooked[number]] == [(False, "refused")] * 2


@CASES
def test_verify_and_scan_tell_it(number: int, tmp_path: Path) -> None:
    """The file is not clean under an honest policy, and without a policy it is not taken for data."""
    path = tmp_path / "file.pkl"
    path.write_bytes(PUBLISHED[number].stream("/nowhere"))
    if not PUBLISHED[number].at_load:
        assert verify(path, POLICY).exit_code != 0
    assert scan_file(str(path), None, Settings()).verdict != "data"


def test_nearly_all_are_run() -> None:
    """What is only judged stays the exception."""
    assert sum(entry.runs for entry in PUBLISHED) >= 0.75 * len(PUBLISHED)
