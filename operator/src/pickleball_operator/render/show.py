"""All manifests that a ModelDeployment leads to, without a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator.decide.finding import Finding
from pickleball_operator.decide.request import request
from pickleball_operator.errors import SpecError

from . import analysis

if TYPE_CHECKING:
    from pickleball_operator.model import ModelDeployment
    from pickleball_operator.settings import Settings


def show(deployment: ModelDeployment, settings: Settings) -> list[dict[str, Any]]:
    """The analysis' manifests, as the controller would apply them."""
    asked = request(deployment, settings)
    if isinstance(asked, Finding):
        raise SpecError((asked.sentence,))
    shown: list[dict[str, Any]] = []
    if asked is not None:
        owner = [deployment.owner]
        job = analysis.job(asked, settings, owner, suspend=False)
        shown += [analysis.result(asked, owner), job, *analysis.identity(asked, "")]
    return shown
