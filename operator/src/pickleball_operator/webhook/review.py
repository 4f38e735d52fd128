"""Answer an AdmissionReview: a patch, a plain yes, or a no with its reason and remedy."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pickleball_operator import names
from pickleball_operator.decide.admission import admission
from pickleball_operator.decide.injection import Deny, Inject, Injection, Renderer
from pickleball_operator.decide.ours import strip
from pickleball_operator.errors import KubeError, ReviewFormError

from .patch import patch

if TYPE_CHECKING:
    from pickleball_operator.model import ModelDeployment

Manifest = Mapping[str, Any]
Judged = Callable[[str, str], None]
UNJUDGED = 503
VERSION = "admission.k8s.io/v1"
WORDS = {403: "Forbidden", 503: "ServiceUnavailable"}
"""What Kubernetes' clients know these codes by."""
LOG = logging.getLogger("pickleball.webhook")


class Deployments(Protocol):
    """The ModelDeployments: heard of, asked for, read."""

    def heard(self, namespace: str, name: str) -> Sequence[Manifest] | None:
        """Those of a namespace that may claim a pod made for `name`, as they were heard of; None: nothing is heard."""

    def asked(self, namespace: str) -> Sequence[Manifest]:
        """Those of a namespace as they are now."""

    def read(self, manifest: Manifest) -> ModelDeployment:
        """What a manifest means."""


def answer(content: bytes, deployments: Deployments, render: Renderer, judged: Judged = lambda *_: None) -> bytes:
    """The AdmissionReview that answers one; ReviewFormError when it is none. `judged` gets result and reason."""
    uid, namespace, pod = _read(content)
    about: dict[str, str] = {}
    try:
        decision = _decide(pod, namespace, deployments, render)
        about = _about(decision)
        response = _respond(pod, decision, render)
    except KubeError as error:
        LOG.warning("a pod in %s could not be judged: %s", namespace, error)
        response = _refuse(
            UNJUDGED, "ApiRefused", f"The ModelDeployments of the namespace cannot be read ({error}). Try again soon."
        )
    reason = response["auditAnnotations"]["decision"]
    judged(_result(response), reason)
    LOG.info("a pod was judged", extra={"namespace": namespace, "pod": _name(pod), "decision": reason, **about})
    whole = {"apiVersion": VERSION, "kind": "AdmissionReview", "response": {"uid": uid, **response}}
    return json.dumps(whole).encode()


def _read(content: bytes) -> tuple[str, str, Manifest]:
    try:
        review = json.loads(content)
        request = review["request"]
        uid, namespace, pod = request["uid"], request["namespace"], request["object"]
        version, kind = review["apiVersion"], request["kind"]["kind"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReviewFormError(f"This is no AdmissionReview of a pod: {type(error).__name__} {error}.") from error
    if version != VERSION or kind != "Pod" or not isinstance(pod, Mapping) or not isinstance(namespace, str):
        raise ReviewFormError(f"This is a {version} of a {kind}; the webhook reads {VERSION} of a Pod.")
    return str(uid), namespace, pod


def _decide(pod: Manifest, namespace: str, deployments: Deployments, render: Renderer) -> Injection:
    """What is heard is enough for an injection; all else rests on what is so now."""
    heard = deployments.heard(namespace, _made_for(pod))
    decision = admission(pod, heard, render, deployments.read) if heard is not None else None
    if isinstance(decision, Inject):
        return decision
    return admission(pod, deployments.asked(namespace), render, deployments.read)


def _respond(pod: Manifest, decision: Injection, render: Renderer) -> dict[str, Any]:
    if isinstance(decision, Deny):
        return _refuse(403, str(decision.reason), decision.sentence)
    response: dict[str, Any] = {"allowed": True, "auditAnnotations": {"decision": str(decision.reason)}}
    if isinstance(decision, Inject):
        operations = patch(pod, render(strip(pod), decision))
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(operations).encode()).decode()}
    return response


def _made_for(pod: Manifest) -> str:
    """The ModelDeployment that the pod's label names."""
    metadata = pod.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return str(labels.get(names.MODEL_DEPLOYMENT, "")) if isinstance(labels, Mapping) else ""


def _about(decision: Injection) -> dict[str, str]:
    """Which ModelDeployment and policy an injection is of, for the log."""
    return {"modeldeployment": decision.owner, "policy": decision.policy} if isinstance(decision, Inject) else {}


def _result(response: Mapping[str, Any]) -> str:
    """inject, skip, deny, or error where nobody could judge."""
    if response["allowed"]:
        return "inject" if "patch" in response else "skip"
    return "error" if response["status"]["code"] == UNJUDGED else "deny"


def _refuse(code: int, reason: str, sentence: str) -> dict[str, Any]:
    status = {"code": code, "reason": WORDS[code], "message": f"PickleBall ({reason}): {sentence}"}
    return {"allowed": False, "status": status, "auditAnnotations": {"decision": reason}}


def _name(pod: Manifest) -> str:
    metadata = pod.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    return str(metadata.get("name") or metadata.get("generateName") or "")
