"""The two verifiers on random streams: `python -m tests.attacks.differential COUNT [--seed N] [--processes N]`.

A seed gives an Unpickler's settings, a policy and a few streams for it: built as `streams` does, with literals of every
form between, mutated, spliced and cut. Every verdict of the one has to be the other's, down to the last sentence.
A stream that takes longer than a second of processor time is an error too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import struct
import sys
import time

from tests.attacks.comparison import Both, native
from tests.attacks.ledger import ATTACKS
from tests.attacks.streams import POLICY, kept, remembered, stream
from tests.attacks.streams import mutated as changed

from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.settings import Settings

_LONG = 1.0  # seconds of processor time
LEAST = Policy({"m": Entry(("recorder.ReferencedClass", "builtins.object"), ("recorder.called",))})
HELPED = Policy(
    {
        "m": Entry(
            ("recorder.CalledClass.method", "recorder.CalledClass", "recorder.ReferencedDict", "builtins.dict.get"),
            ("functools.partial", "builtins.range", "builtins.set", "collections.OrderedDict", "copyreg.__newobj__"),
        )
    }
)
LISTING = Policy({"m": Entry(("recorder.CalledClass",), ("recorder.CalledClass.method", "builtins.dict.get"))})
_MODEL = POLICY.entries["recorder.Model"]
MADE = Policy({"m": _MODEL.changed(globals=("recorder.MadeClass",), instances=(*_MODEL.globals, "builtins.object"))})
POLICIES = (POLICY, LEAST, HELPED, LISTING, MADE, None)
KEPT = [*(attack.stream for attack in ATTACKS), *kept()]
LITERALS = (
    b"I1\n", b"I01\n", b"I-0\n", b"L5L\n", b"L99999999999999999999L\n", b"F1.5\n", b"Finf\n", b"F1e999\n", b"J\1\2\3\4",
    b"K\x05", b"M\x05\x00", b"\x8a\x01\x05", b"\x8a\x09aaaaaaaaa", b"\x8b\x01\x00\x00\x00\x07", b"G@\x09!\xfbTD-\x18",
    b"S'a'\n", b"S'\\x41\\q'\n", b"S'\\x4'\n", b"U\x01a", b"U\x02\xc3\xa9", b"T\x03\x00\x00\x00abc", b"Vabc\n",
    b"V\\u00e9\\ud800\n", b"V\xe9\n", b"X\x01\x00\x00\x00a", b"\x8c\x02\xc3\xa9", b"\x8c\x03\xed\xa0\x80",
    b"\x8c\x01\xff", b"\x8c\x0c__setstate__", b"\x8c\x09__array__", b"U\x09__class__", b"\x8d\x01" + bytes(7) + b"a",
    b"B\x01\x00\x00\x00a", b"C\x01a", b"\x8e\x01" + bytes(7) + b"a", b"\x96\x01" + bytes(7) + b"a", b"\x97", b"\x98",
    b"Pabc\n", b"P\xff\n", b"p5\n", b"g5\n", b"p70000\n", b"r\x07\x00\x00\x00", b"j\x07\x00\x00\x00", b"\x94",
    b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00", b"\x84\xff\xff\xff\xff", b"\x80\x00", b"\x80\x05",
    b"\x80\x06",
    b"ccopy_reg\n_reconstructor\n", b"c__builtin__\nobject\n", b"cbuiltins\nEllipsis\n", b"ca.b\nc.d\n", b"c\n\n",
    b"cdill._dill\n_create_type\n", b"ctypes\nCodeType\n", b"\x8c\x06latin1", b"c_codecs\nencode\n",
)  # fmt: skip
OPCODES = b"()012NR\x81\x92bastuldeo\x90\x91\x85\x86\x87\x93\x94\x97\x98Q]}\x8f.\x88\x89"


def settings(chance: random.Random) -> Settings:
    """Choose how the Unpickler was made."""
    return Settings(
        encoding=chance.choice(("ASCII", "ASCII", "latin1", "bytes", "utf-8", "utf-16-le", "no-such-codec")),
        errors=chance.choice(("strict", "strict", "ignore")),
        fix_imports=chance.random() < 0.8,
        buffers=chance.choice((None, True, False)),
        renames=chance.random() < 0.2,
        persistent_classes=chance.random() < 0.5,
        max_depth=chance.choice((10_000_000, 8)),
        max_memo=chance.choice((50_000_000, 3)),
        memo_floor=chance.choice((1 << 16, 4)),
        max_hash_cost=chance.choice((1 << 26, 16)),
        max_hash_depth=chance.choice((500, 3)),
        max_work=chance.choice((1 << 20, 1 << 20, 0)),
        max_name=chance.choice((1024, 5)),
        max_violations=chance.choice((1000, 1)),
        max_length=chance.choice((1 << 40, 1 << 40, 60)),
    )


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Change a stream in a few places: bytes, opcodes, literals of every form, parts of other streams."""
    out = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(out) + 1)
        kind = chance.randrange(6)
        if kind == 0 and place < len(out):
            out[place] = chance.randrange(256)
        elif kind == 1:
            out[place:place] = bytes([chance.choice(OPCODES)])
        elif kind == 2:
            out[place:place] = chance.choice(LITERALS)
        elif kind == 3:
            del out[place : place + chance.randrange(6)]
        elif kind == 4:
            other = chance.choice(KEPT)
            start = chance.randrange(len(other))
            out[place:place] = other[start : start + chance.randrange(40)]
        else:
            out[place:place] = b"\x95" + struct.pack("<Q", chance.choice((len(out) - place, chance.randrange(20))))
    return bytes(out)


def check(seed: int) -> int:
    """Compare the verdicts on the streams of one seed; give how many there were."""
    chance = random.Random(seed)
    judge = Both(chance.choice(POLICIES), settings(chance) if chance.random() < 0.7 else Settings())
    made = stream(chance)
    memory = remembered(chance)
    streams = [made, mutated(chance, made), mutated(chance, chance.choice(KEPT)), changed(chance), memory]
    streams.append(mutated(chance, memory))
    for data in streams:
        start = chance.randrange(3) if chance.random() < 0.1 else 0
        begun = time.process_time()
        judge.verify(data, min(start, len(data)))
        assert time.process_time() - begun < _LONG, (seed, data)
        if chance.random() < 0.1:
            judge.abandon()
        elif chance.random() < 0.05:
            judge.adopt(range(chance.randrange(4)))
    return len(streams)


def check_many(block: range) -> int:
    """Compare the verdicts on the streams of many seeds."""
    return sum(map(check, block))


def main() -> int:
    """Compare as many streams as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="how many streams, at least")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    if native is None:
        sys.stderr.write("the compiled verifier is not built: `make verifier`\n")
        return 2
    blocks = [range(first, first + 1000) for first in range(options.seed, options.seed + options.count // 6 + 1, 1000)]
    done, begun = 0, time.monotonic()
    with multiprocessing.Pool(options.processes) as pool:
        for number, streams in enumerate(pool.imap_unordered(check_many, blocks)):
            done += streams
            if number % 100 == 99:
                sys.stdout.write(f"{done} streams in {time.monotonic() - begun:.0f} s, no difference\n")
                sys.stdout.flush()
    sys.stdout.write(f"{done} streams in {time.monotonic() - begun:.0f} s, no difference\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
