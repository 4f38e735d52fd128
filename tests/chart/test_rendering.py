"""What the chart's manifests say, rendered by Helm's own engine."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.chart.engine import ChartError

if TYPE_CHECKING:
    from tests.chart.engine import Engine

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "0123456789abcdef" * 4

Manifests = list[dict[str, Any]]


def kinds(manifests: Manifests) -> set[str]:
    """List the kinds of objects among manifests."""
    return {manifest["kind"] for manifest in manifests}


def only(manifests: Manifests, kind: str, name: str = "pickleball") -> dict[str, Any]:
    """Give the one manifest of a kind, of this name where there are several."""
    found = [manifest for manifest in manifests if manifest["kind"] == kind]
    if len(found) > 1:
        found = [manifest for manifest in found if manifest["metadata"]["name"] == name]
    (one,) = found
    return one


def rules(manifests: Manifests) -> list[dict[str, list[str]]]:
    """Collect the rules of all Roles and ClusterRoles."""
    return [rule for manifest in manifests for rule in manifest.get("rules", [])]


def environment(manifests: Manifests) -> dict[str, str]:
    """Give the controller's environment, which is the webhook's too."""
    (container,) = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_helm_finds_nothing_wrong_with_the_chart(chart: Engine) -> None:
    """`helm lint --strict` has no warning and no error."""
    assert "[WARNING]" not in chart.lint()


def test_default_values_render_a_controller_with_its_permissions(chart: Engine) -> None:
    """Without any value the chart gives definition, account, permissions and the controller."""
    assert kinds(chart.render()) == {
        "CustomResourceDefinition",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
    }


def test_one_controller_runs_at_a_time(chart: Engine) -> None:
    """The Deployment has one replica, and the old one ends before the new one starts."""
    spec = only(chart.render(), "Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("name", ["pickleball", "pickleball-webhook"])
def test_our_pods_meet_the_restricted_pod_security_standard(chart: Engine, name: str) -> None:
    """They are not root, gain no privileges, have no capabilities, a seccomp profile and a read-only root."""
    pod = only(chart.render(), "Deployment", name)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert not any("hostPath" in volume for volume in pod.get("volumes", []))


def test_permissions_name_every_group_resource_and_verb(chart: Engine) -> None:
    """No rule holds a wildcard; the one Secret that is read, and the one webhook that is patched, are ours by name."""
    for rule in rules(chart.render()):
        words = [word for key in ("apiGroups", "resources", "verbs") for word in rule[key]]
        assert not any("*" in word for word in words)
        if {"secrets", "mutatingwebhookconfigurations"} & {*rule["resources"]} and rule["verbs"] != ["create"]:
            assert rule["resourceNames"] == ["pickleball-webhook"]
            assert set(rule["verbs"]) == {"get", "patch"}


def test_the_webhook_may_read_model_deployments_and_nothing_else(chart: Engine) -> None:
    """Its account is bound to that one rule, in the watched namespaces where they are named."""
    for values, kind in (({}, "ClusterRole"), ({"watchNamespaces": ["red"]}, "Role")):
        manifests = chart.render(**values)
        bound = [m for m in manifests if any(one["name"] == "pickleball-webhook" for one in m.get("subjects", []))]
        (reference,) = [(one["roleRef"]["kind"], one["roleRef"]["name"]) for one in bound]
        assert reference == (kind, "pickleball-webhook")
        (rule,) = only(manifests, kind, "pickleball-webhook")["rules"]
        assert (rule["resources"], rule["verbs"]) == (["modeldeployments"], ["list", "watch"])


def test_the_webhook_fails_closed_and_narrowly(chart: Engine) -> None:
    """It is asked for new pods of labelled namespaces, never the cluster's own or ours, and pods wait for its word."""
    (webhook,) = only(chart.render(), "MutatingWebhookConfiguration")["webhooks"]
    assert (webhook["failurePolicy"], webhook["reinvocationPolicy"]) == ("Fail", "IfNeeded")
    assert (webhook["timeoutSeconds"], webhook["sideEffects"]) == (10, "None")
    (rule,) = webhook["rules"]
    assert (rule["resources"], rule["operations"], rule["scope"]) == (["pods"], ["CREATE"], "Namespaced")
    selector = webhook["namespaceSelector"]
    assert selector["matchLabels"] == {"pickleball.dev/injection": "enabled"}
    (never,) = selector["matchExpressions"]
    assert never["operator"] == "NotIn"
    assert never["values"] == ["kube-system", "kube-public", "kube-node-lease", "pickleball-system"]
    assert "caBundle" not in webhook["clientConfig"]
    (exempt,) = webhook["objectSelector"]["matchExpressions"]
    assert exempt == {"key": "pickleball.dev/part", "operator": "NotIn", "values": ["analysis"]}
    unkept = chart.render(admission={"protectPods": False})
    assert "objectSelector" not in only(unkept, "MutatingWebhookConfiguration")["webhooks"][0]


