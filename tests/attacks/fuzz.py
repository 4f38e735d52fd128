"""Fuzz the verifier against CPython: `python -m tests.attacks.fuzz --count 10000000`.

Seeds are consecutive numbers, so a run can be split and repeated: `--first` says where to begin, `--processes` in how
many parts it runs at once. A stream that shows a gap is written to `--keep` and printed; the exit code is then 1. With
`--coverage` the bytes come from atheris, which follows the coverage of the verifier and starts from the corpus
(`make fuzz-coverage`).
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

MEMORY = 4 << 30  # bytes of address space: what goes beyond fails
_TOLD = 50_000
_FOLLOWED = 12  # of so many streams one is loaded by unpicklers in Python, too, which takes three times as long


def fuzz(count: int, first: int, keep: Path) -> int:
    """Try that many streams; give how many show a gap."""
    from tests.attacks import followed_loads
    from tests.attacks.calling import calling
    from tests.attacks.execution import check, native
    from tests.attacks.plain import plain
    from tests.attacks.streams import mutated, remembered, stream

    kinds = (mutated, stream, remembered, plain, calling)
    ends: collections.Counter[str] = collections.Counter()
    gaps = 0
    start = time.monotonic()
    for seed in range(first, first + count):
        chance = random.Random(seed)
        data = kinds[seed % len(kinds)](chance)
        try:
            ends[check(data)] += 1
            if native and seed % _FOLLOWED == 0:
                followed_loads.check(chance, data)
        except (Exception, RecursionError) as error:  # noqa: BLE001 - whatever is raised is a gap
            gaps += 1
            _keep(data, keep, f"seed {seed}: {type(error).__name__}: {error}")
        done = seed - first + 1
        if done % _TOLD == 0 or done == count:
            rate = done / (time.monotonic() - start)
            told = ", ".join(f"{number} {end}" for end, number in sorted(ends.items()))
            sys.stdout.write(f"{done} streams from seed {first}, {gaps} gaps ({told}); {rate:.0f} a second\n")
            sys.stdout.flush()
    return gaps


def fuzz_at_once(count: int, first: int, keep: Path, processes: int) -> int:
    """Try that many streams in so many parts; give how many parts show a gap: one that crashes does."""
    bounds = [first + count * part // processes for part in range(processes + 1)]
    parts = [
        subprocess.Popen(
            [sys.executable, "-m", __spec__.name, f"--count={end - start}", f"--first={start}", f"--keep={keep}"]
        )
        for start, end in zip(bounds, bounds[1:])  # noqa: B905, RUF007 - Python 3.9
    ]
    codes = [part.wait() for part in parts]
    for start, code in zip(bounds, codes):  # noqa: B905 - Python 3.9
        if code:
            sys.stdout.write(f"the part from seed {start} has ended with exit code {code}\n")
    return sum(map(bool, codes))


def _keep(data: bytes, folder: Path, sentence: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.pkl"
    path.write_bytes(data)
    sys.stdout.write(f"{path}: {sentence[:500]}\n")


def follow_coverage(arguments: list[str]) -> None:
    """Let atheris choose the bytes; it ends the process when a stream shows a gap."""
    import atheris

    with atheris.instrument_imports(include=["pickleball_enforce"]):  # so nothing of it is imported before
        from tests.attacks.execution import check
        from tests.attacks.streams import CORPUS
    atheris.Setup([sys.argv[0], *arguments, str(CORPUS)], check)
    atheris.Fuzz()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-gaps"))
    parser.add_argument("--coverage", action="store_true", help="what follows goes to atheris (-runs=N, -max_len=N)")
    options, rest = parser.parse_known_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if options.coverage:
        follow_coverage([f"-runs={options.count}", *rest])
        return 0
    if rest:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if options.processes > 1:
        return 1 if fuzz_at_once(options.count, options.first, options.keep, options.processes) else 0
    return 1 if fuzz(options.count, options.first, options.keep) else 0


if __name__ == "__main__":
    sys.exit(main())
