"""The ModelDeployment's spec as strict types: unknown keys are refused, and each field says what it means.

The CRD (crds/) and docs/reference/modeldeployment.md are made from these classes.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from .quantity import DURATION, SIZE, duration_in_seconds, size_in_bytes

IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
DOTTED = rf"{IDENTIFIER}(\.{IDENTIFIER})+"
NAME_LIMIT = 512
CLASS = rf"^({DOTTED}|[A-Za-z0-9_./][A-Za-z0-9_./-]*\.py:<module>(\.{IDENTIFIER})+)$"
CONTAINER = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
OBJECT = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
PLAIN = r"^[^\x00-\x1f]*$"


_NAME = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
_CLAUSE = "(==|>=|<=|~=|!=|<|>) ?[A-Za-z0-9.*+!_-]+"
REQUIREMENT = rf"^{_NAME}(\[{_NAME}(, ?{_NAME})*\])?( ?{_CLAUSE}(, ?{_CLAUSE})*)?( --hash=sha256:[0-9a-f]{{64}})*$"
URL = r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~%+@:-]+)+/?$"


def _below(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError(f"{path} leads out of the folder; write a path below it")
    return path


ClassName = Annotated[str, Field(max_length=512, pattern=CLASS)]
ContainerName = Annotated[str, Field(max_length=63, pattern=CONTAINER)]
ObjectName = Annotated[str, Field(max_length=253, pattern=OBJECT)]
Line = Annotated[str, Field(min_length=1, max_length=1024, pattern=PLAIN)]
AbsolutePath = Annotated[str, Field(max_length=1024, pattern=r"^/[^\x00-\x1f]*$")]
RelativePath = Annotated[str, Field(max_length=1024, pattern=r"^[^/,\x00-\x1f][^,\x00-\x1f]*$"), AfterValidator(_below)]
Requirement = Annotated[str, Field(max_length=1024, pattern=REQUIREMENT)]
Interpreter = Annotated[str, Field(max_length=512, pattern=r"^[A-Za-z0-9_./+-]+$")]


class Strict(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class Model(Strict):
    """What is loaded."""

    classes: Annotated[list[ClassName], Field(min_length=1, max_length=16)] = Field(
        description="Classes of the models, dotted (sklearn.pipeline.Pipeline) or in Joern's form"
        " (sklearn/pipeline.py:<module>.Pipeline)."
    )
    files: Annotated[list[AbsolutePath], Field(max_length=32)] = Field(
        default=[],
        description="Model files in the container, with * and ? as in a shell. They are verified before the"
        " application starts; the pod does not start when one leaves the policy (mode Enforce). The analysis scans them"
        " for names that the policy lacks (policy.acceptProposals, status.proposals), in the image or on a volume of"
        " the template that other pods can mount: persistentVolumeClaim, configMap, nfs, image.",
    )


class FromImage(Strict):
    """The workload's own image."""

    container: ContainerName | None = Field(
        default=None, description="Container of the template whose image holds the library; the first by default."
    )
    image: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9._:/@-]+$")] | None = Field(
        default=None, description="The image itself, where spec.selector names pods made by others."
    )
    python: Interpreter = Field(
        default="python3", description="The image's interpreter: a name on its PATH, or a path."
    )


class Pypi(Strict):
    """Packages of an index."""

    requirements: Annotated[list[Requirement], Field(min_length=1, max_length=64)] = Field(
        description="Names with versions, best pinned, and hashes: numpy==1.26.4 --hash=sha256:.... With one hash"
        " everything needs one, as with pip. Wheels are read, with what they need; nothing is built or installed."
    )


