"""The CustomResourceDefinition, made from the models (crds/modeldeployments.yaml)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from pickleball_operator.names import GROUP, KIND, PLURAL, VERSION

from .deployment import NAME_LIMIT
from .spec import Spec
from .status import Status

if TYPE_CHECKING:
    from pydantic import BaseModel

_DROPPED = ("title", "additionalProperties", "$defs", "discriminator")


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    if priority:
        column["priority"] = priority
    return column


def _of_ready(field: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{field}'


COLUMNS = [
    _column("Ready", _of_ready("status")),
    _column("Reason", _of_ready("reason")),
    _column("Mode", ".spec.enforcement.mode"),
    _column("Protected", ".status.pods.protected", "integer"),
    _column("Pods", ".status.pods.total", "integer"),
    _column("Age", ".metadata.creationTimestamp", "date"),
    _column("Policy", ".status.policy.name", priority=1),
    _column("Message", _of_ready("message"), priority=1),
]


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition manifest."""
    schema = {
        "type": "object",
        "description": "A model to run, and the policy that it is loaded under.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(Spec),
            "status": structural(Status),
        },
        "x-kubernetes-validations": [
            {
                "rule": f"self.metadata.name.size() <= {NAME_LIMIT}",
                "message": f"the name has at most {NAME_LIMIT} characters",
            }
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["mdep"],
                "categories": ["pickleball"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": COLUMNS,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def dumps() -> str:
    """The CustomResourceDefinition as YAML."""
    head = "# Made from operator/src/pickleball_operator/model by `pickleball-operator crds`; do not edit.\n"
    return head + yaml.safe_dump(definition(), sort_keys=False, width=120)


def structural(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema as Kubernetes takes it: no references, no unions with null, no titles."""
    schema = model.model_json_schema(by_alias=True)
    return _plain(schema, schema.get("$defs", {}))


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[1]]
        return _plain({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    if "anyOf" in schema:
        (kept,) = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return _plain({**kept, **rest}, definitions)
    plain = {key: value for key, value in schema.items() if key not in _DROPPED}
    if plain.get("default") is None:
        plain.pop("default", None)
    if plain.get("type") == "object":
        plain = _object(plain, schema, definitions)
    if "items" in plain:
        plain["items"] = _plain(plain["items"], definitions)
    return plain


def _object(plain: dict[str, Any], schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "properties" in plain:
        plain["properties"] = {name: _plain(value, definitions) for name, value in plain["properties"].items()}
        if isinstance(plain.get("default"), dict):
            plain["default"] = {}  # the fields' own defaults fill it in
    elif isinstance(schema.get("additionalProperties"), dict):
        plain["additionalProperties"] = _plain(schema["additionalProperties"], definitions)
    return plain
