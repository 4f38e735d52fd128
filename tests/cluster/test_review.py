"""A person reviews policies on a real Kubernetes: the plugin through kubectl, the API server's word on who approves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cluster import models, workload
from tests.cluster.kubernetes.programs import ProgramFailed
from tests.cluster.testbed import stage

if TYPE_CHECKING:
    from tests.cluster.testbed import Manifest, Testbed

pytestmark = pytest.mark.cluster

NAMESPACE, NAME = "review", "reviewed"
EXTRA = {"list": "globals", "name": "app.steps.Scaler", "reason": "our own step"}
APPROVE, APPROVED_BY = "pickleball.dev/approve", "pickleball.dev/approved-by"
AUTHOR = "system:serviceaccount:review:author"


@dataclass
class Person:
    """Somebody with kubectl, the plugin and the cluster's kubeconfig."""

    bed: Testbed

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run `kubectl pickleball` and give what it printed."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {"KUBECONFIG": str(self.bed.record.kubeconfig), "NO_PROXY": "*", "PATH": path}
        command = [self.bed.record.program("kubectl"), "pickleball", *words, "--namespace", NAMESPACE]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    def status(self, name: str = NAME) -> Manifest:
        """The status of a ModelDeployment."""
        found: Manifest = self.bed.get(NAMESPACE, "modeldeployment", name).get("status", {})
        return found

    def wait(self, what: str, kind: str, reason: str) -> None:
        """Wait for the reason of a condition."""
        self.bed.wait(what, lambda: workload.condition(self.bed, NAMESPACE, NAME, kind).get("reason") == reason, 300)

    def annotate(self, *words: str) -> str:
        """Annotate the ModelDeployment."""
        return self.bed.kubectl("annotate", "modeldeployment", NAME, "--namespace", NAMESPACE, "--overwrite", *words)


@pytest.fixture(scope="module")
def person(bed: Testbed) -> Person:
    """Somebody in a namespace with a ModelDeployment whose policy waits."""
    bed.create_namespace(NAMESPACE)
    workload.prepare(bed, NAMESPACE)
    deployment = workload.model_deployment(NAMESPACE, NAME, workload.pod_spec(workload.GOOD))
    deployment["spec"]["model"]["files"] = [f"/models/{workload.GOOD}"]
    deployment["spec"]["policy"] = {"approval": "Manual"}
    bed.apply(deployment)
    somebody = Person(bed)
    with stage("a policy that waits"):
        somebody.wait("a policy that waits", "Approved", "WaitingForApproval")
    return somebody


def test_what_waits_is_read_and_approved_under_ones_own_name(person: Person, tmp_path: Path) -> None:
    """Diff, report and ConfigMap show it; the API server refuses another's name; approved, the pods come."""
    bed = person.bed
    name = person.status()["candidate"]["name"]
    shown = person("diff", NAME, code=1)
    assert f"+ instances {models.CLASS.rpartition('.')[0]}" in shown
    assert f"kubectl pickleball approve {NAME} {name}" in shown
    report = tmp_path / "report.html"
    person("report", NAME, "--candidate", "-o", str(report))
    stored = bed.get(NAMESPACE, "configmap", f"pickleball-review-{NAME}")["data"]
    assert stored["report.html"] == report.read_text()
    assert workload.pods(bed, NAMESPACE, NAME) == []
    with pytest.raises(ProgramFailed, match="your own user name"):
        person.annotate(f"{APPROVE}={name}", f"{APPROVED_BY}=eve")
    with pytest.raises(ProgramFailed, match="your own user name"):
        person.annotate(f"{APPROVE}={name}")
    user = bed.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    assert person("approve", NAME, name).startswith(f"{name} is approved by {user}.")
    workload.wait_ready(bed, NAMESPACE, NAME)
    approval = person.status()["policy"]["approval"]
    assert (approval["by"], approval["proof"], approval["client"]) == (user, "Admission", "kubectl-pickleball")
    assert approval["time"]
    assert person("why", NAME).startswith("1 of 1 pods are ready.")


