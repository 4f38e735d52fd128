"""The whole way of a ModelDeployment, on the in-memory API server."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import POLICY, model_deployment

from pickleball_operator.errors import ForbiddenError
from pickleball_operator.kube import Ref
from pickleball_operator.local.node import Exit

if TYPE_CHECKING:
    from tests.emulated.world import World

RECORD = {
    "time": "2026-01-01T00:00:00Z",
    "mode": "enforce",
    "rule": "reduce-not-allowed",
    "name": "posix.system",
    "opcode": "REDUCE",
    "offset": 41,
    "source": {"path": "/models/m.pkl", "sha256": "0" * 64},
    "sentence": "The stream calls posix.system, which the policy does not allow.",
}
AGAIN = "pickleball.dev/analyse-again"


def test_a_model_deployment_becomes_ready(world: World) -> None:
    """From a spec to pods that run with the policy that was inferred for them."""
    world.add(model_deployment())
    world.settle()
    assert world.reasons() == {
        "Analyzed": ("True", "AnalysisSucceeded"),
        "PolicyReady": ("True", "PolicyFromAnalysis"),
        "Approved": ("True", "ApprovedAutomatically"),
        "Enforced": ("True", "InterpreterReported"),
        "Ready": ("True", "Ready"),
    }
    status = world.status()
    assert status["policy"]["globals"] == 2
    assert status["policy"]["reduces"] == 1
    assert status["pods"] == {"protected": 1, "total": 1, "outdated": 0}
    policy = world.get("ConfigMap", status["policy"]["name"])
    assert policy["immutable"] is True
    assert json.loads(policy["data"]["policy.json"]) == POLICY
    pod = world.only("Pod", part="workload")
    volume = next(one for one in pod["spec"]["volumes"] if one["name"] == "pickleball-policy")
    assert volume["configMap"]["name"] == status["policy"]["name"]
    assert world.script.ran == [
        "tools",
        "collect",
        "analyse",
        "publish",
        "pickleball-install-0",
        "pickleball-self-test-0",
        "pickleball-witness",
        "app",
    ]


def test_no_pod_is_made_before_there_is_a_policy(world: World) -> None:
    """While the analysis runs there is no Deployment."""
    world.add(model_deployment())
    for _ in range(3):
        world.reconcile()
    assert world.kube.list("Deployment", "team") == []
    assert world.reasons()["Ready"] == ("Unknown", "AnalysisRunning")


def test_a_steady_state_needs_no_writes(world: World) -> None:
    """Once it is Ready, another reconcile changes nothing."""
    world.add(model_deployment())
    world.settle()
    before = len(world.kube.writes)
    for _ in range(3):
        world.reconcile()
    assert world.kube.writes[before:] == []


def test_deleting_leaves_nothing_behind(world: World) -> None:
    """Without a finalizer and without the controller, everything goes with the ModelDeployment."""
    world.add(model_deployment())
    world.settle()
    assert "finalizers" not in world.get("ModelDeployment", "iris")["metadata"]
    world.kube.delete(Ref("ModelDeployment", "team", "iris"))
    assert {ref.kind for ref in world.kube} <= {"Event"}


def test_the_publisher_may_touch_one_config_map_only(world: World) -> None:
    """The Job's role names its result and nothing else, and goes with the Job."""
    world.add(model_deployment())
    world.settle()
    role, job = world.only("Role"), world.only("Job")
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": [job["metadata"]["name"]],
            "verbs": ["patch"],
        }
    ]
    world.kube.delete(Ref("Job", "team", job["metadata"]["name"]))
    assert not {"Role", "RoleBinding", "ServiceAccount"} & {ref.kind for ref in world.kube}
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert world.kube.list("Job", "team") == []