def test_the_webhook_survives_the_loss_of_a_pod(chart: Engine) -> None:
    """Two pods on different nodes where there are some, one at most away at a time."""
    manifests = chart.render()
    spec = only(manifests, "Deployment", "pickleball-webhook")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    labels = spec["selector"]["matchLabels"]
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    budget = only(manifests, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]["matchLabels"]) == (1, labels)
    assert only(manifests, "Service")["spec"]["selector"] == labels
    controller = only(manifests, "Deployment")["spec"]["selector"]["matchLabels"]
    assert not controller.items() <= spec["template"]["metadata"]["labels"].items()


def test_a_certificate_of_the_controller_needs_its_permissions(chart: Engine) -> None:
    """The controller makes it, and may write one Secret and one configuration."""
    manifests = chart.render()
    assert environment(manifests)["PICKLEBALL_MANAGED_CERTIFICATE"] == "true"
    assert environment(manifests)["PICKLEBALL_WEBHOOK_NAME"] == "pickleball-webhook"
    assert "pickleball-webhook-certificate" in {m["metadata"]["name"] for m in manifests}


def test_a_certificate_of_cert_manager(chart: Engine) -> None:
    """The chart asks for it and has its authority injected; the controller has nothing to do with it."""
    manifests = chart.render(webhook={"certificate": {"from": "CertManager"}})
    certificate = only(manifests, "Certificate")["spec"]
    assert certificate["dnsNames"] == ["pickleball-webhook.pickleball-system.svc"]
    assert certificate["issuerRef"] == {"name": "pickleball-webhook", "kind": "Issuer"}
    assert only(manifests, "Issuer")["spec"] == {"selfSigned": {}}
    annotations = only(manifests, "MutatingWebhookConfiguration")["metadata"]["annotations"]
    assert annotations == {"cert-manager.io/inject-ca-from": "pickleball-system/pickleball-webhook"}
    assert environment(manifests)["PICKLEBALL_MANAGED_CERTIFICATE"] == "false"
    assert not any("secrets" in rule["resources"] for rule in rules(manifests))
    issuer = {"name": "ours", "kind": "ClusterIssuer"}
    other = chart.render(webhook={"certificate": {"from": "CertManager", "issuerRef": issuer}})
    assert only(other, "Certificate")["spec"]["issuerRef"] == issuer
    assert "Issuer" not in kinds(other)


def test_a_certificate_that_is_given(chart: Engine) -> None:
    """Its Secret is mounted and its authority trusted."""
    authority = "-----BEGIN CERTIFICATE-----\nx\n"
    given = {"from": "Secret", "secret": "mine", "authority": authority}
    manifests = chart.render(webhook={"certificate": given})
    (volume,) = only(manifests, "Deployment", "pickleball-webhook")["spec"]["template"]["spec"]["volumes"]
    assert volume["secret"]["secretName"] == "mine"
    (webhook,) = only(manifests, "MutatingWebhookConfiguration")["webhooks"]
    assert base64.b64decode(webhook["clientConfig"]["caBundle"]).decode() == authority


