"""The port on a real API server, through the connection of the `kubernetes` client.

Plain requests with dicts: the client's typed models would cost 60 MB and a discovery the right to ask for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_incluster_config, load_kube_config

from pickleball_operator.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubeError,
    NotFoundError,
    UnavailableError,
)

from .contents import Contents
from .follow import BOOKMARK, LISTING, SYNCED
from .port import MANAGER, RESOURCES, Kind, Manifest, Ref, ref_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_load_pod: Callable[..., None] = load_incluster_config
_load_user: Callable[..., None] = load_kube_config
_list_contexts: Callable[..., tuple[list[dict[str, Any]], dict[str, Any]]] = list_kube_config_contexts

LOG = logging.getLogger("pickleball.kube")
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TIMEOUT = 30
WATCH_SECONDS = 30
"""How long one watch lasts; a connection that has died is noticed then."""
GONE = 410
"""The API server's answer where it no longer knows what came after a resourceVersion."""
PAGE = 100
"""Objects in one answer: a page takes ten times its text in memory while it is read."""
LOG_LINES, LOG_BYTES = 500, 4 * 1024 * 1024
"""What is asked for at most; a line may be long."""
BUDGET = 429
"""The API server's answer where a disruption budget does not allow an eviction."""
ERRORS = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidError,
    422: InvalidError,
}


