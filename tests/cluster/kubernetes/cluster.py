"""A cluster's life: up, load images into it, look inside, down."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tools.images import archive

from . import certificates, node, record, supervisor
from .programs import ClusterError, ProgramFailed, find, run

if TYPE_CHECKING:
    from .record import Record

ROOT = Path(__file__).parents[3]
STARTED: dict[int, subprocess.Popen[bytes]] = {}
"""The outer processes that this process started and has to wait for."""


def up(directory: Path, binaries: Path, images: list[Path]) -> Record:
    """Start a cluster, load the images, and return when its node is ready for pods."""
    directory = directory.resolve()
    known = record.load(directory)
    if known and known.alive():
        load(known, images)
        return known
    need_root()
    if known is None and directory.exists() and any(directory.iterdir()):
        raise ClusterError(f"{directory} exists and is not a cluster's folder")
    if known:
        clean(known)
    directory.mkdir(parents=True, exist_ok=True)
    made = record.new(directory, binaries)
    made.save()
    certificates.make(made)
    start(made)
    archive.write(node.PAUSE, directory / "pause.tar", Path(made.program("pause")))
    supervisor.wait(made, "containerd", lambda: bool(inside(made, made.program("ctr"), "version")), 60)
    load(made, [directory / "pause.tar", *images])
    supervisor.wait(made, "the API server", lambda: supervisor.answers(made), 180)
    supervisor.wait(made, "a ready node", lambda: is_ready(made), 120)
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    supervisor.wait(made, "the default ServiceAccount", lambda: bool(supervisor.request(made, account)), 60)
    return made


def need_root() -> None:
    """Refuse to go on as anybody else."""
    if os.geteuid():
        raise ClusterError("the test cluster needs root: it makes network, mount and process namespaces")


def start(made: Record) -> None:
    """Start the supervisor in namespaces of its own and plug the veth pair into them."""
    command = [
        find("unshare"),
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child=SIGKILL",
        "--propagation",
        "private",
        sys.executable,
        "-m",
        __package__ or "",
        "supervise",
        "--state",
        made.directory,
    ]
    with (made.folder / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd=ROOT
        )
    STARTED[process.pid] = process
    made.pid, made.started = process.pid, record.start_time(process.pid)
    made.save()
    supervisor.wait(made, "the namespaces", lambda: has_own_network(made), 20)
    ip = find("ip")
    run(ip, "link", "add", made.link, "type", "veth", "peer", "name", "uplink", "netns", str(made.child()))
    run(ip, "addr", "add", f"{made.host_ip}/30", "dev", made.link)
    run(ip, "link", "set", made.link, "up")
    for network in (made.pod_cidr, made.service_cidr):
        run(ip, "route", "add", network, "via", made.node_ip)


def has_own_network(made: Record) -> bool:
    """Tell whether the process inside has left the machine's network namespace."""
    inside = Path(f"/proc/{made.child()}/ns/net").readlink()
    return inside != Path("/proc/self/ns/net").readlink()


def is_ready(made: Record) -> bool:
    """Tell whether the node reports that it takes pods."""
    conditions = supervisor.described(made, f"/api/v1/nodes/{record.NODE}")["status"]["conditions"]
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def load(made: Record, images: list[Path]) -> None:
    """Give images to the node, from archives, two at a time."""

    def import_one(image: Path) -> str:
        return inside(made, made.program("ctr"), "-n", "k8s.io", "images", "import", image.resolve())

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(import_one, images))


def inside(made: Record, *command: str | Path) -> str:
    """Run a program inside the node's namespaces."""
    return run(find("nsenter"), "--target", str(made.child()), "--net", "--mount", "--pid", "--", *command)


def down(directory: Path) -> None:
    """End a cluster and remove all that it left."""
    known = record.load(directory)
    if known is None:
        return
    if known.alive():
        # The supervisor ends its children; then the outer process, whose end ends what is left in the namespaces.
        with suppress(ProcessLookupError, FileNotFoundError, ClusterError):
            os.kill(known.child(), signal.SIGTERM)
        deadline = time.monotonic() + 15
        while known.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        if known.alive():
            os.kill(known.pid, signal.SIGKILL)
    if known.pid in STARTED:
        STARTED.pop(known.pid).wait()
    clean(known)


def clean(known: Record) -> None:
    """Remove a dead cluster's interface, cgroups and folder."""
    with suppress(ProgramFailed):  # it goes with the namespaces, mostly before we ask
        run(find("ip"), "link", "del", known.link)
    for path, _ in node.cgroups(known):
        deadline = time.monotonic() + 5
        while path.exists() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(path, topdown=False):
                with suppress(OSError):  # busy until the kernel has buried the last process
                    Path(folder).rmdir()
            time.sleep(0.05)
    shutil.rmtree(known.folder, ignore_errors=True)