FAILURES = [
    (
        {"analyse": Exit(2, json.dumps({"status": "error", "reason": "class-not-found", "sentence": "No lib.Modle."}))},
        "ModelClassNotFound",
        "No lib.Modle.",
    ),
    (
        {"collect": Exit(128, 'exec: "python3": executable file not found in $PATH', "StartError")},
        "PythonNotFound",
        "python3",
    ),
    ({"analyse": Exit(137, "", "OOMKilled")}, "AnalysisOutOfMemory", "spec.analysis.memory"),
    ({"analyse": Exit(3, '{"reason": "missing-tool", "sentence": "There is no java."}')}, "ToolMissing", "java"),
    ({"analyse": Exit(4, "Traceback (most recent call last)")}, "AnalysisFailed", "Traceback"),
    ({"analyse": Exit(2, "usage: pickleball-generate")}, "InputRefused", "usage"),
    ({"collect": Exit(1, '{"sentence": "The disk is full."}')}, "CollectFailed", "disk"),
    (
        {"publish": Exit(2, '{"reason": "policy-invalid", "sentence": "It is no policy."}')},
        "ResultRefused",
        "no policy",
    ),
]


@pytest.mark.parametrize(("ends", "reason", "says"), FAILURES, ids=[case[1] for case in FAILURES])
def test_a_failed_analysis_ends_in_a_condition(world: World, ends: dict[str, Exit], reason: str, says: str) -> None:
    """Analyzed and Ready name what failed, no pod runs, and it is not tried again by itself."""
    world.add(model_deployment())
    world.script.ends = ends
    world.settle()
    assert world.reasons()["Analyzed"] == ("False", reason)
    assert world.reasons()["Ready"] == ("False", reason)
    assert world.reasons()["PolicyReady"] == ("False", "PolicyMissing")
    assert says in world.condition("Analyzed")["message"]
    assert world.kube.list("Deployment", "team") == []
    assert reason in world.events()
    ran = len(world.script.ran)
    world.kube.delete(Ref("Job", "team", world.only("Job")["metadata"]["name"]))
    world.settle()
    assert len(world.script.ran) == ran
    assert world.reasons()["Analyzed"] == ("False", reason)


def test_an_analysis_that_ran_out_of_memory_gets_twice_as_much_once(world: World) -> None:
    """The second Job has twice the memory and heap; when that is not enough either, both are named."""
    world.add(model_deployment(analysis={"memory": "1536Mi"}))
    world.script.ends = {"analyse": Exit(137, "", "OOMKilled")}
    world.reconcile()
    first = world.only("Job")
    world.node.run_jobs()
    world.reconcile()
    assert world.reasons()["Analyzed"] == ("Unknown", "AnalysisEnlarged")
    assert "3Gi" in world.condition("Analyzed")["message"]
    assert world.kube.list("Job", "team") == []
    world.settle()
    second = world.only("Job")
    assert [memory_of(job) for job in (first, second)] == [("1536Mi", "1075M"), ("3Gi", "2150M")]
    assert world.reasons()["Analyzed"] == ("False", "AnalysisOutOfMemory")
    assert "3Gi were not enough either" in world.condition("Analyzed")["message"]
    assert world.script.ran.count("analyse") == 2


def memory_of(job: dict[str, Any]) -> tuple[str, str]:
    """The limit of the analysis, and the heap that it is told to use."""
    (step,) = [one for one in job["spec"]["template"]["spec"]["initContainers"] if one["name"] == "analyse"]
    words = step["command"]
    return step["resources"]["limits"]["memory"], words[words.index("--mem") + 1]


