"""The pages docs/reference/modeldeployment.md and operator.md, made from the code."""

from __future__ import annotations

import ast
import inspect
import itertools
from typing import TYPE_CHECKING, Any

from pickleball_enforce.witness.exposition import METRICS

from . import names
from .decide.reasons import Reason
from .metrics import Metrics, WebhookMetrics, full_name, label_names
from .model.crd import structural
from .model.spec import Spec
from .model.status import Status
from .settings import Settings, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics import MetricWrapperBase

EXAMPLE = """```yaml
apiVersion: pickleball.dev/v1alpha1
kind: ModelDeployment
metadata:
  name: iris
spec:
  model:
    classes: [sklearn.linear_model.LogisticRegression]
    files: ["/models/*.joblib"]                # optional: verified before the application starts
  source:
    fromImage: {container: app, python: python3}   # the default
  analysis: {mode: ast, memory: 4Gi, timeout: 15m}
  policy:
    approval: Automatic
    extra:
      - {list: globals, name: app.steps.Scaler, reason: "our own step of the pipeline"}
  enforcement: {mode: Enforce, containers: [app]}
  replicas: 1
  template:
    spec:
      containers:
        - name: app
          image: registry.example/iris:1
```
"""

CONDITIONS = {
    "Analyzed": "The library's sources were analysed for this spec (or need not be: a policy written by hand).",
    "PolicyReady": "There is a policy; reason Stale when it is the last good one and the spec asks for another.",
    "Approved": "The policy that the spec leads to may be used.",
    "Enforced": "The pods run with the enforcer: in each one the self-test passed in the application's own image, and"
    " then the application's own interpreter reported that the enforcer is in it, with the policy in force.",
    "Ready": "The wanted number of pods is ready, protected, and no model was refused.",
}

PROMISES = """Every condition carries `observedGeneration`, one reason of the list below and a sentence on what to do.

- A pod is made only with a policy: before the first approved policy there is no Deployment.
- When a new analysis fails, the pods stay as they are, with the last good policy (reason `Stale`).
  The Deployment's pod template changes only together with a policy that fits it.
- A failed analysis is recorded on its result ConfigMap and is not tried again by itself: another spec, or
  `kubectl annotate modeldeployment NAME pickleball.dev/analyse-again="$(date +%s)" --overwrite`, asks anew.
- Equal analyses are one Job. `PICKLEBALL_ANALYSIS_JOBS` of them run at a time; namespaces take turns, and in each
  the oldest comes first. The others are suspended Jobs, and the condition says their place as it was when the
  ModelDeployment was last looked at.
- An analysis that ran out of memory is tried once more with twice as much. A pod that the cluster disrupts (drain,
  node pressure, preemption) is replaced until the time limit; errors of the analysis are never retried.
- With `spec.policy.approval: Manual` a candidate waits, and `status.candidate` and the ConfigMap
  `pickleball-review-NAME` say what it changes. [How to review a policy](../how-to/review-a-policy.md).
- `spec.policy.pin` keeps an earlier policy of `status.history` in force, whatever the analysis says.
- One controller works at a time, by a Lease: another one waits.
  [What happens when something fails](../explanation/faults.md).
- Everything that is made has ownerReferences, and there is no finalizer: deleting the ModelDeployment removes it,
  also while the operator is away.
"""

