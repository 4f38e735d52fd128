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
HISTORY_KEPT = 5
PROPOSALS_KEPT = 50


Texts = list[str]
"""Under a name of its own for classes that have a field `list`."""


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


class Approval(Shown):
    """Who approved a policy."""

    by: str = Field(description="User name, from the annotation pickleball.dev/approved-by; empty when nobody said.")
    proof: Literal["Admission", "Claim", "None"] = Field(
        description="Admission: the API server let the approval through only under the approver's own name (the chart's"
        " approval.proveApprover). Claim: whoever wrote the annotation wrote the name. None: no name was given."
    )
    client: str = Field(default="", description="Field manager that wrote it, as the client called itself.")
    time: str = Field(default="", description="When it was written, by the API server's clock.")


class PolicyStatus(Shown):
    """The policy in force."""

    name: str = Field(description="ConfigMap that holds policy.json and the provenance.")
    key: str | None = Field(default=None, description="Policy key: sha256 over the resolved sources and tools.")
    globals: int = Field(default=0, description="Names that a file may keep or make instances of.")
    reduces: int = Field(default=0, description="Names that may be called.")
    approval: Approval | None = Field(default=None, description="Who approved it, when a person did.")
    since: str = Field(default="", description="When it came into force.")


class PastPolicy(PolicyStatus):
    """A policy that was in force."""

    until: str = Field(default="", description="When another one came into force.")


class DiffEntry(Shown):
    """One entry, with the worst grade that its provenance gives."""

    list: str = Field(description="globals, instances or reduces.")
    name: str = Field(description="Dotted name.")
    kind: str = Field(description="needed, widened, pack, proposed, extra, by hand or unrecorded.")
    grade: str = Field(description="trivial, resolved, effects, unknown, no source or not graded.")
    effects: Texts = Field(default=[], description="What its code can reach while a pickle loads.")


class Regraded(DiffEntry):
    """An entry of both policies, graded otherwise."""

    before: str = Field(description="Its grade in the policy in force.")


class Diff(Shown):
    """What a candidate changes: the first hundred of each list, what needs reading most first."""

    sentence: str = Field(default="", description="The change in numbers.")
    against: str | None = Field(default=None, description="The policy that it is compared with.")
    sources: list[str] = Field(default=[], description="Packages that were read in other versions.")
    added: list[DiffEntry] = Field(default=[], description="Entries that the policy in force lacks.")
    removed: list[DiffEntry] = Field(default=[], description="Entries that only the policy in force has.")
    regraded: list[Regraded] = Field(default=[], description="Entries of both that are graded otherwise.")


class CandidateStatus(Shown):
    """A policy that waits."""

    name: str = Field(description="Its ConfigMap; the annotation pickleball.dev/approve takes this name.")
    diff: Diff = Field(default=Diff(), description="Against the policy in force.")
    review: str | None = Field(default=None, description="ConfigMap with the whole diff and the report to read.")


class ProposalStatus(Shown):
    """A name that models want and the policy lacks; a person may add it to spec.policy.extra."""

    list: str = Field(description="globals, instances or reduces.")
    name: str = Field(description="Dotted name.")
    source: Literal["File", "Audit"] = Field(description="File: a model file asks for it. Audit: a pod wanted it.")
    decision: str = Field(description="inert, ask or refuse, by the generator; unjudged where nobody graded it.")
    because: str = Field(default="", description="Why.")
    grade: str = Field(default="not graded", description="What its code can reach while a pickle loads.")
    effects: Texts = Field(default=[], description="The effects.")
    path: str = Field(default="", description="The file, as far as it is known.")
    sha256: str = Field(default="", description="Its digest.")


class PodsStatus(Shown):
    """The pods of the Deployment, or those that the selector chooses."""

    protected: int = Field(
        default=0,
        description="Pods in which the application's own interpreter has reported the enforcer (without witness: in"
        " which the self-test has passed).",
    )
    total: int = Field(default=0, description="Pods that are there.")
    outdated: int = Field(default=0, description="Pods that were made with another policy than the one in force.")


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
    history: list[PastPolicy] = Field(default=[], description="The last five before it, the newest first.")
    candidate: CandidateStatus | None = Field(
        default=None, description="A policy that waits for approval, or for the next roll-out."
    )
    proposals: list[ProposalStatus] = Field(
        default=[],
        description="Names that models want and the policy lacks, at most fifty; each goes when it joins, and those of"
        " mode Audit go with the mode.",
    )
    pods: PodsStatus = Field(default=PodsStatus(), description="The pods of the Deployment, or those selected.")
    violations: list[ViolationStatus] = Field(default=[], description="The last few, the newest first.")

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of one type."""
        return next((condition for condition in self.conditions if condition.type == kind), None)

    def dump(self) -> dict[str, Any]:
        """The status as the API server keeps it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
