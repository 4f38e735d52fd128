#!/usr/bin/env python3
"""Copy the sources that an interpreter would import, and nothing else of an image.

    python3 collect.py --output DIR [--max-files N] [--max-bytes N] [--model-file PATTERN --model-output MODELS]

It is one file without dependencies and runs on Python 3.6 and later, because it runs in images of others.
It copies Python sources, stubs, Cython sources and the names in extension modules (`.strings`) of every folder of
`sys.path` that is not the standard library, and writes DIR/collected.json: interpreter, packages, what was left out
and why. Model files that match a pattern are copied whole, each to its own path below MODELS.
Exit codes: 0 copied, 2 nothing to copy or DIR cannot be written, 4 a limit was passed.
"""

import argparse
import glob
import json
import os
import platform
import re
import shutil
import stat
import sys
import sysconfig
import zlib

SOURCES = (".py", ".pyi", ".pyx", ".pxd", ".pxi", ".pyx.tp", ".pxi.tp", ".pyx.in", ".pxi.in")
EXTENSIONS = (".so", ".pyd")
SKIPPED = {"__pycache__", ".git", "node_modules"}
METADATA = ("METADATA", "RECORD", "top_level.txt")
LARGEST_SOURCE = 16 * 2**20
LARGEST_EXTENSION = 96 * 2**20
DEEPEST = 64
LONGEST_LIST = 1000
ENTRIES_PER_FILE = 20
UNPICKLERS = re.compile(rb"__pyx_unpickle_[A-Za-z0-9_]+")
LONGEST_TABLE = 2**22  # bytes of a string table
PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]")  # how a string table begins that Cython packed: names without ends
NAMED = re.compile(rb"(?<=\0)[A-Za-z][A-Za-z0-9_.]{2,80}(?=\0)|(?<=\n)[A-Za-z0-9_.]{3,}(?=\n)")


