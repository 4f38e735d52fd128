"""The immutable policy ConfigMap, named by its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_operator import names
from pickleball_operator.decide import result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pickleball_operator.decide.policy import Candidate

Manifest = dict[str, Any]


def config_map(found: Candidate, namespace: str, owners: Sequence[Manifest]) -> Manifest:
    """The ConfigMap of a policy and its provenance."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": found.name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "pickleball", names.PART: "policy"},
            "annotations": {names.DIGEST: found.digest, names.REQUEST: found.request},
            "ownerReferences": list(owners),
        },
        "immutable": True,
        **result.data(found.content.policy_text, found.content.provenance_text),
    }
