"""The two ways of the Python driver on one stream: opcode by opcode in Python, and in pieces by the compiled verifier.

A stream is cut into pieces as an unpickler reads it: single opcodes, and whole frames. Of each piece both have to say
the same: violations, the depths of the stacks, which opcode imports what, and what has to hold for its target.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

from tests.attacks.comparison import native

from pickleball_enforce.errors import MalformedStream
from pickleball_enforce.opcodes import NAMES, read_argument
from pickleball_enforce.settings import Settings
from pickleball_enforce.verifier import Verifier

if TYPE_CHECKING:
    import random

    from pickleball_enforce.policy import Policy
    from pickleball_enforce.report import Import, Obligation

_FRAME, _STOP = 0x95, 0x2E
_CODES = {name: code for code, name in NAMES.items()}
_IMPORTING = {_CODES[name] for name in ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")}
Opcode = tuple[int, bytes]


def opcodes(data: bytes) -> list[Opcode] | None:
    """Take a stream apart; None when its end lies inside an opcode."""
    file, found = io.BytesIO(data), []
    while code := file.read(1):
        try:
            found.append((code[0], read_argument(code[0], file.read, file.readline)))
        except ValueError:
            return None
        if code[0] == _STOP:
            break
    return [item for item in found if item[0] != _FRAME]


def pieces(chance: random.Random, data: bytes) -> list[list[Opcode]]:
    """Cut a stream into frames and single opcodes."""
    left, found = opcodes(data) or [], []
    while left:
        size = chance.choice((1, 1, 2, 5, 40))
        found.append(left[:size])
        left = left[size:]
    return found


class Stepping:
    """The Python verifier, and what it tells of each opcode."""

    def __init__(self, policy: Policy | None, settings: Settings) -> None:
        self.verifier = Verifier(policy, settings, self._note)
        self._told: list[tuple[Import, Obligation]] = []
        self._offset = 0
        self._there: list[Import] = []  # imports whose objects are there

    def _note(self, target: Import, obligation: Obligation) -> None:
        self._told.append((target, obligation))

    def begin(self) -> None:
        """Begin a load."""
        self.verifier.begin()
        self._offset = 0

    def take(self, piece: list[Opcode]) -> dict[str, Any]:
        """Judge a piece; say what the driver needs."""
        verifier = self.verifier
        said: dict[str, Any] = {"error": None, "late": [], "opcodes": []}
        before = len(verifier.violations)
        first = len(verifier.imports)
        if len(piece) > 1:
            self._offset += 9
        for code, argument in piece:
            self._told = []
            imports = len(verifier.imports)
            try:
                verifier.step(code, argument, self._offset)
            except MalformedStream as error:
                said["error"] = error.sentence
                break
            self._offset += 1 + len(argument)
            events = [(item.path, what) for item, what in self._told if what.kind.startswith("result-")]
            said["late"] += [
                (item.path, what)
                for item, what in self._told
                if not what.kind.startswith(("result-", "persistent")) and _root(item) in self._there
            ]
            made = verifier.imports[imports].path if len(verifier.imports) > imports else None
            said["opcodes"].append((code, argument, verifier.depths, made, events))
        self._there += verifier.imports[first:]
        said["violations"] = verifier.violations[before:]
        return said


def _root(item: Import) -> Import:
    while item.parent is not None:
        item = item.parent
    return item


class Following:
    """The compiled verifier, fed with pieces."""

    def __init__(self, policy: Policy | None, settings: Settings, stops: bytes) -> None:
        self.verifier = native.Verifier(policy, settings)
        self._stops = stops

    def begin(self) -> None:
        """Begin a load."""
        self.verifier.begin()

    def take(self, piece: list[Opcode]) -> dict[str, Any]:
        """Judge a piece; say what the driver needs."""
        content = b"".join(bytes((code,)) + argument for code, argument in piece)
        if len(piece) > 1:
            content = b"\x95" + struct.pack("<Q", len(content)) + content
        error, violations, late, segments, _ = self.verifier.follow(content, self._stops)
        return {
            "error": error.sentence if error else None,
            "violations": violations,
            "late": [(item.path, what) for item, what in late],
            "segments": segments,
        }


def compare(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Compare what both say of a piece."""
    assert mine["error"] == theirs["error"], (mine, theirs)
    assert mine["violations"] == theirs["violations"], (mine, theirs)
    if mine["error"] or mine["violations"]:
        return
    assert mine["late"] == theirs["late"], (mine, theirs)
    steps = iter(mine["opcodes"])
    for codes, arguments, depths, special in theirs["segments"]:
        told = [next(steps) for _ in codes]
        assert bytes(step[0] for step in told) == codes, (told, codes)
        assert b"".join(step[1] for step in told) == arguments, (told, arguments)
        assert told[-1][2] == depths, (told, depths)
        if special is None:
            assert not any(step[3] or step[4] for step in told), told
            continue
        assert len(codes) == 1
        made, events, _ = special
        assert told[0][3] == (made.path if made else None), (told, special)
        assert told[0][4] == [(item.path, what) for item, what in events], (told, special)
    assert next(steps, None) is None


def check(chance: random.Random, policy: Policy | None, streams: list[bytes], settings: Settings | None = None) -> int:
    """Follow the streams as the loads of one Unpickler; give how many came to STOP without a finding."""
    stops = bytes(chance.random() < 0.1 for _ in range(256))
    stepping = Stepping(policy, settings or Settings())
    following = Following(policy, settings or Settings(), stops)
    clean = 0
    for data in streams:
        stepping.begin()
        following.begin()
        found = pieces(chance, data)
        for piece in found:
            mine, theirs = stepping.take(piece), following.take(piece)
            compare(mine, theirs)
            if mine["error"] or mine["violations"]:
                stepping.verifier.abandon()
                following.verifier.abandon()
                break
        else:
            clean += bool(found)
        assert following.verifier.memo.keys() == stepping.verifier.memo.keys()
    return clean