def test_an_analysis_that_fits_into_twice_the_memory_succeeds(world: World) -> None:
    """Killed once, it becomes Ready by itself."""
    world.add(model_deployment())
    world.script.ends = {"analyse": Exit(137, "", "OOMKilled")}
    world.reconcile()
    world.node.run_jobs()
    world.script.ends = {}
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_an_analysis_whose_pod_was_deleted_is_made_again(world: World) -> None:
    """The Job fails of the SIGKILL that ended the pod, and there is no pod to say why: the analysis is not to blame."""
    world.add(model_deployment())
    world.script.ends = {"analyse": Exit(137, "", "Error")}
    world.reconcile()
    world.node.run_jobs()
    job, pod = world.only("Job"), world.only("Pod", part="analysis")
    message = "Container analyse for pod team/x failed with exit code 137 matching FailJob rule at index 1"
    failed = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": message}
    world.kube.set_status(Ref("Job", "team", job["metadata"]["name"]), {"conditions": [failed]})
    world.kube.delete(Ref("Pod", "team", pod["metadata"]["name"]))
    world.script.ends = {}
    world.reconcile()
    assert world.reasons()["Analyzed"] == ("Unknown", "AnalysisRepeated")
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_a_failed_analysis_is_tried_again_on_request(world: World) -> None:
    """Another value of the annotation asks anew."""
    world.add(model_deployment())
    world.script.ends = {"analyse": Exit(4, '{"sentence": "Joern fell over."}')}
    world.settle()
    world.script.ends = {}
    world.edit(lambda manifest: manifest["metadata"].update(annotations={AGAIN: "1"}))
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_an_image_that_cannot_be_pulled_is_named_while_the_job_waits(world: World) -> None:
    """The condition names image and place; when the image appears the analysis goes on."""
    world.add(model_deployment())
    world.script.ends = {"collect": Exit(None, 'Container image "app:1" is not present', "ErrImageNeverPull")}
    for _ in range(3):
        world.reconcile()
        world.node.run_jobs()
    world.reconcile()
    assert world.reasons()["Analyzed"] == ("False", "ImageUnavailable")
    assert "app:1" in world.condition("Analyzed")["message"]
    assert "spec.template" in world.condition("Analyzed")["message"]
    world.script.ends = {}
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_an_image_that_never_came_is_what_the_deadline_is_blamed_on(world: World) -> None:
    """A Job that runs into its deadline while an image is missing failed of the image."""
    world.add(model_deployment())
    world.script.ends = {"collect": Exit(None, "back-off pulling", "ImagePullBackOff")}
    world.reconcile()
    world.node.run_jobs()
    world.reconcile()
    job = world.only("Job")
    fail(world, job, "DeadlineExceeded")
    for pod in world.kube.list("Pod", "team"):
        world.kube.delete(Ref("Pod", "team", pod["metadata"]["name"]))
    world.settle()
    assert world.reasons()["Analyzed"] == ("False", "ImageUnavailable")
    assert AGAIN in world.condition("Analyzed")["message"]


def test_an_analysis_that_takes_too_long_says_which_limit(world: World) -> None:
    """The deadline's condition names the field to raise."""
    world.add(model_deployment(analysis={"timeout": "2m"}))
    world.reconcile()
    world.reconcile()
    fail(world, world.only("Job"), "DeadlineExceeded")
    world.settle()
    assert world.reasons()["Analyzed"] == ("False", "AnalysisTimedOut")
    assert "120 seconds" in world.condition("Analyzed")["message"]


def fail(world: World, job: dict[str, Any], reason: str) -> None:
    """What the Job controller writes about a failed Job."""
    failed = {"type": "Failed", "status": "True", "reason": reason, "message": "it failed"}
    world.kube.set_status(Ref("Job", "team", job["metadata"]["name"]), {"conditions": [failed]})


def test_the_last_good_policy_stays_when_a_new_analysis_fails(world: World) -> None:
    """The pods keep image and policy, and the conditions say Stale and why."""
    world.add(model_deployment())
    world.settle()
    before = world.get("Deployment", "iris")["spec"]["template"]
    world.script.ends = {"analyse": Exit(4, '{"sentence": "Joern fell over."}')}

    def other_image(manifest: dict[str, Any]) -> None:
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "app:2"
        manifest["spec"]["replicas"] = 2

    world.edit(other_image)
    world.settle()
    assert world.get("Deployment", "iris")["spec"]["template"] == before
    assert world.get("Deployment", "iris")["spec"]["replicas"] == 2
    assert world.reasons()["PolicyReady"] == ("True", "Stale")
    assert world.reasons()["Ready"] == ("False", "AnalysisFailed")
    assert "Joern fell over" in world.condition("PolicyReady")["message"]
    world.script.ends = {}
    world.edit(lambda manifest: manifest["metadata"].update(annotations={AGAIN: "x"}))
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert world.get("Deployment", "iris")["spec"]["template"]["spec"]["containers"][0]["image"] == "app:2"


