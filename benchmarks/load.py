"""Enforced loads beside stock ones: `make bench`, or `python -m benchmarks.load [PYTHON ...]`.

For each Python and kind of data, two processes of it load the same pickles in turns, one enforced and one not; each
ratio is of their best times, in seconds of the processor. That comes five times in new processes, as a machine may be
twice as fast for a while, and nine times for one large array: where in memory a process lies decides up to a third of
what its copy takes. Of these ratios the one in the middle counts. A load is timed with the young collection that
follows it. Beside that stand the verifier alone, loads of a few bytes, and the start of an interpreter, each by its
best time.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import debian

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

HERE = Path(__file__).parent
SOURCES = HERE.parent / "images/enforce/src"
DATA = (
    "objects", "slots", "reduces", "ordered dicts", "dates", "dicts of strings", "ints", "floats", "nested lists",
    "bytes", "numpy arrays", "numpy array",
)  # fmt: skip
WHOLE = ("forest by joblib", "torch zip")  # loaded by their own libraries, from files
TINY = ("number", "dict", "ordered dict")
STARTS = 40
LARGE = 1 << 20
SWEEPS = 5
ARRAY, MORE = "numpy array", 9  # sweeps of what is one copy
ROUNDS = 3
OFF = ", collector off"


@dataclass
class Row:
    """What one comparison gave."""

    name: str
    size: int
    stock: float
    enforced: float

    @property
    def ratio(self) -> float:
        """The enforced time in stock times."""
        return self.enforced / self.stock


class Side:
    """A process that loads, enforced or not."""

    def __init__(self, python: str, *, hooked: bool) -> None:
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONWARNINGS": "ignore"}
        command = [python, str(HERE / "load_worker.py"), *(["hooked"] if hooked else [])]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Have one thing timed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def both(python: str) -> Iterator[tuple[Side, Side]]:
    """Start a process of each side, and end them."""
    sides = Side(python, hooked=False), Side(python, hooked=True)
    try:
        yield sides
    finally:
        for side in sides:
            side.close()


def compare(sides: tuple[Side, Side], name: str, rounds: int, **asked: Any) -> Row | None:
    """Have both sides do the same in turns; the best time of each."""
    best = [math.inf, math.inf]
    size = 0
    for _ in range(rounds):
        for index, side in enumerate(sides):
            answer = side.ask(**asked)
            if "missing" in answer:
                return None
            best[index] = min(best[index], answer["seconds"])
            size = answer.get("bytes", 0)
    return Row(name, size, *best)


def asked_of(case: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name the rows of a kind of data, with what to ask for each."""
    if case == "tiny":
        yield from ((f"a tiny {name}", {"protocol": name}) for name in TINY)
    elif case in WHOLE:
        yield case, {"protocol": 0, "source": "file", "collector": True}
    else:
        for protocol, source in itertools.product((2, 4, 5), ("bytes", "file")):
            name = f"{case}, protocol {protocol}, {source}"
            yield name, {"protocol": protocol, "source": source, "collector": True}
        yield case + OFF, {"protocol": 4, "source": "bytes", "collector": False}


def sweep(python: str, case: str, rounds: int, rows: dict[str, list[Row]]) -> None:
    """Compare all rows of a kind of data in two new processes."""
    with both(python) as sides:
        for name, asked in asked_of(case):
            row = compare(sides, name, rounds, case=case, **asked)
            if row is not None:
                rows.setdefault(name, []).append(row)


def typical(rows: list[Row]) -> Row:
    """Give the sweep with the ratio in the middle."""
    return sorted(rows, key=lambda row: row.ratio)[len(rows) // 2]


def least(rows: list[Row]) -> Row:
    """Give the best times of both sides."""
    return Row(rows[0].name, rows[0].size, min(row.stock for row in rows), min(row.enforced for row in rows))


def show(row: Row) -> None:
    """Print a row."""
    print(
        f"  {row.name:38}{row.size / 1e6:8.1f} MB"
        f"{row.stock * 1e3:10.2f} ms{row.enforced * 1e3:10.2f} ms{row.ratio:8.2f}"
    )


def summary(rows: Collection[Row]) -> str:
    """Say the geometric mean, and the worst of the large ones."""
    mean = math.exp(sum(math.log(row.ratio) for row in rows) / len(rows))
    worst = max((row for row in rows if row.size > LARGE), key=lambda row: row.ratio)
    return f"geometric mean {mean:.2f}, worst over 1 MB {worst.ratio:.2f} ({worst.name})"


def loads(python: str, rounds: int) -> None:
    """Compare the loads of one Python."""
    found: dict[str, list[Row]] = {}
    for done in range(MORE):
        for case in (*DATA, *WHOLE, "tiny"):
            if done < SWEEPS or case == ARRAY:
                sweep(python, case, rounds, found)
    tiny = [least(rows) for rows in found.values() if not rows[0].size]
    every = [typical(rows) for rows in found.values() if rows[0].size]
    off = [row for row in every if row.name.endswith(OFF)]
    rows = [row for row in every if row not in off]
    print(f"  {'load and young collection':38}{'size':>11}{'stock':>13}{'enforced':>13}{'ratio':>8}")
    for row in rows:
        show(row)
    print(f"  {summary(rows)}")
    print(f"  collector off on both sides, protocol 4, bytes: {summary(off)}")
    for row in tiny:
        print(f"  {row.name}: {row.stock * 1e6:.1f} us, enforced {row.enforced * 1e6:.1f} us")


def start(python: str, program: str, folders: tuple[str, ...], policy: Path) -> list[float]:
    """Give the least processor time of a start, for each PYTHONPATH in turns."""
    best = [math.inf] * len(folders)
    for _ in range(STARTS):
        for index, folder in enumerate(folders):
            environment = {"PYTHONPATH": folder, "PATH": os.environ["PATH"], "PICKLEBALL_POLICY": str(policy)}
            pid = os.posix_spawn(python, [python, "-c", program], environment)
            _, status, used = os.wait4(pid, 0)
            if status:
                raise SystemExit(f"{python} -c {program!r} ended with status {status}")
            best[index] = min(best[index], used.ru_utime + used.ru_stime)
    return best


def starts(python: str) -> None:
    """Compare the starts of one Python."""
    bootstrap = SOURCES / "pickleball_enforce" / "bootstrap"
    hooked = os.pathsep.join((str(bootstrap), str(SOURCES)))
    policy = HERE / "policy.json"
    programs = {
        "without pickle": "pass",
        "with pickle": "import pickle",
        "with a load": "import pickle; pickle.loads(b'K\\x01.')",
    }
    for what, program in programs.items():
        stock, enforced = start(shutil.which(python) or python, program, (str(SOURCES), hooked), policy)
        print(f"  start {what}: {stock * 1e3:.1f} ms, with the hook {(enforced - stock) * 1e3:+.1f} ms")


def verifier(python: str) -> None:
    """Show what the verifier alone does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(SOURCES), str(HERE)))}
    subprocess.run([python, str(HERE / "verifier.py")], env=environment, check=True)


def main() -> int:
    """Compare on each Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pythons", nargs="*", default=[sys.executable], help="`debian` stands for those of Debian, `debian3.11` for one"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.pythons:
            for python in debian.launchers(name, Path(folder)):
                bench(python, options.rounds)
    return 0


def bench(python: str, rounds: int) -> None:
    """Compare on one Python."""
    command = [python, "-c", "import sys; print(sys.version.split()[0])"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(f"Python {version.strip()} ({python})")
    verifier(python)
    starts(python)
    loads(python, rounds)


if __name__ == "__main__":
    sys.exit(main())
