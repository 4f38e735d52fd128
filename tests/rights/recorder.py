"""Who of ours asks the in-memory API server for what, as the requests that the real adapter would send."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kubernetes.client import Configuration
from tests.rights.calls import Call, call

from pickleball_operator.kube.cluster import APPLY, Cluster
from pickleball_operator.kube.memory import Memory

if TYPE_CHECKING:
    import pytest

METHODS = ("get", "list", "changes", "log", "create", "apply", "patch", "share", "delete", "evict")
OURS = "pickleball_operator."
ACCOUNTS = {"controller": "controller", "webhook": "webhook", "publish": "publisher"}
"""Which part of the package runs under which ServiceAccount; the other parts ask for a person or for a test."""


@dataclass
class Recorder:
    """Calls by account."""

    calls: dict[str, set[Call]] = field(default_factory=lambda: {one: set() for one in ACCOUNTS.values()})
    adapter: Cluster = field(default_factory=lambda: Cluster(Configuration(host="http://127.0.0.1")))
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    roles: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The rules of the Roles that the controller made, by their names."""

    def __post_init__(self) -> None:
        self.adapter._client.rest_client = SimpleNamespace(pool_manager=self)

    def request(self, method: str, url: str, *, headers: dict[str, str], **_: Any) -> SimpleNamespace:
        """Take a request of the adapter; what is answered does not matter."""
        self.sent.append((method, url, headers["Content-Type"]))
        return SimpleNamespace(status=200, data=b"{}", headers={})

    def note(self, account: str, method: str, *arguments: Any, **named: Any) -> None:
        """Have the adapter send what the double was asked."""
        if method == "apply" and arguments[0]["kind"] == "Role":
            self.roles[arguments[0]["metadata"]["name"]] = arguments[0]["rules"]
        self.sent.clear()
        if method == "changes":  # a list, and then a watch of the same
            self.adapter.list(*arguments[:2])
            (listed,) = [call(verb, url) for verb, url, _ in self.sent]
            self.calls[account] |= {listed, replace(listed, verb="watch")}
            return
        getattr(self.adapter, method)(*arguments, **named)
        for verb, url, content in list(self.sent):
            one = call(verb, url)
            assert one is not None
            self.calls[account].add(one)
            if content == APPLY:  # the API server asks for it when the object is not there yet
                self.calls[account].add(Call("create", one.group, one.resource, "", one.namespace))

    def record(self, patch: pytest.MonkeyPatch) -> None:
        """Begin to record."""
        for method in METHODS:
            patch.setattr(Memory, method, self._recorded(method, getattr(Memory, method)))

    def _recorded(self, method: str, original: Any) -> Any:
        @functools.wraps(original)
        def recorded(kube: Memory, *arguments: Any, **named: Any) -> Any:
            account = caller(sys._getframe(1).f_globals.get("__name__", ""))
            if account is not None:
                self.note(account, method, *arguments, **named)
            return original(kube, *arguments, **named)

        return recorded


def caller(module: str) -> str | None:
    """The account that a module of ours runs under."""
    return ACCOUNTS.get(module.removeprefix(OURS).partition(".")[0]) if module.startswith(OURS) else None
