"""What is known of one cluster: its addresses, folders and outer process, kept in DIR/cluster.json."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from .programs import ClusterError, find, run

LINKS, PODS, SERVICES = "10.210.{}.0/30", "10.211.{}.0/24", "10.212.{}.0/24"
NODE = "node-1"
API_PORT = 6443


@dataclass
class Record:
    """One cluster. `save` writes it to its folder, `load` reads it back."""

    directory: str
    binaries: str
    tag: str
    host_ip: str
    node_ip: str
    pod_cidr: str
    service_cidr: str
    api_service_ip: str
    dns_service_ip: str
    kubeconfig: str
    pid: int = 0
    started: str = ""

    @property
    def folder(self) -> Path:
        return Path(self.directory)

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def audit_log(self) -> Path:
        """What ServiceAccounts have asked the API server for, one JSON object in a line."""
        return self.folder / "audit.log"

    @property
    def ended(self) -> Path:
        """The file that names components which kept ending."""
        return self.folder / "ended"

    @property
    def cgroup(self) -> str:
        return f"/pickleball-{self.tag}"

    @property
    def link(self) -> str:
        """The machine's end of the veth pair; an interface's name has at most 15 characters."""
        return f"pb{self.tag}"

    @property
    def server(self) -> str:
        return f"https://{self.node_ip}:{API_PORT}"

    def program(self, name: str) -> str:
        """Find a program, our own builds first."""
        return find(name, Path(self.binaries))

    def save(self) -> None:
        """Write the record in one step."""
        draft = self.folder / "cluster.json.new"
        draft.write_text(json.dumps(dataclasses.asdict(self), indent=1))
        draft.replace(self.folder / "cluster.json")

    def alive(self) -> bool:
        """Tell whether the outer process runs still, and is the one that was started."""
        return bool(self.pid) and start_time(self.pid) == self.started

    def child(self) -> int:
        """Give the process that is number 1 inside the namespaces."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        if not children:
            raise ClusterError(f"the cluster in {self.directory} has no process inside its namespaces")
        return int(children[0])


def new(directory: Path, binaries: Path) -> Record:
    """Describe a cluster that is to be, with addresses that are free now."""
    link, pods, services = free_networks()
    return Record(
        directory=str(directory),
        binaries=str(binaries.resolve()),
        tag=secrets.token_hex(3),
        host_ip=str(link[1]),
        node_ip=str(link[2]),
        pod_cidr=str(pods),
        service_cidr=str(services),
        api_service_ip=str(services[1]),
        dns_service_ip=str(services[10]),
        kubeconfig=str(directory / "pki" / "admin.kubeconfig"),
    )


def load(directory: Path) -> Record | None:
    """Read a cluster's record, None where there is none."""
    file = directory.resolve() / "cluster.json"
    return Record(**json.loads(file.read_text())) if file.exists() else None


def start_time(pid: int) -> str:
    """Give the kernel's start time of a process, which tells it from a later one with the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def free_networks() -> tuple[ipaddress.IPv4Network, ipaddress.IPv4Network, ipaddress.IPv4Network]:
    """Choose ranges for the link, the pods and the Services that no route of this machine leads to."""
    routes = json.loads(run(find("ip"), "-j", "-4", "route"))
    used = [ipaddress.IPv4Network(route["dst"]) for route in routes if route["dst"] != "default"]
    for number in range(256):
        link, pods, services = (ipaddress.IPv4Network(text.format(number)) for text in (LINKS, PODS, SERVICES))
        if not any(network.overlaps(other) for network in (link, pods, services) for other in used):
            return link, pods, services
    raise ClusterError(f"routes of this machine cover all of {LINKS}, {PODS} and {SERVICES} for 0 to 255")
