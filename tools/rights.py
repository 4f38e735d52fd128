"""The page of rights, made from the chart's rules and their comments.

python -m tools.rights > docs/reference/rights.md
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = Path(__file__).parents[1] / "charts" / "pickleball" / "templates"
DEFINE = re.compile(
    r'\{\{- define "pickleball\.(?P<name>\w*[rR]ules)" -\}\}\n(?P<body>.*?)\n\{\{- end \}\}\n(?:\n|$)', re.DOTALL
)
RULE = re.compile(
    r"(?P<why>(?:# .+\n)*)- apiGroups: \[(?P<groups>.*)\]\n  resources: \[(?P<resources>.*)\]\n"
    r"(?:  resourceNames: \[(?P<names>.*)\]\n)?  verbs: \[(?P<verbs>.*)\]"
)
WHO = {
    "rules": "Controller: in every namespace, or in those of `watchNamespaces`",
    "leaseRules": "Controller: in each of `watchNamespaces`, or without these in kube-system",
    "secretRules": "Controller: in its own namespace, with `webhook.certificate.from: Controller`",
    "authorityRules": "Controller: in the whole cluster, with `webhook.certificate.from: Controller`",
    "webhookRules": "Webhook: in every namespace, or in those of `watchNamespaces`",
}
"""What each set of rules is for, in the order of the page."""
NAMES = {'{{ include "pickleball.webhook" . }}': "RELEASE-webhook"}
"""How names that a template makes are shown."""
HEAD = """# Rights

<!-- Made by `python -m tools.rights`; do not edit. -->

What each ServiceAccount may ask the API server for, and why.
Tests compare these rules with the requests of the code, in both directions: on an API server in memory, and with the
audit log of a real one.
"""
TAIL = """
## Publisher of an analysis: in the namespace of the ModelDeployment

The controller makes a ServiceAccount, a Role and a RoleBinding for each analysis; they go with its Job.
Only the container `publish` gets the token; what reads other people's sources has none.

| resource | verbs | why |
|---|---|---|
| `configmaps` of the analysis' own name | patch | To put policy and provenance in and make it immutable. |

## People

| right | for whom |
|---|---|
| `get`, `list` on `modeldeployments` and `configmaps` | Whoever reads policies: `kubectl pickleball diff`, `explain`, `report`, `why`, `proposals`. |
| `create`, `patch` on `modeldeployments` | Whoever deploys models. It includes approvals, unless `approval.requireVerb` is set. |
| `approve` on `modeldeployments` | With `approval.requireVerb`: whoever approves policies, does without approval, or chooses mode Audit. |

Pods of applications get no right and no token from PickleBall: the witness, like every step that is put into a pod, has an empty volume in place of it.
"""  # noqa: E501 - rows of tables


@dataclass(frozen=True)
class Rule:
    """One rule and its reason."""

    resources: tuple[str, ...]
    names: str
    verbs: str
    why: str


def rules() -> dict[str, list[Rule]]:
    """The chart's rules by the name of their template."""
    found = {}
    for file in ("rbac.yaml", "webhook-rbac.yaml"):
        for define in DEFINE.finditer((TEMPLATES / file).read_text()):
            found[define["name"]] = list(_rules(define["body"]))
    return found


def _rules(body: str) -> Iterator[Rule]:
    for one in RULE.finditer(body):
        group = one["groups"].strip('"')
        resources = tuple(f"{name}.{group}" if group else name for name in one["resources"].split(", "))
        why = " ".join(line.removeprefix("# ") for line in one["why"].splitlines())
        yield Rule(resources, one["names"] or "", one["verbs"], why)


def page() -> str:
    """Write the page."""
    found = rules()
    lines = [HEAD.rstrip("\n")]
    for name, who in WHO.items():
        lines += ["", f"## {who}", "", "| resource | verbs | why |", "|---|---|---|"]
        for rule in found[name]:
            named = f" named `{NAMES.get(rule.names, rule.names)}`" if rule.names else ""
            shown = ", ".join(f"`{resource}`" for resource in rule.resources)
            lines.append(f"| {shown}{named} | {rule.verbs} | {rule.why} |")
    return "\n".join(lines) + "\n" + TAIL


if __name__ == "__main__":
    sys.stdout.write(page())
