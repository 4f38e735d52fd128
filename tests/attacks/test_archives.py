"""Archives that one reader opens and another does not: they are judged as the reader that opens them, or not at all."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.attacks.assembly import PROTO2, STOP, call, name, text

from pickleball_enforce.policy import Entry, Policy
from pickleball_enforce.scan import scan_file
from pickleball_enforce.settings import Settings
from pickleball_enforce.static import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVIL = PROTO2 + call(name("posix", "system"), text("id")) + STOP
POLICY = Policy({"torch.nn.Module": Entry(("collections.OrderedDict",), ("torch._utils._rebuild_tensor_v2",))})
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def torch_zip(content: bytes = EVIL, member: str = "archive/data.pkl") -> bytes:
    """Make an archive as torch.save does."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("archive/data/0", b"\0" * 64)
        archive.writestr("archive/version", b"3\n")
    return out.getvalue()


def with_flags(bits: int) -> bytes:
    """Set flags of the first member in both headers."""
    data = bytearray(torch_zip())
    for mark, place in ((_LOCAL, 6), (_CENTRAL, 8)):
        start = data.index(mark) + place
        data[start : start + 2] = struct.pack("<H", struct.unpack("<H", data[start : start + 2])[0] | bits)
    return bytes(data)


def renamed_locally() -> bytes:
    """Give the first member another name in its local header."""
    return torch_zip().replace(b"data.pkl", b"datap.kl", 1)


def renamed_centrally() -> bytes:
    """Give the first member another name in the central directory."""
    data = torch_zip()
    start = data.index(_CENTRAL)
    return data[:start] + data[start:].replace(b"data.pkl", b"data.txt", 1)


def with_wrong_checksum() -> bytes:
    """Change the content and not its checksum."""
    return torch_zip(EVIL.replace(b"id", b"ls")).replace(b"ls", b"id")


def twice() -> bytes:
    """Write two members of one name, a harmless one and then another."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", EVIL)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("archive/data.pkl", b"N.")
    return out.getvalue()


def outside_the_directory() -> bytes:
    """Write a member that the central directory does not name, in front of the others."""
    hidden = torch_zip()
    hidden = hidden[: hidden.index(_CENTRAL)]
    out = io.BytesIO(hidden)
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("archive/data.pkl", b"N.")
    return out.getvalue()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "a plain torch archive": torch_zip,
    "a member whose name shows nothing (CVE-2025-1889)": lambda: torch_zip(member="archive/weights.conf"),
    "another name in the local header (CVE-2025-1944)": renamed_locally,
    "another name in the central directory (CVE-2025-1944)": renamed_centrally,
    "the flag of encryption (CVE-2025-1945)": lambda: with_flags(1),
    "the flag of a patch (CVE-2025-1945)": lambda: with_flags(0x20),
    "the flag of strong encryption (CVE-2025-1945)": lambda: with_flags(0x40),
    "a wrong checksum (CVE-2025-10156)": with_wrong_checksum,
    "two members of one name": twice,
    "a member outside the central directory": outside_the_directory,
    "7z instead of zip (nullifAI)": lambda: b"7z\xbc\xaf\x27\x1c" + EVIL,
    "a second archive behind the first": lambda: torch_zip(b"N.") + torch_zip(),
    "a pickle in front of the archive": lambda: EVIL + torch_zip(b"N."),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_no_archive_with_a_payload_is_clean(kind: str, tmp_path: Path) -> None:
    """Verify finds the violation or says why it cannot judge; a scan never takes the file for data."""
    path = tmp_path / "model.pt"
    path.write_bytes(ARCHIVES[kind]())
    report = verify(path, POLICY)
    assert report.exit_code != 0
    assert report.violations or report.errors
    assert scan_file(str(path), None, Settings()).verdict in ("dangerous", "could not judge")


@pytest.mark.parametrize("kind", ["a plain torch archive", "a member whose name shows nothing (CVE-2025-1889)"])
def test_what_readers_agree_on_is_judged(kind: str, tmp_path: Path) -> None:
    """The payload itself is told, not only that something is strange."""
    path = tmp_path / "model.pt"
    path.write_bytes(ARCHIVES[kind]())
    assert [found.name for found in verify(path, POLICY).violations] == ["posix.system"]
