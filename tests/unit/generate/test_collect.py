"""The collector of an image's sources, run as images run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from pickleball_generate import collect
from pickleball_generate.facts.extensions import strings_of

PROGRAM = Path(collect.__file__)


def run(site: Path, output: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the collector with an interpreter that imports from `site` only."""
    command = [sys.executable, "-S", "-s", str(PROGRAM), "--output", str(output), *flags]
    return subprocess.run(command, env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False)


def write(site: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_sources_metadata_and_names_of_extensions_are_copied(tmp_path: Path) -> None:
    """Nothing else of the image is: no data, no bytecode, no machine code."""
    site, output = tmp_path / "site", tmp_path / "out"
    write(site, {
        "p/__init__.py": "x = 1\n",
        "p/_c.cpython-311-x86_64-linux-gnu.so": "\0p._c.Node\0__pyx_unpickle_Node\0os.system",
        "p/_c.pyx": "cdef class Node: pass\n", "p/data.bin": "secret", "p/__pycache__/p.pyc": "", "single.py": "",
        "p-1.2.dist-info/METADATA": "Name: p\n", "p-1.2.dist-info/secret": "s",
    })  # fmt: skip
    done = run(site, output)
    assert done.returncode == 0, done.stdout + done.stderr
    copied = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    assert copied == [
        "collected.json", "p-1.2.dist-info/METADATA", "p/__init__.py", "p/_c.cpython-311-x86_64-linux-gnu.so.strings",
        "p/_c.pyx", "single.py",
    ]  # fmt: skip
    names = json.loads((output / "p/_c.cpython-311-x86_64-linux-gnu.so.strings").read_text())
    assert names == ["__pyx_unpickle_Node", "p._c.Node"]
    assert json.loads((output / "collected.json").read_text())["packages"] == {"p": "1.2"}


def test_names_that_cython_packed_are_copied_as_the_analysis_reads_them(tmp_path: Path) -> None:
    """The list has what the analysis would find in the module itself."""
    site, output = tmp_path / "site", tmp_path / "out"
    table = zlib.compress(b"'p.base'BaseClassnumpyobj\x80\x01<x>" + bytes(range(128, 256)))
    write(site, {"p/__init__.py": ""})
    (site / "p/_c.so").write_bytes(b"\x7fELF\0p._c.Node.f\0__pyx_capi__\0time\0" + table + b"\0\x78\x9cbroken\0")
    assert run(site, output).returncode == 0
    names = json.loads((output / "p/_c.so.strings").read_text())
    assert names == ["BaseClassnumpyobj", "p._c.Node.f", "p.base", "time"]
    assert strings_of(site / "p/_c.so", "p._c") == set(names)


@pytest.mark.parametrize("link", ["linked", "p/linked", "p/linked.py", "linked.py"])
def test_links_do_not_lead_out_of_their_folder(link: str, tmp_path: Path) -> None:
    """What lies behind such a link is not copied, and the index names it."""
    site, outside, output = tmp_path / "site", tmp_path / "outside", tmp_path / "out"
    write(site, {"p/__init__.py": ""})
    write(outside, {"secret.py": "password = 1\n"})
    (site / link).symlink_to(outside / "secret.py" if link.endswith(".py") else outside)
    assert run(site, output).returncode == 0
    assert not [path for path in output.rglob("*.py") if "password" in path.read_text()]
    skipped = json.loads((output / "collected.json").read_text())["skipped"]
    assert [entry["path"] for entry in skipped] == [str(site / link)]


def test_what_is_no_regular_file_is_skipped(tmp_path: Path) -> None:
    """A pipe that would block for ever, and a link to a device, are named and passed over."""
    site, output = tmp_path / "site", tmp_path / "out"
    write(site, {"p/__init__.py": ""})
    os.mkfifo(site / "p/pipe.py")
    (site / "p/zero.py").symlink_to("/dev/zero")
    assert run(site, output).returncode == 0
    skipped = {entry["path"]: entry["why"] for entry in json.loads((output / "collected.json").read_text())["skipped"]}
    assert skipped == {
        str(site / "p/pipe.py"): "not a regular file",
        str(site / "p/zero.py"): "a link out of its folder",
    }


@pytest.mark.parametrize(("flag", "word"), [("--max-files", "files"), ("--max-bytes", "bytes")])
def test_limits_end_the_copy_with_a_reason(flag: str, word: str, tmp_path: Path) -> None:
    """More than the limit is an error of its own, and leaves no index that looks complete."""
    site, output = tmp_path / "site", tmp_path / "out"
    write(site, {f"p/m{n}.py": "x = 1\n" for n in range(5)})
    done = run(site, output, flag, "3")
    assert done.returncode == 4
    assert f"more than 3 {word}" in json.loads(done.stdout)["sentence"]
    assert not (output / "collected.json").exists()


def test_the_parts_of_a_namespace_package_come_together_and_a_hidden_package_is_named(tmp_path: Path) -> None:
    """A package without `__init__` is the sum of its parts; one with it hides those of later folders."""
    first, second, output = tmp_path / "one", tmp_path / "two", tmp_path / "out"
    write(first, {"ns/a/__init__.py": "", "p/__init__.py": "first = 1\n"})
    write(second, {"ns/b/__init__.py": "", "p/__init__.py": "second = 2\n"})
    command = [sys.executable, "-S", "-s", str(PROGRAM), "--output", str(output)]
    path = f"{first}{os.pathsep}{second}"
    assert subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, check=False).returncode == 0
    assert (output / "ns/a/__init__.py").exists()
    assert (output / "ns/b/__init__.py").exists()
    assert (output / "p/__init__.py").read_text() == "first = 1\n"
    assert [entry["path"] for entry in json.loads((output / "collected.json").read_text())["skipped"]] == [
        str(second / "p")
    ]


