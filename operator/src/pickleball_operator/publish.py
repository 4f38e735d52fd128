"""Publish an analysis' result: read the files with suspicion, then fill the one ConfigMap that waits for them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pickleball_operator import names
from pickleball_operator.decide import result
from pickleball_operator.errors import InvalidError, ResultError
from pickleball_operator.kube import Kube, Ref

if TYPE_CHECKING:
    from pathlib import Path


def publish(folder: Path, kube: Kube, namespace: str, name: str) -> result.Content:
    """Validate policy.json and provenance.json of a folder and write them into the ConfigMap, once."""
    policy = read(folder / names.POLICY_FILE, result.POLICY_LIMIT)
    content = result.check(policy, read(folder / names.PROVENANCE_FILE, result.PROVENANCE_LIMIT))
    filled = result.data(content.policy_text, content.provenance_text)
    ref = Ref("ConfigMap", namespace, name)
    annotations = {names.PUBLISHED: content.policy.digest}
    try:
        kube.patch(ref, {"metadata": {"annotations": annotations}, "immutable": True, **filled})
    except InvalidError as error:
        raise ResultError("result-exists", f"{ref} takes no result, or holds another one already: {error}.") from error
    return content


def read(path: Path, limit: int) -> bytes:
    """A plain file of bounded size: no link, no device, no more bytes than it said."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ResultError("result-missing", f"{path.name} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ResultError("result-missing", f"{path.name} is no plain file.")
    with os.fdopen(handle, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ResultError("result-too-large", f"{path.name} has more than {limit} bytes.")
    return content
