"""Pods as others make them, one file each in given/: a ModelDeployment, what makes the pod, and what they need."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.emulated.world import SETTINGS

from pickleball_operator.decide.admission import admission
from pickleball_operator.decide.injection import Inject
from pickleball_operator.decide.ours import strip
from pickleball_operator.render.injection import inject

Manifest = dict[str, Any]
HERE = Path(__file__).parent
POLICY = "pickleball-policy-" + "0" * 32


@dataclass(frozen=True)
class Case:
    """One file: `says` is its first line, `deployments` are its ModelDeployments, `maker` is what makes the pod."""

    name: str
    says: str
    deployments: tuple[Manifest, ...]
    maker: Manifest
    others: tuple[Manifest, ...]

    @property
    def denied(self) -> bool:
        """Whether the pod cannot be protected."""
        return self.name.startswith("denied-")

    @property
    def pod(self) -> Manifest:
        """The pod that is made, as the webhook gets it."""
        spec = self.maker["spec"]
        template = spec["jobTemplate"]["spec"]["template"] if self.maker["kind"] == "CronJob" else spec.get("template")
        pod = {key: self.maker[key] for key in ("metadata", "spec")} if template is None else template
        return {"apiVersion": "v1", "kind": "Pod", **pod}


def read(path: Path) -> Case:
    """Read one file."""
    text = path.read_text()
    documents = list(yaml.safe_load_all(text))
    deployments = tuple(one for one in documents if one["kind"] == "ModelDeployment")
    maker, *others = [one for one in documents if one["kind"] != "ModelDeployment"]
    return Case(path.stem, text.partition("\n")[0].removeprefix("# "), deployments, maker, tuple(others))


CASES = [read(path) for path in sorted((HERE / "given").glob("*.yaml"))]


def stored(deployment: Manifest, policy: str | None = POLICY) -> Manifest:
    """A ModelDeployment as the cluster holds it, with a policy in force."""
    metadata = {"namespace": "team", "uid": f"uid-{deployment['metadata']['name']}", **deployment["metadata"]}
    status = {"policy": {"name": policy, "globals": 0, "reduces": 1}} if policy else {}
    return {**deployment, "metadata": metadata, "status": status}


def rendered(template: Any, plan: Inject) -> Manifest:
    """The injection with the settings of the tests."""
    return inject(template, plan, SETTINGS)


def admitted(case: Case, pod: Manifest | None = None) -> Manifest:
    """What becomes of a case's pod: the pod that runs, or why none does."""
    pod = pod or case.pod
    policy = None if case.name == "denied-waiting" else POLICY
    decision = admission(pod, [stored(one, policy) for one in case.deployments], rendered)
    if isinstance(decision, Inject):
        return rendered(strip(pod), decision)
    return {"decision": type(decision).__name__, "reason": str(decision.reason), "sentence": decision.sentence}


def golden(case: Case) -> Path:
    """Where the result that was agreed stands."""
    return HERE / "golden" / f"{case.name}.yaml"


def renew() -> None:
    """Write all results again: python -m tests.admission.cases."""
    for case in CASES:
        plain = json.loads(json.dumps(admitted(case)))
        golden(case).write_text(yaml.safe_dump(plain, sort_keys=False, width=110))


if __name__ == "__main__":
    sys.exit(renew())
