"""Policies that people review: what waits and what it changes, who approved, roll-back, roll-out, proposals."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import POLICY, PROVENANCE, SETTINGS, World, model_deployment

from pickleball_operator.errors import KubeError
from pickleball_operator.kube import Ref

if TYPE_CHECKING:
    from pathlib import Path

REVIEW = "pickleball-review-iris"
MAKE = {"list": "reduces", "name": "lib.make", "reason": "a factory"}
STEP = {"list": "globals", "name": "app.Step", "reason": "our own"}
FILE = {"path": "/models/m.pkl", "sha256": "a" * 64, "format": "pickle"}


def waiting(world: World, *extra: dict[str, str], **policy: Any) -> str:
    """A world whose first policy is in force and whose second one, with these entries, waits; gives its name."""
    world.add(model_deployment(policy={"approval": "Manual", **policy}))
    world.settle()
    world.annotate(approve=world.status()["candidate"]["name"])
    world.settle()
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=list(extra)))
    world.settle()
    name: str = world.status()["candidate"]["name"]
    return name


def listed(changes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """List and name of each change."""
    return [(one["list"], one["name"]) for one in changes]


def test_a_candidate_waits_with_its_diff_and_grades(world: World) -> None:
    """Status, condition, event and ConfigMap say what it adds and removes; the first one lists effects first."""
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    first = world.status()["candidate"]["diff"]
    assert listed(first["added"])[0] == ("globals", "lib.Model")
    assert (first["added"][0]["grade"], first["added"][0]["effects"]) == ("effects", ["file"])
    assert "1 with effects" in first["sentence"]
    world.annotate(approve=world.status()["candidate"]["name"])
    world.settle()
    assert world.kube.get(Ref("ConfigMap", "team", REVIEW)) is None
    before = world.status()["policy"]["name"]
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=[MAKE]))
    world.settle()
    candidate = world.status()["candidate"]
    assert listed(candidate["diff"]["added"]) == [("reduces", "lib.make")]
    assert candidate["diff"]["against"] == before
    assert (candidate["diff"]["removed"], candidate["review"]) == ([], REVIEW)
    assert (
        "adds 1 entry (1 not graded)"
        in world.condition("Approved")["message"] + world.condition("PolicyReady")["message"]
    )
    assert "WaitingForApproval" in world.events()
    stored = world.get("ConfigMap", REVIEW)["data"]
    assert "+ reduces lib.make  [not graded; extra]" in stored["diff.txt"]
    assert json.loads(stored["diff.json"])["added"][0]["name"] == "lib.make"
    assert "lib.make" in stored["report.html"]
    assert world.status()["policy"]["name"] == before


def test_a_new_grade_of_an_old_entry_is_a_change(world: World) -> None:
    """The same names with another effect are shown, before and after."""
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    world.annotate(approve=world.status()["candidate"]["name"])
    world.settle()
    changed = copy.deepcopy(PROVENANCE)
    entry = changed["classes"]["lib.Model"]["globals"]["numpy.ndarray"]
    entry |= {"grade": "effects", "effects": {"process": ["numpy/x.py:1 numpy.ndarray.__setstate__"]}}
    changed["sources"] = [{"name": "lib", "version": "1.1", "digest": "sha256:2"}]
    world.script.provenance = changed
    world.annotate(analyse_again="1")
    world.settle()
    (found,) = world.status()["candidate"]["diff"]["regraded"]
    assert (found["name"], found["before"], found["grade"], found["effects"]) == (
        "numpy.ndarray",
        "no source",
        "effects",
        ["process"],
    )
    assert (
        "~ globals numpy.ndarray  [no source -> effects: process; pack]"
        in world.get("ConfigMap", REVIEW)["data"]["diff.txt"]
    )


def test_a_forged_review_is_put_right(world: World) -> None:
    """Somebody who hides an entry from the diff is overwritten at the next look."""
    waiting(world, MAKE)
    good = world.get("ConfigMap", REVIEW)["data"]
    world.kube.patch(Ref("ConfigMap", "team", REVIEW), {"data": {"diff.txt": "nothing changes", "report.html": "<p>"}})
    world.settle()
    assert world.get("ConfigMap", REVIEW)["data"] == good


def test_a_report_that_is_too_large_is_left_to_the_plugin(world: World) -> None:
    """The ConfigMap then has the diff, and says how to get the report."""
    world.script.policy = {
        "lib.Model": {"globals": [f"lib.part{number}.Class" for number in range(4000)], "reduces": []}
    }
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    stored = world.get("ConfigMap", REVIEW)["data"]
    assert set(stored) == {"diff.txt", "diff.json"}
    assert stored["diff.txt"].count("+ globals") == 4000
    assert "kubectl pickleball report" in stored["diff.txt"]
    assert len(world.status()["candidate"]["diff"]["added"]) == 100


def test_a_diff_that_fits_into_no_config_map_is_cut_at_a_line(world: World) -> None:
    """What is left says where the rest is."""
    world.script.policy = {"lib.Model": {"globals": [f"a.{number}" for number in range(26000)], "reduces": []}}
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    stored = world.get("ConfigMap", REVIEW)["data"]
    assert set(stored) == {"diff.txt"}
    assert len(stored["diff.txt"].encode()) < 1000 * 1000
    *lines, cut, large = stored["diff.txt"].splitlines()
    assert all(line.endswith("]") for line in lines[2:])
    assert "kubectl pickleball diff" in cut
    assert "kubectl pickleball report" in large


def test_what_waits_is_put_away_when_it_waits_no_more(world: World) -> None:
    """After the approval there is no candidate and no review."""
    world.annotate(approve=waiting(world, MAKE))
    world.settle()
    assert "candidate" not in world.status()
    assert world.kube.get(Ref("ConfigMap", "team", REVIEW)) is None
    assert world.reasons()["Ready"] == ("True", "Ready")


def managed(world: World, client: str) -> None:
    """What the API server keeps about who wrote the approval."""
    fields = {"f:metadata": {"f:annotations": {".": {}, "f:pickleball.dev/approve": {}}}}
    entry = {"manager": client, "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": fields}
    other = {"manager": "kubectl-create", "fieldsV1": {"f:spec": {}}}
    world.kube.patch(Ref("ModelDeployment", "team", "iris"), {"metadata": {"managedFields": [other, entry]}})


@pytest.mark.parametrize(
    ("proven", "by", "proof"), [(True, "ada", "Admission"), (False, "ada", "Claim"), (False, "", "None")]
)
def test_the_approver_is_recorded_with_what_proves_the_name(tmp_path: Path, proven: bool, by: str, proof: str) -> None:
    """The status keeps name, client and time, and says whether the API server vouches for the name."""
    world = World(tmp_path, SETTINGS.model_copy(update={"proven_approvers": proven}))
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    managed(world, "kubectl-pickleball")
    world.annotate(approve=world.status()["candidate"]["name"], **({"approved_by": by} if by else {}))
    world.settle()
    recorded = {"by": by, "proof": proof, "client": "kubectl-pickleball", "time": "2026-01-02T00:00:00Z"}
    assert world.status()["policy"]["approval"] == recorded
    assert world.events().count("Approved") == 1
    first = world.status()["policy"]["name"]
    world.annotate(approved_by="eve")  # does not change who approved this one
    world.settle()
    assert world.status()["policy"]["approval"] == recorded
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=[MAKE]))
    world.settle()
    world.annotate(approve=world.status()["candidate"]["name"], approved_by="bob")
    world.settle()
    assert world.status()["policy"]["approval"]["by"] == "bob"
    (past,) = world.status()["history"]
    assert (past["name"], past["approval"], bool(past["until"])) == (first, recorded, True)


def test_each_candidate_that_waits_has_its_event(world: World) -> None:
    """One that takes the place of another is told, and none is told twice."""
    waiting(world, MAKE)
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=[MAKE, STEP]))
    world.settle()
    last = world.status()["candidate"]["name"]
    told = [one["message"] for one in world.kube.list("Event", "team") if one["reason"] == "WaitingForApproval"]
    assert len(told) == 3
    assert sum(f"Policy {last} waits" in one for one in told) == 1


def test_an_approval_names_one_content(world: World) -> None:
    """Approving a policy does not approve the next one, and a name that is no candidate approves nothing."""
    second = waiting(world, MAKE)
    world.annotate(approve="pickleball-policy-" + "0" * 32)
    world.settle()
    assert world.reasons()["Approved"] == ("False", "WaitingForApproval")
    world.annotate(approve=second)
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=[MAKE, STEP]))
    world.settle()
    assert world.status()["policy"]["name"] != second
    assert world.reasons()["Approved"] == ("False", "WaitingForApproval")


def test_a_deployment_that_names_the_candidate_does_not_approve_it(world: World) -> None:
    """Who may write Deployments and not ModelDeployments cannot let a candidate in."""
    second = waiting(world, MAKE)
    first = world.status()["policy"]["name"]
    forged = {"metadata": {"annotations": {"pickleball.dev/policy": second}}}
    world.kube.patch(Ref("Deployment", "team", "iris"), forged)
    world.settle()
    assert world.reasons()["Approved"] == ("False", "WaitingForApproval")
    assert world.status()["policy"]["name"] == first
    assert world.get("Deployment", "iris")["metadata"]["annotations"]["pickleball.dev/policy"] == first


def rolled(world: World, count: int) -> list[str]:
    """Names of the policies that were in force one after the other."""
    found = []
    for number in range(count):
        extra = [{"list": "globals", "name": f"app.Step{number}", "reason": "a step"}]
        world.edit(lambda manifest, extra=extra: manifest["spec"].update(policy={"extra": extra}))
        world.settle()
        found.append(world.status()["policy"]["name"])
    return found


def pin(world: World, name: str | None, **more: Any) -> None:
    """Roll back to a policy, or end it."""
    world.kube.patch(Ref("ModelDeployment", "team", "iris"), {"spec": {"policy": {"pin": name, **more}}})
    world.settle()


def test_a_deployment_rolls_back_to_one_of_its_last_policies(world: World) -> None:
    """The pinned policy is in force and in the pods until the pin goes; the last five can be pinned."""
    world.add(model_deployment())
    names = rolled(world, 8)
    assert [one["name"] for one in world.status()["history"]] == names[-2:-7:-1]
    back = world.status()["history"][-1]["name"]
    pin(world, back)
    assert world.reasons()["PolicyReady"] == ("True", "PolicyPinned")
    assert world.status()["policy"]["name"] == back
    assert world.status()["policy"]["globals"] == 3
    pod = world.only("Pod", part="workload")
    assert [one["configMap"]["name"] for one in pod["spec"]["volumes"] if "configMap" in one] == [back]
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert world.status()["candidate"]["name"] == names[-1]
    assert world.status()["candidate"]["diff"]["against"] == back
    pin(world, None)
    assert world.status()["policy"]["name"] == names[-1]
    assert world.status()["history"][0]["name"] == back


def test_a_pinned_policy_stays_when_the_analysis_fails_or_changes(world: World) -> None:
    """Roll-back does not depend on the analysis."""
    world.add(model_deployment())
    first, _ = rolled(world, 2)
    pin(world, first)
    world.script.policy = {"lib.Model": {"globals": ["lib.Other"], "reduces": []}}
    world.annotate(analyse_again="1")
    world.settle()
    assert world.status()["policy"]["name"] == first
    assert world.reasons()["PolicyReady"] == ("True", "PolicyPinned")


def test_what_cannot_be_rolled_back_to_is_refused(world: World) -> None:
    """A policy that is not there, of others, or altered: PinRefused, and the pods stay."""
    world.add(model_deployment())
    world.add(model_deployment("other", policy={"extra": [MAKE]}))
    world.settle("iris", "other")
    current = world.status()["policy"]["name"]
    theirs = world.status("other")["policy"]["name"]
    for name, says in ((theirs, "no policy of this"), ("pickleball-policy-" + "0" * 32, "there is no policy")):
        pin(world, name)
        assert world.reasons()["PolicyReady"] == ("False", "PinRefused")
        assert says in world.condition("PolicyReady")["message"]
        assert world.get("Deployment", "iris")["metadata"]["annotations"]["pickleball.dev/policy"] == current
        assert world.reasons()["Ready"] == ("False", "PinRefused")


def test_a_candidate_that_nobody_approved_cannot_be_pinned(world: World) -> None:
    """With approval Manual the pin is no way around it."""
    second = waiting(world, MAKE)
    first = world.status()["policy"]["name"]
    pin(world, second, approval="Manual")
    assert world.reasons()["PolicyReady"] == ("False", "PinRefused")
    assert "never approved" in world.condition("PolicyReady")["message"]
    assert world.get("Deployment", "iris")["metadata"]["annotations"]["pickleball.dev/policy"] == first


@pytest.mark.parametrize("way", ["template", "annotation", "immediate"])
def test_a_policy_waits_for_the_next_roll_out_when_the_user_chose_so(world: World, way: str) -> None:
    """Rollout WithTemplate: the pods keep their policy until their template changes or a person says so."""
    world.add(model_deployment(policy={"rollout": "WithTemplate"}))
    world.settle()
    first = world.status()["policy"]["name"]
    pods = world.get("Deployment", "iris")["spec"]["template"]
    world.edit(lambda manifest: manifest["spec"].update(policy={"rollout": "WithTemplate", "extra": [MAKE]}))
    world.settle()
    assert world.reasons()["PolicyReady"] == ("True", "PolicyHeld")
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert world.get("Deployment", "iris")["spec"]["template"] == pods
    candidate = world.status()["candidate"]["name"]
    if way == "template":
        container = {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}]}
        world.edit(lambda manifest: manifest["spec"].update(template={"spec": {"containers": [container]}}))
    elif way == "annotation":
        world.annotate(roll_out=candidate)
    else:
        world.edit(lambda manifest: manifest["spec"]["policy"].update(rollout="Immediate"))
    world.settle()
    assert world.status()["policy"]["name"] == candidate != first
    assert world.reasons()["PolicyReady"] == ("True", "PolicyFromAnalysis")
    assert "candidate" not in world.status()


def audit_record(name: str, listed: str = "reduces", mode: str = "audit") -> str:
    """A record as the enforcer prints it."""
    return json.dumps(
        {
            "mode": mode, "rule": "reduce-not-allowed", "name": name, "allow": {"list": listed, "entry": name},
            "sentence": f"The stream calls {name}.", "source": {"path": "/models/m.pkl", "sha256": "b" * 64},
        }
    )  # fmt: skip


@pytest.mark.parametrize("teller", ["pickleball-witness", "app"])
def test_audit_collects_what_would_have_been_refused(world: World, teller: str) -> None:
    """Names from the logs of audited pods become proposals that outlive the log, graded where the sources know them."""
    world.settings = world.settings.model_copy(update={"witness": teller != "app"})
    world.add(model_deployment(enforcement={"mode": "Audit"}))
    world.settle()
    pod = Ref("Pod", "team", world.only("Pod", part="workload")["metadata"]["name"])
    lines = ["listening", audit_record("lib.make"), audit_record("posix.system"), audit_record("lib.Model", "globals")]
    lines += [audit_record("lib.other", mode="enforce"), audit_record("no name"), '{"rule": 1}', "{" * 2000]
    world.kube.logs[pod, teller] = "\n".join(lines)
    world.settle()
    found = {one["name"]: one for one in world.status()["proposals"]}
    assert set(found) == {"lib.make", "posix.system"}
    assert (found["lib.make"]["decision"], found["lib.make"]["source"]) == ("unjudged", "Audit")
    assert (found["lib.make"]["path"], found["lib.make"]["sha256"]) == ("/models/m.pkl", "b" * 64)
    assert found["posix.system"]["decision"] == "refuse"
    assert world.events().count("Proposed") == 1
    world.kube.logs.clear()
    world.settle()
    assert len(world.status()["proposals"]) == 2
    world.edit(lambda manifest: manifest["spec"].update(policy={"extra": [MAKE]}))
    world.settle()
    assert [one["name"] for one in world.status()["proposals"]] == ["posix.system"]
    world.edit(lambda manifest: manifest["spec"].update(enforcement={"mode": "Enforce"}))
    world.settle()
    assert not world.status().get("proposals")


@pytest.mark.parametrize(("witness", "mode", "read"), [
    (True, "Enforce", {"pickleball-witness"}), (True, "Audit", {"pickleball-witness"}),
    (False, "Enforce", set()), (False, "Audit", {"app"}),
])  # fmt: skip
def test_an_applications_log_is_read_only_where_nothing_else_tells(
    world: World, monkeypatch: pytest.MonkeyPatch, witness: bool, mode: str, read: set[str]
) -> None:
    """In mode Audit without a witness; otherwise the controller asks for no log but the witness'."""
    asked = set()
    log = world.kube.log

    def told(ref: Ref, container: str, limit: int) -> str:
        asked.add(container)
        return log(ref, container, limit)

    monkeypatch.setattr(world.kube, "log", told)
    world.settings = world.settings.model_copy(update={"witness": witness})
    world.add(model_deployment(enforcement={"mode": mode}))
    world.settle()
    assert world.reasons()["Ready"] == ("True", "Ready")
    assert asked == read