COMMANDS = [
    ("`pickleball-operator run`", "the controller"),
    ("`pickleball-operator webhook`", "the webhook: `POST /inject` takes AdmissionReviews, over TLS; keeps nothing"),
    ("`pickleball-operator render -f FILE`", "prints the Job and the injected Deployment, without a cluster"),
    (
        "`pickleball-operator local -f FILE --output DIR`",
        "the whole reconcile on this machine; `--help` has the options",
    ),
    ("`pickleball-operator publish`", "the analysis Job's last step: validates the result, fills its ConfigMap"),
    ("`pickleball-operator crds`", "prints the CustomResourceDefinition"),
    ("`pickleball-operator reference PAGE`", "prints this page or the ModelDeployment's"),
]
PLUGIN = [
    ("`diff NAME`", "what the policy that waits adds, removes and grades otherwise; exit code 1 when one waits"),
    ("`approve NAME [POLICY]`", "approves it, under the name that the API server knows you by"),
    (
        "`explain NAME ENTRY`",
        "why a policy has an entry: chain of facts, source line, each effect with its path",
    ),
    ("`report NAME`", "writes a policy's report, one HTML file"),
    ("`why NAME`", "what is in the way of Ready, and what was refused; exit code 0 when it is Ready"),
    ("`proposals NAME`", "what models want and the policy lacks, as entries for spec.policy.extra"),
    ("`rollback NAME [POLICY]`", "lists the policies that were in force, goes back to one, or ends that (`--end`)"),
]
LOCAL = """They exit with 0 when it is done, 1 when the result is not what the spec wants, 2 on bad input.

`local` keeps the objects in memory and runs each container's command as a process, with mounts as folders below DIR.
`--python` stands for the workload's image, `--path /srv=app` says where a folder of it is here, `--start` runs the pod
as well, `--call PATH` asks the running application. FILE may hold the ConfigMaps that the pod mounts.
"""

OBJECTS = [
    ("ConfigMap `pickleball-analysis-KEY`", "result of an analysis: policy, provenance; immutable once published"),
    (
        "Job `pickleball-analysis-KEY`",
        "`tools` and `collect`, or `fetch`; `analyse` (init containers); container `publish`",
    ),
    ("ServiceAccount, Role, RoleBinding `pickleball-analysis-KEY`", "the publisher's, for that one ConfigMap"),
    ("ConfigMap `pickleball-policy-DIGEST`", "immutable policy: `policy.json`, `provenance.json` (or `.json.gz`)"),
    (
        "ConfigMap `pickleball-review-NAME`",
        "what waits: `diff.txt`, `diff.json` and, when it fits, `report.html`; goes when nothing waits",
    ),
    ("Deployment NAME", "spec.template with the enforcer injected"),
]
IN_PODS = [
    ("init container `pickleball-install-N`", "copies the enforcer into an emptyDir, mounted at `/opt/pickleball`"),
    (
        "init container `pickleball-self-test-N`",
        "the application's image: a canary is refused, a benign load works",
    ),
    (
        "init container `pickleball-witness`",
        "a native sidecar without token: ready when each protected container's own interpreter has reported; metrics",
    ),
    ("init container `pickleball-verify-N`", "the application's image, last: verifies `spec.model.files`"),
    ("volumes `pickleball-enforcer-N`, `pickleball-policy`", "the policy is mounted at the two paths below"),
    ("volume `pickleball-no-token`", "empty; stands in our own containers in place of the pod's token"),
    ("`/etc/pickleball/policy.json`, `/root/policies/policy.json`", "the policy, read-only"),
    ("`PYTHONPATH`", "`/opt/pickleball` in front of the template's own value (literal, of valueFrom or of the image)"),
    ("`PICKLEBALL_POLICY`, `PICKLEBALL_MODE`", "what the enforcer reads"),
    ("volume `pickleball-reports`, `PICKLEBALL_REPORTS`", "`/run/pickleball`: each container's own folder for reports"),
]


PLUGIN_TEXT = """`kubectl-pickleball` is installed with this package; kubectl runs it as `kubectl pickleball`.
It works with your kubeconfig (`--namespace`, `--context`, `--kubeconfig`) and your rights, and has `--json`.
`explain` and `report` also read files without a cluster: `--policy-file policy.json`. Two files are compared by
`pickleball-generate diff OLD NEW`.
Exit codes: 0 done or nothing to do, 1 something waits, is missing or is not Ready, 2 it cannot be done.
"""


METRICS_TEXT = """`GET /metrics` on the port `PICKLEBALL_METRICS_PORT` of the controller and of each webhook.
Nothing is counted for each pod there; the witness of a pod has that pod's metrics, on the port named `pickleball`.
The chart brings a ServiceMonitor, a PodMonitor, alert rules and a dashboard for Grafana:
[how to watch over it](../how-to/watch-over-a-cluster.md).
"""


