"""Settings of the operator, read from the environment: PICKLEBALL_<NAME>; unknown names are refused.

The chart's values.yaml has the same names, and so has docs/reference/operator.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import SettingsError
from .model.quantity import DURATION, SIZE, duration_in_seconds, size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "PICKLEBALL_"
OF_OTHERS = frozenset(
    {
        "PICKLEBALL_CACHE",
        "PICKLEBALL_JOERN",
        "PICKLEBALL_POLICY",
        "PICKLEBALL_MODE",
        "PICKLEBALL_VIOLATIONS",
        "PICKLEBALL_REPORTS",
    }
)
"""Variables that the project's other commands read; they mean nothing here."""

Image = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9._:/@-]+$")]
Duration = Annotated[str, Field(pattern=DURATION, min_length=2)]
INDEX = r"^(https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*/?)?$"
Size = Annotated[str, Field(pattern=SIZE)]


class Settings(BaseModel):
    """What an installation decides; each field is an environment variable PICKLEBALL_<FIELD>."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator_image: Image = Field(description="Image of this program; the analysis Job publishes with it.")
    enforce_image: Image = Field(description="Image that installs the enforcer into pods, best pinned by digest.")
    generate_image: Image = Field(description="Image that analyses libraries, best pinned by digest.")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="Pull policy of these images and, in the analysis Job, of the workload's."
    )
    watch_namespaces: tuple[str, ...] = Field(
        default=(), description="Namespaces that are served, separated by commas; empty for all."
    )
    analysis_ttl: Duration = Field(default="1h", description="How long a finished analysis Job is kept.")
    analysis_disk: Size = Field(default="4Gi", description="Disk that an analysis may use for each of its folders.")
    analysis_cpu: Annotated[str, Field(pattern=r"^[1-9][0-9]*m?$")] = Field(
        default="2", description="CPU limit of the analysis container."
    )
    analysis_attempts: Annotated[int, Field(ge=1, le=6)] = Field(
        default=3, description="Pods that an analysis may use up when nodes fail; its own errors are never retried."
    )
    analysis_jobs: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=8, description="Analyses that run at a time; the others wait, and namespaces take turns."
    )
    analysis_jobs_per_namespace: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4,
        description="How many of them one namespace may have; where it is less, the last place is kept for a namespace"
        " that has none.",
    )
    package_index: Annotated[str, Field(max_length=1024, pattern=INDEX)] = Field(
        default="",
        description="Package index that spec.source.pypi reads, as https://index.example/simple; empty: pip's own.",
    )
    proven_approvers: bool = Field(
        default=False,
        description="Whether an admission policy takes approvals only under the approver's own name"
        " (the chart sets it with approval.proveApprover); it is recorded beside each approver.",
    )
    enforcer_disk: Size = Field(default="64Mi", description="Size limit of the folder that holds the enforcer.")
    witness: bool = Field(
        default=True,
        description="Whether pods get a witness: a native sidecar (Kubernetes 1.29) by which Enforced means that the"
        " application's own interpreter has reported. Without it Enforced means that the self-test has passed.",
    )
    witness_port: Annotated[int, Field(ge=1024, le=64999)] = Field(
        default=9465, description="Port of the witness' metrics in pods; the next free one where a container names it."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(default=4, description="Model deployments handled at a time.")
    retry_limit: Duration = Field(default="5m", description="Longest pause between attempts after an error.")
    resync: Duration = Field(default="10m", description="How often every model deployment is looked at again.")
    sweep: Duration = Field(
        default="1m", description="How often all pods are looked over, and their witnesses asked for violations."
    )
    evictions: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description="How many pods of others a sweep may evict that run unprotected or with another policy than the one"
        " in force, so that their owner makes them anew; 0: none. Disruption budgets are respected.",
    )
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=9464, description="Port of /metrics, of the controller and of the webhook; 0 for none."
    )
    health_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8080, description="Port of /healthz; it listens on all addresses."
    )
    webhook_name: str = Field(
        default="",
        description="Name of the webhook's Service, of the Secret with its certificate and of the"
        " MutatingWebhookConfiguration; empty without a webhook (the chart sets it with webhook.enabled).",
    )
    webhook_namespace: str = Field(default="", description="Namespace of that Service and Secret (the chart sets it).")
    webhook_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8443, description="Port that the webhook serves on."
    )
    managed_certificate: bool = Field(
        default=False,
        description="Whether the controller makes and renews the webhook's certificate"
        " (the chart sets it with webhook.certificate.from Controller).",
    )
    certificate_lifetime: Duration = Field(
        default="2160h", description="How long such a certificate lives; it is renewed when a third of that is left."
    )
    log_format: Literal["json", "plain"] = Field(default="json", description="Form of the log lines on stderr.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")

    @field_validator("watch_namespaces", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("analysis_ttl", "retry_limit", "resync", "sweep", "certificate_lifetime")
    @classmethod
    def _duration(cls, value: str) -> str:
        duration_in_seconds(value)
        return value

    @field_validator("analysis_disk", "enforcer_disk")
    @classmethod
    def _size(cls, value: str) -> str:
        size_in_bytes(value)
        return value


def variable(field: str) -> str:
    """Environment variable of a field."""
    return PREFIX + field.upper()


def read(environment: Mapping[str, str], defaults: Mapping[str, object] | None = None) -> Settings:
    """The settings that an environment gives; SettingsError names every variable that is wrong."""
    given: dict[str, object] = dict(defaults or {})
    wrong = []
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in OF_OTHERS:
            continue
        field = name[len(PREFIX) :].lower()
        if field in Settings.model_fields:
            given[field] = value
        else:
            wrong.append(
                f"{name} is no setting of the operator; see docs/reference/operator.md"
                " (where Kubernetes made it for a Service, set enableServiceLinks: false)."
            )
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            name = variable(str(problem["loc"][0]))
            if problem["type"] == "missing":
                wrong.append(f"{name} is missing: {Settings.model_fields[str(problem['loc'][0])].description}")
            else:
                wrong.append(f"{name}={problem.get('input')!r}: {problem['msg'].removeprefix('Value error, ')}.")
        raise SettingsError(" ".join(wrong)) from error
    if wrong:
        raise SettingsError(" ".join(wrong))
    return settings
