"""The command lines of the cluster's components, in the order in which they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .record import API_PORT, NODE

if TYPE_CHECKING:
    from .record import Record

ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"


def commands(record: Record) -> dict[str, list[str]]:
    """Give each component's command line by its name."""
    folder, pki = record.folder, record.pki
    return {
        # First: images are loaded while the control plane starts.
        "containerd": [record.program("containerd"), "--config", f"{folder}/containerd.toml"],
        "etcd": [
            record.program("etcd"),
            f"--data-dir={folder}/etcd",
            "--unsafe-no-fsync",  # a lost test cluster is no loss
            "--log-level=warn",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={ETCD_PEER}",
            f"--initial-advertise-peer-urls={ETCD_PEER}",
            f"--initial-cluster=default={ETCD_PEER}",
        ],
        "kube-apiserver": [
            record.program("kube-apiserver"),
            f"--etcd-servers={ETCD}",
            "--bind-address=0.0.0.0",
            f"--advertise-address={record.node_ip}",
            f"--secure-port={API_PORT}",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet.key",
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={pki}/front-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki}/front.crt",
            f"--proxy-client-key-file={pki}/front.key",
            f"--service-cluster-ip-range={record.service_cidr}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement",  # OpenShift has both
            f"--audit-policy-file={folder}/audit.yaml",
            f"--audit-log-path={record.audit_log}",
            "--allow-privileged=true",
            "--anonymous-auth=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            "--profiling=false",
        ],
        "kube-controller-manager": [
            *with_kubeconfig(record, "kube-controller-manager", 10257),
            f"--service-account-private-key-file={pki}/sa.key",
            f"--root-ca-file={pki}/ca.crt",
            "--use-service-account-credentials",
            "--kube-api-qps=200",  # nobody else needs this API server
            "--kube-api-burst=400",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
        ],
        "kube-scheduler": with_kubeconfig(record, "kube-scheduler", 10259),
        "kubelet": [
            record.program("kubelet"),
            f"--config={folder}/kubelet.yaml",
            f"--kubeconfig={pki}/kubelet.kubeconfig",
            f"--hostname-override={NODE}",
            f"--node-ip={record.node_ip}",
            "--v=2",
        ],
        "kube-proxy": [record.program("kube-proxy"), f"--config={folder}/kube-proxy.yaml", "--v=2"],
    }


def with_kubeconfig(record: Record, name: str, port: int) -> list[str]:
    """Give the part of the command line that controller manager and scheduler share."""
    kubeconfig = f"{record.pki}/{name}.kubeconfig"
    return [
        record.program(name),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={record.folder}/{name}",
    ]
