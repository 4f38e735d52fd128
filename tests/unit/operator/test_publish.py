"""Results of an analysis as hostile input."""

from __future__ import annotations

import gzip
import json
import os
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import POLICY, PROVENANCE

from pickleball_operator import cli
from pickleball_operator.decide import result
from pickleball_operator.decide.keys import content_digest
from pickleball_operator.decide.policy import Candidate, is_intact
from pickleball_operator.errors import NotFoundError, ResultError
from pickleball_operator.kube import Ref
from pickleball_operator.kube.memory import Memory
from pickleball_operator.names import policy_name
from pickleball_operator.publish import publish
from pickleball_operator.render.policy import config_map

if TYPE_CHECKING:
    from pathlib import Path

REF = Ref("ConfigMap", "team", "result")


@pytest.fixture
def kube() -> Memory:
    """An API server with the empty result."""
    memory = Memory()
    memory.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "result", "namespace": "team"}})
    return memory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good result."""
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    (tmp_path / "provenance.json").write_text(json.dumps(PROVENANCE))
    return tmp_path


def test_a_good_result_fills_the_config_map_and_closes_it(kube: Memory, folder: Path) -> None:
    """Policy and provenance arrive as they are; after that the ConfigMap is immutable."""
    publish(folder, kube, "team", "result")
    stored = kube.get(REF)
    assert stored is not None
    assert stored["immutable"] is True
    assert json.loads(stored["data"]["policy.json"]) == POLICY
    assert result.read(stored).provenance == PROVENANCE


def test_publishing_twice_is_once(kube: Memory, folder: Path) -> None:
    """A second attempt with the same files succeeds; other files are refused."""
    publish(folder, kube, "team", "result")
    publish(folder, kube, "team", "result")
    (folder / "policy.json").write_text(json.dumps({"a.B": {"globals": ["a.B"], "reduces": []}}))
    with pytest.raises(ResultError, match="holds another one already"):
        publish(folder, kube, "team", "result")


def deep(levels: int) -> str:
    """Nested lists."""
    return '{"a": ' + "[" * levels + "]" * levels + "}"


BAD: list[tuple[str, str, bytes, str]] = [
    ("empty policy", "policy.json", b"", "policy-invalid"),
    ("no class", "policy.json", b"{}", "policy-invalid"),
    ("a list", "policy.json", b"[]", "policy-invalid"),
    ("unknown key", "policy.json", b'{"a.B": {"globals": [], "reduces": [], "more": []}}', "policy-invalid"),
    (
        "twice",
        "policy.json",
        b'{"a.B": {"globals": [], "reduces": []}, "a.B": {"globals": [], "reduces": []}}',
        "policy-invalid",
    ),
    ("no UTF-8", "policy.json", b"\xff\xfe", "policy-invalid"),
    ("too large", "policy.json", b" " * (result.POLICY_LIMIT + 1), "result-too-large"),
    ("deep", "policy.json", deep(100_000).encode(), "policy-invalid"),
    ("empty provenance", "provenance.json", b"", "provenance-invalid"),
    ("a number", "provenance.json", b"1", "provenance-invalid"),
    ("NaN", "provenance.json", b'{"a": NaN}', "provenance-invalid"),
    ("twice", "provenance.json", b'{"a": 1, "a": 2}', "provenance-invalid"),
    ("deep", "provenance.json", deep(100).encode(), "provenance-invalid"),
    ("infinite", "provenance.json", b'{"sources": [1e999]}', "provenance-invalid"),
    ("half a character", "provenance.json", b'{"a": "\\ud800"}', "provenance-invalid"),
    ("half a key", "provenance.json", b'{"a": [{"\\udfff": 1}]}', "provenance-invalid"),
    (
        "small in text, large in memory",
        "provenance.json",
        b'{"a": [' + b"[]," * 600_000 + b"1]}",
        "provenance-too-large",
    ),
    ("very deep", "provenance.json", deep(100_000).encode(), "provenance-invalid"),
]


@pytest.mark.parametrize(
    ("file", "content", "reason"), [case[1:] for case in BAD], ids=[f"{case[1]} {case[0]}" for case in BAD]
)
def test_what_is_no_result_is_refused(kube: Memory, folder: Path, file: str, content: bytes, reason: str) -> None:
    """The reason is a constant, and nothing is written."""
    (folder / file).write_bytes(content)
    with pytest.raises(ResultError) as refused:
        publish(folder, kube, "team", "result")
    assert refused.value.reason == reason
    stored = kube.get(REF)
    assert stored is not None
    assert "data" not in stored


def test_files_that_are_no_files_are_refused(kube: Memory, folder: Path) -> None:
    """Links, pipes, folders and missing files are not followed, waited for or read."""
    policy = folder / "policy.json"
    target = folder / "elsewhere"
    policy.rename(target)
    makers: list[Any] = [
        lambda: policy.symlink_to(target),
        lambda: os.mkfifo(policy),
        policy.mkdir,
        lambda: None,
    ]
    for make in makers:
        make()
        with pytest.raises(ResultError) as refused:
            publish(folder, kube, "team", "result")
        assert refused.value.reason == "result-missing"
        if policy.is_dir():
            policy.rmdir()
        else:
            policy.unlink(missing_ok=True)


def test_the_command_says_how_it_went_in_one_json_line(
    kube: Memory, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 published, 2 files refused, 1 API server said no; the line carries reason and sentence."""
    assert cli.publish_result(folder, kube, "team", "other") == 1
    assert cli.publish_result(folder, kube, "team", "result") == 0
    (folder / "policy.json").write_text("{}")
    assert cli.publish_result(folder, kube, "team", "result") == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("reason", line["status"]) for line in lines] == ["api-refused", "published", "policy-invalid"]


