"""How many opcodes and bytes the verifier judges in a second, by kind of data (part of load.py)."""

from __future__ import annotations

import pickle
import pickletools
import time

from load_worker import _cases

from pickleball_enforce import engine

ROUNDS = 40


def main() -> None:
    """Judge a stream of each kind."""
    print(f"  the verifier alone ({engine.NAME}), protocol 4")
    opcodes = bytes_ = seconds = 0.0
    for name, make in list(_cases().items())[:10]:
        data = pickle.dumps(make(), 4)
        count = sum(1 for _ in pickletools.genops(data))
        best = 1e9
        for _ in range(ROUNDS if engine.NAME == "rust" else 1):
            judge = engine.make(None)
            begun = time.process_time()
            verdict = judge.verify(data, last=True)
            best = min(best, time.process_time() - begun)
            assert verdict.error is None
        opcodes, bytes_, seconds = opcodes + count, bytes_ + len(data), seconds + best
        print(f"    {name:20}{count / best / 1e6:8.0f} million opcodes/s{len(data) / best / 1e6:8.0f} MB/s")
    print(f"    {'all':20}{opcodes / seconds / 1e6:8.0f} million opcodes/s{bytes_ / seconds / 1e6:8.0f} MB/s")


main()
