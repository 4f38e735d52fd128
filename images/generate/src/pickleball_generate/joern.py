"""Joern's process: one Java machine for a run, asked package by package."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pickleball_generate.errors import AnalysisFailed, JoernCrashed, MissingTool
from pickleball_generate.memory import unbounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAIN = "pickleball.facts.Main"
SCHEMA = 3  # of the facts that the jars make; Main.scala says the same
OLDEST_JAVA = 11
LEAST_MEMORY = 256 * 2**20
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def default_jars() -> Path | None:
    """Find Joern's jars: PICKLEBALL_JOERN (the image sets it), else what `make joern` built of this source tree."""
    named = os.environ.get("PICKLEBALL_JOERN")
    if named:
        return Path(named)
    extractor = Path(__file__).parents[2] / "extractor"
    pom = extractor / "pom.xml"
    if pom.is_file():
        total = hashlib.sha256(pom.read_bytes())
        for source in sorted(path for path in (extractor / "src").rglob("*") if path.is_file()):
            total.update(source.read_bytes())
        built = [cache_folder() / f"joern-{total.hexdigest()[:12]}" / "build" / "jars"]
    else:
        built = sorted(cache_folder().glob("joern-*/build/jars"), key=lambda path: path.stat().st_mtime)
    return built[-1] if built and built[-1].is_dir() else None