def test_an_author_without_the_verb_cannot_approve(person: Person) -> None:
    """With approval.requireVerb who may patch may not approve, do without approval, or switch to Audit."""
    bed = person.bed
    rule = {"apiGroups": ["pickleball.dev"], "resources": ["modeldeployments"], "verbs": ["get", "patch"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "author", "namespace": NAMESPACE}}
    subject = {"kind": "ServiceAccount", "name": "author", "namespace": NAMESPACE}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "author"}
    bed.apply({**role, "kind": "Role", "rules": [rule]},
              {**role, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]})  # fmt: skip
    with pytest.raises(ProgramFailed, match='needs the verb "approve"'):
        person.annotate(f"{APPROVE}=pickleball-policy-x", f"{APPROVED_BY}={AUTHOR}", "--as", AUTHOR)
    words = ("patch", "modeldeployment", NAME, "--namespace", NAMESPACE, "--type=merge", "--as", AUTHOR, "--patch")
    for laxer in ({"policy": {"approval": "Automatic"}}, {"enforcement": {"mode": "Audit"}}):
        with pytest.raises(ProgramFailed, match='needs the verb "approve"'):
            bed.kubectl(*words, json.dumps({"spec": laxer}))
    bed.kubectl(*words, json.dumps({"metadata": {"labels": {"team": "ml"}}}))


def test_an_entry_is_explained(person: Person) -> None:
    """The chain of facts and the source line of what the analysis found, and what it says of others."""
    shown = person("explain", NAME, "sklearn.linear_model._logistic.LogisticRegression")
    assert "sklearn/linear_model/_logistic.py:" in shown
    assert "is not in the policy" in person("explain", NAME, "posix.system", code=1)
    assert person("proposals", NAME).startswith("Models want nothing")


def test_a_person_rolls_back_and_forward(person: Person) -> None:
    """Another policy waits, is approved and rolled out; the earlier one is pinned, and the pods run with it again."""
    bed = person.bed
    first = person.status()["policy"]["name"]
    patch = json.dumps({"spec": {"policy": {"extra": [EXTRA]}}})
    bed.kubectl("patch", "modeldeployment", NAME, "--namespace", NAMESPACE, "--type=merge", "--patch", patch)
    person.wait("another policy that waits", "Approved", "WaitingForApproval")
    second = person.status()["candidate"]["name"]
    assert "+ globals app.steps.Scaler  [not graded; extra]" in person("diff", NAME, code=1)
    person("approve", NAME, second)
    bed.wait("the other policy", lambda: person.status()["policy"]["name"] == second, 60)
    assert first in person("rollback", NAME)
    person("rollback", NAME, first)
    bed.wait("the earlier policy", lambda: person.status()["policy"]["name"] == first, 60)
    workload.wait_ready(bed, NAMESPACE, NAME)
    pod = workload.only(
        [one for one in workload.pods(bed, NAMESPACE, NAME) if "deletionTimestamp" not in one["metadata"]]
    )
    assert first in [volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if "configMap" in volume]
    assert workload.predict(pod["status"]["podIP"]) == models.unprotected()


def test_audit_collects_from_running_pods(person: Person) -> None:
    """A pod in mode Audit serves with a policy that lacks everything; what it wanted is proposed from its log."""
    bed, name = person.bed, "audited"
    policy = json.dumps({"none.Model": {"globals": ["none.Model"], "reduces": []}})
    metadata = {"name": "little", "namespace": NAMESPACE}
    deployment = workload.model_deployment(NAMESPACE, name, workload.pod_spec(workload.GOOD))
    deployment["spec"] |= {"policy": {"configMapRef": {"name": "little"}}, "enforcement": {"mode": "Audit"}}
    bed.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"policy.json": policy}}, deployment
    )
    workload.wait_ready(bed, NAMESPACE, name)

    def collected() -> Any:
        bed.kubectl("annotate", "modeldeployment", name, "--namespace", NAMESPACE, "--overwrite", f"look={len(looks)}")
        looks.append(1)
        return person.status(name).get("proposals")

    looks: list[int] = []
    bed.wait("proposals from the log", collected, 60)
    found = {one["name"]: one for one in person.status(name)["proposals"]}
    assert "sklearn.linear_model._logistic.LogisticRegression" in found
    assert {one["source"] for one in found.values()} == {"Audit"}
    assert "wanted: sklearn.linear_model._logistic.LogisticRegression in globals" in person("proposals", name, code=1)
    bed.kubectl("delete", "modeldeployment", "--all", "--namespace", NAMESPACE)
