"""Let analyses run in turn: one look at all Jobs and one step at a time, so that no two take the same place."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.decide.turn import admitted, turn

from .owners import Key, concerned

if TYPE_CHECKING:
    from pickleball_operator.kube import Kube, Manifest, Ref
    from pickleball_operator.settings import Settings

_STEP = threading.Lock()


def analyses(kube: Kube, settings: Settings) -> list[Manifest]:
    """The analysis Jobs of every namespace that is served."""
    spaces = settings.watch_namespaces or (None,)
    return [job for space in spaces for job in kube.list("Job", space, {names.PART: "analysis"})]


def resume(kube: Kube, ref: Ref, settings: Settings) -> None:
    """Let a suspended Job run if its turn has come."""
    with _STEP:
        if turn(analyses(kube, settings), ref.namespace, ref.name, settings).has_come:
            kube.patch(ref, {"spec": {"suspend": False}})


def next_ones(kube: Kube, settings: Settings) -> set[Key]:
    """The model deployments whose analysis may run now; any of them lets it."""
    return {owner for job in admitted(analyses(kube, settings), settings) for owner in concerned(job, kube)}
