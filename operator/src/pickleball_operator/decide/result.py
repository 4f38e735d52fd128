"""The result of an analysis, read as hostile input: a policy and its provenance, bounded and strict."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from pickleball_enforce.errors import PolicyError
from pickleball_enforce.policy import Policy
from pickleball_operator import names
from pickleball_operator.errors import ResultError

from .keys import content_digest, policy_key

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY_LIMIT = 512 * 1024
PROVENANCE_LIMIT = 32 * 1024 * 1024
CONFIG_MAP_LIMIT = 1000 * 1000
"""Of a ConfigMap's 1 MiB; the rest is metadata."""
PLAIN_LIMIT = 700 * 1000
"""Up to here the provenance stays readable with kubectl."""
SURROGATE = re.compile("[\ud800-\udfff]")
ESCAPE = re.compile(r"\\u[dD]")
REMEMBERED_BYTES, REMEMBERED_VALUES = 1024 * 1024, 25_000
"""Two dozen of these take less than 100 MiB, whatever they hold."""
DEPTH_LIMIT = 64
VALUES_LIMIT = 500_000
"""Of a provenance: a few bytes of text may take a hundred in memory."""


@dataclass(frozen=True)
class Content:
    """What a policy ConfigMap holds."""

    policy: Policy
    policy_text: str
    provenance: Mapping[str, Any]
    provenance_text: str

    @cached_property
    def digest(self) -> str:
        """The sha256 that its ConfigMap's name ends in."""
        return content_digest(self.policy_text, self.provenance_text)

    @cached_property
    def key(self) -> str | None:
        """Its policy key."""
        return policy_key(self.provenance)


def check(policy: bytes, provenance: bytes) -> Content:
    """Both files, or ResultError with a reason and a sentence.

    Every look reads the same few results several times: those of an everyday size are remembered.
    """
    everyday = len(provenance) <= REMEMBERED_BYTES and _values(provenance) <= REMEMBERED_VALUES
    return (_remembered if everyday else _checked)(policy, provenance)


def _checked(policy: bytes, provenance: bytes) -> Content:
    if len(policy) > POLICY_LIMIT:
        raise ResultError("policy-too-large", f"policy.json has {len(policy)} bytes; at most {POLICY_LIMIT} are taken.")
    try:
        parsed = Policy.parse(policy, names.POLICY_FILE)
    except PolicyError as error:
        raise ResultError("policy-invalid", f"{error}.") from error
    if len(provenance) > PROVENANCE_LIMIT:
        raise ResultError(
            "provenance-too-large",
            f"provenance.json has {len(provenance)} bytes; at most {PROVENANCE_LIMIT} are taken.",
        )
    if _values(provenance) > VALUES_LIMIT:
        raise ResultError("provenance-too-large", f"provenance.json has more than {VALUES_LIMIT} values.")
    try:
        text = provenance.decode()
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ResultError("provenance-invalid", f"provenance.json is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ResultError("provenance-invalid", "provenance.json is no object.")
    if not _shallow(content, DEPTH_LIMIT):
        raise ResultError("provenance-invalid", f"provenance.json is nested deeper than {DEPTH_LIMIT}.")
    if ESCAPE.search(text) and not _writable(content):
        raise ResultError("provenance-invalid", "provenance.json has a half of a character that cannot be written.")
    return Content(policy=parsed, policy_text=policy.decode(), provenance=content, provenance_text=text)


_remembered = lru_cache(24)(_checked)


def _values(text: bytes) -> int:
    """At least as many as there are values in a JSON text."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def data(policy_text: str, provenance_text: str) -> dict[str, dict[str, str]]:
    """`data` and `binaryData` of a ConfigMap: the provenance plain when it fits, else gzipped."""
    plain = {names.POLICY_FILE: policy_text, names.PROVENANCE_FILE: provenance_text}
    if sum(len(value.encode()) for value in plain.values()) <= PLAIN_LIMIT:
        return {"data": plain}
    packed = b64encode(gzip.compress(provenance_text.encode(), mtime=0)).decode()
    if len(policy_text.encode()) + len(packed) > CONFIG_MAP_LIMIT:
        raise ResultError(
            "result-too-large",
            f"Policy and provenance have {len(policy_text) + len(packed)} bytes compressed; a ConfigMap takes 1 MiB."
            " Name fewer classes, or leave paths out with spec.analysis.ignorePaths.",
        )
    return {"data": {names.POLICY_FILE: policy_text}, "binaryData": {names.PROVENANCE_GZIP: packed}}


def read(config_map: Mapping[str, Any]) -> Content:
    """The content of a result or policy ConfigMap, or ResultError."""
    plain = config_map.get("data") or {}
    binary = config_map.get("binaryData") or {}
    if not isinstance(plain.get(names.POLICY_FILE), str):
        raise ResultError("policy-missing", f"The ConfigMap has no key {names.POLICY_FILE}.")
    provenance = plain.get(names.PROVENANCE_FILE)
    if provenance is None and names.PROVENANCE_GZIP in binary:
        return check(plain[names.POLICY_FILE].encode(), _unpack(binary[names.PROVENANCE_GZIP]))
    if not isinstance(provenance, str):
        raise ResultError("provenance-missing", f"The ConfigMap has no key {names.PROVENANCE_FILE}.")
    return check(plain[names.POLICY_FILE].encode(), provenance.encode())


def analysed(config_map: Mapping[str, Any]) -> Content:
    """The content of a result as its analysis published it, or ResultError: nobody has written it by hand since."""
    content = read(config_map)
    published = (config_map.get("metadata") or {}).get("annotations") or {}
    if config_map.get("immutable") is not True or published.get(names.PUBLISHED) != content.policy.digest:
        raise ResultError(
            "result-altered",
            "It does not hold what the analysis published; delete the ConfigMap, and the sources are analysed again.",
        )
    return content


def _unpack(packed: object) -> bytes:
    if not isinstance(packed, str):
        raise ResultError("provenance-invalid", f"{names.PROVENANCE_GZIP} is no text.")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(b64decode(packed, validate=True))) as file:
            unpacked = file.read(PROVENANCE_LIMIT + 1)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ResultError("provenance-invalid", f"{names.PROVENANCE_GZIP} is not gzip in base64: {error}.") from error
    return unpacked


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return content


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError(f"{number[:40]} is no number")
    return value


def _writable(value: object) -> bool:
    """Whether every text can be encoded again: JSON can name surrogates, UTF-8 cannot."""
    if isinstance(value, dict):
        return all(_writable(key) and _writable(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_writable, value))
    return not isinstance(value, str) or value.isascii() or not SURROGATE.search(value)


def _shallow(value: object, depth: int) -> bool:
    """Whether nothing is nested deeper; level by level, since this is done at every look."""
    level = [value]
    while level and depth >= 0:
        depth -= 1
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
    return not level