def test_an_invalid_spec_leaves_the_pods_as_they_are(world: World) -> None:
    """A stored spec that cannot be read ends in Ready=False with the field, and nothing is touched."""
    world.add(model_deployment())
    world.settle()
    before = world.get("Deployment", "iris")
    world.edit(lambda manifest: manifest["spec"].update(modle={}))
    world.settle()
    assert world.reasons()["Ready"] == ("False", "SpecInvalid")
    assert "spec.modle" in world.condition("Ready")["message"]
    assert world.get("Deployment", "iris") == before


def test_a_change_that_needs_no_analysis_follows_at_once(world: World) -> None:
    """Another variable in the template rolls the pods with the same policy and no second Job."""
    world.add(model_deployment())
    world.settle()
    policy = world.status()["policy"]
    ran = world.script.ran.count("analyse")

    def variable(manifest: dict[str, Any]) -> None:
        manifest["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]

    world.edit(variable)
    world.settle()
    assert world.status()["policy"] == policy
    assert world.script.ran.count("analyse") == ran
    env = world.only("Pod", part="workload")["spec"]["containers"][0]["env"]
    assert {"name": "A", "value": "1"} in env


def test_ready_is_never_said_of_pods_that_are_about_to_be_replaced(world: World) -> None:
    """Whoever waits for Ready after an edit waits for the pods of that edit."""
    world.add(model_deployment())
    world.settle()
    container = {"name": "app", "image": "app:1", "command": ["python3"], "env": [{"name": "A", "value": "1"}]}
    world.edit(lambda manifest: manifest["spec"]["template"]["spec"].update(containers=[container]))
    world.reconcile()
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"], ready["observedGeneration"]) == ("Unknown", "DeploymentProgressing", 2)
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_extra_entries_make_another_policy_without_another_analysis(world: World) -> None:
    """An entry with a reason joins the policy and the provenance; dropping a field of the template drops it."""
    world.add(model_deployment())
    world.settle()
    first = world.status()["policy"]["name"]
    extra = [{"list": "globals", "name": "app.steps.Scaler", "reason": "our own step"}]
    world.edit(lambda manifest: manifest["spec"].update(policy={"extra": extra}))
    world.settle()
    second = world.status()["policy"]["name"]
    assert second != first
    stored = world.get("ConfigMap", second)["data"]
    assert "app.steps.Scaler" in json.loads(stored["policy.json"])["lib.Model"]["globals"]
    assert json.loads(stored["provenance.json"])["extra"] == extra
    assert json.loads(stored["provenance.json"])["policy"] == sha256(stored["policy.json"].encode()).hexdigest()
    assert world.script.ran.count("analyse") == 1
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_a_candidate_waits_for_a_person(world: World) -> None:
    """With approval Manual no pod runs until the annotation names the candidate, which can be read meanwhile."""
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    assert world.reasons()["Approved"] == ("False", "WaitingForApproval")
    assert world.reasons()["Ready"] == ("False", "WaitingForApproval")
    assert world.kube.list("Deployment", "team") == []
    candidate = world.status()["candidate"]
    assert [one["name"] for one in candidate["diff"]["added"] if one["list"] == "globals"] == [
        "lib.Model",
        "numpy.ndarray",
    ]
    assert world.get("ConfigMap", candidate["name"])["immutable"] is True
    world.edit(lambda manifest: manifest["metadata"].update(annotations={"pickleball.dev/approve": candidate["name"]}))
    world.settle()
    assert world.reasons()["Approved"] == ("True", "ApprovedByAnnotation")
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert "candidate" not in world.status()
    extra = [{"list": "reduces", "name": "lib.make", "reason": "a factory"}]
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=extra))
    world.settle()
    assert world.status()["policy"]["name"] == candidate["name"]
    assert [one["name"] for one in world.status()["candidate"]["diff"]["added"]] == ["lib.make"]
    assert world.reasons()["Approved"] == ("False", "WaitingForApproval")


def config_map(name: str, text: str) -> dict[str, Any]:
    """A ConfigMap with a policy."""
    metadata = {"name": name, "namespace": "team"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"policy.json": text}}


