"""Keys, certificates and kubeconfigs of a cluster, valid for 30 days."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING

from .programs import find, run
from .record import NODE, Record

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITIES = ("ca", "front-ca")
USERS = ("admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")


def make(record: Record) -> None:
    """Make all of them in the cluster's `pki` folder."""
    folder = record.pki
    folder.mkdir(mode=0o700, exist_ok=True)
    openssl = find("openssl")
    for name in (*AUTHORITIES, "sa"):
        new_key(openssl, folder / f"{name}.key")
    for name in AUTHORITIES:
        run(openssl, "req", "-x509", "-new", "-key", folder / f"{name}.key", "-days", "30",
            "-subj", f"/CN=pickleball-test-{name}", "-out", folder / f"{name}.crt")  # fmt: skip
    run(openssl, "ec", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub")
    service = "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    for name, subject, names in (
        ("apiserver", "/CN=kube-apiserver", f"{service},IP:127.0.0.1,IP:{record.api_service_ip},IP:{record.node_ip}"),
        ("apiserver-kubelet", "/O=system:masters/CN=kube-apiserver-kubelet-client", ""),
        ("front", "/CN=front-proxy-client", ""),
        ("admin", "/O=system:masters/CN=admin", ""),
        ("kube-controller-manager", "/CN=system:kube-controller-manager", ""),
        ("kube-scheduler", "/CN=system:kube-scheduler", ""),
        ("kube-proxy", "/CN=system:kube-proxy", ""),
        ("kubelet", f"/O=system:nodes/CN=system:node:{NODE}", f"DNS:{NODE},IP:127.0.0.1,IP:{record.node_ip}"),
    ):
        sign(openssl, folder, name, subject, names)
    for user in USERS:
        (folder / f"{user}.kubeconfig").write_text(kubeconfig(record, user))


def new_key(openssl: str, path: Path) -> None:
    """Make a private key."""
    run(openssl, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)


def sign(openssl: str, folder: Path, name: str, subject: str, names: str) -> None:
    """Make a key and a certificate that one of the authorities signs."""
    new_key(openssl, folder / f"{name}.key")
    run(openssl, "req", "-new", "-key", folder / f"{name}.key", "-subj", subject, "-out", folder / f"{name}.csr")
    signer = "front-ca" if name == "front" else "ca"
    extensions = folder / f"{name}.ext"
    extensions.write_text("extendedKeyUsage=serverAuth,clientAuth\n" + (f"subjectAltName={names}\n" if names else ""))
    run(openssl, "x509", "-req", "-in", folder / f"{name}.csr", "-days", "30", "-extfile", extensions,
        "-CA", folder / f"{signer}.crt", "-CAkey", folder / f"{signer}.key",
        "-set_serial", "0x" + secrets.token_hex(8), "-out", folder / f"{name}.crt")  # fmt: skip


def kubeconfig(record: Record, user: str) -> str:
    """Write the kubeconfig of one user, which is JSON and so YAML."""

    def inline(name: str) -> str:
        return base64.b64encode((record.pki / name).read_bytes()).decode()

    cluster = {"server": record.server, "certificate-authority-data": inline("ca.crt")}
    credentials = {"client-certificate-data": inline(f"{user}.crt"), "client-key-data": inline(f"{user}.key")}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "pickleball",
            "clusters": [{"name": "pickleball", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "pickleball", "context": {"cluster": "pickleball", "user": user}}],
        },
        indent=1,
    )
