"""The ModelDeployment's status, as the controller writes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ConditionType = Literal["Analyzed", "PolicyReady", "Approved", "Enforced", "Ready"]
CONDITIONS: tuple[ConditionType, ...] = ("Analyzed", "PolicyReady", "Approved", "Enforced", "Ready")
Truth = Literal["True", "False", "Unknown"]

VIOLATIONS_KEPT = 10
DIFF_KEPT = 100


class Shown(BaseModel):
    """Part of a status."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class Condition(Shown):
    """One fact about the model deployment, as Kubernetes writes conditions."""

    type: ConditionType = Field(description="What it is about.")
    status: Truth = Field(description="True, False or Unknown.")
    reason: str = Field(description="One word, from docs/reference/operator.md.")
    message: str = Field(description="What is so, and what to do.")
    observed_generation: int = Field(default=0, description="Generation of the spec that it speaks of.")
    last_transition_time: str = Field(description="When its status last changed.")


class AnalysisStatus(Shown):
    """The analysis that the spec asks for."""

    key: str = Field(description="Request key: sha256 over what is asked of the analysis.")
    job: str = Field(description="Name of the Job, and of the ConfigMap that takes its result.")


class PolicyStatus(Shown):
    """The policy in force."""

    name: str = Field(description="ConfigMap that holds policy.json and the provenance.")
    key: str | None = Field(default=None, description="Policy key: sha256 over the resolved sources and tools.")
    globals: int = Field(default=0, description="Names that may be referenced and instantiated.")
    reduces: int = Field(default=0, description="Names that may be called.")


class Diff(Shown):
    """Names that a candidate adds or removes, the first hundred of each list."""

    added_globals: list[str] = Field(default=[], description="New in globals.")
    added_reduces: list[str] = Field(default=[], description="New in reduces.")
    removed_globals: list[str] = Field(default=[], description="No longer in globals.")
    removed_reduces: list[str] = Field(default=[], description="No longer in reduces.")


class CandidateStatus(Shown):
    """A policy that waits for approval."""

    name: str = Field(description="Its ConfigMap; the annotation pickleball.dev/approve takes this name.")
    diff: Diff = Field(default=Diff(), description="Against the policy in force.")


class PodsStatus(Shown):
    """The pods of the Deployment."""

    protected: int = Field(default=0, description="Pods whose enforcer passed its self-test.")
    total: int = Field(default=0, description="Pods that are there.")


class ViolationStatus(Shown):
    """What a pod's enforcer or model check refused, as the pod reported it."""

    pod: str = Field(description="Pod that reported it.")
    container: str = Field(description="Container of the pod.")
    time: str | None = Field(default=None, description="When, by the pod's clock.")
    mode: str | None = Field(default=None, description="enforce or audit.")
    rule: str = Field(description="Rule of the verifier.")
    name: str | None = Field(default=None, description="Name that the stream wanted.")
    opcode: str | None = Field(default=None, description="Pickle opcode.")
    offset: int | None = Field(default=None, description="Place in the file.")
    path: str | None = Field(default=None, description="The file, when the enforcer knew it.")
    sentence: str = Field(description="What was refused.")


class Status(Shown):
    """How far it is."""

    observed_generation: int = Field(default=0, description="Generation of the spec that the status speaks of.")
    conditions: Annotated[
        list[Condition],
        Field(
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = Field(default=[], description="Analyzed, PolicyReady, Approved, Enforced, Ready.")
    analysis: AnalysisStatus | None = Field(default=None, description="The analysis that the spec asks for.")
    policy: PolicyStatus | None = Field(default=None, description="The policy in force.")
    candidate: CandidateStatus | None = Field(default=None, description="A policy that waits for approval.")
    pods: PodsStatus = Field(default=PodsStatus(), description="The pods of the Deployment.")
    violations: list[ViolationStatus] = Field(default=[], description="The last few, the newest first.")

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of one type."""
        return next((condition for condition in self.conditions if condition.type == kind), None)

    def dump(self) -> dict[str, Any]:
        """The status as the API server keeps it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