def test_the_api_server_protects_pods_by_itself(chart: Engine) -> None:
    """Four policies that fail closed, match narrowly, deny, and name the image that installs the enforcer."""
    manifests = chart.render(images={"enforce": {"digest": DIGEST}}, admission={"debuggers": {"users": ["ann"]}})
    policies = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "ValidatingAdmissionPolicy"}
    bindings = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "ValidatingAdmissionPolicyBinding"}
    assert set(policies) == set(bindings) == {
        "pickleball-approvals", "pickleball-selected-pods", "pickleball-labelled-pods", "pickleball-analysis-pods",
        "pickleball-namespaces",
    }  # fmt: skip
    assert {one["failurePolicy"] for one in policies.values()} == {"Fail"}
    assert all(one["validationActions"] == ["Deny"] for one in bindings.values())
    selected, labelled = policies["pickleball-selected-pods"], policies["pickleball-labelled-pods"]
    assert selected["validations"] == labelled["validations"]
    (enforcer,) = [one["expression"] for one in selected["variables"] if one["name"] == "enforcer"]
    assert enforcer == f"'pickleball-enforce@{DIGEST}'"
    assert sum("step.image == variables.enforcer" in one["expression"] for one in selected["validations"]) == 2
    assert any('in ["ann"]' in one["expression"] for one in selected["validations"])
    for policy in (selected, labelled):
        (never, *_) = policy["matchConstraints"]["namespaceSelector"]["matchExpressions"]
        assert {"kube-system", "pickleball-system"} <= set(never["values"])
    assert selected["matchConstraints"]["namespaceSelector"]["matchLabels"] == {"pickleball.dev/injection": "enabled"}
    (label,) = labelled["matchConstraints"]["objectSelector"]["matchExpressions"]
    assert label == {"key": "pickleball.dev/modeldeployment", "operator": "Exists"}


def test_protection_can_be_left_out(chart: Engine) -> None:
    """By a value, and in clusters that have no such policies."""
    for manifests in (chart.render(admission={"protectPods": False}), chart.render(kubernetes="v1.29.4")):
        assert "pickleball-selected-pods" not in {m["metadata"]["name"] for m in manifests}


def test_without_a_webhook_nothing_of_it_is_left(chart: Engine) -> None:
    """And the controller knows that there is none."""
    manifests = chart.render(webhook={"enabled": False})
    assert not [m["metadata"]["name"] for m in manifests if "webhook" in m["metadata"]["name"]]
    assert environment(manifests)["PICKLEBALL_WEBHOOK_NAME"] == ""


def test_named_namespaces_get_roles_instead_of_a_cluster_role(chart: Engine) -> None:
    """With watchNamespaces the controller holds permissions there only."""
    manifests = chart.render(watchNamespaces=["red", "blue"])
    everywhere = [rule for m in manifests if m["kind"] == "ClusterRole" for rule in m["rules"]]
    assert [rule["resourceNames"] for rule in everywhere] == [["pickleball-webhook"]]
    bound = {m["metadata"]["namespace"] for m in manifests if m["kind"] == "RoleBinding"}
    assert bound == {"red", "blue", "pickleball-system"}
    assert "ClusterRole" not in kinds(chart.render(watchNamespaces=["red"], webhook={"enabled": False}))
    assert environment(manifests)["PICKLEBALL_WATCH_NAMESPACES"] == "red,blue"


def test_a_digest_wins_over_a_tag(chart: Engine) -> None:
    """An image with a digest is named by it, for the controller and for what it puts into pods."""
    images = {
        name: {"repository": f"registry.example/{name}", "tag": "1", "digest": DIGEST}
        for name in ("operator", "enforce", "generate")
    }
    manifests = chart.render(images=images)
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"registry.example/operator@{DIGEST}"
    for name in images:
        assert environment(manifests)[f"PICKLEBALL_{name.upper()}_IMAGE"] == f"registry.example/{name}@{DIGEST}"


def test_images_have_the_version_of_the_chart(chart: Engine) -> None:
    """Without tag and digest an image is named by the chart's appVersion."""
    version = yaml.safe_load((ROOT / "charts/pickleball/Chart.yaml").read_text())["appVersion"]
    assert environment(chart.render())["PICKLEBALL_ENFORCE_IMAGE"] == f"pickleball-enforce:{version}"


def test_approvals_are_proven_where_the_chart_says_so(chart: Engine) -> None:
    """The controller calls approvers proven exactly when the admission policy demands their own name."""
    for prove, verb in ((True, True), (True, False), (False, True), (False, False)):
        manifests = chart.render(approval={"proveApprover": prove, "requireVerb": verb}, watchNamespaces=["red"])
        assert environment(manifests)["PICKLEBALL_PROVEN_APPROVERS"] == str(prove).lower()
        assert ("pickleball-approvals" in {m["metadata"]["name"] for m in manifests}) == (prove or verb)
        if prove or verb:
            policy = only(manifests, "ValidatingAdmissionPolicy", "pickleball-approvals")
            rules = [one["expression"] for one in policy["spec"]["validations"]]
            assert any("request.userInfo.username" in one for one in rules) == prove
            assert any("check('approve')" in one for one in rules) == verb
            binding = only(manifests, "ValidatingAdmissionPolicyBinding", "pickleball-approvals")["spec"]
            assert binding["validationActions"] == ["Deny"]
            (where,) = binding["matchResources"]["namespaceSelector"]["matchExpressions"]
            assert where["values"] == ["red"]


