"""The port: the in-memory double keeps what the real API server does, and the adapter speaks to one over HTTP."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from kubernetes.client import Configuration

from pickleball_operator.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubeError,
    NotFoundError,
    UnavailableError,
)
from pickleball_operator.kube import Ref
from pickleball_operator.kube.cluster import Cluster, default_namespace
from pickleball_operator.kube.memory import Memory
from pickleball_operator.kube.merge import apply, merge_patch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAP = Ref("ConfigMap", "team", "a")


def config_map(name: str = "a", **fields: Any) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "team"}, **fields}


def test_create_is_once() -> None:
    """What is there is not made again."""
    kube = Memory()
    made = kube.create(config_map(data={"x": "1"}))
    assert made["metadata"]["uid"]
    with pytest.raises(ConflictError):
        kube.create(config_map())


def test_an_old_resource_version_is_a_conflict() -> None:
    """Patches and deletions can be made conditional."""
    kube = Memory()
    first = kube.create(config_map())["metadata"]["resourceVersion"]
    kube.patch(MAP, {"data": {"x": "1"}})
    with pytest.raises(ConflictError):
        kube.patch(MAP, {"metadata": {"resourceVersion": first}, "data": {"x": "2"}})
    with pytest.raises(ConflictError):
        kube.delete(MAP, resource_version=first)
    with pytest.raises(NotFoundError):
        kube.patch(Ref("ConfigMap", "team", "none"), {})


def test_immutable_config_maps_stay() -> None:
    """Data cannot change, labels and owners can."""
    kube = Memory()
    kube.create(config_map(data={"x": "1"}, immutable=True))
    with pytest.raises(InvalidError):
        kube.patch(MAP, {"data": {"x": "2"}})
    with pytest.raises(InvalidError):
        kube.patch(MAP, {"immutable": None})
    kube.patch(MAP, {"metadata": {"labels": {"a": "b"}}})


def test_deletion_follows_the_owners() -> None:
    """An object goes when its last owner has gone, and what it owned with it."""
    kube = Memory()
    uids = {name: kube.create(config_map(name))["metadata"]["uid"] for name in ("a", "b")}
    shared = config_map("shared")
    shared["metadata"]["ownerReferences"] = [
        {"kind": "ConfigMap", "name": name, "uid": uid} for name, uid in uids.items()
    ]
    below = config_map("below")
    below["metadata"]["ownerReferences"] = [
        {"kind": "ConfigMap", "name": "shared", "uid": kube.create(shared)["metadata"]["uid"]}
    ]
    kube.create(below)
    kube.delete(MAP)
    assert [ref.name for ref in kube] == ["b", "below", "shared"]
    kube.delete(Ref("ConfigMap", "team", "b"))
    assert list(kube) == []


def test_status_is_a_resource_of_its_own() -> None:
    """A patch of the object leaves the status, a patch of the status leaves the object, and generations count specs."""
    kube = Memory()
    ref = Ref("ModelDeployment", "team", "m")
    made = {
        "kind": "ModelDeployment",
        "metadata": {"name": "m", "namespace": "team"},
        "spec": {"a": 1},
        "status": {"x": 1},
    }
    assert "status" not in kube.create(made)
    assert "status" not in kube.patch(ref, {"status": {"x": 1}})
    patched = kube.patch(ref, {"spec": {"a": 2}, "status": {"x": 1}}, subresource="status")
    assert (patched["status"], patched["spec"], patched["metadata"]["generation"]) == ({"x": 1}, {"a": 1}, 1)
    assert kube.patch(ref, {"spec": {"a": 2}})["metadata"]["generation"] == 2


def test_apply_takes_back_what_is_no_longer_named() -> None:
    """Fields that others set stay, ours that we drop go, lists of containers merge by name."""
    current = {
        "a": 1,
        "theirs": 2,
        "containers": [{"name": "x", "image": "1", "seen": True}, {"name": "sidecar"}, {"name": "old"}],
    }
    before = {"a": 1, "b": 1, "containers": [{"name": "x", "image": "1"}, {"name": "old"}]}
    wanted = {"b": 2, "containers": [{"name": "x", "image": "2"}]}
    assert apply(current, before, wanted) == {
        "theirs": 2,
        "b": 2,
        "containers": [{"name": "x", "image": "2", "seen": True}, {"name": "sidecar"}],
    }


def test_merge_patches_are_those_of_the_rfc() -> None:
    """Null removes, objects merge, anything else replaces (RFC 7396, appendix A)."""
    cases: list[tuple[Any, Any, Any]] = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ("x", {"a": 1}, {"a": 1}),
    ]
    for target, patch, wanted in cases:
        assert merge_patch(target, patch) == wanted


def test_an_update_that_changes_nothing_is_no_write() -> None:
    """The resourceVersion stays."""
    kube = Memory()
    kube.create(config_map(data={"x": "1"}))
    before = list(kube.writes)
    kube.patch(MAP, {"data": {"x": "1"}})
    assert kube.writes == before


class Answers(BaseHTTPRequestHandler):
    """Notes each request and gives the answers that the test prepared."""

    seen: list[tuple[str, str, str | None, Any]]
    queue: list[tuple[int, Any]]

    def answer(self) -> None:
        """Note and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, self.headers["Content-Type"], json.loads(body) if body else None))
        status, content = self.queue.pop(0)
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[Cluster, type[Answers]]]:
    """An adapter and the server that it speaks to."""
    handler = type("Handler", (Answers,), {"seen": [], "queue": []})
    http = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{http.server_address[1]}"
    cluster = Cluster(configuration)
    yield cluster, handler
    cluster.close()
    http.shutdown()
    thread.join()
    http.server_close()


