"""The node: its configuration files, and its mounts, addresses and cgroups inside the namespaces."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .programs import ClusterError, NotInTime, find, run
from .record import NODE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .record import Record

PAUSE = "docker.io/local/pause:1"
SOCKET = "/run/containerd/containerd.sock"
CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")
# The kubelet insists on these; it reads our files instead of changing the machine's kernel.
SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
# Folders that the components expect below /var and /etc, and ours that take their place.
BOUND = {
    "/var/lib/kubelet": "kubelet",
    "/var/log/pods": "pod-logs",
    "/var/log/containers": "container-logs",
    "/var/lib/cni": "cni",
    "/etc/cni": "etc-cni",
}
# In memory: far quicker to remove than thousands of files.
IN_MEMORY = ("/var/lib/containerd", "/run/containerd", "/run/netns")


def write_configuration(record: Record) -> None:
    """Write what containerd, the CNI plugins, the kubelet and kube-proxy read."""
    folder = record.folder
    (folder / "containerd.toml").write_text(containerd(record))
    network = folder / "node" / "etc-cni" / "net.d"
    network.mkdir(parents=True, exist_ok=True)
    for path, content in {
        network / "10-bridge.conflist": pod_network(record),
        folder / "kubelet.yaml": kubelet(record),
        folder / "kube-proxy.yaml": kube_proxy(record),
        folder / "audit.yaml": audit(),
    }.items():
        path.write_text(json.dumps(content, indent=1))


def containerd(record: Record) -> str:
    """Give containerd's configuration, for its first or second major version."""
    major = int(run(record.program("containerd"), "--version").split()[2].lstrip("v").split(".")[0])
    plugins = next((folder for folder in CNI_FOLDERS if Path(folder, "bridge").exists()), None)
    if plugins is None:
        raise ClusterError(f"no CNI plugin `bridge` in {' or '.join(CNI_FOLDERS)}: install containernetworking-plugins")
    if major < 2:
        interface = 'plugins."io.containerd.grpc.v1.cri"'
        images = f'[{interface}]\n  sandbox_image = "{PAUSE}"\n'
        folders = f'bin_dir = "{plugins}"'
    else:
        interface = "plugins.'io.containerd.cri.v1.runtime'"
        images = f"[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = \"{PAUSE}\"\n[{interface}]\n"
        folders = f'bin_dirs = ["{plugins}"]'
    return f"""version = {min(major + 1, 3)}
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{SOCKET}"
{images}  restrict_oom_score_adj = true  # without CAP_SYS_RESOURCE the score cannot be lowered
[{interface}.cni]
  {folders}
  conf_dir = "/etc/cni/net.d"
[{interface}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [{interface}.containerd.runtimes.runc.options]
    BinaryName = "{find("runc")}"
    SystemdCgroup = false
"""


def pod_network(record: Record) -> dict[str, Any]:
    """Give the CNI configuration: one bridge for all pods."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": record.pod_cidr}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}


def kubelet(record: Record) -> dict[str, Any]:
    """Give the kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": record.cgroup,
        "failSwapOn": False,
        "clusterDNS": [record.dns_service_ip],
        "clusterDomain": "cluster.local",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{record.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{record.pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{record.pki}/kubelet.key",
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "24h",
        "shutdownGracePeriod": "0s",
        "serializeImagePulls": False,
        "volumeStatsAggPeriod": "10s",  # how soon a pod whose volume is too large is evicted
    }


def kube_proxy(record: Record) -> dict[str, Any]:
    """Give kube-proxy's configuration; it leaves the kernel's connection limits alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{record.pki}/kube-proxy.kubeconfig"},
        "mode": "nftables",
        "clusterCIDR": record.pod_cidr,
        "hostnameOverride": NODE,
        "bindAddress": record.node_ip,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def audit() -> dict[str, Any]:
    """Give the audit policy: what ServiceAccounts other than the control plane's own ask for, without contents."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
            {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
            {"level": "None"},
        ],
    }


def cgroups(record: Record) -> Iterator[tuple[Path, Path]]:
    """Give (our cgroup, the mount that it is in) for every mounted hierarchy."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        if kind in {"cgroup", "cgroup2"}:
            yield Path(where) / record.cgroup.lstrip("/"), Path(where)


def enter(record: Record) -> None:
    """Prepare the namespaces that this process is in: mounts, addresses and cgroups of the node."""
    mount = find("mount")
    run(mount, "--make-rshared", "/")
    run(mount, "-t", "proc", "proc", "/proc")
    for place, name in BOUND.items():
        ours = record.folder / "node" / name
        for folder in (ours, Path(place)):
            folder.mkdir(parents=True, exist_ok=True)
        run(mount, "--bind", ours, place)
    for place in IN_MEMORY:
        Path(place).mkdir(parents=True, exist_ok=True)
        run(mount, "-t", "tmpfs", "tmpfs", place)
    for name, value in SYSCTLS.items():
        file = record.folder / f"sysctl-{name.replace('/', '.')}"
        file.write_text(value + "\n")
        if Path("/proc/sys", name).exists():
            run(mount, "--bind", file, f"/proc/sys/{name}")
    join_network(record)
    for ours, parent in cgroups(record):
        ours.mkdir(exist_ok=True)
        for knob in ("cpuset.cpus", "cpuset.mems"):  # a fresh cpuset is empty on version 1
            if (ours / knob).exists() and not (ours / knob).read_text().strip():
                (ours / knob).write_text((parent / knob).read_text())


def join_network(record: Record) -> None:
    """Bring up our end of the veth pair as soon as the process outside has plugged it in."""
    ip = find("ip")
    run(ip, "link", "set", "lo", "up")
    deadline = time.monotonic() + 30
    while not Path("/sys/class/net/uplink").exists() and "uplink" not in run(ip, "-br", "link"):
        if time.monotonic() > deadline:
            raise NotInTime("the veth pair was not plugged in within 30 s")
        time.sleep(0.05)
    run(ip, "addr", "add", f"{record.node_ip}/30", "dev", "uplink")
    run(ip, "link", "set", "uplink", "up")
    # No default route: what is not here fails at once instead of leaving the machine. Services need some route, as the
    # node's own processes look it up before kube-proxy's rules rewrite the address.
    run(ip, "route", "add", record.service_cidr, "dev", "uplink")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