def test_a_policy_by_hand_replaces_the_analysis(world: World) -> None:
    """policy.configMapRef is copied into an immutable policy; no Job runs; a missing or broken one is named."""
    world.add(model_deployment(policy={"configMapRef": {"name": "mine"}}))
    world.settle()
    assert world.reasons()["PolicyReady"] == ("False", "PolicyRefNotFound")
    world.add(config_map("mine", "{}"))
    world.settle()
    assert world.reasons()["PolicyReady"] == ("False", "PolicyInvalid")
    world.kube.patch(Ref("ConfigMap", "team", "mine"), {"data": {"policy.json": json.dumps(POLICY)}})
    world.settle()
    assert world.reasons()["Analyzed"] == ("True", "AnalysisNotNeeded")
    assert world.reasons()["PolicyReady"] == ("True", "PolicyFromConfigMap")
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert world.kube.list("Job", "team") == []
    world.kube.patch(Ref("ConfigMap", "team", "mine"), {"data": {"policy.json": "no"}})
    world.settle()
    assert world.status()["policy"]["name"].startswith("pickleball-policy-")
    assert world.reasons()["PolicyReady"] == ("True", "Stale")


def test_equal_requests_share_one_job_and_one_policy(world: World) -> None:
    """Two deployments of the same image and classes: one analysis; it stays until both are gone."""
    world.add(model_deployment("a"))
    world.add(model_deployment("b"))
    world.settle("a", "b")
    assert world.script.ran.count("analyse") == 1
    assert world.status("a")["policy"]["name"] == world.status("b")["policy"]["name"]
    policy = Ref("ConfigMap", "team", world.status("a")["policy"]["name"])
    world.kube.delete(Ref("ModelDeployment", "team", "a"))
    assert world.kube.get(policy) is not None
    world.settle("b")
    assert world.reasons("b")["Ready"] == ("True", "Ready")
    world.kube.delete(Ref("ModelDeployment", "team", "b"))
    assert {ref.kind for ref in world.kube} <= {"Event"}


def test_a_refused_model_is_seen_in_status_and_event(world: World) -> None:
    """The violation record of the pod's termination message becomes a reason, a violation and one event."""
    world.add(model_deployment())
    world.script.ends = {"app": Exit(1, json.dumps(RECORD) + "\n")}
    world.settle()
    assert world.reasons()["Ready"] == ("False", "ModelRefused")
    assert world.reasons()["Enforced"] == ("True", "InterpreterReported")
    assert "posix.system" in world.condition("Ready")["message"]
    (violation,) = world.status()["violations"]
    assert violation["name"] == "posix.system"
    assert violation["path"] == "/models/m.pkl"
    assert world.events().count("Violation") == 1
    world.reconcile()
    assert world.events().count("Violation") == 1


def test_a_failed_self_test_is_not_enforced(world: World) -> None:
    """The pod does not start, and Enforced says that the enforcer does not work."""
    world.add(model_deployment())
    world.script.ends = {"pickleball-self-test-0": Exit(1, '{"sentence": "The canary was loaded."}')}
    world.settle()
    assert world.reasons()["Enforced"] == ("False", "SelfTestFailed")
    assert world.reasons()["Ready"] == ("False", "SelfTestFailed")
    assert "The canary was loaded." in world.condition("Ready")["message"]
    assert world.status()["pods"] == {"protected": 0, "total": 1, "outdated": 0}
    assert "app" not in world.script.ran


def test_a_refused_model_file_stops_the_pod_before_its_application(world: World) -> None:
    """spec.model.files are verified in an init container; what it finds is a violation."""
    world.add(model_deployment(model={"classes": ["lib.Model"], "files": ["/models/*.pkl"]}))
    report = {
        "files": [{"path": "/models/m.pkl", "violations": [{key: RECORD[key] for key in ("rule", "name", "sentence")}]}]
    }
    world.script.ends = {"pickleball-verify-0": Exit(1, json.dumps(report))}
    world.settle()
    assert world.reasons()["Ready"] == ("False", "ModelFilesRefused")
    (violation,) = world.status()["violations"]
    assert (violation["name"], violation["path"]) == ("posix.system", "/models/m.pkl")
    assert "app" not in world.script.ran


