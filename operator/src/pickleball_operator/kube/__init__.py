"""The API server as one small port, with a real adapter (`cluster`) and an in-memory double (`memory`)."""

from .port import MANAGER, RESOURCES, Kind, Kube, Manifest, Ref, Resource, ref_of

__all__ = ["MANAGER", "RESOURCES", "Kind", "Kube", "Manifest", "Ref", "Resource", "ref_of"]
