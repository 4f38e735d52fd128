"""Requests to an API server as its authorizer sees them, and what RBAC rules let pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Manifest = dict[str, Any]
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
DISCOVERY = ("/api", "/apis", "/version", "/healthz", "/livez", "/readyz", "/openapi")
"""What the API server's own role system:discovery gives to everybody who is known."""


@dataclass(frozen=True, order=True)
class Call:
    """One request; `name` is empty where it names no object."""

    verb: str
    group: str
    resource: str
    name: str = ""
    namespace: str = ""


class Grant(Call):
    """What one rule lets pass: a verb on a resource, of the objects of one name where `name` is one."""

    def __str__(self) -> str:
        where = "/".join(filter(None, [self.group, self.resource, self.name]))
        return f"{self.verb} {where}{' in ' if self.namespace else ''}{self.namespace}"

    def covers(self, call: Call) -> bool:
        """Whether it lets a call pass; a list, a watch and a create name no object, so no rule with names fits."""
        return (
            (self.verb, self.group, self.resource) == (call.verb, call.group, call.resource)
            and self.name in ("", call.name)
            and self.namespace in ("", call.namespace)
        )


def call(method: str, url: str) -> Call | None:
    """The call that a request is, as k8s.io/apiserver/pkg/endpoints/request reads it; None for discovery."""
    split = urlsplit(url)
    words = split.path.strip("/").split("/")
    if words[0] == "api" and len(words) > 2:
        group, rest = "", words[2:]
    elif words[0] == "apis" and len(words) > 3:
        group, rest = words[1], words[3:]
    else:
        assert split.path.startswith(DISCOVERY), f"{method} {url} is neither of a resource nor discovery"
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        rest = rest[2:] if len(rest) > 2 else rest
    name = rest[1] if len(rest) > 1 else ""
    resource = "/".join([rest[0], *rest[2:]])
    verb = VERBS[method]
    if method == "GET" and not name:
        verb = "watch" if parse_qs(split.query).get("watch", ["false"])[0] in ("true", "1") else "list"
    return Call(verb, group, resource, name, namespace)


def grants(rules: Iterable[Manifest], namespace: str = "") -> Iterator[Grant]:
    """Every grant of a Role's or ClusterRole's rules."""
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames") or [""]:
                        yield Grant(verb, group, resource, name, namespace)


def bound(manifests: Iterable[Manifest], account: str) -> set[Grant]:
    """What the chart's bindings give to one ServiceAccount."""
    found = list(manifests)
    roles = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one["rules"]
             for one in found if one["kind"] in ("Role", "ClusterRole")}  # fmt: skip
    given: set[Grant] = set()
    for one in found:
        if any(subject["name"] == account for subject in one.get("subjects", [])):
            namespace, role = one["metadata"].get("namespace", ""), one["roleRef"]
            place = namespace if role["kind"] == "Role" else ""
            given |= set(grants(roles[role["kind"], place, role["name"]], namespace))
    return given


def refused(calls: Iterable[Call], given: Iterable[Grant]) -> list[Call]:
    """Calls that no grant covers."""
    known = list(given)
    return sorted(one for one in set(calls) if not any(grant.covers(one) for grant in known))


def unused(given: Iterable[Grant], calls: Iterable[Call]) -> list[str]:
    """Grants that no call needs."""
    made = set(calls)
    return sorted(str(grant) for grant in set(given) if not any(grant.covers(one) for one in made))