def test_an_interpreter_without_packages_is_told_so(tmp_path: Path) -> None:
    """An image without libraries ends in a sentence that names the folders that were looked at."""
    (tmp_path / "site").mkdir()
    done = run(tmp_path / "site", tmp_path / "out")
    assert done.returncode == 2
    assert str(tmp_path / "site") in json.loads(done.stdout)["sentence"]


def test_the_program_is_written_for_old_interpreters() -> None:
    """It compiles as Python 3.6 and imports nothing but the standard library."""
    import ast

    tree = ast.parse(PROGRAM.read_text(), feature_version=(3, 6))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_model_files_are_copied_to_their_own_paths(tmp_path: Path) -> None:
    """Files that match, links followed, each below the folder by its own path; no folder and no pipe."""
    site, models, output = tmp_path / "site", tmp_path / "models", tmp_path / "out"
    write(site, {"p/__init__.py": ""})
    write(models, {"blobs/1": "model", "b.pkl": "other", "c.txt": "no model", "d.pkl/x": "a folder"})
    (models / "a.pkl").symlink_to(models / "blobs" / "1")
    os.mkfifo(models / "e.pkl")
    done = run(site, output, f"--model-file={models}/*.pkl", "--model-output", str(tmp_path / "copies"))
    assert done.returncode == 0, done.stdout + done.stderr
    found = [path for path in (tmp_path / "copies").rglob("*.pkl") if path.is_file()]
    copied = {str(path.relative_to(tmp_path / "copies")): path.read_text() for path in found}
    below = str(models).lstrip("/")
    assert copied == {f"{below}/a.pkl": "model", f"{below}/b.pkl": "other"}
    assert not (tmp_path / "copies" / below / "a.pkl").is_symlink()


@pytest.mark.parametrize(
    ("pattern", "limit", "code", "says"),
    [("none*.pkl", 10**6, 2, "No file of the image matches"), ("*.pkl", 20, 4, "more than 20 bytes")],
)
def test_model_files_that_cannot_be_copied_are_named(
    tmp_path: Path, pattern: str, limit: int, code: int, says: str
) -> None:
    """A pattern without a file, and files beyond the limit: an exit code and a sentence."""
    site, models = tmp_path / "site", tmp_path / "models"
    write(site, {"p.py": "x"})
    write(models, {"a.pkl": "x" * 30})
    flags = [f"--model-file={models}/{pattern}", "--model-output", str(tmp_path / "copies"), f"--max-bytes={limit}"]
    done = run(site, tmp_path / "out", *flags)
    assert done.returncode == code
    assert says in json.loads(done.stdout)["sentence"]


def test_a_great_many_names_end_at_a_limit_that_names_the_place(tmp_path: Path) -> None:
    """Names count, whatever they are names of; those of what is left out are listed up to a bound."""
    site = tmp_path / "site"
    write(site, {"p/__init__.py": "", "p/many/__init__.py": ""})
    for number in range(1500):
        (site / "p/many" / f"{number}.py").symlink_to("/etc/passwd")
    assert run(site, tmp_path / "out").returncode == 0
    index = json.loads((tmp_path / "out/collected.json").read_text())
    assert (len(index["skipped"]), index["unlisted"]) == (1000, 500)
    done = run(site, tmp_path / "other", "--max-files", "50")
    assert done.returncode == 4
    assert "p/many: more than 1000 files and folders" in json.loads(done.stdout)["sentence"]


def test_odd_names_and_depths_are_left_out(tmp_path: Path) -> None:
    """Names with newlines, escapes and no UTF-8, and folders beyond any library's depth, stay behind and are named."""
    site, output = tmp_path / "site", tmp_path / "out"
    write(site, {"p/__init__.py": "", "p/a\nb.py": "", "p/\x1b[2J.py": "", "/".join(["p", *"d" * 80, "x.py"]): ""})
    Path(os.fsdecode(os.fsencode(site) + b"/p/\xff.py")).write_text("")
    assert run(site, output).returncode == 0
    assert [path.name for path in output.rglob("*.py")] == ["__init__.py"]
    why = {one["why"] for one in json.loads((output / "collected.json").read_text())["skipped"]}
    assert why == {"a name that no module has", "nested deeper than 64 folders"}


def test_devices_and_metadata_elsewhere_are_not_opened(tmp_path: Path) -> None:
    """A device that looks like a module, and metadata behind a link, stay behind."""
    site, outside, output = tmp_path / "site", tmp_path / "outside.dist-info", tmp_path / "out"
    write(site, {"p/__init__.py": ""})
    write(outside, {"METADATA": "secret"})
    (site / "q-1.dist-info").symlink_to(outside)
    if os.geteuid() == 0:
        os.mknod(site / "p/zero.py", 0o666 | 0o020000, os.makedev(1, 5))
    assert run(site, output).returncode == 0
    assert sorted(path.name for path in output.rglob("*") if path.is_file()) == ["__init__.py", "collected.json"]


def test_metadata_counts_too(tmp_path: Path) -> None:
    """Huge metadata does not get past the limit on bytes."""
    site = tmp_path / "site"
    write(site, {"p/__init__.py": "", **{f"d{number}-1.dist-info/METADATA": "x" * 100_000 for number in range(20)}})
    done = run(site, tmp_path / "out", "--max-bytes", "1000000")
    assert done.returncode == 4
    assert "METADATA" in json.loads(done.stdout)["sentence"]
