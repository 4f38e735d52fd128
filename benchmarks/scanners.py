"""Scan speed beside other scanners: `make bench-scanners`.

Each tool is started as its own command on the same file, in turns, and the fastest of its runs counts: start of the
process, opening of the archive, decompression and the judgement included. The files hold a million opcodes and one
call of `posix.system` at the end, which each tool has to find. Beside the seconds on the clock stand those of the
processor, which a busy machine falsifies less. Half of ours is the start of Python, so the first rows say what each
command takes for a file of a few opcodes, and the last line compares the scanning itself: one function call on both
sides, in processes that run already. fickling takes minutes: `--all` runs it, too.
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

OPCODES = 1_000_000
TARGET = 100
OFTEN = 50  # how often a running process scans the file
WORKER = Path(__file__).with_name("scan_worker.py")


@dataclass
class Tool:
    """One scanner: its command, and the exit code that says that it has found something."""

    name: str
    command: list[str]
    finds: int
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self, path: Path, environment: dict[str, str]) -> None:
        """Scan a file once."""
        start, spent = time.perf_counter(), _spent()
        done = subprocess.run([*self.command, str(path)], capture_output=True, env=environment, check=False)
        self.seconds.append(time.perf_counter() - start)
        self.processor.append(_spent() - spent)
        found = done.returncode == self.finds and b"Traceback" not in done.stderr
        if not found:
            raise SystemExit(f"{self.name} gave {done.returncode}: {done.stdout.decode()} {done.stderr.decode()}")


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def stream(opcodes: int) -> bytes:
    """Write a stream of that many opcodes: dicts of texts, numbers and lists, then a call."""

    def rows(number: int) -> list[dict[str, object]]:
        return [
            {f"name{row % 50}": row, "size": row % 200, "tags": [1, 2, 3, 4], "weight": row / 3}
            for row in range(number)
        ]

    each = (count(pickle.dumps(rows(2000), 2)) - count(pickle.dumps(rows(1000), 2))) / 1000
    return pickle.dumps(rows(int(opcodes / each)), 2)[:-1] + b"0cposix\nsystem\nX\x04\x00\x00\x00true\x85R."


def count(data: bytes) -> int:
    """Count opcodes."""
    import pickletools

    return sum(1 for _ in pickletools.genops(data))


def files(folder: Path, data: bytes) -> dict[str, Path]:
    """Write the stream as a raw pickle and as a compressed archive like torch's."""
    raw = folder / "model.pkl"
    raw.write_bytes(data)
    packed = folder / "model.pt"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", data)
    return {"pickle": raw, "zip archive": packed}


def running(runs: int, scanners: Path, path: Path, environment: dict[str, str]) -> float:
    """Print what one scan takes in a process that runs already; give how many times as long picklescan takes.

    Both sides do the same work, in processes of their own, in turns: open the file, read it, judge it, say what it is.
    """
    least: dict[str, float] = {}
    for _ in range(runs):
        for name, python, count in (("ours", Path(sys.executable), OFTEN), ("picklescan", scanners / "python", 1)):
            command = [str(python), str(WORKER), name, str(path), str(count)]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
            least[name] = min(float(done.stdout), least.get(name, float(done.stdout)))
    ratio = least["picklescan"] / least["ours"]
    print(f"the scanning itself, in running processes: {least['ours'] * 1000:.1f} ms of the processor, picklescan"
          f" {least['picklescan']:.3f} s ({ratio:.0f} times)")  # fmt: skip
    return ratio


def main() -> int:
    """Run the benchmark; say whether the target is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scanners", type=Path, required=True, help="the bin folder of the environment of scanners")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--all", action="store_true", help="run fickling, too")
    options = parser.parse_args()
    ours = Path(sys.executable).parent / "pickleball"
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        # Each tool runs from compiled modules, as it does where it is installed.
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        warm = Path(folder) / "small.pkl"
        warm.write_bytes(stream(1000))
        data = stream(OPCODES)
        print(f"{count(data)} opcodes, {len(data)} bytes; seconds are the fastest of {options.runs} runs each")
        few = Path(folder) / "few.pkl"
        few.write_bytes(stream(30))
        made = files(Path(folder), data)
        for kind, path in {"few opcodes": few, **made}.items():
            tools = [
                Tool("pickleball", [str(ours), "scan"], 1),
                Tool("picklescan", [str(options.scanners / "picklescan"), "--path"], 1),
                Tool("modelscan", [str(options.scanners / "modelscan"), "--path"], 1),
            ]
            if options.all and kind == "pickle":
                tools.append(Tool("fickling", [str(options.scanners / "fickling"), "--check-safety"], 1))
            for tool in tools:
                tool.run(warm, environment)
                tool.seconds.clear(), tool.processor.clear()
            for number in range(options.runs):
                for tool in tools:
                    if number == 0 or tool.name in ("pickleball", "picklescan"):
                        tool.run(path, environment)
            fastest = {tool.name: min(tool.seconds) for tool in tools}
            least = {tool.name: min(tool.processor) for tool in tools}
            for name, seconds in fastest.items():
                clock, work = seconds / fastest["pickleball"], least[name] / least["pickleball"]
                told = f"{seconds:8.3f} s ({clock:5.1f} times ours), processor {least[name]:8.3f} s ({work:5.1f} times)"
                print(f"{kind:12} {name:12} {told}", flush=True)
            missed |= kind != "few opcodes" and least["picklescan"] < TARGET * least["pickleball"]
        reached = running(options.runs, options.scanners, made["pickle"], environment) >= TARGET
    for what, fails in (("of one command for one file", missed), ("of the scanning itself", not reached)):
        print(f"target {what}: picklescan takes at least {TARGET} times as long: {'missed' if fails else 'reached'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