def test_a_cluster_without_admission_policies_proves_no_approver(chart: Engine) -> None:
    """Before Kubernetes 1.30 approvers are called claimed."""
    manifests = chart.render(kubernetes="v1.29.4")
    assert "ValidatingAdmissionPolicy" not in kinds(manifests)
    assert environment(manifests)["PICKLEBALL_PROVEN_APPROVERS"] == "false"


def test_the_definition_is_the_one_that_the_operator_generates(chart: Engine) -> None:
    """The chart's ModelDeployment definition says what crds/ says."""
    (generated,) = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    rendered = only(chart.render(), "CustomResourceDefinition")
    assert rendered["spec"] == generated["spec"]
    assert rendered["metadata"]["name"] == generated["metadata"]["name"]
    assert rendered["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_definition_can_be_left_out(chart: Engine) -> None:
    """With crds.install=false somebody else brings the definition."""
    assert "CustomResourceDefinition" not in kinds(chart.render(crds={"install": False}))


def test_analysis_pods_reach_the_api_server_only(chart: Engine) -> None:
    """In the named namespaces a NetworkPolicy lets analysis pods talk to the given addresses and to nothing else."""
    manifests = chart.render(networkPolicy={"namespaces": ["red"], "apiServerCidrs": ["10.0.0.1/32"]})
    policy = only(manifests, "NetworkPolicy")
    assert policy["metadata"]["namespace"] == "red"
    assert policy["spec"]["podSelector"] == {"matchLabels": {"pickleball.dev/part": "analysis"}}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["ingress"] == []
    assert policy["spec"]["egress"] == [
        {
            "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}],
            "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
        }
    ]


def test_pods_that_fetch_sources_reach_what_is_named_and_a_resolver(chart: Engine) -> None:
    """A second policy, for the pods of pypi and git sources only; without addresses there is none."""
    given = {"namespaces": ["red"], "apiServerCidrs": ["10.0.0.1/32"], "sourceCidrs": ["192.0.2.0/24"]}
    first, second = [one for one in chart.render(networkPolicy=given) if one["kind"] == "NetworkPolicy"]
    assert "matchExpressions" not in first["spec"]["podSelector"]
    assert second["spec"]["podSelector"] == {
        "matchLabels": {"pickleball.dev/part": "analysis"},
        "matchExpressions": [{"key": "pickleball.dev/fetches", "operator": "Exists"}],
    }
    sources, resolver = second["spec"]["egress"]
    assert sources == {"ports": [{"protocol": "TCP", "port": 443}], "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    assert {one["port"] for one in resolver["ports"]} == {53}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image": "mine"}, "additional properties 'image' not allowed"),
        ({"images": {"operator": {"version": "1"}}}, "additional properties 'version' not allowed"),
        ({"images": {"pullPolicy": "Sometimes"}}, "images/pullPolicy.*must be one of"),
        ({"images": {"enforce": {"digest": "sha256:abc"}}}, "images/enforce/digest.*does not match pattern"),
        ({"watchNamespaces": "default"}, "watchNamespaces.*got string, want array"),
        ({"watchNamespaces": ["Not_A_Name"]}, "watchNamespaces/0.*does not match pattern"),
        ({"networkPolicy": {"apiServerCidrs": ["10.0.0.1"]}}, "networkPolicy/apiServerCidrs/0.*does not match pattern"),
        ({"settings": {"typo": 1}}, "additional properties 'typo' not allowed"),
    ],
)
def test_wrong_values_are_refused_by_name(chart: Engine, values: dict[str, Any], message: str) -> None:
    """A value that is unknown or of the wrong type stops the installation, and the message names it."""
    with pytest.raises(ChartError, match=f"(?s)values don't meet the specifications of the schema.*{message}"):
        chart.render(**values)