WITNESSED = {"event": "violation", "container": "app", "rule": "reduce-not-allowed", "name": "posix.system",
             "sentence": "The stream calls posix.system.", "mode": "enforce"}  # fmt: skip


def test_what_a_running_pod_refuses_is_seen_in_status_and_event(world: World) -> None:
    """The witness' log has it; it is told once, and the pod stays ready."""
    world.add(model_deployment())
    world.settle()
    pod = Ref("Pod", "team", world.only("Pod", part="workload")["metadata"]["name"])
    world.kube.logs[pod, "pickleball-witness"] = json.dumps(WITNESSED)
    world.settle()
    world.settle()
    assert [one["name"] for one in world.status()["violations"]] == ["posix.system"]
    assert world.events().count("Violation") == 1
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_a_pod_whose_interpreter_stays_silent_is_not_enforced(world: World) -> None:
    """First it is waited for, then the status says what to do."""
    world.add(model_deployment())
    world.settle()
    pod = world.only("Pod", part="workload")
    (witness,) = [one for one in pod["status"]["initContainerStatuses"] if one["name"] == "pickleball-witness"]
    witness["ready"] = False
    world.kube.set_status(Ref("Pod", "team", pod["metadata"]["name"]), pod["status"])
    world.reconcile()
    assert world.reasons()["Enforced"] == ("Unknown", "WaitingForPods")
    assert world.status()["pods"] == {"protected": 0, "total": 1, "outdated": 0}
    world.now += 60
    world.reconcile()
    assert world.reasons()["Enforced"] == ("False", "InterpreterSilent")
    assert world.reasons()["Ready"] == ("False", "InterpreterSilent")
    assert "-I, -E or -S" in world.condition("Enforced")["message"]
    assert "InterpreterSilent" in world.events()
    before = len(world.kube.writes)
    world.now += 60
    world.reconcile()
    assert len(world.kube.writes) == before


