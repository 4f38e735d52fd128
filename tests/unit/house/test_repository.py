"""What must hold for every file of the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Hosts that a reader may be sent to. No package is fetched from a host that a file of ours names.
LINKED = {
    "0.0.0.0",
    "127.0.0.1",
    "creativecommons.org",
    "docs.python.org",
    "github.com",
    "joern.io",
    "json-schema.org",
    "kopf.readthedocs.io",
    "kubernetes.io",
    "localhost",
    "maven.apache.org",
    "peps.python.org",
    "www.apache.org",
    "www.w3.org",
}


PINNED = re.compile(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}")


def tracked(*patterns: str) -> list[Path]:
    """List the files of the repository that match the patterns, all of them without one."""
    listing = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--", *patterns], capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_host_that_packages_come_from() -> None:
    """A URL in a tracked file leads to documentation, a schema or this machine, never to a registry."""
    found = []
    for path in tracked():
        if path.name in {"LICENSE", "go.sum", "Cargo.lock"}:
            continue
        for host in re.findall(rb"https?://([A-Za-z0-9.-]*[A-Za-z0-9])", path.read_bytes()):
            name = host.decode()
            if name not in LINKED and not name.endswith((".svc", ".example", ".example.com", ".invalid")):
                found.append(f"{path.relative_to(ROOT)}: {name}")
    assert found == []


@pytest.mark.parametrize("path", tracked("*requirements/*.txt"), ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hashes(path: Path) -> None:
    """Each requirement of a lock file has one exact version and at least one sha256."""
    text = path.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    loose = [line for line in lines if not PINNED.match(line)]
    assert lines
    assert loose == []


@pytest.mark.parametrize("path", tracked("*.md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(path: Path) -> None:
    """A relative link in a page names a file that exists."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_commands_of_the_pages_for_users_are_targets_of_the_makefile() -> None:
    """Each `make TARGET` that a page names exists in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (path.name, target)
        for path in tracked("*.md")
        for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", path.read_text(), re.MULTILINE)
    }
    assert named
    assert sorted((page, target) for page, target in named if target not in targets) == []


def test_design_notes_are_numbered_one_after_the_other() -> None:
    """Each note has a number of its own, none is left out, and its title begins with it."""
    notes = sorted((ROOT / "docs" / "design").glob("[0-9]*.md"))
    assert [note.name[:4] for note in notes] == [f"{number:04}" for number in range(1, len(notes) + 1)]
    assert [note.read_text()[:8] for note in notes] == [f"# {note.name[:4]}: " for note in notes]


def test_no_file_names_a_path_of_a_machine() -> None:
    """Nothing that is kept here knows where somebody's checkout, caches or home lay."""
    found = re.compile(rb"(?<![\w.])/(?:work|home/\w+|root/\.\w+)/")
    assert [str(path.relative_to(ROOT)) for path in tracked("*") if found.search(path.read_bytes())] == []
