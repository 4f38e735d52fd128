"""The static driver: judges the pickles of a file without loading it.

Reads raw pickles (several in one file), torch archives (zip, and the format before it), joblib files (compressed, with
arrays between the opcodes), npy and npz arrays of objects, other zip and tar archives, and pickles in bytes that the
stream gives to an unpickler.
"""

from __future__ import annotations

import io
import os

from . import archive, engine, names
from .errors import NoPickleError, SourceError
from .opcodes import HIGHEST_PROTOCOL, NAMES, scan
from .report import Report, Stream, Verdict
from .settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, ClassVar

    from .policy import Policy
    from .report import Violation
    from .static_arrays import ArrayReader

    Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

MAX_NESTING = 8
_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # behind PROTO, and a FRAME where there is one
_TORCH_PICKLES = 5
PICKLED = (
    ".pkl", ".pickle", ".p", ".pk", ".npy", ".npz", ".joblib", ".jbl", ".pt", ".pth", ".bin", ".ckpt", ".mar", ".nemo",
    ".dill", ".cloudpickle", ".sav", ".model",
)  # fmt: skip
_SURE = ("gzip", "xz", "lz4")  # compressions whose first bytes no text has
_POLYGLOT = 1 << 20  # bytes of an archive that are tried as a pickle, too
_TAR_MARK = slice(257, 262)
_TEXT_LIMIT = 1 << 62  # texts are kept whole: nested pickles of protocol 2 are written as text