def test_an_application_that_fails_by_itself_is_told_apart(world: World) -> None:
    """A crash without a record is the application's."""
    world.add(model_deployment())
    world.script.ends = {"app": Exit(1, "KeyError: MODEL")}
    world.settle()
    assert world.reasons()["Ready"] == ("False", "ApplicationFailing")
    assert "KeyError" in world.condition("Ready")["message"]
    assert "violations" not in world.status() or world.status()["violations"] == []


def test_a_template_that_cannot_be_protected_is_not_run(world: World) -> None:
    """Python with -I: denied with the reason, no Deployment."""
    container = {"name": "app", "image": "app:1", "command": ["python3", "-I", "/app/serve.py"]}
    world.add(model_deployment(template={"spec": {"containers": [container]}}))
    world.settle()
    assert world.reasons()["Enforced"] == ("False", "EnvironmentIgnored")
    assert world.reasons()["Ready"] == ("False", "EnvironmentIgnored")
    assert world.kube.list("Deployment", "team") == []


def test_a_selector_is_said_to_be_unprotected(world: World) -> None:
    """Without a webhook pods of others are not injected into, and Ready never holds."""
    manifest = model_deployment(selector={"matchLabels": {"app": "x"}}, source={"volume": {"claimName": "lib"}})
    del manifest["spec"]["template"]
    world.add(manifest)
    world.settle()
    assert world.reasons()["Enforced"] == ("False", "SelectorNotCovered")
    assert world.reasons()["Ready"] == ("False", "SelectorNotCovered")
    assert "WITHOUT" in world.condition("Enforced")["message"]
    assert world.reasons()["PolicyReady"] == ("True", "PolicyFromAnalysis")


def test_a_deployment_of_others_is_not_taken_over(world: World) -> None:
    """A Deployment of the same name that is not ours stays as it is."""
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris", "namespace": "team"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": []}}},
    }
    world.add(theirs)
    world.add(model_deployment())
    world.settle()
    assert world.reasons()["Ready"] == ("False", "NameTaken")
    assert world.get("Deployment", "iris")["spec"] == theirs["spec"]


def test_a_policy_config_map_that_was_replaced_is_made_again(world: World) -> None:
    """One that does not hold what its name says is removed and made anew, with an event."""
    world.add(model_deployment())
    world.settle()
    name = world.status()["policy"]["name"]
    ref = Ref("ConfigMap", "team", name)
    good = world.get("ConfigMap", name)
    world.kube.delete(ref)
    forged = {**config_map(name, '{"a.B": {"globals": ["os.system"], "reduces": ["os.system"]}}'), "immutable": True}
    forged["metadata"]["labels"] = good["metadata"]["labels"]
    world.add(forged)
    world.settle()
    assert world.get("ConfigMap", name)["data"] == good["data"]
    assert "PolicyAltered" in world.events()


def test_deleted_results_and_policies_come_back(world: World) -> None:
    """A deleted policy is stored again from the result; a deleted result is analysed again."""
    world.add(model_deployment())
    world.settle()
    policy = Ref("ConfigMap", "team", world.status()["policy"]["name"])
    world.kube.delete(policy)
    world.settle()
    assert world.kube.get(policy) is not None
    world.kube.delete(Ref("ConfigMap", "team", world.only("Job")["metadata"]["name"]))
    world.settle()
    assert world.script.ran.count("analyse") == 2
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_a_hand_edit_of_the_deployment_is_put_right(world: World) -> None:
    """Our fields come back; what others added beside them stays."""
    world.add(model_deployment())
    world.settle()
    wanted = world.get("Deployment", "iris")["spec"]
    ref = Ref("Deployment", "team", "iris")
    world.kube.patch(ref, {"spec": {"replicas": 3, "template": {"spec": {"initContainers": []}}}})
    world.kube.patch(ref, {"metadata": {"annotations": {"others.dev/note": "1"}}})
    world.settle()
    found = world.get("Deployment", "iris")
    assert found["spec"] == wanted
    assert found["metadata"]["annotations"]["others.dev/note"] == "1"


