"""One commit of a git repository, without history, hooks, submodules, links or a configuration of anybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pickleball_generate.errors import BadInput, FetchFailed

from .program import run

if TYPE_CHECKING:
    from pathlib import Path

URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~%+@:-]+)+/?")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
SETTINGS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "https:http",
    "GIT_ASKPASS": "/bin/false",
}
CONFIGURATION = {
    "core.symlinks": "false",
    "core.hooksPath": "/dev/null",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "fetch.fsckObjects": "true",
    "http.followRedirects": "initial",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "gc.auto": "0",
    "init.defaultBranch": "none",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}


def fetch(url: str, ref: str, folder: Path, home: Path) -> str:
    """Check a commit out into a folder; gives its id."""
    if not URL.fullmatch(url) or "/../" in f"{url}/":
        raise BadInput(f"{url!r} is no address that is cloned: write https://git.example/PATH.", reason="bad-url")
    if not REF.fullmatch(ref) or ".." in ref:
        raise BadInput(f"{ref!r} is no branch, tag or commit.", reason="bad-ref")
    if url.startswith("http:") and not COMMIT.fullmatch(ref):
        raise BadInput(
            f"{url} is fetched in the clear, where anybody on the way can change it: give the whole commit id as ref,"
            " or use https.",
            reason="bad-ref",
        )
    options = [word for name, value in CONFIGURATION.items() for word in ("-c", f"{name}={value}")]

    def git(*words: str) -> str:
        return run(["git", *options, "-C", str(folder), *words], home, SETTINGS)

    folder.mkdir(parents=True)
    git("init", "--quiet", "--template=")
    try:
        git("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", url, ref)
    except FetchFailed as error:
        if "couldn't find remote ref" in error.sentence or "not our ref" in error.sentence:
            raise BadInput(f"{url} has no {ref}: {error.sentence}", reason="no-such-ref") from error
        raise
    commit = git("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    if COMMIT.fullmatch(ref) and commit != ref:
        raise BadInput(f"{url} gave {commit} for {ref}.", reason="no-such-ref")
    git("checkout", "--quiet", "--detach", commit)
    return commit