def verify(source: Source, policy: Policy | str | os.PathLike[str] | None, settings: Settings | None = None) -> Report:
    """Judge every pickle of a file against a policy (None: trace, `Report.needed` says what it needs).

    `source` is a path, the bytes, or a seekable binary file. What cannot be judged stands in the report.
    """
    if isinstance(policy, (str, os.PathLike)):
        from .policy import Policy  # noqa: PLC0415 - a scan needs none

        policy = Policy.load(policy)
    judge = Judge(policy, settings or Settings())
    if isinstance(source, (str, os.PathLike)):
        return judge.path(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        report = Report(path="")
        judge.file(io.BytesIO(source), report)
        return report
    report = Report(path=str(getattr(source, "name", "")))
    judge.file(source, report)
    return report


class Judge:
    """Finds the pickles of one file and collects their verdicts."""

    whole: ClassVar[bool] = True  # streams of nothing but opcodes are judged at once, by the fastest verifier

    def __init__(self, policy: Policy | None, settings: Settings, *, digest: bool = True) -> None:
        self.policy = policy
        self._digest = digest
        self.settings = settings.changed(max_name=_TEXT_LIMIT, persistent_classes=True)
        self.report = Report(path="")

    def path(self, path: str | os.PathLike[str]) -> Report:
        """Judge the file at a path."""
        report = Report(path=os.fspath(path))
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes as long as a scan
                self.file(file, report)
        except OSError as error:
            report.error = f"{report.path}: cannot be read: {error.strerror or error}"
        return report

    def make_reader(self, settings: Settings, *, arrays: bool = True) -> ArrayReader:
        """Make what reads a stream opcode by opcode, and arrays and nested pickles in it."""
        from .static_arrays import ArrayReader  # noqa: PLC0415 - most files need none

        return ArrayReader(self.policy, settings, arrays=arrays)

    def told_by(self, reader: ArrayReader, where: str) -> None:
        """Take note of what a reader has read (explain.py)."""

    def file(self, file: BinaryIO, report: Report) -> None:
        """Judge a file; `report` receives the result, and the reason where it could not be judged."""
        self.report = report
        if self._digest:
            report.sha256 = _digest(file)
        try:
            self._content(file, "", 0)
        except SourceError as error:
            report.error = str(error) if error.where else error.reason
            report.empty = isinstance(error, NoPickleError) and not report.streams

    def _content(self, file: BinaryIO, where: str, depth: int) -> None:
        if depth > MAX_NESTING:
            raise SourceError(where, f"holds pickles nested deeper than {MAX_NESTING}")
        file.seek(0)
        head = file.read(_TAR_MARK.stop)
        file.seek(0)
        if not head:
            raise SourceError(where or self.report.path, "is empty")
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            self._polyglot(file, where, depth)
            self._zip(file, where, depth)
            return
        if head[_TAR_MARK] == b"ustar":
            self._polyglot(file, where, depth)
            self._tar(file, where, depth)
            return
        file.seek(0, os.SEEK_END)  # empties the buffer: reading on from it would copy the whole file once more
        file.seek(0)
        data = file.read()
        kind = archive.compression(head)
        if head.startswith(b"\x93NUMPY"):
            self._npy(data, where, depth)
        elif kind:
            self._note(kind)
            if kind == "bz2" and self._reads_to_stop(data):
                self._pickles(data, where, depth)  # BINBYTES: a plain unpickler would read the file as it is
            self._content(io.BytesIO(archive.expand(data, kind, where, self.settings.max_expanded)), where, depth + 1)
        else:
            self._pickles(data, where, depth)

    def _note(self, kind: str) -> None:
        self.report.format = f"{self.report.format}, {kind}" if self.report.format else kind

    def _polyglot(self, file: BinaryIO, where: str, depth: int) -> None:
        """Judge an archive as a pickle as well, if an unpickler would read one at its start."""
        data = file.read(_POLYGLOT)
        file.seek(0)
        if self._reads_to_stop(data):
            self._one(data, 0, where, depth)

    # ---- archives ---------------------------------------------------------------------------------------------------

    def _zip(self, file: BinaryIO, where: str, depth: int) -> None:
        self._note("zip")
        place = where or self.report.path or "the archive"
        found = False
        for name, info, opened in archive.members(file, place):
            inner = f"{where}/{name}" if where else name
            named = name.lower().endswith(PICKLED)
            if not named:
                with opened.open(info) as member:
                    named = begins_as_pickle(member.read(3)) if not info.flag_bits & 1 else False
                if not named:
                    continue
            content = archive.read_member(opened, info, inner, self.settings.max_expanded)
            found |= self._member(name, content, inner, depth)
        if not found:
            raise NoPickleError(place, "is a zip archive without any pickle")

    def _tar(self, file: BinaryIO, where: str, depth: int) -> None:
        self._note("tar")
        place = where or self.report.path or "the archive"
        found = False
        for name, content in archive.tar_members(file, place, self.settings.max_expanded):
            found |= self._member(name, content, f"{where}/{name}" if where else name, depth)
        if not found:
            raise NoPickleError(place, "is a tar archive without any pickle")

    def _member(self, name: str, content: bytes, where: str, depth: int) -> bool:
        """Judge a member that its name or its content shows as a pickle; whether it was one."""
        if not name.lower().endswith(PICKLED) and not is_pickle(content):
            return False
        self._content(io.BytesIO(content), where, depth + 1)
        return True

    def _npy(self, data: bytes, where: str, depth: int) -> None:
        self._note("npy")
        from .static_arrays import npy_pickle  # noqa: PLC0415 - most files need none

        start = npy_pickle(data, where)
        if start is None:
            self.report.streams.append(Stream(where, Verdict(0, len(data), None, [], [])))
        else:
            self._one(data, start, where, depth)

    # ---- pickles ----------------------------------------------------------------------------------------------------

    def _pickles(self, data: bytes, where: str, depth: int) -> None:
        """Judge pickle after pickle until the data ends."""
        torch = _is_torch(data)
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
        if self.whole:
            verifier = engine.make(self.policy, self._settings_for_format())
            verdict = verifier.verify(data, start, last=True)
            paths = {item.path for item in verdict.imports}
            if not paths & names.NESTED and not any(names.is_array_wrapper(path) for path in paths):
                self.report.streams.append(Stream(where, verdict, list(verifier.needs)))
                return verdict
        reader = self.make_reader(self._settings_for_format())
        verdict = reader.verify(data, start)
        self.report.streams.append(Stream(where, verdict, list(reader.needs)))
        self.told_by(reader, where)
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
        return self.settings.changed(encoding="utf-8") if torch and self.settings.encoding == "ASCII" else self.settings

    def _read_plainly(self, data: bytes, start: int, first: int) -> list[Violation]:
        """Judge what an unpickler would do that takes the bytes of an array for opcodes.

        A pickle that stands for an array of objects is judged by itself: read plainly, its memo is another one.
        """
        if self.policy is None:
            return []
        reader = self.make_reader(self.settings, arrays=False)
        verdict = reader.verify(data, start)
        written = {item.path for item in verdict.imports if item.offset > first}
        return [found for found in verdict.violations if found.offset > first and found.name in written]

    def _reads_to_stop(self, data: bytes) -> bool:
        return engine.make(None, self.settings).verify(data, last=True).error is None


def begins_as_pickle(head: bytes) -> bool:
    """Whether bytes begin as pickles of protocol 2 and later do."""
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= HIGHEST_PROTOCOL and head[2] in NAMES


def is_pickle(content: bytes) -> bool:
    """Whether bytes whose name shows nothing are a pickle up to its STOP, or a container of pickles."""
    if content.startswith((b"PK\x03\x04", b"\x93NUMPY")) or archive.compression(content[:8]) in _SURE:
        return True
    return begins_as_pickle(content[:3]) and scan(content, 0)[1]


def _is_torch(data: bytes) -> bool:
    """Whether a file begins as torch wrote them before 1.6."""
    begins = len(data) > 2 and data[0] == 0x80 and 2 <= data[1] <= HIGHEST_PROTOCOL
    return begins and data.startswith(_TORCH_MAGIC, 11 if data[2] == 0x95 else 2)


def _digest(file: BinaryIO) -> str:
    from .digest import sha256  # noqa: PLC0415 - only where it is asked for

    file.seek(0)
    return sha256(iter(lambda: file.read(1 << 20), b""))
