"""All manifests that a ModelDeployment leads to, without a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide.finding import Finding
from pickleball_operator.decide.force import template_digest
from pickleball_operator.decide.injection import Inject, injection
from pickleball_operator.decide.request import request
from pickleball_operator.errors import SpecError

from . import analysis, workload
from .injection import inject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings

UNKNOWN = names.policy_name("0" * 64)
"""Stands for the policy's name, which only its content gives."""


def show(deployment: ModelDeployment, settings: Settings) -> list[dict[str, Any]]:
    """The analysis' manifests and the injected Deployment, as the controller would apply them."""
    shown: list[dict[str, Any]] = []
    asked = request(deployment, settings)
    if isinstance(asked, Finding):
        raise SpecError((asked.sentence,))
    if asked is not None:
        owner = [deployment.owner]
        job = analysis.job(asked, settings, owner, suspend=False)
        shown += [analysis.result(asked, owner), job, *analysis.identity(asked, "")]
    template = deployment.spec.template
    if template is None:
        return shown

    def rendered(given: Mapping[str, Any], plan: Inject) -> dict[str, Any]:
        return inject(given, plan, settings)

    decided = injection(template, deployment, UNKNOWN, rendered)
    if not isinstance(decided, Inject):
        raise SpecError((decided.sentence,))
    key = asked.key if asked is not None else ""
    pod = inject(template, decided, settings)
    annotations = {names.POLICY: UNKNOWN, names.REQUEST: key, names.TEMPLATE: template_digest(deployment.spec)}
    return [*shown, workload.deployment(deployment, pod, annotations)]