class Git(Strict):
    """A repository."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.url.startsWith('https://') || (has(self.ref) && self.ref.matches('^[0-9a-f]{40}$'))",
                    "message": "over http the ref must be a whole commit id",
                }
            ]
        }
    )

    url: Annotated[str, Field(max_length=1024, pattern=URL)] = Field(
        description="Where to fetch from, without a password: https, or http with a whole commit id as ref."
    )
    ref: Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")] = Field(
        default="HEAD",
        description="Branch, tag or commit. What a branch is at when it is analysed counts; to follow it, ask again.",
    )
    path: RelativePath | None = Field(default=None, description="Folder in the repository that holds the packages.")

    @model_validator(mode="after")
    def _proven(self) -> Git:
        if not self.url.startswith("https://") and not re.fullmatch("[0-9a-f]{40}", self.ref):
            raise ValueError(f"over http the ref must be a whole commit id, and it is {self.ref}")
        return self


class Volume(Strict):
    """Sources on a volume claim."""

    claim_name: ObjectName = Field(description="PersistentVolumeClaim in the same namespace; mounted read-only.")
    path: RelativePath | None = Field(default=None, description="Folder on it that holds the packages.")


class Source(Strict):
    """Where the library's sources are; exactly one."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "[has(self.fromImage), has(self.pypi), has(self.git), has(self.volume)]"
                    ".filter(given, given).size() == 1",
                    "message": "give exactly one of fromImage, pypi, git, volume",
                }
            ]
        }
    )

    from_image: FromImage | None = Field(
        default=None, description="Sources are collected in the workload's own image: the default."
    )
    pypi: Pypi | None = Field(default=None, description="Sources come from the package index of the installation.")
    git: Git | None = Field(default=None, description="Sources come from a git repository.")
    volume: Volume | None = Field(default=None, description="Sources lie on a volume claim.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if sum(value is not None for value in (self.from_image, self.pypi, self.git, self.volume)) != 1:
            raise ValueError("give exactly one of fromImage, pypi, git, volume")
        return self

    @property
    def kind(self) -> str:
        """Name of the source that is given."""
        if self.from_image is not None:
            return "fromImage"
        if self.pypi is not None:
            return "pypi"
        return "git" if self.git is not None else "volume"


class Analysis(Strict):
    """How the library is analysed."""

    mode: Literal["ast", "cpg"] = Field(
        default="ast",
        description="ast: from the syntax, enough for most libraries. cpg: with Joern's type recovery, slower.",
    )
    ignore_paths: Annotated[list[RelativePath], Field(max_length=64)] = Field(
        default=[], description="Paths below the library that are left out, such as tests."
    )
    memory: Annotated[str, Field(pattern=SIZE)] = Field(
        default="4Gi", description="Memory limit of the analysis, such as 4Gi."
    )
    cache_claim: ObjectName | None = Field(
        default=None,
        description="PersistentVolumeClaim in the same namespace that keeps facts between analyses of the same sources:"
        " of an image by its digest, a whole commit id, or requirements with hashes; others are not kept. Whoever may"
        " mount the claim decides what these analyses find.",
    )
    timeout: Annotated[str, Field(pattern=DURATION, min_length=2)] = Field(
        default="15m", description="Time limit of the whole analysis Job, such as 15m."
    )

    @field_validator("memory")
    @classmethod
    def _memory(cls, value: str) -> str:
        if size_in_bytes(value) < size_in_bytes("512Mi"):
            raise ValueError(f"{value} is too little for Joern; give at least 512Mi")
        return value

    @field_validator("timeout")
    @classmethod
    def _timeout(cls, value: str) -> str:
        if duration_in_seconds(value) > duration_in_seconds("24h"):
            raise ValueError(f"{value} is longer than a day; give at most 24h")
        return value


class Extra(Strict):
    """An entry that a person adds to the policy."""

    list: Literal["globals", "reduces"] = Field(
        description="globals: may be referenced and instantiated. reduces: may be called."
    )
    name: Annotated[str, Field(max_length=NAME_LIMIT, pattern=rf"^{DOTTED}$")] = Field(description="Dotted name.")
    reason: Line = Field(description="Why it is needed; recorded in the provenance.")


class ConfigMapRef(Strict):
    """A policy written by hand."""

    name: ObjectName = Field(description="ConfigMap in the same namespace with the key policy.json.")


class PolicyChoice(Strict):
    """Which policy the pods get."""

    approval: Literal["Automatic", "Manual"] = Field(
        default="Automatic",
        description="Manual: a new policy waits until the annotation pickleball.dev/approve names it.",
    )
    rollout: Literal["Immediate", "WithTemplate"] = Field(
        default="Immediate",
        description="Immediate: another policy replaces the pods at once. WithTemplate: it joins at the next change of"
        " the template (or of model, enforcement), or when the annotation pickleball.dev/roll-out names it.",
    )
    pin: ObjectName | None = Field(
        default=None,
        description="Roll-back: a policy of status.history that is in force as long as this stands, whatever the"
        " analysis says.",
    )
    accept_proposals: Literal["None", "Inert"] = Field(
        default="None",
        description="Inert: names that model.files keep or instantiate join by themselves when their code is proven to"
        " have no effect; each is recorded with the digest of the file. All other names wait in status.proposals."
        " With approval Manual, those that join wait for approval as any entry does.",
    )
    extra: Annotated[list[Extra], Field(max_length=256)] = Field(
        default=[], description="Entries added to the analysed policy, each with a reason."
    )
    config_map_ref: ConfigMapRef | None = Field(
        default=None, description="A policy written by hand, instead of an analysis."
    )


class Enforcement(Strict):
    """What happens in the pods."""

    mode: Literal["Enforce", "Audit"] = Field(
        default="Enforce", description="Audit records what would be refused, and refuses nothing."
    )
    containers: Annotated[list[ContainerName], Field(max_length=16)] = Field(
        default=[], description="Containers (or init containers) to protect; the first container by default."
    )


_TEMPLATE = {"x-kubernetes-preserve-unknown-fields": True}


class Expression(Strict):
    """One line of a label selector."""

    key: Annotated[str, Field(max_length=317)] = Field(description="Label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How it is compared.")
    values: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64)] = Field(
        default=[], description="With what, for In and NotIn."
    )


