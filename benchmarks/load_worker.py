"""One side of the comparison in load.py: loads what it is told to, with the enforcer or without, and says how long.

Reads lines of JSON: {"case": NAME, "protocol": N, "source": "bytes" | "file", "collector": true} and answers with the
processor's seconds of one load and of the young collection after it: other work on the machine does not count (but for
one large array from a file, where it is the best of a few times by the clock). It runs on every enforced Python.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import gc
import json
import pickle
import sys
import tempfile
import time
from pathlib import Path

COPIES = 10  # one array from a file is one copy in the kernel, which its clock of processor time does not measure
GLOBALS = ["__main__.Plain", "__main__.Slotted"]
REDUCES = ["decimal.Decimal", "collections.OrderedDict", "datetime.date"]
TINY = {"number": 1, "dict": {"a": 1, "b": [1, 2, "x"]}, "ordered dict": collections.OrderedDict(a=1)}


class Plain:
    """An object with attributes."""


class Slotted:
    """An object with slots."""

    __slots__ = ("a", "b", "c")


def _plain(cls, number):
    made = cls()
    made.a, made.b, made.c = number, f"text {number}", number * 0.5
    return made


def _cases():
    """Give the kinds of data, and how to make them."""
    return {
        "objects": lambda: [_plain(Plain, number) for number in range(50000)],
        "slots": lambda: [_plain(Slotted, number) for number in range(50000)],
        "reduces": lambda: [decimal.Decimal(number) for number in range(70000)],
        "ordered dicts": lambda: [collections.OrderedDict(a=number, b=None) for number in range(40000)],
        "dates": lambda: [dt.date(1 + number % 9000, 1, 1) for number in range(80000)],
        "dicts of strings": lambda: [
            {"name": f"name {number}", "city": f"city {number % 99}"} for number in range(40000)
        ],
        "ints": lambda: list(range(400000)),
        "floats": lambda: [number * 0.5 for number in range(250000)],
        "nested lists": lambda: [[number, [number, [number]]] for number in range(80000)],
        "bytes": lambda: [str(number).rjust(20).encode() for number in range(100000)],
        "numpy arrays": _arrays,
        "numpy array": _array,
        "forest by joblib": _forest,
        "torch zip": _torch,
    }


def _arrays():
    import numpy as np

    return [np.arange(300) + number for number in range(2000)]


def _array():
    import numpy as np

    return np.arange(2000000, dtype=float)


def _forest():
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    features, classes = make_classification(4000, 20, random_state=0)
    return RandomForestClassifier(100, random_state=0).fit(features, classes)


def _torch():
    import torch

    return {f"layer {number}": torch.zeros(300, 300) for number in range(60)}


class Worker:
    """Keeps what was made."""

    def __init__(self, folder, hooked):
        self._hooked = hooked
        self._folder = folder
        self._made = {}
        self._allowed = []

    def _load(self, case, protocol, source):
        """Give a function that loads, and how many bytes it loads."""
        key = (case, protocol)
        path = str(self._folder / f"{case.replace(' ', '-')}-{protocol}")
        if key not in self._made:
            value = _cases()[case]()
            if case == "forest by joblib":
                import joblib

                joblib.dump(value, path)
            elif case == "torch zip":
                import torch

                torch.save(value, path)
            else:
                with Path(path).open("wb") as file:
                    pickle.dump(value, file, protocol)
            self._made[key] = Path(path).read_bytes()
            if self._hooked:
                self._allow(path)
        data = self._made[key]
        if case == "forest by joblib":
            import joblib

            return lambda: joblib.load(path), len(data)
        if case == "torch zip":
            import torch

            return lambda: torch.load(path, weights_only=False), len(data)
        if source == "bytes":
            return lambda: pickle.loads(data), len(data)
        return lambda: _from_file(path), len(data)

    def _allow(self, path):
        """Add the least policy that a file needs to the one in force."""
        import pickleball_enforce
        from pickleball_enforce.policy import Entry, Policy

        self._allowed.append(pickleball_enforce.verify(path, None).needed())
        entry = Entry(tuple(GLOBALS), tuple(REDUCES))
        pickleball_enforce.use_policy(Policy({"m": Entry.union([entry, *self._allowed])}))

    def answer(self, asked):
        """Do what was asked."""
        if asked["case"] == "tiny":
            return {"seconds": _tiny(asked["protocol"])}
        try:
            load, size = self._load(asked["case"], asked["protocol"], asked["source"])
        except ImportError as error:
            return {"missing": str(error)}
        if (asked["case"], asked["source"]) == ("numpy array", "file") and asked["protocol"] > 2:
            return {"seconds": min(_time(load, time.perf_counter, asked) for _ in range(COPIES)), "bytes": size}
        return {"seconds": _time(load, time.process_time, asked), "bytes": size}


def _time(load, clock, asked):
    """Time one load and the young collection after it."""
    gc.collect()
    if not asked["collector"]:
        gc.disable()
    begun = clock()
    value = load()
    if asked["collector"]:
        gc.collect(0)
    seconds = clock() - begun
    gc.enable()
    del value
    return seconds


def _from_file(path):
    with Path(path).open("rb") as file:
        return pickle.load(file)


def _tiny(name):
    """Give the time of one load of a few bytes, many times over."""
    data = pickle.dumps(TINY[name])
    best = 1.0
    for _ in range(200):
        begun = time.process_time()
        for _ in range(20):
            pickle.loads(data)
        best = min(best, (time.process_time() - begun) / 20)
    return best


def main():
    """Answer until there is nothing more to do."""
    hooked = sys.argv[1:] == ["hooked"]
    if hooked:
        import pickleball_enforce
        from pickleball_enforce.policy import Entry, Policy

        pickleball_enforce.install(Policy({"m": Entry(tuple(GLOBALS), tuple(REDUCES))}))
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder), hooked)
        for line in sys.stdin:
            sys.stdout.write(json.dumps(worker.answer(json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
