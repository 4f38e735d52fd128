"""The ends of containers' logs, as far as they can be had."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pickleball_operator.errors import InvalidError, NotFoundError, UnavailableError
from pickleball_operator.kube import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.kube import Kube

LOG = logging.getLogger("pickleball.logs")


class Logs:
    """Reads logs for one look; a node that does not answer is asked once in it."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._away: set[str] = set()

    def read(self, pod: Mapping[str, Any], container: str, limit: int) -> str | None:
        """The end of a log; None when the pod has gone, has not begun, or its node does not answer."""
        ref = Ref("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        node = str((pod.get("spec") or {}).get("nodeName") or "")
        if node and node in self._away:
            return None
        try:
            return self._kube.log(ref, container, limit)
        except (NotFoundError, InvalidError) as error:
            LOG.debug("no log of %s, container %s: %s", ref, container, error)
        except UnavailableError as error:
            if not error.status:
                raise  # it is the API server that does not answer
            LOG.warning("the log of %s, container %s, cannot be had: %s", ref, container, error)
            self._away.add(node)
        return None