class Refusal(Exception):
    """A reason to stop, with the exit code."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


def unpacked(data: bytes) -> bytes:
    """Give the string tables that Cython packed, a line for each run of letters."""
    found = []
    for start in PACKED.finditer(data):
        try:
            table = zlib.decompressobj().decompress(data[start.start() : start.start() + LONGEST_TABLE], LONGEST_TABLE)
        except zlib.error:
            continue
        found.append(re.sub(rb"[^A-Za-z0-9_.]+", b"\n", table))
    return b"\n".join([b"", *found, b""])


class Collector:
    """Copies folders into one tree, counts what it copies, keeps a list of what it does not."""

    def __init__(self, output: str, max_files: int, max_bytes: int) -> None:
        self.output = os.path.realpath(output)
        self.max_files = max_files
        self.max_bytes = max_bytes
        self.files = 0
        self.bytes = 0
        self.sources = 0
        self.entries = 0
        self.unlisted = 0
        self.skipped = []  # type: list
        self.packages = {}  # type: dict

    def collect(self, folder: str) -> None:
        """Copy the packages of one folder of sys.path; a package that an earlier folder gave is left alone."""
        root = os.path.realpath(folder)
        for name in sorted(os.listdir(root)):
            path = os.path.join(root, name)
            self._count(path, 1)
            if name.endswith((".dist-info", ".egg-info")):
                self._metadata(root, name)
            elif os.path.isdir(path):
                if (
                    name.isidentifier()
                    and name not in SKIPPED
                    and self._inside(root, path)
                    and self._is_new(path, name)
                ):
                    self._tree(root, path)
            elif name.endswith(SOURCES + EXTENSIONS):
                self._file(root, path)

    def _is_new(self, path, name):
        """A package of an earlier folder hides a later one; the parts of a namespace package are put together."""
        earlier = os.path.join(self.output, name)
        if not os.path.exists(earlier):
            return True
        if not any(os.path.exists(os.path.join(folder, "__init__.py")) for folder in (earlier, path)):
            return True
        self._skip(path, "hidden by a package of the same name in an earlier folder")
        return False

    def _tree(self, root, top):
        def unreadable(error):
            self._skip(error.filename, error.strerror)

        for where, folders, files in os.walk(top, onerror=unreadable):
            self._count(where, len(folders) + len(files))
            if where[len(root) :].count(os.sep) >= DEEPEST and folders:
                self._skip(where, "nested deeper than %d folders" % DEEPEST)
                folders[:] = []
            folders[:] = sorted(f for f in folders if f not in SKIPPED and self._inside(root, os.path.join(where, f)))
            for name in sorted(files):
                if name.endswith(SOURCES + EXTENSIONS):
                    self._file(root, os.path.join(where, name))

    def _inside(self, root, path):
        """A link must not lead out of the folder that it stands in."""
        if not os.path.islink(path):
            return True
        target = os.path.realpath(path)
        if target == root or target.startswith(root + os.sep):
            return False  # reached under its own name too
        self._skip(path, "a link out of its folder")
        return False

    def _file(self, root, path):
        relative = os.path.relpath(path, root)
        extension = os.path.splitext(path)[1] in EXTENSIONS
        data = self._read(root, path, LARGEST_EXTENSION if extension else LARGEST_SOURCE)
        if data is None:
            return
        target = os.path.join(self.output, relative)
        if extension:
            data, target = self._strings(relative, data), target + ".strings"
        self._keep(data, target, path)
        self.sources += 1

    def _read(self, root, path, largest):
        """The content of a plain file that stands in its folder; None, and a note, for anything else."""
        if not path.isprintable():
            return self._skip(path, "a name that no module has")
        try:
            if os.path.islink(path) and not os.path.realpath(path).startswith(root + os.sep):
                return self._skip(path, "a link out of its folder")
            if not stat.S_ISREG(os.stat(path).st_mode):  # to open a device may do something
                return self._skip(path, "not a regular file")
            fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            return self._skip(path, error.strerror)
        with os.fdopen(fd, "rb") as source:
            told = os.fstat(source.fileno())
            if not stat.S_ISREG(told.st_mode):
                return self._skip(path, "not a regular file")
            if told.st_size > largest:
                return self._skip(path, "larger than %d bytes" % largest)
            data = source.read(largest + 1)
        return data if len(data) <= largest else self._skip(path, "larger than %d bytes" % largest)

    def _keep(self, data, target, path):
        """Write a copy, within the limits."""
        self.files += 1
        self.bytes += len(data)
        if self.files > self.max_files:
            raise Refusal(4, "%s: more than %d files of source: raise --max-files" % (path, self.max_files))
        if self.bytes > self.max_bytes:
            raise Refusal(4, "%s: more than %d bytes of source: raise --max-bytes" % (path, self.max_bytes))
        if not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as copy:
                copy.write(data)

    def _count(self, path, entries):
        """Look at no more names than a large library has, wanted or not."""
        self.entries += entries
        if self.entries > self.max_files * ENTRIES_PER_FILE:
            most = self.max_files * ENTRIES_PER_FILE
            raise Refusal(4, "%s: more than %d files and folders: raise --max-files" % (path, most))

    def _strings(self, relative, data):
        """The names of an extension module that say something about its classes, as a JSON list."""
        folder, name = os.path.split(relative)
        module = ".".join([part for part in folder.split(os.sep) if part] + [name.split(".")[0]])
        qualified = re.compile(re.escape(module.encode()) + rb"\.[A-Za-z_][A-Za-z0-9_.]*")
        cython = b"__pyx" in data
        if cython:
            data += unpacked(data)
        found = set(qualified.findall(data)) | set(UNPICKLERS.findall(data))
        if cython:
            found |= set(NAMED.findall(data))
        return json.dumps(sorted(word.decode() for word in found)).encode()

    def _metadata(self, root, name):
        folder = os.path.join(root, name)
        if not os.path.isdir(folder) or os.path.islink(folder) or not name.isprintable():
            return
        stem = name.rsplit(".", 1)[0]
        distribution, _, version = stem.partition("-")
        self.packages[distribution] = version.split("-")[0]
        for part in METADATA:
            path = os.path.join(folder, part)
            if os.path.isfile(path) and not os.path.islink(path):
                data = self._read(root, path, LARGEST_SOURCE)
                if data is not None:
                    self._keep(data, os.path.join(self.output, name, part), path)

    def write_index(self, more: dict) -> None:
        """Write DIR/collected.json."""
        index = {
            "packages": self.packages,
            "files": self.files,
            "bytes": self.bytes,
            "skipped": self.skipped,
            "unlisted": self.unlisted,
        }
        index.update(more)
        with open(os.path.join(self.output, "collected.json"), "w") as out:
            json.dump(index, out, indent=1, sort_keys=True)

    def _skip(self, path, why):
        """Note what is left out; of very many, how many."""
        if len(self.skipped) < LONGEST_LIST:
            self.skipped.append({"path": path, "why": why})
        else:
            self.unlisted += 1


def folders():
    """The folders of sys.path but the standard library's and this file's own."""
    standard = {os.path.realpath(sysconfig.get_paths()[key]) for key in ("stdlib", "platstdlib")}
    standard |= {os.path.join(folder, "lib-dynload") for folder in standard}
    own = os.path.dirname(os.path.realpath(__file__))
    seen = []
    for entry in sys.path:
        path = os.path.realpath(entry or os.curdir)
        if os.path.isdir(path) and path not in standard and path != own and path not in seen and path != os.sep:
            seen.append(path)
    return seen


def copy_models(patterns, output, max_bytes):
    """Copy the files that match, links followed; what cannot be copied in full is refused by name."""
    left = max_bytes
    for pattern in patterns:
        found = [path for path in sorted(glob.glob(pattern, recursive=True)) if os.path.isfile(path)]
        if not found:
            raise Refusal(2, "No file of the image matches %s, which spec.model.files names." % pattern)
        for path in found:
            left -= os.path.getsize(path)
            if left < 0:
                raise Refusal(4, "The model files have more than %d bytes." % max_bytes)
            target = os.path.join(output, os.path.abspath(path).lstrip("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)


def main():
    """Copy, write the index, say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, help="folder to copy into; made when it is not there")
    parser.add_argument("--max-files", type=int, default=200000)
    parser.add_argument("--max-bytes", type=int, default=4 * 2**30)
    parser.add_argument("--model-file", action="append", default=[], help="pattern of model files to copy, too")
    parser.add_argument("--model-output", help="folder to copy them into")
    options = parser.parse_args()
    if options.model_file and not options.model_output:
        parser.error("--model-file needs --model-output")
    collector = Collector(options.output, options.max_files, options.max_bytes)
    try:
        os.makedirs(options.output, exist_ok=True)
        for folder in folders():
            collector.collect(folder)
        if not collector.sources:
            raise Refusal(2, "%s imports from no folder with sources: %s" % (sys.executable, ", ".join(folders())))
        copy_models(options.model_file, options.model_output, options.max_bytes)
        interpreter = {
            "executable": sys.executable,
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
        }
        collector.write_index({"interpreter": interpreter, "platform": platform.machine(), "folders": folders()})
    except (Refusal, OSError) as error:
        code = error.code if isinstance(error, Refusal) else 2
        print(json.dumps({"status": "error", "reason": "collect-failed", "sentence": str(error)}))
        return code
    print(
        json.dumps(
            {
                "status": "collected",
                "files": collector.files,
                "bytes": collector.bytes,
                "skipped": len(collector.skipped),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
