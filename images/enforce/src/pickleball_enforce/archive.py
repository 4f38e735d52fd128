"""Containers that pickles come in: zip archives (torch, npz), tar archives and compressed files (joblib)."""

from __future__ import annotations

import io

from .errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from typing import BinaryIO

_LOCAL, _LOCAL_SIZE = "<4sHHHHHLLLHH", 30
_LOCAL_SIGNATURE = b"PK\x03\x04"
_CHUNK = 1 << 20

COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
    b"ZF0x": "zlib of joblib before 0.10",
    b"\x78\x01": "zlib",
    b"\x78\x5e": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
}


def compression(head: bytes) -> str:
    """Name the compression that a file begins with, or give an empty text."""
    return next((name for magic, name in COMPRESSIONS.items() if head.startswith(magic)), "")


def expand(data: bytes, kind: str, where: str, limit: int) -> bytes:
    """Decompress a whole file, up to a limit."""
    import lzma  # noqa: PLC0415 - most files are not compressed
    import zlib  # noqa: PLC0415

    try:
        if kind == "zlib of joblib before 0.10":
            return _inflate(data[21:].lstrip(b" "), where, limit)
        if kind == "zlib":
            return _inflate(data, where, limit)
        return _read_limited(_opener(data, kind, where), where, limit)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise SourceError(where, f"cannot be decompressed as {kind}: {error}") from error


def _opener(data: bytes, kind: str, where: str) -> BinaryIO:
    import bz2  # noqa: PLC0415 - most files are not compressed
    import gzip  # noqa: PLC0415
    import lzma  # noqa: PLC0415

    if kind == "lz4":
        try:
            from lz4 import frame  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
        except ImportError:
            raise SourceError(where, "is compressed with lz4; install the package lz4 to judge it") from None
        opened: BinaryIO = frame.LZ4FrameFile(io.BytesIO(data))
        return opened
    source = io.BytesIO(data)
    if kind == "gzip":
        return gzip.GzipFile(fileobj=source)  # type: ignore[return-value]
    if kind == "bz2":
        return bz2.BZ2File(source)  # type: ignore[return-value]
    return lzma.LZMAFile(source)  # type: ignore[return-value]


def _read_limited(source: BinaryIO, where: str, limit: int) -> bytes:
    pieces = []
    size = 0
    with source:
        while piece := source.read(_CHUNK):
            size += len(piece)
            if size > limit:
                raise SourceError(where, _too_large(limit))
            pieces.append(piece)
    return b"".join(pieces)


def _inflate(data: bytes, where: str, limit: int) -> bytes:
    import zlib  # noqa: PLC0415 - most files are not compressed

    machine = zlib.decompressobj()
    out = machine.decompress(data, limit)
    if machine.unconsumed_tail:
        raise SourceError(where, _too_large(limit))
    if not machine.eof:
        raise SourceError(where, "is cut off inside its compressed data")
    return out


def _too_large(limit: int) -> str:
    return f"expands to more than {limit} bytes; --max-expanded sets another limit"


def tar_members(file: BinaryIO, where: str, limit: int) -> Iterator[tuple[str, bytes]]:
    """Give the name and content of the regular files of a tar archive."""
    import tarfile  # noqa: PLC0415 - most files are no archives

    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for info in archive:
                if info.size > limit:
                    raise SourceError(f"{where}/{info.name}", _too_large(limit))
                opened = archive.extractfile(info) if info.isreg() else None
                if opened is not None:
                    yield info.name, opened.read()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise SourceError(where, f"is no readable tar archive: {error}") from error


