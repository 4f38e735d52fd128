"""Scan speed beside other scanners: `make bench-scanners`.

Each tool is started as its own command on the same file, in turns, and the fastest of its runs counts: start of the
process, opening of the archive, decompression and the judgement included. The files hold a million opcodes and one
call of `posix.system` at the end, which each tool has to find.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

OPCODES = 1_000_000
TARGET = 100


@dataclass
class Tool:
    """One scanner: its command, and the exit code that says that it has found something."""

    name: str
    command: list[str]
    finds: int
    seconds: list[float] = field(default_factory=list)

    def run(self, path: Path, environment: dict[str, str]) -> None:
        """Scan a file once."""
        start = time.perf_counter()
        done = subprocess.run([*self.command, str(path)], capture_output=True, env=environment, check=False)
        self.seconds.append(time.perf_counter() - start)
        found = done.returncode == self.finds and b"Traceback" not in done.stderr
        if not found:
            raise SystemExit(f"{self.name} gave {done.returncode}: {done.stdout.decode()} {done.stderr.decode()}")


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


def main() -> int:
    """Run the benchmark; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scanners", type=Path, required=True, help="the bin folder of the environment of scanners")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    ours = Path(sys.executable).parent / "pickleball"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        data = stream(OPCODES)
        print(f"{count(data)} opcodes, {len(data)} bytes; seconds are the fastest of {options.runs} runs each")
        for kind, path in files(Path(folder), data).items():
            tools = [
                Tool("pickleball", [str(ours), "scan"], 1),
                Tool("picklescan", [str(options.scanners / "picklescan"), "--path"], 1),
                Tool("modelscan", [str(options.scanners / "modelscan"), "--path"], 1),
            ]
            if kind == "pickle":
                tools.append(Tool("fickling", [str(options.scanners / "fickling"), "--check-safety"], 1))
            for number in range(options.runs):
                for tool in tools:
                    if number == 0 or tool.name in ("pickleball", "picklescan"):
                        tool.run(path, environment)
            fastest = {tool.name: min(tool.seconds) for tool in tools}
            for name, seconds in fastest.items():
                print(f"{kind:12} {name:12} {seconds:8.3f} s  {seconds / fastest['pickleball']:6.1f} times ours")
            missed |= fastest["picklescan"] < TARGET * fastest["pickleball"]
    print(f"target: picklescan takes at least {TARGET} times as long: {'missed' if missed else 'reached'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