def test_a_missing_config_map_is_not_made(kube: Memory, folder: Path) -> None:
    """The publisher fills what the controller made, and makes nothing."""
    with pytest.raises(NotFoundError):
        publish(folder, kube, "team", "other")


def test_a_large_provenance_is_compressed_and_a_huge_one_refused() -> None:
    """It stays plain while it fits, then gzip in binaryData, then an error that says what to do."""
    policy = json.dumps(POLICY)
    assert set(result.data(policy, "{}")) == {"data"}
    large = json.dumps({"why": ["lib/module.py:1"] * 100_000})
    filled = result.data(policy, large)
    assert set(filled["data"]) == {"policy.json"}
    assert result.read(filled).provenance_text == large
    with pytest.raises(ResultError, match="ignorePaths"):
        result.data(policy, json.dumps({"noise": os.urandom(1_000_000).hex()}))


def test_a_gzip_bomb_is_not_unpacked() -> None:
    """At most the limit is unpacked of what a ConfigMap holds."""
    bomb = b64encode(gzip.compress(b" " * (result.PROVENANCE_LIMIT + 10))).decode()
    with pytest.raises(ResultError) as refused:
        result.read({"data": {"policy.json": json.dumps(POLICY)}, "binaryData": {"provenance.json.gz": bomb}})
    assert refused.value.reason == "provenance-too-large"


@pytest.mark.parametrize(
    "packed", ["no base64!", b64encode(b"no gzip").decode(), b64encode(gzip.compress(b"{}")[:-4]).decode(), 1]
)
def test_a_broken_gzip_is_refused(packed: Any) -> None:
    """What is no gzip in base64 is an error of the result, not of the controller."""
    with pytest.raises(ResultError):
        result.read({"data": {"policy.json": json.dumps(POLICY)}, "binaryData": {"provenance.json.gz": packed}})


def test_a_policy_config_map_is_named_by_its_content() -> None:
    """The name ends in the digest; another byte, or a mutable object, is not taken for it."""
    policy, provenance = json.dumps(POLICY), json.dumps(PROVENANCE)
    content = result.check(policy.encode(), provenance.encode())
    found = Candidate(content, content_digest(policy, provenance), None, "request")
    stored = config_map(found, "team", [])
    assert stored["metadata"]["name"] == policy_name(found.digest)
    assert is_intact(stored, found.name)
    assert not is_intact({**stored, "immutable": False}, found.name)
    assert not is_intact({**stored, "data": {**stored["data"], "policy.json": policy + " "}}, found.name)
    assert not is_intact({**stored, "data": {}}, found.name)
