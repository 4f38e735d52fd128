"""Objects are followed, large ones fetched once, shared ones owned by many, on both sides of the port."""

from __future__ import annotations

import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.operator.test_kube import MAP, Answers, config_map, server

from pickleball_operator.errors import ConflictError, UnavailableError
from pickleball_operator.kube import Ref
from pickleball_operator.kube.contents import Contents
from pickleball_operator.kube.follow import BOOKMARK, LISTING, SYNCED, Follower, Store
from pickleball_operator.kube.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_operator.kube.cluster import Cluster

__all__ = ["server"]
OWNER = {"kind": "ModelDeployment", "name": "m", "uid": "u"}


def whole(uid: str, **fields: Any) -> dict[str, Any]:
    """A ConfigMap as the API server holds it."""
    manifest = config_map(**fields)
    manifest["metadata"] |= {"uid": uid, "resourceVersion": "1"}
    return manifest


def event(change: str, version: str) -> str:
    """A line of a watch."""
    metadata = {"name": "a", "namespace": "team", "resourceVersion": version, "managedFields": []}
    return json.dumps({"type": change, "object": {"metadata": metadata}}) + "\n"


def test_an_immutable_config_map_is_fetched_once(server: tuple[Cluster, type[Answers]]) -> None:
    """Afterwards its metadata is asked for only; another one of the name is fetched anew, a mutable one each time."""
    cluster, handler = server
    first, second = whole("1", data={"x": "1"}, immutable=True), whole("2", data={"x": "2"})
    later = {"metadata": {**first["metadata"], "resourceVersion": "2"}}
    handler.queue += [(200, first), (200, later), (200, {"metadata": second["metadata"]}), (200, second), (200, second)]
    assert cluster.get(MAP) == first
    assert cluster.get(MAP) == {**first, **later}
    assert cluster.get(MAP) == second
    assert cluster.get(MAP) == second
    assert len(handler.seen) == 5


def test_contents_are_bounded() -> None:
    """Those that were used least recently go."""
    kept = Contents(limit=3)
    refs = [Ref("ConfigMap", "team", name) for name in "abcd"]
    for ref in refs:
        kept.keep(ref, whole(ref.name, data={"x": "1"}, immutable=True))
    assert [kept.knows(ref) for ref in refs] == [False, True, True, True]


def test_many_owners_come_to_one_object_without_conflicts(server: tuple[Cluster, type[Answers]]) -> None:
    """The API server merges owners by uid; the object's own uid in the patch keeps it to that object."""
    cluster, handler = server
    handler.queue += [(200, {})]
    cluster.share(MAP, "1", OWNER)
    (asked,) = handler.seen
    assert asked[2:] == (
        "application/strategic-merge-patch+json",
        {"metadata": {"uid": "1", "ownerReferences": [OWNER]}},
    )
    kube = Memory()
    uid = kube.create(config_map())["metadata"]["uid"]
    for one in (OWNER, {**OWNER, "uid": "v"}, OWNER):
        kube.share(MAP, uid, one)
    assert [one["uid"] for one in (kube.get(MAP) or {})["metadata"]["ownerReferences"]] == ["v", "u"]
    with pytest.raises(ConflictError):
        kube.share(MAP, "another", OWNER)


def test_a_kind_is_followed_page_by_page_and_then_by_a_watch(server: tuple[Cluster, type[Answers]]) -> None:
    """A watch that ends is taken up where it ended; one that is too old ends it all."""
    cluster, handler = server
    pages = [
        {"metadata": {"resourceVersion": "7", "continue": "more"}, "items": [whole("1")]},
        {"metadata": {"resourceVersion": "7"}, "items": [whole("2")]},
    ]
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    watches = [event("MODIFIED", "8") + event("BOOKMARK", "9"), json.dumps(gone) + "\n"]
    handler.queue += [(200, one) for one in (*pages, *watches)]
    told = list(cluster.changes("ConfigMap", "team", "part", whole=False))
    assert [change for change, _ in told] == [LISTING, "ADDED", "ADDED", SYNCED, "MODIFIED", BOOKMARK, BOOKMARK]
    assert "managedFields" not in told[4][1]["metadata"]
    began = [path.partition("resourceVersion=")[2][:1] for _, path, _, _ in handler.seen]
    assert began == ["", "", "7", "9"]


def test_an_error_in_a_watch_is_an_error(server: tuple[Cluster, type[Answers]]) -> None:
    """With the API server's own words."""
    cluster, handler = server
    refused = {"type": "ERROR", "object": {"code": 500, "message": "out of order"}}
    handler.queue += [(200, {"metadata": {"resourceVersion": "1"}}), (200, json.dumps(refused) + "\n")]
    with pytest.raises(UnavailableError, match="out of order"):
        list(cluster.changes("ConfigMap", None))


def test_the_double_tells_what_the_real_one_does() -> None:
    """What is there, then each change of what carries the label."""
    kube = Memory()
    marked = {**config_map(), "metadata": {**config_map()["metadata"], "labels": {"part": "x"}}}
    kube.create(marked)
    kube.create(config_map("b"))
    changes = kube.changes("ConfigMap", "team", "part", whole=False)
    told = [next(changes) for _ in range(3)]
    kube.patch(MAP, {"data": {"x": "1"}})
    kube.delete(MAP)
    told += [next(changes), next(changes)]
    assert [change for change, _ in told] == [LISTING, "ADDED", SYNCED, "MODIFIED", "DELETED"]
    assert all("data" not in manifest for _, manifest in told)


@pytest.mark.parametrize("problem", [UnavailableError("Following", "gone"), ValueError("a bug")])
def test_a_follower_begins_again_after_an_error(problem: Exception) -> None:
    """What it knows is out of date until the next listing is complete, which takes the place of everything."""
    store, seen = Store(), threading.Event()
    number = itertools.count()

    def changes() -> Iterator[tuple[str, Any]]:
        yield LISTING, {}
        if next(number) == 0:
            yield "ADDED", config_map("a")
            yield SYNCED, {}
            assert follower.synced.is_set()
            assert [one["metadata"]["name"] for one in store.of("team")] == ["a"]
            raise problem
        assert not follower.synced.is_set()
        yield "ADDED", config_map("b")
        assert [one["metadata"]["name"] for one in store.of("team")] == ["a"]
        yield SYNCED, {}
        yield "DELETED", config_map("b")
        yield "ADDED", config_map("c")
        seen.set()
        follower.stop()
        yield BOOKMARK, {}

    follower = Follower(changes, store.told, "these")
    follower.run()
    assert seen.is_set()
    assert [one["metadata"]["name"] for one in store.of("team")] == ["c"]
