"""Manifests of an analysis: result ConfigMap, Job, and the publisher's identity, limited to that one ConfigMap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide.files import folder
from pickleball_operator.model import duration_in_seconds

from .environment import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pickleball_operator.decide.request import Request
    from pickleball_operator.settings import Settings

Manifest = dict[str, Any]

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
SMALL = {
    "requests": {"cpu": "10m", "memory": "96Mi", "ephemeral-storage": "16Mi"},
    "limits": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "128Mi"},
}
MEDIUM = {
    "requests": {"cpu": "50m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "1Gi"},
}
PATHS = {
    "tools": f"{names.WORK}/tools",
    "collect_script": f"{names.WORK}/tools/collect.py",
    "sources": f"{names.WORK}/sources",
    "volume": f"{names.WORK}/volume",
    "result": f"{names.WORK}/result",
    "cache": f"{names.WORK}/cache",
    "shared": f"{names.WORK}/shared",
}
STEPS = {
    "tools": names.TOOLS,
    "collect": names.COLLECT,
    "fetch": names.FETCH,
    "analyse": names.ANALYSE,
    "publish": names.PUBLISH,
}


def labels(request: Request, part: str) -> dict[str, str]:
    """Labels of an analysis' objects."""
    return {
        "app.kubernetes.io/managed-by": "pickleball",
        names.PART: part,
        names.REQUEST_KEY: request.key[:63],
    }


def job(request: Request, settings: Settings, owners: Sequence[Manifest], *, suspend: bool) -> Manifest:
    """The analysis Job; it is made suspended, so that the publisher's identity exists before its pod."""
    return fill(
        "job.json.j2",
        {
            "name": request.name,
            "namespace": request.namespace,
            "labels": labels(request, "analysis"),
            "owners": list(owners),
            "suspend": suspend,
            "backoff_limit": settings.analysis_attempts - 1,
            "seconds": request.seconds,
            "ttl": duration_in_seconds(settings.analysis_ttl),
            "names": STEPS,
            "paths": PATHS,
            "image": request.image and vars(request.image),
            "pod_labels": labels(request, "analysis") | ({names.FETCHES: request.remote} if request.remote else {}),
            "claim": request.volume and request.volume.claim_name,
            "pull_secrets": [{"name": name} for name in request.image.pull_secrets] if request.image else [],
            "scheduling": sorted(request.image.scheduling.items()) if request.image else [],
            "generate_image": settings.generate_image,
            "operator_image": settings.operator_image,
            "pull_policy": settings.image_pull_policy,
            "collect": collect_command(request) if request.image else [],
            "fetch": fetch_command(request),
            "analyse": analyse_command(request),
            "kept": request.cache and request.cache.folder and vars(request.cache),
            "image_models": folder(0) if request.files.in_image else None,
            "models": [(f"models-{number}", one, folder(number + 1)) for number, one in enumerate(_places(request))],
            "memory": request.memory,
            "cpu": settings.analysis_cpu,
            "disk": settings.analysis_disk,
            "restricted": RESTRICTED,
            "small": SMALL,
            "medium": MEDIUM,
        },
    )


def _places(request: Request) -> list[Manifest]:
    """The volumes that hold model files."""
    return [
        {"source": next(iter(one.volume.items())), "path": one.mount_path, "sub_path": one.sub_path}
        for one in request.files.places
    ]


def collect_command(request: Request) -> list[str]:
    """The command that copies sources, and model files, out of the workload's image."""
    python = request.image.python if request.image is not None else "python3"
    command = [python, PATHS["collect_script"], "--output", PATHS["sources"]]
    for pattern in request.files.in_image:
        command += [f"--model-file={pattern}"]
    return [*command, "--model-output", folder(0)] if request.files.in_image else command


def fetch_command(request: Request) -> list[str]:
    """The command that gets sources from elsewhere; every value is one word of the form --name=value."""
    command = ["pickleball-generate", "fetch"]
    if request.pypi is not None:
        command += ["pypi", *(f"--requirement={one}" for one in request.pypi.requirements)]
        command += [f"--index={request.index}"] if request.index else []
    elif request.git is not None:
        command += ["git", f"--url={request.git.url}", f"--ref={request.git.ref}"]
        command += [f"--path={request.git.path}"] if request.git.path else []
    elif request.volume is not None:
        command += [
            "folder",
            f"--from={PATHS['volume']}{'/' if request.volume.path else ''}{request.volume.path or ''}",
        ]
    return [*command, f"--output={PATHS['sources']}"]


def analyse_command(request: Request) -> list[str]:
    """The generator's command line."""
    command = ["pickleball-generate", "--library-path", PATHS["sources"]]
    command.append("--no-network")
    if request.cache is not None and request.cache.folder:
        command.append(f"--shared-cache={PATHS['shared']}")
    if request.image is None:
        command.append(f"--fetched={PATHS['sources']}/{names.SOURCES_RECORD}")
    for name in request.classes:
        command += ["--model-class", name]
    command += [
        "--policy-path",
        f"{PATHS['result']}/policy.json",
        "--cache-path",
        PATHS["cache"],
        "--mem",
        request.heap,
    ]
    if request.ignore_paths:
        command.append(f"--ignore-paths={','.join(request.ignore_paths)}")
    if request.mode == "cpg":
        command.append("--use-cpg")
    command += [f"--for-model={pattern}" for pattern in request.files.patterns]
    if request.files.patterns:
        command.append("--propose-only")
    return [*command, "--json"]


def result(request: Request, owners: Sequence[Manifest]) -> Manifest:
    """The ConfigMap that takes the result: made empty, filled and made immutable by the publisher."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": request.name,
            "namespace": request.namespace,
            "labels": labels(request, "result"),
            "ownerReferences": list(owners),
        },
    }


def identity(request: Request, job_uid: str) -> list[Manifest]:
    """Service account, role and binding of the publisher, which may patch one ConfigMap; they go with the Job."""
    metadata = {
        "name": request.name,
        "namespace": request.namespace,
        "labels": labels(request, "analysis"),
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": request.name, "uid": job_uid}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": False,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["configmaps"],
                    "resourceNames": [request.name],
                    "verbs": ["patch"],
                }
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": request.name},
            "subjects": [{"kind": "ServiceAccount", "name": request.name, "namespace": request.namespace}],
        },
    ]