def test_the_adapter_asks_as_the_api_server_wants_it(server: tuple[Cluster, type[Answers]]) -> None:
    """Paths, verbs, content types and parameters of each call."""
    cluster, handler = server
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "team"}}
    handler.queue += [(200, {})] * 6
    cluster.get(MAP)
    cluster.create(config_map())
    cluster.apply(deployment)
    cluster.patch(Ref("ModelDeployment", "team", "m"), {"status": {}}, subresource="status")
    cluster.delete(Ref("Job", "team", "j"), resource_version="7")
    cluster.list("Pod", None, {"a": "b"})
    root = "/api/v1/namespaces/team/configmaps"
    assert handler.seen == [
        ("GET", f"{root}/a", "application/json", None),
        ("POST", f"{root}?fieldManager=pickleball", "application/json", config_map()),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/team/deployments/d?fieldManager=pickleball&force=true",
            "application/apply-patch+yaml",
            deployment,
        ),
        (
            "PATCH",
            "/apis/pickleball.dev/v1alpha1/namespaces/team/modeldeployments/m/status?fieldManager=pickleball",
            "application/merge-patch+json",
            {"status": {}},
        ),
        (
            "DELETE",
            "/apis/batch/v1/namespaces/team/jobs/j",
            "application/json",
            {"propagationPolicy": "Background", "preconditions": {"resourceVersion": "7"}},
        ),
        ("GET", "/api/v1/pods?limit=100&labelSelector=a%3Db", "application/json", None),
    ]


def test_the_adapter_reads_logs_and_who_asks(server: tuple[Cluster, type[Answers]]) -> None:
    """A log comes bounded from its end; the user name comes from the API server's own review."""
    cluster, handler = server
    handler.queue += [(200, '"a long line"'), (201, {"status": {"userInfo": {"username": "ada"}}})]
    assert cluster.log(Ref("Pod", "team", "p"), "app", 5) == 'line"'
    assert cluster.whoami() == "ada"
    log, review = handler.seen
    assert log[1] == "/api/v1/namespaces/team/pods/p/log?container=app&tailLines=500&limitBytes=4194304"
    assert review[:2] == ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews")


def test_an_eviction_is_asked_for_and_may_be_refused_by_a_budget(server: tuple[Cluster, type[Answers]]) -> None:
    """429 is a budget's no, 404 means that the pod has gone already, anything else is an error."""
    cluster, handler = server
    ref = Ref("Pod", "team", "p")
    handler.queue += [(201, {}), (429, {"message": "Cannot evict pod"}), (404, {}), (403, {"message": "forbidden"})]
    assert [cluster.evict(ref) for _ in range(3)] == [True, False, True]
    with pytest.raises(ForbiddenError):
        cluster.evict(ref)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": "team"}}
    asked = handler.seen[0]
    assert (asked[0], asked[1], asked[3]) == ("POST", "/api/v1/namespaces/team/pods/p/eviction", eviction)


def test_a_kubeconfigs_context_gives_the_namespace(tmp_path: Path) -> None:
    """The named context's, else the current one's, else `default`; a file that is none is an error."""
    file = tmp_path / "config"
    contexts = [
        {"name": "a", "context": {"cluster": "c", "user": "u", "namespace": "red"}},
        {"name": "b", "context": {"cluster": "c", "user": "u"}},
    ]
    users = [{"name": "u", "user": {"token": "t"}}]
    clusters = [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}]
    file.write_text(
        yaml.safe_dump({"current-context": "a", "contexts": contexts, "users": users, "clusters": clusters})
    )
    assert [default_namespace(str(file), context) for context in (None, "a", "b")] == ["red", "red", "default"]
    with pytest.raises(UnavailableError, match="no answer"):
        Cluster.connect_as_user(str(file), "b", "kubectl-pickleball").get(MAP)
    with pytest.raises(UnavailableError, match="is not known"):
        default_namespace(str(tmp_path / "none"), None)


def test_lists_are_read_to_their_end(server: tuple[Cluster, type[Answers]]) -> None:
    """Pages are followed, and each item says what it is."""
    cluster, handler = server
    handler.queue += [
        (200, {"metadata": {"continue": "c"}, "items": [{"metadata": {"name": "1"}}]}),
        (200, {"items": [{}]}),
    ]
    found = cluster.list("Pod", "team")
    assert [one["kind"] for one in found] == ["Pod", "Pod"]
    assert "continue=c" in handler.seen[1][1]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (422, InvalidError),
        (500, UnavailableError),
        (429, UnavailableError),
    ],
)
def test_refusals_carry_the_servers_sentence(
    server: tuple[Cluster, type[Answers]], status: int, error: type[KubeError]
) -> None:
    """Each HTTP status has its class, with the API server's own words."""
    cluster, handler = server
    handler.queue.append((status, {"message": "because of this"}))
    with pytest.raises(error, match="because of this") as refused:
        cluster.patch(MAP, {})
    assert refused.value.status == status


def test_what_is_not_there_is_none_and_is_not_deleted_twice(server: tuple[Cluster, type[Answers]]) -> None:
    """404 is an answer for get and delete."""
    cluster, handler = server
    handler.queue += [(404, {}), (404, {})]
    assert cluster.get(MAP) is None
    cluster.delete(MAP)


def test_no_answer_is_unavailable() -> None:
    """A server that is not there is an error that is tried again."""
    configuration = Configuration()
    configuration.host = "http://127.0.0.1:1"
    with pytest.raises(UnavailableError, match="no answer") as refused:
        Cluster(configuration).get(MAP)
    assert refused.value.status == 0