class Cluster:
    """A connection; safe to use from several threads."""

    def __init__(self, configuration: Configuration | None = None, manager: str = MANAGER) -> None:
        self._client = ApiClient(configuration)
        self._manager = manager
        self._contents = Contents()
        self.told: Callable[[str], object] = lambda _method: None
        """Told the method of every request."""
        self._heard: tuple[datetime, float] | None = None
        """What the API server's clock said last, and when that was."""

    @classmethod
    def connect(cls) -> Cluster:
        """By the pod's service account, or by the kubeconfig."""
        if "KUBERNETES_SERVICE_HOST" not in os.environ:
            return cls.connect_as_user(None, None, MANAGER)
        configuration = Configuration()
        try:
            _load_pod(client_configuration=configuration)
        except (ConfigException, OSError) as error:
            raise UnavailableError("The API server", f"is not known: {error}") from error
        return cls(configuration)

    @classmethod
    def connect_as_user(cls, kubeconfig: str | None, context: str | None, manager: str) -> Cluster:
        """By a kubeconfig and a context of it, the user's own by default."""
        configuration = Configuration()
        try:
            _load_user(kubeconfig, context, client_configuration=configuration)
        except (ConfigException, OSError) as error:
            raise UnavailableError("The API server", f"is not known: {error}") from error
        return cls(configuration, manager)

    def now(self) -> datetime:
        """The time by the API server's clock, whatever this machine's says; by this machine's before any answer."""
        if self._heard is None:
            with contextlib.suppress(KubeError):
                self._request("GET", "/version", "Asking for the time")
        if self._heard is None:
            return datetime.now(UTC)
        said, at = self._heard
        return said + timedelta(seconds=time.monotonic() - at)

    def close(self) -> None:
        """Give the connections back."""
        self._client.rest_client.pool_manager.clear()

    def get(self, ref: Ref) -> Manifest | None:
        """See `Kube.get`. Of an immutable ConfigMap that is known the metadata is asked for only."""
        path = _path(ref.kind, ref.namespace, ref.name)
        try:
            if self._contents.knows(ref):
                whole = self._contents.whole(ref, self._request("GET", path, f"Reading {ref}", accept=METADATA))
                if whole is not None:
                    return whole
            found = self._request("GET", path, f"Reading {ref}")
        except NotFoundError:
            self._contents.forget(ref)
            return None
        self._contents.keep(ref, found)
        return found

    def list(self, kind: Kind, namespace: str | None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        """See `Kube.list`."""
        query = {"limit": str(PAGE)}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        found: list[Manifest] = []
        while True:
            page = self._request("GET", _path(kind, namespace), f"Listing {kind}s in {namespace or 'all'}", query=query)
            head = {"apiVersion": RESOURCES[kind].api_version, "kind": kind}
            for item in page.get("items") or ():
                item.get("metadata", {}).pop("managedFields", None)
                found.append({**head, **item})
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return found
            query["continue"] = more

    def changes(
        self, kind: Kind, namespace: str | None, label: str = "", *, whole: bool = True
    ) -> Iterator[tuple[str, Manifest]]:
        """See `Kube.changes`."""
        what, path = f"Following {kind}s in {namespace or 'all'}", _path(kind, namespace)
        query = {"limit": str(PAGE), "labelSelector": label}
        yield LISTING, {}
        while True:
            page = self._request("GET", path, what, query=query, accept="application/json" if whole else METADATA_LIST)
            for item in page.get("items") or ():
                yield "ADDED", _plain(item, kind)
            if not page["metadata"].get("continue"):
                break
            query["continue"] = page["metadata"]["continue"]
        yield SYNCED, {}
        version = page["metadata"]["resourceVersion"]
        while True:
            query = {"watch": "true", "allowWatchBookmarks": "true", "labelSelector": label,
                     "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}  # fmt: skip
            for event in self._stream(path, what, query, "application/json" if whole else METADATA):
                manifest = event["object"]
                if event["type"] == "ERROR":
                    if manifest.get("code") == GONE:
                        return
                    raise UnavailableError(what, str(manifest.get("message")), int(manifest.get("code") or 0))
                version = manifest["metadata"]["resourceVersion"]
                yield event["type"], _plain(manifest, kind)
            yield BOOKMARK, {}

    def _stream(self, path: str, what: str, query: Mapping[str, str], accept: str) -> Iterator[Manifest]:
        """The events of one watch."""
        response = self._send("GET", path, what, query=query, accept=accept, timeout=WATCH_SECONDS + 10, whole=False)
        rest = b""
        try:
            for chunk in response.stream():
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines if line)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(what, f"the watch broke off: {error}", 0) from error
        finally:
            response.close()  # a connection with an answer that is not read to its end serves nothing else

    def log(self, ref: Ref, container: str, limit: int) -> str:
        """See `Kube.log`."""
        query = {"container": container, "tailLines": str(LOG_LINES), "limitBytes": str(LOG_BYTES)}
        path = _path(ref.kind, ref.namespace, ref.name) + "/log"
        answer = self._answer("GET", path, f"Reading the log of {ref}", query=query, accept="text/plain, */*")
        return answer[-limit:].decode(errors="replace")

    def create(self, manifest: Manifest) -> Manifest:
        """See `Kube.create`."""
        ref = ref_of(manifest)
        path = _path(ref.kind, ref.namespace)
        return self._request("POST", path, f"Making {ref}", body=manifest, query={"fieldManager": self._manager})

    def apply(self, manifest: Manifest) -> Manifest:
        """See `Kube.apply`."""
        ref = ref_of(manifest)
        query = {"fieldManager": self._manager, "force": "true"}
        path = _path(ref.kind, ref.namespace, ref.name)
        return self._request(
            "PATCH", path, f"Applying {ref}", body=manifest, query=query, content=APPLY, accept=METADATA
        )

    def patch(self, ref: Ref, patch: Mapping[str, Any], *, subresource: str | None = None) -> Manifest:
        """See `Kube.patch`."""
        path = _path(ref.kind, ref.namespace, ref.name) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": self._manager}
        return self._request(
            "PATCH", path, f"Patching {ref}", body=dict(patch), query=query, content=MERGE, accept=METADATA
        )

    def share(self, ref: Ref, uid: str, owner: Mapping[str, Any]) -> None:
        """See `Kube.share`."""
        body = {"metadata": {"uid": uid, "ownerReferences": [dict(owner)]}}
        path, query = _path(ref.kind, ref.namespace, ref.name), {"fieldManager": self._manager}
        self._request("PATCH", path, f"Sharing {ref}", body=body, query=query, content=STRATEGIC, accept=METADATA)

    def delete(self, ref: Ref, *, resource_version: str | None = None) -> None:
        """See `Kube.delete`."""
        options: Manifest = {"propagationPolicy": "Background"}
        if resource_version is not None:
            options["preconditions"] = {"resourceVersion": resource_version}
        try:
            self._request("DELETE", _path(ref.kind, ref.namespace, ref.name), f"Deleting {ref}", body=options)
        except NotFoundError:
            return

    def evict(self, ref: Ref) -> bool:
        """See `Kube.evict`."""
        metadata = {"name": ref.name, "namespace": ref.namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        try:
            self._request("POST", _path(ref.kind, ref.namespace, ref.name) + "/eviction", f"Evicting {ref}", body=body)
        except NotFoundError:
            return True
        except UnavailableError as error:
            if error.status == BUDGET:
                return False
            raise
        return True

    def whoami(self) -> str:
        """See `Kube.whoami`."""
        kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = self._request("POST", path, "Asking who you are", body=kind)
        return str(answer["status"]["userInfo"]["username"])

    def _request(self, method: str, path: str, what: str, **how: Any) -> Manifest:
        """As `_answer`, for what comes back as a manifest."""
        manifest: Manifest = json.loads(self._answer(method, path, what, **how))
        return manifest

    def _answer(self, method: str, path: str, what: str, **how: Any) -> bytes:
        return bytes(self._send(method, path, what, **how).data)

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
        accept: str = "application/json",
        timeout: float = TIMEOUT,
        whole: bool = True,
    ) -> Any:
        """The response to a request: read as a `whole`, or to be streamed."""
        self.told(method)
        LOG.debug("%s %s", method, path)
        headers = {"Accept": accept, "Content-Type": content}
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            response = self._client.rest_client.pool_manager.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                timeout=timeout,
                retries=False,
                preload_content=whole,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(what, f"no answer from the API server: {error}", 0) from error
        self._hear(response.headers.get("Date"))
        if not 200 <= response.status <= 299:
            raise _error(what, response.status, response.data)
        return response

    def _hear(self, date: str | None) -> None:
        try:
            self._heard = (parsedate_to_datetime(date), time.monotonic()) if date else self._heard
        except ValueError:
            LOG.debug("the API server's date is none: %s", date)


def default_namespace(kubeconfig: str | None, context: str | None) -> str:
    """The namespace of a context, as kubectl takes it."""
    try:
        contexts, active = _list_contexts(kubeconfig)
    except (ConfigException, OSError) as error:
        raise UnavailableError("The API server", f"is not known: {error}") from error
    chosen = next((one for one in contexts if one["name"] == context), active) if context else active
    return str((chosen or {}).get("context", {}).get("namespace") or "default")


def _plain(item: Manifest, kind: Kind) -> Manifest:
    item["metadata"].pop("managedFields", None)
    return {**item, "apiVersion": RESOURCES[kind].api_version, "kind": kind}


def _path(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    resource = RESOURCES[kind]
    inside = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    one = f"/{quote(name, safe='')}" if name is not None else ""
    return f"{resource.root}{inside}/{resource.plural}{one}"


def _error(what: str, status: int, answer: object) -> KubeError:
    """The API server's own sentence, in our tree."""
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    try:
        said = json.loads(text)
        text = str(said.get("message") or text)
    except (ValueError, AttributeError):
        text = text[:400]
    return ERRORS.get(status, UnavailableError)(what, text, status)
