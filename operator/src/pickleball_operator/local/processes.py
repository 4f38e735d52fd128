"""Containers as local processes: the same commands, with each mount's path replaced by a folder on this machine."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pickleball_operator import names
from pickleball_operator.decide.files import folder as model_folder
from pickleball_operator.decide.files import in_pod
from pickleball_operator.errors import LocalError
from pickleball_operator.kube import Kube, Manifest, Ref
from pickleball_operator.text import clip

from .node import Exit

OURS = ("pickleball", "pickleball-generate", "pickleball-operator")
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME")
MESSAGE = 4096
READY_SECONDS = 60.0
SETTLE_SECONDS = 3.0
NOT_FOUND = 128

Publisher = Callable[[Path, str, str], int]
Say = Callable[[str], None]


@dataclass
class Machine:
    """What stands for the images, the volumes and the cluster."""

    folder: Path
    python: str
    """Interpreter of the workload's image."""
    cache: Path
    """Stands for the analysis' cache, and outlives it."""
    joern: Path | None
    paths: Mapping[str, Path]
    """Folders of the workload's image or volumes, and where they are here."""
    command: tuple[str, ...]
    """What the application's image runs when the template has no command."""
    say: Say = print


@dataclass
class Processes:
    """Runs containers as processes; see `local.node.Runner`."""

    machine: Machine
    kube: Kube
    publish: Publisher
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def step(self, pod: Manifest, container: Manifest) -> Exit:
        """Run a container to its end."""
        places = self._places(pod, container)
        words = self._words(pod, container, places)
        self.machine.say(f"  {container['name']}: {' '.join(container.get('command') or words)}")
        if words[:2] == ["pickleball-operator", "publish"]:
            return self._publish(words)
        log, report = self._log(pod, container, "log"), self._log(pod, container, "violations")
        try:
            with log.open("wb") as out:
                done = subprocess.run(
                    self._program(words), env=self._environment(container, places, report), cwd=self.machine.folder,
                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False,
                )  # fmt: skip
        except OSError as error:
            return Exit(NOT_FOUND, f"exec: {words[0]}: {error.strerror}", "StartError")
        return Exit(done.returncode, "" if done.returncode == 0 else self._message(log, report))

    def serve(self, pod: Manifest, container: Manifest) -> Exit | None:
        """Start the application and wait until it is ready or has ended."""
        places = self._places(pod, container)
        words = self._words(pod, container, places)
        self.machine.say(f"  {container['name']}: {' '.join(words)}")
        log, report = self._log(pod, container, "log"), self._log(pod, container, "violations")
        try:
            with log.open("wb") as out:
                process = subprocess.Popen(
                    self._program(words), env=self._environment(container, places, report), cwd=self.machine.folder,
                    stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            return Exit(NOT_FOUND, f"exec: {words[0]}: {error.strerror}", "StartError")
        self.running.append(process)
        code = _wait(process, container)
        return None if code is None else Exit(code, "" if code == 0 else self._message(log, report))

    def log(self, pod: Manifest, container: Manifest) -> str:
        """See `local.node.Runner`; the records stand in a file of their own here, and in a pod's log on a cluster."""
        paths = [self._log(pod, container, kind) for kind in ("log", "violations")]
        return "\n".join(path.read_text(errors="replace") for path in paths if path.is_file())

    def stop(self) -> None:
        """End what was started."""
        for process in self.running:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def _publish(self, words: list[str]) -> Exit:
        given = dict(zip(words[2::2], words[3::2], strict=True))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = self.publish(Path(given["--result"]), given["--namespace"], given["--configmap"])
        return Exit(code, out.getvalue())

    def _words(self, pod: Manifest, container: Manifest, places: Mapping[str, Path]) -> list[str]:
        own = container.get("command")
        words = [*(own or self.machine.command), *(container.get("args") or ())]
        if not words:
            raise LocalError(
                f"Container {container['name']} of {pod['metadata']['name']} has no command in the template;"
                " say with --app-command what its image runs."
            )
        translated = [translate(word, places) for word in words]
        if translated[0] == "pickleball-generate" and container["name"] == names.ANALYSE and self.machine.joern:
            translated += ["--joern-path", str(self.machine.joern)]
        return translated

    def _program(self, words: list[str]) -> list[str]:
        """The command line with its program found on this machine."""
        if words[0] in OURS:
            return [str(Path(sys.executable).with_name(words[0])), *words[1:]]
        if re.fullmatch(r"python[0-9.]*", words[0]):
            return [self.machine.python, *words[1:]]
        return words

    def _environment(self, container: Manifest, places: Mapping[str, Path], report: Path) -> dict[str, str]:
        ours = (container.get("command") or [""])[0] in OURS
        env = dict(os.environ) if ours else {name: os.environ[name] for name in KEPT if name in os.environ}
        for one in container.get("env") or ():
            if one["name"] != "HOME" or not ours:
                env[one["name"]] = translate(str(one.get("value") or ""), places)
        if not ours:
            env["PICKLEBALL_VIOLATIONS"] = str(report)
        return env

    def _places(self, pod: Manifest, container: Manifest) -> dict[str, Path]:
        """Each mount's path in the container, and the folder that stands for it."""
        volumes = {one["name"]: one for one in pod["spec"].get("volumes") or ()}
        places: dict[str, Path] = {}
        for mount in container.get("volumeMounts") or ():
            here = self.machine.paths.get(in_pod(mount["mountPath"]))
            if here is not None:
                places[mount["mountPath"]] = here
                continue
            folder = self._volume(pod, volumes[mount["name"]])
            if mount.get("subPath"):
                folder = folder / mount["subPath"]
            folder.mkdir(parents=True, exist_ok=True)
            places[mount["mountPath"]] = folder
        copied = places.get(model_folder(0))
        if copied is not None:  # files of the image lie there by their paths, which are others on this machine
            for inside, here in self.machine.paths.items():
                places[f"{model_folder(0)}{inside}"] = copied / str(here).lstrip("/")
        return {**places, **self.machine.paths}

    def _volume(self, pod: Manifest, volume: Manifest) -> Path:
        if volume["name"] == "cache" and pod["metadata"]["labels"].get(names.PART) == "analysis":
            return self.machine.cache
        folder = self._folder(pod) / str(volume["name"])
        source = volume.get("configMap")
        if source is not None and not folder.exists():
            stored = self.kube.get(Ref("ConfigMap", pod["metadata"]["namespace"], source["name"]))
            if stored is None:
                raise LocalError(f"There is no ConfigMap {source['name']}; add it to the file.")
            _unpack(stored, folder, source.get("items"))
        return folder

    def _folder(self, pod: Manifest) -> Path:
        return self.machine.folder / "pods" / str(pod["metadata"]["name"])

    def _log(self, pod: Manifest, container: Manifest, kind: str) -> Path:
        folder = self._folder(pod)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{container['name']}.{kind}"

    def _message(self, log: Path, report: Path) -> str:
        """The termination message: what the enforcer reported, else the end of the log."""
        for path in (report, log):
            if path.is_file() and path.stat().st_size:
                return path.read_text(errors="replace")[-MESSAGE:] if path == log else _lines(path)
        return ""


def translate(text: str, places: Mapping[str, Path]) -> str:
    """A text with each path below a mount replaced by the path here."""
    if not places:
        return text
    longest = sorted(places, key=len, reverse=True)
    pattern = "|".join(re.escape(place) for place in longest)
    return re.sub(rf"(?<![\w./-])({pattern})(?=/|:|$|\s)", lambda match: str(places[match[1]]), text)


def call(container: Manifest, path: str, body: str | None) -> str:
    """Ask the running application over HTTP, as its clients do."""
    port = (container.get("ports") or [{}])[0].get("containerPort")
    if not isinstance(port, int):
        raise LocalError(f"Container {container['name']} names no port; --call needs one.")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET" if body is None else "POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return clip(answer.read(65536).decode(errors="replace"), 4000)
    except OSError as error:
        raise LocalError(f"{path} of container {container['name']} does not answer: {error}") from error
    finally:
        connection.close()


def _lines(path: Path) -> str:
    """The first records that fit, whole lines only, as the enforcer writes them for a kubelet."""
    kept: list[str] = []
    size = 0
    for line in path.read_text(errors="replace").splitlines(keepends=True):
        size += len(line.encode())
        if size > MESSAGE and kept:
            break
        kept.append(line)
    return "".join(kept)[:MESSAGE]


def _unpack(stored: Manifest, folder: Path, items: list[dict[str, Any]] | None) -> None:
    files = {name: text.encode() for name, text in (stored.get("data") or {}).items()}
    files |= {name: b64decode(text) for name, text in (stored.get("binaryData") or {}).items()}
    wanted = {one["key"]: one["path"] for one in items} if items else {name: name for name in files}
    folder.mkdir(parents=True)
    for name, path in wanted.items():
        (folder / Path(path).name).write_bytes(files[name])


def _wait(process: subprocess.Popen[bytes], container: Manifest) -> int | None:
    """Wait for readiness (None) or the end (its code)."""
    probe = (container.get("readinessProbe") or {}).get("httpGet")
    end = time.monotonic() + (READY_SECONDS if probe else SETTLE_SECONDS)
    while time.monotonic() < end:
        if probe and _answers(probe):
            return None
        try:
            return process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    if probe:
        raise LocalError(f"Container {container['name']} was not ready after {READY_SECONDS:.0f} seconds.")
    return None


def _answers(probe: Mapping[str, Any]) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", int(probe["port"]), timeout=2)
    try:
        connection.request("GET", probe.get("path") or "/")
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