def proposing(world: World, *names: dict[str, Any]) -> None:
    """Let the analysis say that a model file wants names."""
    world.script.provenance = {**PROVENANCE, "proposals": {"accept": "none", "files": [FILE], "names": list(names)}}


def proposal(name: str, decision: str, **more: Any) -> dict[str, Any]:
    """A proposal as the generator writes it."""
    return {
        "name": name, "list": "globals", "decision": decision, "because": "so it is", "files": [FILE["path"]],
        "at": "app/steps.py:3", "grade": "resolved", **more,
    }  # fmt: skip


INERT = proposal("app.steps.Scaler", "inert")
OTHERS = [
    proposal("app.steps.Kind", "inert", list="reduces"),
    proposal(
        "app.steps.Opens", "ask", grade="effects", effects={"file": ["app/steps.py:9 app.steps.Opens.__setstate__"]}
    ),
    proposal("posix.system", "refuse", grade="no source", list="reduces"),
    proposal("app.steps.Lies", "inert", grade="effects", effects={"file": []}),
    proposal("app.steps.Nofile", "inert", files=["/elsewhere"]),
    proposal("app.steps. Blank", "inert"),
]


def test_inert_proposals_join_where_the_spec_accepts_them(world: World) -> None:
    """Only `globals` proven inert join, tied to the file's digest; all others wait for a person."""
    proposing(world, INERT, *OTHERS)
    world.add(model_deployment(policy={"acceptProposals": "Inert"}))
    world.settle()
    stored = world.get("ConfigMap", world.status()["policy"]["name"])["data"]
    globals_, reduces = (json.loads(stored["policy.json"])["lib.Model"][key] for key in ("globals", "reduces"))
    assert globals_ == sorted([*POLICY["lib.Model"]["globals"], "app.steps.Scaler"])
    assert reduces == POLICY["lib.Model"]["reduces"]
    (accepted,) = json.loads(stored["provenance.json"])["accepted"]
    assert accepted["files"] == [{"path": FILE["path"], "sha256": FILE["sha256"]}]
    assert {one["name"] for one in world.status()["proposals"]} == {one["name"] for one in OTHERS}
    assert world.status()["proposals"][0]["decision"] == "inert"
    assert "1 of them proposed by model files" in world.condition("PolicyReady")["message"]
    assert world.reasons()["Ready"] == ("True", "Ready")


