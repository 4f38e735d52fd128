"""Facts on a claim: who shares a folder of it, and with whom a Job is shared."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.emulated.world import SETTINGS, model_deployment

from pickleball_operator.decide.request import Request, request
from pickleball_operator.model import parse
from pickleball_operator.render import analysis

HASH, OTHER, COMMIT = "a" * 64, "b" * 64, "c" * 40
URL = "https://git.example/lib.git"


def asked(claim: str | None, **changes: Any) -> Request:
    """The request of a spec that names a claim."""
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": None, **changes}
    found = request(parse(model_deployment(analysis={"cacheClaim": claim} if claim else {}, **spec)), SETTINGS)
    assert isinstance(found, Request)
    return found


def image(reference: str, **more: Any) -> dict[str, Any]:
    """A source that is an image."""
    return {"source": {"fromImage": {"image": reference, **more}}}


PINNED = [
    image(f"registry.example/a@sha256:{HASH}"),
    image(f"registry.example/a@sha256:{OTHER}"),
    {"source": {"git": {"url": URL, "ref": COMMIT}}},
    {"source": {"git": {"url": URL, "ref": "d" * 40}}},
    {"source": {"git": {"url": f"{URL}2", "ref": COMMIT}}},
    {"source": {"pypi": {"requirements": [f"a==1 --hash=sha256:{HASH}"]}}},
    {"source": {"pypi": {"requirements": [f"a==1 --hash=sha256:{OTHER}"]}}},
]
LOOSE = [
    image("registry.example/a:1"),
    {"source": {"git": {"url": URL, "ref": "main"}}},
    {"source": {"git": {"url": URL, "ref": COMMIT[:12]}}},
    {"source": {"pypi": {"requirements": ["a==1"]}}},
    {"source": {"pypi": {"requirements": [f"a==1 --hash=sha256:{HASH}", "b"]}}},
    {"source": {"volume": {"claimName": "sources"}}},
]


def folders(found: Request) -> list[str]:
    """Folders of the claim that the Job mounts, over all of its containers."""
    pod = analysis.job(found, SETTINGS, [], suspend=True)["spec"]["template"]["spec"]
    mounts = [mount for one in (*pod["initContainers"], *pod["containers"]) for mount in one["volumeMounts"]]
    return [mount["subPath"] for mount in mounts if mount["name"] == "shared"]


def test_no_two_sources_share_a_folder() -> None:
    """An analysis that was taken over by one source writes nothing that an analysis of another one reads."""
    found = [folders(asked("kept", **source)) for source in PINNED]
    assert all(len(one) == 1 for one in found)
    assert all(one != other for one, other in itertools.combinations(found, 2))


def test_analyses_of_the_same_source_share_one() -> None:
    """Another class or option of the same image finds the facts of the first."""
    source = PINNED[0]
    first, second = asked("kept", **source), asked("kept", model={"classes": ["lib.Other"]}, **source)
    assert first.key != second.key
    assert folders(first) == folders(second)


@pytest.mark.parametrize("source", LOOSE, ids=range(len(LOOSE)))
def test_a_source_that_may_change_mounts_no_claim(source: dict[str, Any]) -> None:
    """Who held a tag or branch once leaves nothing for what it points to later; the condition says what to do."""
    found = asked("kept", **source)
    assert folders(found) == []
    assert "--shared-cache=/pickleball/shared" not in analysis.analyse_command(found)
    assert found.cache is not None
    assert "not kept on kept" in found.cache.note


def test_a_job_is_shared_only_with_those_who_named_the_same_claim() -> None:
    """Somebody with a claim of their own cannot make the policy of deployments that never named it."""
    keys = {asked(claim, **PINNED[0]).key for claim in (None, "kept", "mine")}
    assert len(keys) == 3
