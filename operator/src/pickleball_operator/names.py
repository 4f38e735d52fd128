"""The names that this operator shares with the cluster: labels, annotations, paths and objects."""

from __future__ import annotations

import re

GROUP = "pickleball.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ModelDeployment"
PLURAL = "modeldeployments"

# Labels.
PART = f"{GROUP}/part"
"""What an object is: analysis, result, policy, review or workload. The controller watches objects that carry it."""
REQUEST_KEY = f"{GROUP}/request-key"
"""The analysis that an object belongs to (on Jobs, their pods and results)."""
FETCHES = f"{GROUP}/fetches"
"""On the pod of an analysis that fetches its sources: pypi or git. The chart's network policy lets these out."""
MODEL_DEPLOYMENT = f"{GROUP}/modeldeployment"
"""The ModelDeployment that a Deployment and its pods belong to."""

# Annotations that the controller writes.
POLICY = f"{GROUP}/policy"
"""Name of the policy ConfigMap that a Deployment's pods run with."""
MODE = f"{GROUP}/mode"
"""Enforce or Audit, on pods."""
REQUEST = f"{GROUP}/request"
"""Request key of the analysis that a Deployment's policy comes from."""
TEMPLATE = f"{GROUP}/template"
"""On a Deployment: sha256 over everything that its pods are made of but for the policy."""
VERDICT = f"{GROUP}/verdict"
"""How an analysis failed (on its result ConfigMap): a JSON object with reason and sentence."""
MEMORY = f"{GROUP}/memory"
"""On a result ConfigMap: the memory that the second attempt at an analysis gets, after the first ran out of it."""
PUBLISHED = f"{GROUP}/published"
"""On a result ConfigMap: sha256 of the policy that the publisher put in."""
DIGEST = f"{GROUP}/digest"
"""On a policy ConfigMap: sha256 over policy and provenance; its name ends in the first 32 digits."""

# Annotations that people write on a ModelDeployment.
APPROVE = f"{GROUP}/approve"
"""Name of the candidate policy that a person approves (spec.policy.approval: Manual)."""
APPROVED_BY = f"{GROUP}/approved-by"
"""User name of who approves; with the chart's approval.proveApprover the API server takes no other than their own."""
ROLL_OUT = f"{GROUP}/roll-out"
"""Name of an approved policy that may replace the pods now (spec.policy.rollout: WithTemplate)."""
ANALYSE_AGAIN = f"{GROUP}/analyse-again"
"""Any value; another value asks for a new analysis of the same spec."""

# Labels that people write.
INJECTION = f"{GROUP}/injection"
"""On a namespace, with the value `enabled`: pods of others are injected there."""
ENABLED = "enabled"

PARTS = ("analysis", "result", "policy", "review", "workload")

# Keys of ConfigMaps.
POLICY_FILE = "policy.json"
PROVENANCE_FILE = "provenance.json"
PROVENANCE_GZIP = "provenance.json.gz"
DIFF_JSON = "diff.json"
DIFF_TEXT = "diff.txt"
REPORT_FILE = "report.html"

# Paths in protected pods.
ENFORCER_PATH = "/opt/pickleball"
POLICY_PATH = "/etc/pickleball"
ROOT_POLICY_PATH = "/root/policies"
REPORTS_PATH = "/run/pickleball"
MOUNT_PATHS = (ENFORCER_PATH, POLICY_PATH, ROOT_POLICY_PATH, REPORTS_PATH)

# Names inside protected pods.
PREFIX = "pickleball-"
INSTALL = f"{PREFIX}install-"
SELF_TEST = f"{PREFIX}self-test-"
VERIFY = f"{PREFIX}verify-"
ENFORCER_VOLUME = f"{PREFIX}enforcer-"
POLICY_VOLUME = f"{PREFIX}policy"
NO_TOKEN_VOLUME = f"{PREFIX}no-token"
"""An empty volume that our own containers mount where the API server would put the pod's token."""
SERVICE_ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
WITNESS = f"{PREFIX}witness"
WITNESS_PORT = "pickleball"
REPORTS_VOLUME = f"{PREFIX}reports"
NUMBERED = (INSTALL, SELF_TEST, VERIFY, ENFORCER_VOLUME)
"""Beginnings of the names of containers and volumes that stand once for each protected container."""
SINGLE = (WITNESS, REPORTS_VOLUME, POLICY_VOLUME, NO_TOKEN_VOLUME)
"""Names of containers and volumes that stand once in a pod."""
WRITTEN = (PART, MODEL_DEPLOYMENT, POLICY, MODE)
"""Labels and annotations that the injection writes onto pods."""
PYTHONPATH = "PYTHONPATH"
OWN_PYTHONPATH = "PICKLEBALL_OWN_PYTHONPATH"
"""Takes a PYTHONPATH of valueFrom, so that it can stand behind ours."""
ENV_POLICY = "PICKLEBALL_POLICY"
ENV_MODE = "PICKLEBALL_MODE"
ENV_REPORTS = "PICKLEBALL_REPORTS"
ENV_PREFIX = "PICKLEBALL_"

# Containers and paths of the analysis Job.
TOOLS = "tools"
COLLECT = "collect"
FETCH = "fetch"
ANALYSE = "analyse"
PUBLISH = "publish"
WORK = "/pickleball"
SOURCES_RECORD = "collected.json"
"""Beside the sources: what was collected or fetched."""
MODELS = f"{WORK}/models"


def analysis_name(request_key: str) -> str:
    """Name of the analysis' Job, service account, role, binding and result."""
    return f"pickleball-analysis-{request_key[:20]}"


def policy_name(digest: str) -> str:
    """Name of the policy ConfigMap whose content has this sha256."""
    return f"pickleball-policy-{digest[:32]}"


def is_policy(name: str) -> bool:
    """Whether this is such a name."""
    return re.fullmatch("pickleball-policy-[0-9a-f]{32}", name) is not None


def review_name(deployment: str) -> str:
    """Name of the ConfigMap with what a person reads before approving."""
    return f"pickleball-review-{deployment}"