def test_no_proposal_joins_by_itself_without_the_specs_word(world: World) -> None:
    """AcceptProposals None: all wait, with their grade and the file's digest; extra lets one in."""
    proposing(world, INERT)
    world.add(model_deployment())
    world.settle()
    (found,) = world.status()["proposals"]
    assert (found["name"], found["decision"], found["grade"]) == ("app.steps.Scaler", "inert", "resolved")
    assert (found["source"], found["path"], found["sha256"]) == ("File", FILE["path"], FILE["sha256"])
    extra = [{"list": "globals", "name": "app.steps.Scaler", "reason": "our step"}]
    world.edit(lambda manifest: manifest["spec"].update(policy={"extra": extra}))
    world.settle()
    assert "app.steps.Scaler" in world.get("ConfigMap", world.status()["policy"]["name"])["data"]["policy.json"]
    assert not world.status().get("proposals")


def test_an_accepted_proposal_waits_for_approval_like_any_other_entry(world: World) -> None:
    """With approval Manual an inert proposal joins the candidate, not the pods."""
    proposing(world, INERT)
    world.add(model_deployment(policy={"acceptProposals": "Inert", "approval": "Manual"}))
    world.settle()
    added = {one["name"]: one for one in world.status()["candidate"]["diff"]["added"]}
    assert (added["app.steps.Scaler"]["kind"], added["app.steps.Scaler"]["grade"]) == ("proposed", "resolved")
    assert world.kube.list("Deployment", "team") == []


