"""The Deployment of a protected pod template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator import names

from .environment import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.model import ModelDeployment

Manifest = dict[str, Any]


def deployment(owner: ModelDeployment, template: Mapping[str, Any], annotations: Mapping[str, str]) -> Manifest:
    """The Deployment of an injected template; the annotations say which policy it has, and where that comes from."""
    selector = {names.MODEL_DEPLOYMENT: owner.name}
    labels = {"app.kubernetes.io/managed-by": "pickleball", names.PART: "workload", **selector}
    return fill(
        "deployment.json.j2",
        {
            "name": owner.name,
            "namespace": owner.namespace,
            "labels": labels,
            "annotations": annotations,
            "owner": owner.controller,
            "replicas": owner.spec.replicas,
            "selector": selector,
            "template": template,
        },
    )
