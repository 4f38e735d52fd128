"""The static driver: judges the pickles of a file without loading it.

Reads raw pickles (several in one file), torch archives (zip, and the format before it), joblib files (compressed, with
arrays between the opcodes), npy and npz arrays of objects, and pickles in bytes that the stream gives to an unpickler.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Union

from . import archive
from .errors import SourceError
from .policy import Policy
from .report import Report, Stream, Verdict
from .settings import Settings
from .static_arrays import ArrayReader, npy_pickle

if TYPE_CHECKING:
    from .report import Violation

Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO]

MAX_NESTING = 8
_TORCH_MAGIC = re.compile(rb"\x80[\x02-\x05](?:\x95.{8})?\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.", re.DOTALL)
_TORCH_PICKLES = 5
_PICKLED_MEMBERS = (".pkl", ".pickle", ".npy", ".npz", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".p")
_TEXT_LIMIT = 1 << 62  # texts are kept whole: nested pickles of protocol 2 are written as text


def verify(source: Source, policy: Policy | str | os.PathLike[str] | None, settings: Settings | None = None) -> Report:
    """Judge every pickle of a file against a policy (None: trace, `Report.needed` says what it needs).

    `source` is a path, the bytes, or a seekable binary file. What cannot be judged stands in the report.
    """
    if policy is not None and not isinstance(policy, Policy):
        policy = Policy.load(policy)
    judge = _Judge(policy, settings or Settings())
    if isinstance(source, (str, os.PathLike)):
        report = Report(path=os.fspath(source))
        try:
            with Path(source).open("rb") as file:
                judge.file(file, report)
        except OSError as error:
            report.error = f"{report.path}: cannot be read: {error.strerror or error}"
        return report
    if isinstance(source, (bytes, bytearray, memoryview)):
        report = Report(path="")
        judge.file(io.BytesIO(source), report)
        return report
    report = Report(path=str(getattr(source, "name", "")))
    judge.file(source, report)
    return report


class _Judge:
    """Finds the pickles of one file and collects their verdicts."""

    def __init__(self, policy: Policy | None, settings: Settings) -> None:
        self.policy = policy
        self.settings = replace(settings, max_name=_TEXT_LIMIT, persistent_classes=True)
        self.report = Report(path="")

    def file(self, file: BinaryIO, report: Report) -> None:
        """Judge a file; `report` receives the result, and the reason where it could not be judged."""
        self.report = report
        report.sha256 = _digest(file)
        try:
            self._content(file, "", 0)
        except SourceError as error:
            report.error = str(error) if error.where else error.reason

    def _content(self, file: BinaryIO, where: str, depth: int) -> None:
        if depth > MAX_NESTING:
            raise SourceError(where, f"holds pickles nested deeper than {MAX_NESTING}")
        file.seek(0)
        head = file.read(8)
        file.seek(0)
        if not head:
            raise SourceError(where or self.report.path, "is empty")
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            self._zip(file, where, depth)
            return
        data = file.read()
        kind = archive.compression(head)
        if head.startswith(b"\x93NUMPY"):
            self._npy(data, where, depth)
        elif kind:
            self._note(kind)
            if kind == "bz2" and self._reads_to_stop(data):
                self._pickles(data, where, depth)  # BINBYTES: a plain unpickler would read the file as it is
            self._content(io.BytesIO(archive.expand(data, kind, where)), where, depth + 1)
        else:
            self._pickles(data, where, depth)

    def _note(self, kind: str) -> None:
        self.report.format = f"{self.report.format}, {kind}" if self.report.format else kind

    # ---- archives ---------------------------------------------------------------------------------------------------

    def _zip(self, file: BinaryIO, where: str, depth: int) -> None:
        self._note("zip")
        place = where or self.report.path or "the archive"
        found = False
        for name, info, opened in archive.members(file, place):
            if name.lower().endswith(_PICKLED_MEMBERS):
                found = True
                inner = f"{where}/{name}" if where else name
                self._content(io.BytesIO(archive.read_member(opened, info, inner)), inner, depth + 1)
        if not found:
            raise SourceError(place, "is a zip archive without any pickle that its name shows")

    def _npy(self, data: bytes, where: str, depth: int) -> None:
        self._note("npy")
        start = npy_pickle(data, where)
        if start is None:
            self.report.streams.append(Stream(where, Verdict(0, len(data), None, [], [])))
        else:
            self._one(data, start, where, depth)

    # ---- pickles ----------------------------------------------------------------------------------------------------

    def _pickles(self, data: bytes, where: str, depth: int) -> None:
        """Judge pickle after pickle until the data ends."""
        torch = _TORCH_MAGIC.match(data) is not None
        self._note("torch before 1.6" if torch else "pickle")
        position = count = 0
        while position < len(data):
            verdict = self._one(data, position, f"{where}#{count}" if count else where, depth)
            count += 1
            if verdict.error:
                return
            position = verdict.end
            if torch and count == _TORCH_PICKLES:
                return  # what follows are the bytes of the tensors
            if not data[position:].strip(b"\x00\n"):
                return

    def _one(self, data: bytes, start: int, where: str, depth: int) -> Verdict:
        reader = ArrayReader(self.policy, self._settings_for_format())
        verdict = reader.verify(data, start)
        self.report.streams.append(Stream(where, verdict, list(reader.needs)))
        for place, inner, needs in reader.nested:
            self.report.streams.append(Stream(f"{where}@{place}", inner, needs))
        if reader.first_array is not None:
            self._note("joblib")
            hidden = self._read_plainly(data, start, reader.first_array)
            nested = [(inner.start, inner.end) for _, inner, _ in reader.nested]
            verdict.violations += [
                found for found in hidden if not any(begin <= found.offset < end for begin, end in nested)
            ]
        for place, content in reader.literals:
            self._content(io.BytesIO(content), f"{where}@{place}", depth + 1)
        return verdict

    def _settings_for_format(self) -> Settings:
        """Give the settings of the loader that the format belongs to: torch reads texts of Python 2 as UTF-8."""
        torch = self.report.format.startswith(("zip", "torch"))
        return (
            replace(self.settings, encoding="utf-8") if torch and self.settings.encoding == "ASCII" else self.settings
        )

    def _read_plainly(self, data: bytes, start: int, first: int) -> list[Violation]:
        """Judge what an unpickler would do that takes the bytes of an array for opcodes.

        A pickle that stands for an array of objects is judged by itself: read plainly, its memo is another one.
        """
        if self.policy is None:
            return []
        reader = ArrayReader(self.policy, self.settings, arrays=False)
        verdict = reader.verify(data, start)
        written = {item.path for item in verdict.imports if item.offset > first}
        return [found for found in verdict.violations if found.offset > first and found.name in written]

    def _reads_to_stop(self, data: bytes) -> bool:
        return ArrayReader(None, self.settings).verify(data).error is None


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