class Selector(Strict):
    """Labels of pods that others make."""

    match_labels: dict[str, Annotated[str, Field(max_length=63)]] = Field(
        default={}, description="Labels and their values."
    )
    match_expressions: Annotated[list[Expression], Field(max_length=16)] = Field(
        default=[], description="Conditions on labels."
    )

    @model_validator(mode="after")
    def _not_everything(self) -> Selector:
        if not self.match_labels and not self.match_expressions:
            raise ValueError("an empty selector would mean every pod; name at least one label")
        return self


class Spec(Strict):
    """What to run, and what it may load."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.template) != has(self.selector)",
                    "message": "give either template (the operator makes a Deployment) or selector (pods of others)",
                },
                {
                    "rule": "!(has(self.policy) && has(self.policy.configMapRef) && has(self.analysis))",
                    "message": "policy.configMapRef stands instead of an analysis: remove analysis or configMapRef",
                },
                {
                    "rule": "!(has(self.policy) && has(self.policy.configMapRef) && has(self.policy.extra)"
                    " && self.policy.extra.size() > 0)",
                    "message": "extra entries belong to an analysed policy: write them into the ConfigMap instead",
                },
            ]
        }
    )

    model: Model = Field(description="What is loaded.")
    source: Source | None = Field(
        default=None, description="Where the library's sources are; by default the image of the first container."
    )
    analysis: Analysis | None = Field(default=None, description="How the library is analysed.")
    policy: PolicyChoice = Field(default=PolicyChoice(), description="Which policy the pods get.")
    enforcement: Enforcement = Field(default=Enforcement(), description="What happens in the pods.")
    replicas: Annotated[int, Field(ge=0, le=10000)] = Field(default=1, description="Pods of the Deployment.")
    template: Annotated[dict[str, Any], Field(json_schema_extra=_TEMPLATE)] | None = Field(
        default=None, description="A pod template as in a Deployment; the operator owns the Deployment made of it."
    )
    selector: Selector | None = Field(
        default=None,
        description="Labels of pods made by others (Deployments, Jobs, KServe ...), in the same namespace. The webhook"
        " injects into them when they are made, where the namespace has the label pickleball.dev/injection=enabled.",
    )

    @model_validator(mode="after")
    def _choices(self) -> Spec:
        if (self.template is None) == (self.selector is None):
            raise ValueError(
                "give either template (the operator makes a Deployment) or selector (pods of others), not both or none"
            )
        if self.policy.config_map_ref and self.analysis:
            raise ValueError("policy.configMapRef stands instead of an analysis: remove analysis or configMapRef")
        if self.policy.config_map_ref and self.policy.extra:
            raise ValueError("extra entries belong to an analysed policy: write them into the ConfigMap instead")
        return self