def modeldeployment() -> str:
    """Every field of a ModelDeployment."""
    lines = [
        "# ModelDeployment",
        "",
        "<!-- Made by `pickleball-operator reference modeldeployment`; do not edit. -->",
        "",
        "`pickleball.dev/v1alpha1`, namespaced, short name `mdep`.",
        "[The operator](operator.md) has conditions, reasons and settings.",
        "",
        EXAMPLE,
        "Unknown fields are refused (by `kubectl apply`, and by the operator's own reading).",
        "",
        "## spec",
        "",
        *_table(("field", "type", "default", "meaning"), _fields(structural(Spec), "")),
        "",
        "## status",
        "",
        *_table(("field", "type", "default", "meaning"), _fields(structural(Status), "")),
    ]
    return "\n".join(lines) + "\n"


def operator() -> str:
    """Settings, conditions, reasons, labels, annotations, objects."""
    lines = [
        "# The operator",
        "",
        "<!-- Made by `pickleball-operator reference operator`; do not edit. -->",
        "",
        "`pickleball-operator run` is the controller; `GET /healthz` answers while it works.",
        "Its [metrics](metrics.md) have a port of their own.",
        "",
        "## Commands",
        "",
        *_table(("command", "what it does"), COMMANDS),
        "",
        LOCAL,
        "## kubectl pickleball",
        "",
        PLUGIN_TEXT,
        *_table(("command", "what it does"), PLUGIN),
        "",
        "## Settings",
        "",
        "Environment variables of controller and webhook. Unknown ones with `PICKLEBALL_` are refused at start.",
        "",
        *_table(("variable", "default", "meaning"), _settings()),
        "",
        "## Conditions",
        "",
        *_table(("type", "meaning"), ((f"`{kind}`", text) for kind, text in CONDITIONS.items())),
        "",
        PROMISES,
        "## Reasons",
        "",
        *_table(("reason", "meaning"), ((f"`{reason}`", reason.meaning) for reason in Reason)),
        "",
        "## Labels and annotations",
        "",
        *_table(("name", "meaning"), _labels()),
        "",
        "## Objects",
        "",
        "KEY is the request key (20 digits of a sha256), DIGEST the sha256 of the content (32 digits).",
        "",
        *_table(("object", "what it is"), OBJECTS),
        "",
        "In a protected pod:",
        "",
        *_table(("what", "meaning"), IN_PODS),
    ]
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """Every metric of the controller and the webhook."""
    lines = [
        "# Metrics",
        "",
        "<!-- Made by `pickleball-operator reference metrics`; do not edit. -->",
        "",
        METRICS_TEXT,
        "## Controller",
        "",
        *_metrics(Metrics().all()),
        "",
        "## Webhook",
        "",
        *_metrics(WebhookMetrics().all()),
        "",
        "## Witness",
        "",
        *_table(("metric", "type", "meaning"), ((f"`{name}`", *about) for name, about in METRICS.items())),
    ]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {"metrics": metrics, "modeldeployment": modeldeployment, "operator": operator}


def _metrics(found: list[MetricWrapperBase]) -> list[str]:
    rows = []
    for metric in found:
        (one,) = metric.describe()
        labels = ", ".join(f"`{label}`" for label in label_names(metric))
        rows.append((f"`{full_name(metric)}`", one.type, labels, one.documentation))
    return _table(("metric", "type", "labels", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Any) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        item = field.get("items", {})
        shown = " or ".join(f"`{value}`" for value in field.get("enum", [])) or field.get("type", "")
        if field.get("type") == "array":
            shown = f"list of {item.get('type')}s"
        default = "required" if name in required else _default(field)
        yield f"`{place}`", shown, default, field.get("description", "")
        yield from _fields(field, place)
        yield from _fields(item, f"{place}[]")


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None or default in ([], {}) else f"`{default}`"


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "required" if field.is_required() else f"`{default}`" if default != () else ""
        yield f"`{variable(name)}`", shown, field.description or ""


def _labels() -> Iterator[tuple[str, str]]:
    """The constants of `names` whose value is one of ours, with the text below each."""
    body = ast.parse(inspect.getsource(names)).body
    for statement, text in itertools.pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            target = statement.targets[0]
            value = getattr(names, target.id) if isinstance(target, ast.Name) else None
            if isinstance(value, str) and value.startswith(names.GROUP + "/"):
                yield f"`{value}`", str(text.value.value)