def members(file: BinaryIO, where: str) -> Iterator[tuple[str, zipfile.ZipInfo, zipfile.ZipFile]]:
    """Give the files of a zip archive after checking that every reader of zip archives sees the same ones."""
    import zipfile  # noqa: PLC0415 - most files are no archives

    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(where, f"is no readable zip archive: {error}") from error
    with archive:
        infos = archive.infolist()
        _check_names(infos, where)
        _check_places(file, archive, infos, where)
        for info in infos:
            yield info.filename, info, archive


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str, limit: int) -> bytes:
    """Read one member, checking its size and checksum."""
    import zipfile  # noqa: PLC0415 - most files are no archives
    import zlib  # noqa: PLC0415

    if info.flag_bits & 1:
        raise SourceError(where, "is encrypted")
    if info.file_size > limit:
        raise SourceError(where, _too_large(limit))
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise SourceError(where, f"cannot be read: {error}") from error


def _check_names(infos: list[zipfile.ZipInfo], where: str) -> None:
    """Refuse two members that some reader takes for one: readers fold case and separators differently."""
    seen: dict[str, str] = {}
    for info in infos:
        if info.orig_filename != info.filename or "\\" in info.filename:
            raise SourceError(where, f"holds a member whose name readers see differently: {info.orig_filename!r}")
        folded = info.filename.casefold()
        if folded in seen:
            raise SourceError(where, f"holds two members of one name: {seen[folded]!r} and {info.filename!r}")
        seen[folded] = info.filename


def _check_places(file: BinaryIO, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], where: str) -> None:
    """Compare the central directory with the local headers, and leave no room for a member outside of it."""
    position = 0
    for info in sorted(infos, key=lambda item: item.header_offset):
        if info.header_offset < position:
            raise SourceError(where, f"{info.filename!r} overlaps the member before it")
        _check_gap(file, position, info.header_offset, where)
        position = _check_local(file, info, where)
    if position > archive.start_dir:
        raise SourceError(where, "a member overlaps the central directory")
    _check_gap(file, position, archive.start_dir, where)
    _check_end(file, archive, where)


def _check_local(file: BinaryIO, info: zipfile.ZipInfo, where: str) -> int:
    import struct  # noqa: PLC0415 - most files are no archives
    import zipfile  # noqa: PLC0415

    file.seek(info.header_offset)
    head = file.read(_LOCAL_SIZE)
    if len(head) != _LOCAL_SIZE or head[:4] != _LOCAL_SIGNATURE:
        raise SourceError(where, f"{info.filename!r} has no local header where the central directory says")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = struct.unpack(_LOCAL, head)
    raw = file.read(name_length)
    encoding = "utf-8" if flags & 0x800 else "cp437"
    if raw.decode(encoding, "replace") != info.orig_filename:
        raise SourceError(where, f"the local header of {info.filename!r} names another member")
    if method != info.compress_type or flags & 1 != info.flag_bits & 1:
        raise SourceError(where, f"the two headers of {info.filename!r} disagree on how it is stored")
    deferred = flags & 8 or 0xFFFFFFFF in (packed, size)
    if not deferred and (crc, packed, size) != (info.CRC, info.compress_size, info.file_size):
        raise SourceError(where, f"the two headers of {info.filename!r} disagree on its size or checksum")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise SourceError(where, f"{info.filename!r} is stored with two different sizes")
    end: int = info.header_offset + _LOCAL_SIZE + name_length + extra_length + info.compress_size
    return end


def _check_gap(file: BinaryIO, start: int, stop: int, where: str) -> None:
    """Refuse room between members that holds more than a data descriptor."""
    if stop - start > 24:
        raise SourceError(where, f"holds {stop - start} bytes at {start} that belong to no member")
    file.seek(start)
    if _LOCAL_SIGNATURE in file.read(stop - start):
        raise SourceError(where, f"hides a member at {start}")


def _check_end(file: BinaryIO, archive: zipfile.ZipFile, where: str) -> None:
    """Refuse data after the end record: another end record there would show another archive."""
    file.seek(archive.start_dir)
    rest = file.read()
    if rest.count(b"PK\x05\x06") != 1 or len(rest) != rest.index(b"PK\x05\x06") + 22 + len(archive.comment):
        raise SourceError(where, "holds more than one end record, or data after it")