def cache_folder() -> Path:
    """Say where expensive results are kept: PICKLEBALL_CACHE, else the user's cache folder."""
    named = os.environ.get("PICKLEBALL_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    return Path(named) if named else Path(home) / "pickleball"


def parse_memory(text: str) -> int:
    """Turn `4G`, `4Gi` or `512M` into bytes; MissingTool when it is no size or too small to start."""
    match = re.fullmatch(r"(\d+)([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if not match:
        raise MissingTool(f"--mem {text} is no amount of memory: write for example 4G or 512M.", reason="bad-memory")
    amount = int(match[1]) * UNITS[match[2].upper()]
    if amount < LEAST_MEMORY:
        raise MissingTool(f"--mem {text} is too little: Joern needs at least 256M, and 1G or more for large libraries.",
                          reason="too-little-memory")  # fmt: skip
    return amount


class Joern:
    """Extracts facts; starts Java at the first request, starts it again once when it dies.

    A `quick` Java compiles its code once and lightly, which costs a third less for some hundred modules; the full
    compiler pays for whole packages and for type recovery.
    """

    def __init__(self, jars: Path | None, memory: int, *, tries: int = 2, quick: bool = False) -> None:
        self.jars = jars
        self.memory = memory
        self.compiler = 1 if quick else 4
        self.tries = tries
        self.notes: list[str] = []
        self.failed: list[str] = []  # passes of type recovery that failed
        self.extracted = 0
        self.peak = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._greeted = False
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115

    @cached_property
    def version(self) -> str:
        """The sha256 of the extractor, in whose name facts are cached."""
        jar = next(checked_jars(self.jars).glob("facts-*.jar"))
        return hashlib.sha256(jar.read_bytes()).hexdigest()

    def extract(
        self, kind: str, root: Path, files: Sequence[str], progress: Callable[[str, int, int], None]
    ) -> Iterator[tuple[str, bytes]]:
        """Give the facts of `files` below `root`, zlib-compressed, in any order; `kind` is `ast` or `cpg`.

        A Java that dies is started again for what is missing. Syntax facts are then asked for file by file, so that the
        file on which it dies is known.
        """
        waiting = dict.fromkeys(files)
        for attempt in range(1, self.tries + 1):
            asked = [list(waiting)] if attempt == 1 or kind == "cpg" else [[file] for file in waiting]
            try:
                for some in asked:
                    for file, content in self._ask(kind, root, some, progress):
                        waiting.pop(file, None)
                        self.extracted += 1
                        yield file, content
            except _JavaDied as death:
                several = f" and {len(waiting) - 1} others" if len(waiting) > 1 else ""
                at = some[0] if len(some) == 1 else next(iter(waiting), "")
                self.notes.append(f"Joern ended while it read {root / at}{several} ({death}); try {attempt}")
            else:
                return
        raise JoernCrashed(f"Joern ended {self.tries} times while it read {root}: {death_of(self.notes)}")

    def close(self) -> None:
        """End Java for good; the peak of its memory stands in `peak` afterwards."""
        self._log.close()
        if self._process is not None:
            process, self._process = self._process, None
            self.peak = max(self.peak, _peak_of(process.pid))
            if process.stdin:
                process.stdin.close()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def _ask(
        self, kind: str, root: Path, files: Sequence[str], progress: Callable[[str, int, int], None]
    ) -> Iterator[tuple[str, bytes]]:
        process = self._start()
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        request = " ".join(quote(str(field), safe="/") for field in (kind, root, *files))
        try:
            process.stdin.write(request.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise _JavaDied(self._end()) from None
        for line in process.stdout:
            if not self._greeted:
                self._greet(line)
                continue
            answer: dict[str, Any] = json.loads(line[1:]) if line.startswith(b"@") and line.endswith(b"\n") else {}
            if "bytes" in answer:
                content = process.stdout.read(answer["bytes"])
                if len(content) < answer["bytes"]:
                    break
                yield answer["file"], content
            elif "step" in answer:
                progress(f"types: {answer['step']}", answer["done"], answer["of"])
            elif "error" in answer:
                raise AnalysisFailed(f"Joern could not write facts: {answer['error']}")
            elif "read" in answer:
                self.failed += answer.get("failed", ())
                self.peak = max(self.peak, _peak_of(process.pid))
                return
        raise _JavaDied(self._end())

    def _greet(self, line: bytes) -> None:
        """Check the first line: jars of another version speak another language."""
        if line.strip() != b'@{"schema":%d}' % SCHEMA:
            raise MissingTool(f"The jars in {self.jars} are of another version of PickleBall: run `make joern` again, "
                              "or name others with --joern-path.", reason="other-joern")  # fmt: skip
        self._greeted = True

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._greeted = False
            with unbounded():
                java = find_java()
            jars = checked_jars(self.jars)
            self._log.seek(0)
            self._log.truncate()
            command = [java, f"-Xmx{self.memory}", "-XX:+UseSerialGC", "-XX:-UsePerfData",
                       f"-XX:TieredStopAtLevel={self.compiler}", "-Xss8m", "-XX:+ExitOnOutOfMemoryError",
                       "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", f"{jars}/*", MAIN]  # fmt: skip
            with unbounded():
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
                )
        return self._process

    def _end(self) -> str:
        """Collect a process that died; say how it did."""
        process = self._process
        self._process = None
        if process is None:
            return "not started"
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self._log.seek(0)
        words = [line.strip() for line in self._log if line.strip()]
        return f"exit code {code}" + (f", {words[-1][:200]}" if words else "")


class _JavaDied(Exception):
    """Java ended before it answered."""


def death_of(notes: list[str]) -> str:
    """Give the last note, with advice where the reason is known."""
    last = notes[-1] if notes else "no reason known"
    if "exit code 3" in last or "OutOfMemory" in last:
        return f"{last}. It ran out of memory: give it more with --mem."
    if "exit code -9" in last:
        return f"{last}. Something killed it, most likely a limit on memory: raise the limit, or lower --mem below it."
    return last


def find_java() -> str:
    """Name a Java that is new enough; MissingTool says how to get one."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = java or shutil.which("java")
    if java is None:
        raise MissingTool("There is no Java on this machine: apt-get install default-jre-headless, or set JAVA_HOME.",
                          reason="no-java")  # fmt: skip
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if not match:
        raise MissingTool(f"{java} does not tell its version: {said.stderr.strip()[:200]}", reason="no-java")
    if int(match[1]) < OLDEST_JAVA:
        raise MissingTool(f"{java} is Java {match[1]}; Joern needs {OLDEST_JAVA} or later.", reason="old-java")
    return java


def checked_jars(jars: Path | None) -> Path:
    """Make sure that a folder holds Joern's jars and ours."""
    if jars is None:
        raise MissingTool("Joern's jars are not built: run `make joern`, or name their folder with --joern-path.",
                          reason="no-joern")  # fmt: skip
    have = [path.name for path in jars.glob("*.jar")] if jars.is_dir() else []
    for needed in ("facts-", "pysrc2cpg_3-"):
        if not any(name.startswith(needed) for name in have):
            raise MissingTool(f"--joern-path {jars} holds no {needed}*.jar: it must be the folder of `make joern`.",
                              reason="no-joern")  # fmt: skip
    return jars


def _peak_of(pid: int) -> int:
    """Read the largest resident size that a process had, in bytes; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(match[1]) * 1024 if match else 0