def test_a_result_that_was_written_by_hand_is_refused(world: World) -> None:
    """It is not what the analysis published: the policy in force stays, and deleting it has the sources read again."""
    world.add(model_deployment())
    world.settle()
    before = world.status()["policy"]
    stored = world.only("ConfigMap", part="result")
    world.kube.delete(Ref("ConfigMap", "team", stored["metadata"]["name"]))
    forged = json.dumps({"lib.Model": {"globals": ["os.system"], "reduces": ["os.system"]}})
    world.add({**stored, "data": {**stored["data"], "policy.json": forged}})
    world.settle()
    assert world.reasons()["Ready"] == ("False", "ResultRefused")
    assert "delete the ConfigMap" in world.condition("Ready")["message"]
    assert world.status()["policy"] == before
    world.kube.delete(Ref("ConfigMap", "team", stored["metadata"]["name"]))
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert world.status()["policy"] == before


def test_a_forged_policy_that_cannot_be_made_again_is_removed(world: World) -> None:
    """With its result replaced too: no pod is made with it, the status says so, and a new analysis mends both."""
    world.add(model_deployment())
    world.settle()
    policy, stored = world.status()["policy"]["name"], world.only("ConfigMap", part="result")
    good, ref = world.get("ConfigMap", policy), Ref("ConfigMap", "team", policy)
    forged = json.dumps({"lib.Model": {"globals": ["os.system"], "reduces": ["os.system"]}})
    for one in (good, stored):
        world.kube.delete(Ref("ConfigMap", "team", one["metadata"]["name"]))
        world.add({**one, "data": {**one["data"], "policy.json": forged}})
    world.settle()
    assert world.kube.get(ref) is None
    assert world.reasons()["PolicyReady"] == ("False", "PolicyAltered")
    assert "PolicyAltered" in world.events()
    world.kube.delete(Ref("ConfigMap", "team", stored["metadata"]["name"]))
    world.settle()
    assert world.get("ConfigMap", policy)["data"] == good["data"]
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_no_config_map_of_others_is_removed_for_a_policy(world: World) -> None:
    """Who may write on the Deployment cannot have the controller delete what it is not theirs to delete."""
    world.add(model_deployment())
    world.settle()
    world.add(config_map("settings", "{}"))
    annotations = {"pickleball.dev/policy": "settings"}
    world.kube.patch(Ref("Deployment", "team", "iris"), {"metadata": {"annotations": annotations}})
    world.settle()
    assert world.get("ConfigMap", "settings")
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_a_change_over_to_pods_of_others_takes_the_own_deployment_away(world: World) -> None:
    """Once the policy of the new spec is in force; the analysis of the new source comes first."""
    world.add(model_deployment())
    world.settle()

    def others(manifest: dict[str, Any]) -> None:
        del manifest["spec"]["template"]
        manifest["spec"].update(selector={"matchLabels": {"app": "x"}}, source={"volume": {"claimName": "lib"}})

    world.edit(others)
    world.reconcile()
    assert world.get("Deployment", "iris")
    world.settle()
    assert world.kube.list("Deployment", "team") == []
    assert world.kube.list("Pod", "team", {"pickleball.dev/part": "workload"}) == []
    assert world.reasons()["PolicyReady"] == ("True", "PolicyFromAnalysis")


