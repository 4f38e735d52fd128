"""Facts that are kept between analyses: what is copied, and what somebody hostile can do with them."""

from __future__ import annotations

import json
import os
import zlib
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pickleball_generate.facts import Environment, shared
from pickleball_generate.facts.store import Store, digest_of
from pickleball_generate.joern import Joern, default_jars
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def environment(library: Path, cache: Path) -> Iterator[Environment]:
    """Open a library; nothing is asked of Joern as long as the cache answers."""
    joern = Joern(default_jars(), 2**30)
    opened = Environment(Library([library]), joern, cache)
    yield opened
    opened.close()
    joern.close()


def test_facts_go_there_and_back(tmp_path: Path) -> None:
    """What one cache gave, another one takes; what it has already stays."""
    first, second, folder = tmp_path / "first", tmp_path / "second", tmp_path / "shared"
    with closing(Store(first / "facts" / "1-x.sqlite")) as store:
        store.put([("k", zlib.compress(b"{}"))])
    assert shared.give(first, folder) == []
    assert shared.take(folder, second) == []
    with closing(Store(second / "facts" / "1-x.sqlite")) as store:
        assert store.get("k") == b"{}"
    (folder / "facts" / "1-x.sqlite").write_bytes(b"other")
    assert shared.take(folder, second) == []
    with closing(Store(second / "facts" / "1-x.sqlite")) as store:
        assert store.get("k") == b"{}"


def test_a_folder_that_takes_nothing_is_a_note(tmp_path: Path) -> None:
    """Neither a file in the way nor a folder that is not there fails anything, and nothing half is left."""
    cache, folder = tmp_path / "cache", tmp_path / "shared"
    (cache / "facts").mkdir(parents=True)
    (cache / "facts" / "1-x.sqlite").write_bytes(b"x")
    folder.write_bytes(b"no folder")
    assert "facts not shared" in shared.give(cache, folder)[0]
    assert shared.take(tmp_path / "nowhere", cache) == []


def test_what_is_no_plain_file_is_not_taken(tmp_path: Path) -> None:
    """Links, fifos and huge sparse files stay where they are."""
    facts = tmp_path / "shared" / "facts"
    facts.mkdir(parents=True)
    (facts / "1-link.sqlite").symlink_to("/etc/passwd")
    os.mkfifo(facts / "1-fifo.sqlite")
    with (facts / "1-zeros.sqlite").open("wb") as file:
        file.truncate(shared.LARGEST + 1)
    notes = shared.take(tmp_path / "shared", tmp_path / "cache")
    assert len(notes) == 3
    assert not list((tmp_path / "cache").rglob("*.sqlite"))


def test_who_writes_kept_facts_decides_what_is_found(tmp_path: Path) -> None:
    """The attack that a folder for each source closes: facts under the digest of a file of others are believed.

    An analysis that was taken over writes them, and the next one of an honest library reads them.
    """
    honest = tmp_path / "honest"
    honest.mkdir()
    (honest / "lib.py").write_text("class Model:\n    pass\n")
    poison = {"file": "lib.py", "classes": [{"name": "WhateverTheAttackerLikes", "line": 1}]}
    with environment(honest, tmp_path / "hostile") as hostile:  # of which it needs the file's digest only
        hostile.store.put([(digest_of(honest / "lib.py"), zlib.compress(json.dumps(poison).encode()))])
    shared.give(tmp_path / "hostile", tmp_path / "shared")
    shared.take(tmp_path / "shared", tmp_path / "cache")
    with environment(honest, tmp_path / "cache") as victim:
        assert (victim.module("lib") or {})["classes"] == poison["classes"]
