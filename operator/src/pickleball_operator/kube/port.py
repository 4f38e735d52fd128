"""The port: what this operator asks of an API server, with manifests as dicts.

Two implementations: `kube.cluster.Cluster` (a real API server) and `kube.memory.Memory` (in memory, for tests and for
`pickleball-operator local`). Both raise the KubeError tree of `pickleball_operator.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Manifest = dict[str, Any]
Kind = Literal[
    "ModelDeployment",
    "ConfigMap",
    "Pod",
    "Event",
    "ServiceAccount",
    "Job",
    "Deployment",
    "Role",
    "RoleBinding",
    "Secret",
    "Namespace",
    "MutatingWebhookConfiguration",
    "Lease",
]


@dataclass(frozen=True)
class Resource:
    """How the API server names a kind."""

    api_version: str
    plural: str

    @property
    def root(self) -> str:
        """Path of the group and version."""
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"


RESOURCES: Mapping[Kind, Resource] = {
    "ModelDeployment": Resource("pickleball.dev/v1alpha1", "modeldeployments"),
    "ConfigMap": Resource("v1", "configmaps"),
    "Pod": Resource("v1", "pods"),
    "Event": Resource("v1", "events"),
    "ServiceAccount": Resource("v1", "serviceaccounts"),
    "Job": Resource("batch/v1", "jobs"),
    "Deployment": Resource("apps/v1", "deployments"),
    "Role": Resource("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Resource("rbac.authorization.k8s.io/v1", "rolebindings"),
    "Secret": Resource("v1", "secrets"),
    "Namespace": Resource("v1", "namespaces"),
    "MutatingWebhookConfiguration": Resource("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations"),
    "Lease": Resource("coordination.k8s.io/v1", "leases"),
}
"""Every kind that this operator touches."""

MANAGER = "pickleball"
"""Field manager of everything that is applied."""


@dataclass(frozen=True)
class Ref:
    """One object; its namespace is empty where the kind has none."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Kube(Protocol):
    """An API server."""

    def get(self, ref: Ref) -> Manifest | None:
        """The object, or None."""

    def list(self, kind: Kind, namespace: str | None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        """Objects of a namespace (or of all) that carry the labels, without `metadata.managedFields`."""

    def changes(
        self, kind: Kind, namespace: str | None, label: str = "", *, whole: bool = True
    ) -> Iterator[tuple[str, Manifest]]:
        """What is there (as ADDED, between LISTING and SYNCED), and then each change, and a BOOKMARK now and then.

        Of objects that carry the label, without `metadata.managedFields`; not `whole`: metadata only. It ends, or
        raises, where the API server can no longer tell what came in between.
        """

    def log(self, ref: Ref, container: str, limit: int) -> str:
        """The end of a container's log: the last lines, of at most `limit` bytes."""

    def create(self, manifest: Manifest) -> Manifest:
        """Make a new object; ConflictError when it is there."""

    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply with force: these fields are ours, those that we no longer name go.

        Gives at least the metadata.
        """

    def patch(self, ref: Ref, patch: Mapping[str, Any], *, subresource: str | None = None) -> Manifest:
        """JSON merge patch; `metadata.resourceVersion` in it makes it conditional. Gives at least the metadata."""

    def share(self, ref: Ref, uid: str, owner: Mapping[str, Any]) -> None:
        """Add an ownerReference, whatever others add meanwhile; ConflictError when the name has another object now."""

    def delete(self, ref: Ref, *, resource_version: str | None = None) -> None:
        """Delete in the background; nothing happens when it is gone."""

    def evict(self, ref: Ref) -> bool:
        """Ask for a pod to be evicted; False when a disruption budget does not allow it now."""

    def whoami(self) -> str:
        """The user name that the API server knows this connection by."""


def ref_of(manifest: Mapping[str, Any]) -> Ref:
    """The object that a manifest describes."""
    metadata = manifest["metadata"]
    return Ref(manifest["kind"], metadata.get("namespace") or "", metadata["name"])
