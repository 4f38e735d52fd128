"""Sources from elsewhere: a package index and a git server on this machine, and what hostile ones send."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import remotes
from tools import cache

from pickleball_generate.errors import BadInput, MissingTool
from pickleball_generate.fetch import index, wheels

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder over http; gives its address."""
    with remotes.server(str(folder), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fetch(*words: str | Path, home: Path) -> tuple[int, dict[str, Any]]:
    """Run `pickleball-generate fetch` with a Python that has pip, as the image has it; its code and last words."""
    (pip,) = list(cache.folder().glob("uv-*/lib/python3*/site-packages"))[:1]
    environment = {"PYTHONPATH": str(pip), "PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    command = [sys.executable, "-m", "pickleball_generate.cli", "fetch", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def from_index(folder: Path, *requirements: str, more: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    """Fetch requirements from the index below a folder into its folder `out`."""
    with served(folder) as address:
        asked = [f"--requirement={one}" for one in requirements]
        return fetch("pypi", *asked, "--index", f"{address}/simple", "--output", folder / "out", *more, home=folder)


def test_wheels_of_an_index_are_fetched_with_what_they_need(tmp_path: Path) -> None:
    """Sources of both are copied, and name, version and digest of each wheel are recorded."""
    one = remotes.add_wheel(tmp_path, "one", "1.5", {"one/__init__.py": "x = 1\n", "one/data.bin": b"\0"}, ("two>=2",))
    two = remotes.add_wheel(tmp_path, "two", "2.1", {"two.py": "y = 1\n"})
    code, said = from_index(tmp_path, "one<2")
    assert (code, said["status"]) == (0, "fetched"), said
    out = tmp_path / "out"
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "collected.json", "one-1.5.dist-info/METADATA", "one/__init__.py", "two-2.1.dist-info/METADATA", "two.py",
    ]  # fmt: skip
    recorded = json.loads((out / "collected.json").read_text())["origin"]
    assert recorded["packages"] == [
        {"name": name, "version": version, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for name, version, path in (("one", "1.5", one), ("two", "2.1", two))
    ]


def test_a_hash_is_demanded_where_it_is_given(tmp_path: Path) -> None:
    """The right one is taken; with another one nothing is, for good."""
    place = remotes.add_wheel(tmp_path, "one", "1.5", {"one.py": ""})
    right = hashlib.sha256(place.read_bytes()).hexdigest()
    assert from_index(tmp_path, f"one==1.5 --hash=sha256:{right}")[0] == 0
    code, said = from_index(tmp_path, f"one==1.5 --hash=sha256:{'0' * 64}")
    assert (code, said["reason"]) == (2, "hash")


def test_nothing_of_a_source_distribution_runs(tmp_path: Path) -> None:
    """An index that has no wheel, and a setup.py that would leave a mark: an error, and no mark."""
    place = tmp_path / "simple" / "one"
    place.mkdir(parents=True)
    content = f"open({str(tmp_path / 'mark')!r}, 'w')\n".encode()
    with tarfile.open(place / "one-1.0.tar.gz", "w:gz") as archive:
        for name in ("one-1.0/setup.py", "one-1.0/PKG-INFO"):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    (place / "index.html").write_text('<a href="one-1.0.tar.gz">one-1.0.tar.gz</a>')
    assert from_index(tmp_path, "one")[0] == 1
    assert not (tmp_path / "mark").exists()


def test_a_wheel_that_needs_something_to_be_built_starts_nothing(tmp_path: Path) -> None:
    """Wheels may demand archives and repositories by address, which pip builds, --only-binary or not: not here."""
    backend = f"open({str(tmp_path / 'mark')!r}, 'w')\n".encode()
    project = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    with tarfile.open(tmp_path / "evil-1.0.tar.gz", "w:gz") as archive:
        for name, content in {"evil-1.0/pyproject.toml": project, "evil-1.0/backend.py": backend}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    remotes.add_wheel(tmp_path, "one", "1.0", {"one.py": ""}, (f"evil @ file://{tmp_path}/evil-1.0.tar.gz",))
    remotes.add_wheel(tmp_path, "two", "1.0", {"two.py": ""}, (f"evil @ git+file://{tmp_path}/evil.git",))
    for name in ("one", "two"):
        code, said = from_index(tmp_path, name)
        assert (code, said["reason"]) == (1, "fetch-failed")
        assert not (tmp_path / "mark").exists()


INJECTIONS = [
    "--index-url=http://127.0.0.1:1/", "-r/etc/passwd", "one @ http://127.0.0.1/one.whl", "./one", "/one", "file:one",
    "one\n-r /etc/passwd", "one --hash=sha256:0", "one --install-option=x", "-e .", "one;python_version>'3'", "one #",
    "git+https://git.example/one", "one==1.0 --pre", "", "one\\", "${HOME}", "one --hash=md5:00", "one==$(id)",
]  # fmt: skip


@pytest.mark.parametrize("requirement", INJECTIONS)
def test_what_is_no_plain_requirement_is_refused(requirement: str, tmp_path: Path) -> None:
    """No option, address or path reaches pip."""
    with pytest.raises(BadInput) as refused:
        index.fetch([requirement], "", tmp_path, tmp_path)
    assert refused.value.reason == "bad-requirement"
    assert repr(requirement) in refused.value.sentence


@pytest.mark.skipif(find_spec("pip") is not None, reason="this environment has pip")
def test_without_pip_it_says_so(tmp_path: Path) -> None:
    """Outside of the image the Python may have none."""
    with pytest.raises(MissingTool, match="has no pip"):
        index.fetch(["one"], "", tmp_path, tmp_path)


def test_a_configuration_in_the_home_folder_is_not_read(tmp_path: Path) -> None:
    """A pip.conf that names another index changes nothing."""
    remotes.add_wheel(tmp_path, "one", "1.5", {"one.py": ""})
    for place in (".config/pip/pip.conf", ".pip/pip.conf"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("[global]\nno-index = true\nindex-url = http://127.0.0.1:1/\n")
    assert from_index(tmp_path, "one")[0] == 0


def link(name: str) -> zipfile.ZipInfo:
    """An entry that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_a_link_in_a_wheel_is_not_followed(tmp_path: Path) -> None:
    """It is left out; what it points to is not read."""
    place = remotes.add_wheel(tmp_path, "one", "1.5", {"one/__init__.py": ""})
    with zipfile.ZipFile(place, "a") as archive:
        archive.writestr(link("one/secret.py"), "/etc/passwd")
    assert from_index(tmp_path, "one")[0] == 0
    assert not (tmp_path / "out/one/secret.py").exists()


NAMES = ["../out.py", "/tmp/out.py", "one/../../out.py", "one//x.py", "one/a\nb.py", "one/\x1b[2J.py", "c:/x.py",
         "one\\..\\..\\x.py", f"one/{'x' * 300}.py", "one/" + "d/" * 600 + "x.py"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_wheel_with_a_hostile_name_is_refused(name: str, tmp_path: Path) -> None:
    """Nothing is written outside, and the error names wheel and entry in printable characters."""
    place = remotes.add_wheel(tmp_path, "one", "1.5", {"one/__init__.py": "", name: "x = 1\n"})
    (tmp_path / "inside").mkdir()
    with pytest.raises(BadInput) as refused:
        wheels.unpack(place, tmp_path / "inside", wheels.Budget(100, 10**6))
    assert refused.value.reason == "bad-wheel"
    assert "one-1.5-py3-none-any.whl" in refused.value.sentence
    assert refused.value.sentence.isprintable()
    assert not {path.name for path in tmp_path.rglob("*.py")} - {"__init__.py"}


def test_a_zip_bomb_ends_at_a_limit(tmp_path: Path) -> None:
    """One file of zeros, many files of zeros, many entries: an error that names the place."""
    remotes.add_wheel(tmp_path, "one", "1.0", {"one/__init__.py": b" " * (17 * 2**20)})
    code, said = from_index(tmp_path, "one==1.0")
    assert (code, said["reason"]) == (4, "too-large")
    assert "one/__init__.py" in said["sentence"]
    remotes.add_wheel(tmp_path, "one", "2.0", {f"one/m{number}.py": b" " * 2**20 for number in range(12)})
    code, said = from_index(tmp_path, "one==2.0", more=("--max-bytes", str(8 * 2**20)))
    assert (code, said["reason"]) == (4, "too-large")
    remotes.add_wheel(tmp_path, "one", "3.0", {f"one/d{number}.txt": "" for number in range(100)})
    code, said = from_index(tmp_path, "one==3.0", more=("--max-files", "20"))
    assert (code, said["reason"]) == (4, "too-large")


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    """What an installer takes and what a reader takes may differ: neither is guessed."""
    place = remotes.add_wheel(tmp_path, "one", "1.5", {"one/__init__.py": "x = 1\n"})
    with zipfile.ZipFile(place, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("one/__init__.py", "x = 2\n")
    assert from_index(tmp_path, "one")[1]["reason"] == "bad-wheel"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a package below `src`, a link out of it, a hook and a filter that would leave marks."""
    folder = tmp_path / "work.git"
    (folder / "src/one").mkdir(parents=True)
    (folder / "src/one/__init__.py").write_text("x = 1\n")
    (folder / "src/one/secret.py").symlink_to("/etc/passwd")
    (folder / ".gitattributes").write_text("*.py filter=mark\n")
    (folder / ".lfsconfig").write_text("[lfs]\nurl = http://127.0.0.1:1/\n")
    remotes.git(tmp_path, "init", "--quiet", "work.git")
    remotes.git(folder, "add", "--all")
    remotes.git(folder, "commit", "--quiet", "--message=one")
    remotes.git(folder, "tag", "v1")
    return folder


def from_git(folder: Path, ref: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Fetch a commit of the repository `work`."""
    with served(folder) as address:
        words = ["git", "--url", f"{address}/work.git/.git", f"--ref={ref}", "--output", folder / "out", *more]
        return fetch(*words, home=folder)


def test_a_commit_is_fetched_and_recorded(repository: Path) -> None:
    """Sources below a path of one commit; links, filters and hooks of the repository do nothing."""
    folder = repository.parent
    commit = remotes.git(repository, "rev-parse", "HEAD")
    mark = folder / "mark"
    (folder / ".gitconfig").write_text(f'[filter "mark"]\n smudge = touch {mark}\n[core]\n fsmonitor = touch {mark}\n')
    code, said = from_git(folder, commit, "--path", "src")
    assert (code, said.get("origin", {}).get("commit")) == (0, commit), said
    copied = sorted(str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*.py"))
    assert copied == ["one/__init__.py", "one/secret.py"]
    assert (folder / "out/one/secret.py").read_text() == "/etc/passwd"  # the link's text, not what it points to
    assert not mark.exists()


def test_a_commit_that_is_not_there_says_so(repository: Path) -> None:
    """It is an error of the spec, not one of the network."""
    code, said = from_git(repository.parent, "0" * 40)
    assert (code, said["reason"]) == (2, "no-such-ref")


@pytest.mark.parametrize("ref", ["main", "v1", "HEAD", "abc123"])
def test_in_the_clear_only_a_whole_commit_id_is_taken(repository: Path, ref: str) -> None:
    """Whoever sits on the way could answer anything else."""
    code, said = from_git(repository.parent, ref)
    assert (code, said["reason"]) == (2, "bad-ref")


@pytest.mark.parametrize(
    ("url", "ref"),
    [("--upload-pack=touch mark", "HEAD"), ("ext::sh -c id", "HEAD"), ("file:///etc", "HEAD"), ("/etc", "HEAD"),
     ("https://0.0.0.0:word@git.example/x", "HEAD"), ("https://git.example/x", "--upload-pack=x"),
     ("https://git.example/x", "a b"), ("https://git.example/x", "a..b"), ("https://git.example/../x", "HEAD"),
     ("ssh://git.example/x", "HEAD"), ("https://git.example/x\n", "HEAD"), ("https://git.example/x", "+refs/*:y")],
)  # fmt: skip
def test_addresses_and_refs_that_mean_something_else_are_refused(url: str, ref: str, tmp_path: Path) -> None:
    """No option, helper, local path or password reaches git."""
    code, said = fetch("git", f"--url={url}", f"--ref={ref}", "--output", tmp_path / "out", home=tmp_path)
    assert code == 2
    assert said["reason"] in ("bad-url", "bad-ref")


def test_a_path_that_leads_out_of_the_repository_is_refused(repository: Path) -> None:
    """Neither dots nor anything else gets out."""
    commit = remotes.git(repository, "rev-parse", "HEAD")
    assert from_git(repository.parent, commit, "--path", "../..")[1]["reason"] == "no-package"


def test_a_folder_is_copied_without_what_leads_out_of_it(tmp_path: Path) -> None:
    """Links out of it, fifos and huge sparse files stay behind, each with its reason."""
    site = tmp_path / "site/one"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("x = 1\n")
    (site / "secret.py").symlink_to("/etc/passwd")
    os.mkfifo(site / "fifo.py")
    with (site / "zeros.py").open("wb") as file:
        file.truncate(10 * 2**30)
    code, said = fetch("folder", "--from", tmp_path / "site", "--output", tmp_path / "out", home=tmp_path)
    assert (code, said["files"]) == (0, 1)
    why = {
        Path(one["path"]).name: one["why"]
        for one in json.loads((tmp_path / "out/collected.json").read_text())["skipped"]
    }
    assert set(why) == {"secret.py", "fifo.py", "zeros.py"}
