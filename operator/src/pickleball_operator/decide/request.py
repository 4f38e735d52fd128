"""What a ModelDeployment asks of an analysis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pickleball_operator.model import FromImage, ModelDeployment, duration_in_seconds, size_in_bytes, size_text
from pickleball_operator.model.spec import Analysis, Git, Pypi, Source, Volume
from pickleball_operator.names import MEMORY, analysis_name

from .files import ModelFiles, model_files
from .finding import Finding, refuse
from .keys import digest, request_key
from .observed import annotation
from .reasons import Reason

if TYPE_CHECKING:
    from pickleball_operator.settings import Settings

    from .observed import Manifest

HEAP_SHARE = 0.7
"""Part of the memory limit that the Java heap gets; the rest is the JVM's own and Python's."""


@dataclass(frozen=True)
class ImageSource:
    """Sources collected in the workload's image, by its own interpreter and with its own pull secrets."""

    image: str
    python: str
    pull_policy: str | None = None
    pull_secrets: tuple[str, ...] = ()
    scheduling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cache:
    """A claim, and the folder on it that belongs to one immutable source; None when the source may change."""

    claim: str
    folder: str | None

    @property
    def note(self) -> str:
        """Why nothing is kept."""
        if self.folder is not None:
            return ""
        return (
            f"Its facts are not kept on {self.claim}: name the image by its digest, git by a whole commit id, or every"
            " requirement with its hash."
        )


@dataclass(frozen=True)
class Request:
    """One analysis; `key` names it, and equal requests share it."""

    key: str
    namespace: str
    classes: tuple[str, ...]
    mode: str
    ignore_paths: tuple[str, ...]
    memory: str
    seconds: int
    image: ImageSource | None
    volume: Volume | None
    pypi: Pypi | None = None
    git: Git | None = None
    cache: Cache | None = None
    """Where its facts are kept for the next analysis of the same sources."""
    index: str = ""
    """The package index of the installation, for `pypi`."""
    files: ModelFiles = field(default_factory=ModelFiles)

    @property
    def name(self) -> str:
        """Name of the Job, its service account and its result."""
        return analysis_name(self.key)

    @property
    def heap(self) -> str:
        """The generator's --mem."""
        return f"{max(256, int(size_in_bytes(self.memory) * HEAP_SHARE) >> 20)}M"

    @property
    def remote(self) -> str | None:
        """Where its pod has to reach out to: pypi, git, or nowhere."""
        return "pypi" if self.pypi else "git" if self.git else None

    @property
    def enlarged(self) -> Request:
        """The same analysis with twice the memory."""
        return replace(self, memory=size_text(size_in_bytes(self.memory) * 2))

    def granted(self, stored: Manifest | None) -> Request:
        """The analysis with the memory that the result's ConfigMap grants to its second attempt."""
        wanted = self.enlarged
        return wanted if annotation(stored or {}, MEMORY) == wanted.memory else self


def request(deployment: ModelDeployment, settings: Settings) -> Request | Finding | None:
    """The analysis that the spec asks for; None with a policy written by hand, a Finding when it cannot be."""
    spec = deployment.spec
    if spec.policy.config_map_ref is not None:
        return None
    analysis = spec.analysis or Analysis()
    source = spec.source or Source.model_validate({"fromImage": {}})
    image: ImageSource | None = None
    if source.from_image is not None:
        found = _image(deployment, source.from_image)
        if isinstance(found, Finding):
            return found
        image = found
    files = model_files(spec, image=image is not None)
    asked = {
        "classes": sorted(spec.model.classes),
        "files": sorted(spec.model.files),
        "image": image and [image.image, image.python],
        "volume": source.volume and source.volume.model_dump(),
        "mode": analysis.mode,
        "ignorePaths": sorted(analysis.ignore_paths),
        "memory": size_in_bytes(analysis.memory),
        "timeout": duration_in_seconds(analysis.timeout),
        "generator": settings.generate_image,
        "again": deployment.again,
        **({"pypi": [sorted(source.pypi.requirements), settings.package_index]} if source.pypi else {}),
        **({"git": source.git.model_dump()} if source.git else {}),
        **({"cache": analysis.cache_claim} if analysis.cache_claim else {}),
        **({"scanned": files.asked()} if files.patterns else {}),
    }
    return Request(
        key=request_key(asked),
        namespace=deployment.namespace,
        classes=tuple(spec.model.classes),
        mode=analysis.mode,
        ignore_paths=tuple(analysis.ignore_paths),
        memory=analysis.memory,
        seconds=duration_in_seconds(analysis.timeout),
        image=image,
        volume=source.volume,
        pypi=source.pypi,
        git=source.git,
        index=settings.package_index,
        cache=Cache(analysis.cache_claim, _scope(image, source, settings)) if analysis.cache_claim else None,
        files=files,
    )


def _scope(image: ImageSource | None, source: Source, settings: Settings) -> str | None:
    """The folder of sources that cannot change: what is kept there came from an analysis of the very same ones."""
    if image is not None and re.search("@sha256:[0-9a-f]{64}$", image.image):
        return digest(["image", image.image.rpartition("@")[2]])[:32]
    if source.git is not None and re.fullmatch("[0-9a-f]{40}", source.git.ref):
        return digest(["git", source.git.url, source.git.ref])[:32]
    if source.pypi is not None and all("--hash=" in one for one in source.pypi.requirements):
        return digest(["pypi", settings.package_index, *sorted(source.pypi.requirements)])[:32]
    return None


def _image(deployment: ModelDeployment, chosen: FromImage) -> ImageSource | Finding:
    template = deployment.spec.template
    if template is None and chosen.image is not None:
        return ImageSource(image=chosen.image, python=chosen.python)
    if template is None:
        return refuse(
            Reason.SOURCE_UNKNOWN,
            "spec.selector names pods made by others, so there is no image to collect sources from."
            " Give spec.source.fromImage.image, another spec.source or spec.policy.configMapRef.",
        )
    if chosen.image is not None:
        return refuse(
            Reason.SPEC_INVALID,
            "spec.source.fromImage.image belongs to spec.selector: with spec.template the container's own is read."
            " Remove it, or name the container.",
        )
    pod = template.get("spec")
    containers = pod.get("containers") if isinstance(pod, Mapping) else None
    if not isinstance(containers, list) or not containers or not all(isinstance(one, Mapping) for one in containers):
        return refuse(
            Reason.TEMPLATE_INVALID, "spec.template.spec.containers is missing or empty; write a pod template."
        )
    container = next((one for one in containers if chosen.container in (None, one.get("name"))), None)
    if container is None:
        names = ", ".join(str(one.get("name")) for one in containers)
        return refuse(
            Reason.SOURCE_UNKNOWN,
            f"spec.source.fromImage.container is {chosen.container}, and the template's containers are: {names}.",
        )
    image = container.get("image")
    if not isinstance(image, str) or not image:
        return refuse(Reason.TEMPLATE_INVALID, f"Container {container.get('name')} of spec.template names no image.")
    secrets = pod.get("imagePullSecrets") if isinstance(pod, Mapping) else None
    pull_policy = container.get("imagePullPolicy")
    return ImageSource(
        image=image,
        python=chosen.python,
        pull_policy=pull_policy if isinstance(pull_policy, str) else None,
        pull_secrets=tuple(str(one["name"]) for one in secrets or () if isinstance(one, Mapping) and "name" in one),
        scheduling={
            name: pod[name] for name in ("nodeSelector", "tolerations") if isinstance(pod, Mapping) and pod.get(name)
        },
    )
