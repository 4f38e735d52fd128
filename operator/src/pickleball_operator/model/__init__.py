"""ModelDeployment: its spec and status as types, the CRD and the reference made from them."""

from .deployment import Manifest, ModelDeployment, parse, problems, read_status
from .quantity import duration_in_seconds, size_in_bytes, size_text
from .spec import Extra, FromImage, Source, Spec
from .status import (
    AnalysisStatus,
    Approval,
    CandidateStatus,
    Condition,
    ConditionType,
    Diff,
    PastPolicy,
    PodsStatus,
    PolicyStatus,
    ProposalStatus,
    Status,
    Truth,
    ViolationStatus,
)

__all__ = [
    "AnalysisStatus",
    "Approval",
    "CandidateStatus",
    "Condition",
    "ConditionType",
    "Diff",
    "Extra",
    "FromImage",
    "Manifest",
    "ModelDeployment",
    "PastPolicy",
    "PodsStatus",
    "PolicyStatus",
    "ProposalStatus",
    "Source",
    "Spec",
    "Status",
    "Truth",
    "ViolationStatus",
    "duration_in_seconds",
    "parse",
    "problems",
    "read_status",
    "size_in_bytes",
    "size_text",
]
