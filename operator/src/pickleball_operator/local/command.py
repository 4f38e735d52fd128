"""The command line of `pickleball-operator local`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pickleball_operator import settings as settings_of
from pickleball_operator.controller.clock import utc
from pickleball_operator.errors import LocalError, SpecError
from pickleball_operator.kube.memory import Memory

from .local import Local, has_policy, is_ready, summary
from .processes import Machine, Processes, call

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from pickleball_operator.kube import Kube, Manifest

    Publish = Callable[[Path, Kube, str, str], int]

IMAGES = {
    "operator_image": "pickleball-operator:local",
    "enforce_image": "pickleball-enforce:local",
    "generate_image": "pickleball-generate:local",
}
"""What `render` and `local` write where the environment names no images."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument(
        "-f", "--filename", required=True, type=Path, help="file with the ModelDeployment and ConfigMaps that it needs"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="folder for the objects and the pods' files; what an earlier run left in it is removed",
    )
    parser.add_argument(
        "--python", default=sys.executable, help="interpreter that stands for the workload's image (default: this one)"
    )
    parser.add_argument("--joern-path", type=Path, help="Joern's jars, for the generator")
    parser.add_argument("--cache-path", type=Path, help="where facts are kept between runs (default: the generator's)")
    parser.add_argument(
        "--path", action="append", default=[], metavar="/IN/POD=HERE", help="a folder of the image or of a volume"
    )
    parser.add_argument("--app-command", default="", help="what the image runs when the template has no command")
    parser.add_argument("--start", action="store_true", help="also run the pod: install, self-test, the application")
    parser.add_argument("--call", metavar="PATH", help="ask the running application over HTTP and print its answer")
    parser.add_argument("--body", metavar="JSON", help="what to POST with --call")


def run(options: argparse.Namespace, publish: Publish) -> int:
    """Run it; 0 when the pod is Ready (or, without --start, the policy in force), 1 when not."""
    if not has_program(options.python):
        raise LocalError(f"{options.python} (--python) is no program here.")
    settings = settings_of.read(os.environ, {**IMAGES, "witness": False})
    kube = Memory(utc)
    local = Local(kube, settings, utc)
    local.load(read_all(options.filename))
    output = options.output.resolve()
    machine = Machine(
        folder=output,
        python=options.python,
        cache=(options.cache_path or default_cache(os.environ)).resolve(),
        joern=options.joern_path and options.joern_path.resolve(),
        paths=dict(map(_path, options.path)),
        command=tuple(shlex.split(options.app_command)),
    )
    for part in ("pods", "objects"):  # of an earlier run
        shutil.rmtree(output / part, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    processes = Processes(machine, kube, lambda folder, namespace, name: publish(folder, kube, namespace, name))
    try:
        deployment = local.analyse(processes)
        if options.start and has_policy(deployment):
            print("pod:", flush=True)
            deployment = local.start(processes)
            if options.call and is_ready(deployment):
                print(f"  {options.call}: {_answer(kube, options)}", flush=True)
    finally:
        processes.stop()
        local.write(output / "objects")
    print("conditions:")
    for line in summary(deployment):
        print(f"  {line}")
    for violation in (deployment.get("status") or {}).get("violations") or ():
        print(f"violation of {violation['rule']} at offset {violation.get('offset')}: {violation['sentence']}")
    here = os.path.relpath(output)
    print(f"The objects lie in {here}/objects, the pods' files and logs in {here}/pods.")
    return 0 if (is_ready if options.start else has_policy)(deployment) else 1


def read_all(path: Path) -> list[Manifest]:
    """The manifests of a YAML or JSON file."""
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one is not None]
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise SpecError((f"{path}: cannot be read: {error}",)) from error
    for document in documents:
        if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
            raise SpecError((f"{path}: holds something that is no manifest.",))
    return documents


def default_cache(environment: Mapping[str, str]) -> Path:
    """Where the generator keeps facts when it is not told: a run after a run of its command is warm."""
    if environment.get("PICKLEBALL_CACHE"):
        return Path(environment["PICKLEBALL_CACHE"])
    caches = environment.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "pickleball"


def has_program(name: str) -> bool:
    """Whether a program of this name or path is there."""
    return any(os.access(Path(folder) / name, os.X_OK) for folder in ("", *os.get_exec_path()))


def _path(text: str) -> tuple[str, Path]:
    inside, _, here = text.partition("=")
    if not inside.startswith("/") or not here:
        raise LocalError(f"--path {text}: write /in/pod=folder.")
    return inside.rstrip("/"), Path(here).resolve()


def _answer(kube: Kube, options: argparse.Namespace) -> str:
    (pod, *_) = kube.list("Pod", None, {"pickleball.dev/part": "workload"})
    return call(pod["spec"]["containers"][0], options.call, options.body)