def test_a_missing_permission_is_said_in_the_status(world: World) -> None:
    """Forbidden ends in Ready=False with the API server's sentence, and is tried again."""
    world.add(model_deployment())

    def refuse(verb: str, ref: Ref) -> None:
        if ref.kind == "Deployment":
            raise ForbiddenError("Applying Deployment team/iris", "deployments.apps is forbidden")

    world.kube.before = refuse
    with pytest.raises(AssertionError):
        world.settle()
    assert world.reasons()["Ready"] == ("False", "ApiRefused")
    assert "deployments.apps is forbidden" in world.condition("Ready")["message"]
    world.kube.before = lambda _verb, _ref: None
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_a_controller_that_cannot_look_says_so(world: World) -> None:
    """A list that is forbidden ends in Ready=False too, and what was known stays said."""
    world.add(model_deployment())
    world.settle()
    looking = world.kube.list

    def refuse(kind: Any, *rest: Any) -> Any:
        if kind == "Pod":
            raise ForbiddenError("Listing Pods in team", "pods is forbidden")
        return looking(kind, *rest)

    world.kube.list = refuse  # type: ignore[method-assign]
    with pytest.raises(ForbiddenError):
        world.reconcile()
    world.kube.list = looking  # type: ignore[method-assign]
    assert world.reasons()["Ready"] == ("False", "ApiRefused")
    assert world.reasons()["Enforced"] == ("True", "InterpreterReported")
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_audit_is_said_plainly(world: World) -> None:
    """In mode Audit the pods get the mode, and Enforced says that nothing is refused."""
    world.add(model_deployment(enforcement={"mode": "Audit"}))
    world.settle()
    assert world.reasons()["Enforced"] == ("True", "AuditOnly")
    env = world.only("Pod", part="workload")["spec"]["containers"][0]["env"]
    assert {"name": "PICKLEBALL_MODE", "value": "audit"} in env


def test_a_superseded_analysis_is_ended(world: World) -> None:
    """When the spec changes while its analysis runs, the Job goes, unless another deployment asks for it too."""
    world.add(model_deployment())
    world.reconcile()
    first = world.only("Job")["metadata"]["name"]
    world.edit(lambda manifest: manifest["spec"].update(analysis={"mode": "cpg"}))
    world.reconcile()
    assert world.only("Job")["metadata"]["name"] != first
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")
    world.add(model_deployment("other"))
    world.edit(lambda manifest: manifest["spec"].update(analysis={"mode": "ast", "timeout": "5m"}))
    world.add(model_deployment("third", analysis={"timeout": "5m"}))
    for name in ("iris", "third", "other"):
        world.reconcile(name)
    shared = next(one for one in world.kube.list("Job", "team") if len(one["metadata"]["ownerReferences"]) > 1)
    world.edit(lambda manifest: manifest["spec"].update(analysis={"mode": "ast", "timeout": "6m"}))
    world.reconcile()
    left = world.get("Job", shared["metadata"]["name"])["metadata"]["ownerReferences"]
    assert [owner["name"] for owner in left] == ["third"]


def test_old_policies_do_not_pile_up(world: World) -> None:
    """After many changes the policy in force and the last few are kept."""
    world.add(model_deployment())
    for number in range(12):
        extra = [{"list": "globals", "name": f"app.Step{number}", "reason": "a step"}]
        world.edit(lambda manifest, extra=extra: manifest["spec"].update(policy={"extra": extra}))
        world.settle()
    policies = [
        one["metadata"]["name"] for one in world.kube.list("ConfigMap", "team", {"pickleball.dev/part": "policy"})
    ]
    assert len(policies) <= 8
    assert world.status()["policy"]["name"] in policies
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_the_status_names_a_policy_before_a_pod_can_run_with_it(world: World) -> None:
    """Admission policies believe the status only: it is written before the Deployment, for the first and the next."""
    ref, owner = Ref("Deployment", "team", "iris"), Ref("ModelDeployment", "team", "iris")
    seen: list[bool] = []

    def look(verb: str, written: Ref) -> None:
        deployment = world.kube.get(owner)
        if verb in ("create", "apply") and written == ref and deployment is not None:
            policy = deployment["status"]["policy"]["name"]
            seen.append(world.kube.get(Ref("ConfigMap", "team", policy)) is not None)

    world.kube.before = look
    world.add(model_deployment())
    world.settle()
    first = world.status()["policy"]["name"]
    world.edit(lambda one: one["spec"].update(policy={"extra": [{"list": "globals", "name": "a.B", "reason": "r"}]}))
    world.settle()
    assert world.status()["policy"]["name"] != first
    assert [one["name"] for one in world.status()["history"]] == [first]
    assert len(seen) >= 2
    assert all(seen)