MISSHAPEN: list[Any] = [
    {},
    {"classes": []},
    {"classes": {"a": 1}},
    {"proposals": [1]},
    {"proposals": {"names": [1, {}]}},
    {"classes": {"lib.Model": {"globals": {"lib.Model": {"effects": [], "chain": {}, "grade": ["x"], "unknown": 3}}}}},
    {"classes": {"lib.Model": {"globals": [], "refused": [], "unresolved": 1}}},
    {"extra": {"a": 1}, "accepted": 7, "byHand": []},
]


@pytest.mark.parametrize("provenance", MISSHAPEN, ids=range(len(MISSHAPEN)))
def test_a_provenance_of_another_shape_is_not_trusted_and_breaks_nothing(world: World, provenance: Any) -> None:
    """What the provenance does not say in the agreed form counts as not graded."""
    world.script.provenance = provenance
    world.add(model_deployment(policy={"approval": "Manual", "acceptProposals": "Inert"}))
    world.settle()
    diff = world.status()["candidate"]["diff"]
    assert {one["grade"] for one in diff["added"]} == {"not graded"}
    assert len(diff["added"]) == 3


def test_a_crash_between_approval_and_status_loses_nothing(tmp_path: Path) -> None:
    """The controller stops before each write after an approval in turn: approver and history are there in the end."""
    plain = World(tmp_path)
    second = waiting(plain, MAKE)
    before = len(plain.kube.writes)
    plain.annotate(approve=second, approved_by="ada")
    plain.settle()
    for number in range(1, len(plain.kube.writes) - before):
        world = World(tmp_path)
        waiting(world, MAKE)
        first = world.status()["policy"]["name"]
        world.annotate(approve=second, approved_by="ada")
        left = [number]

        def stop(verb: str, ref: Ref, left: list[int] = left) -> None:
            left[0] -= ref.kind != "Pod"
            if left[0] == 0 and ref.kind != "Pod":
                raise KubeError(f"{verb} {ref}", "the controller is gone")

        world.kube.before = stop
        world.settle()
        assert world.status()["policy"]["name"] == second
        assert world.status()["policy"]["approval"]["by"] == "ada"
        assert [one["name"] for one in world.status()["history"]] == [first]
