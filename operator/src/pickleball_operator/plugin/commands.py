"""What the plugin's commands do: they read and write through the port, and give lines and an exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from pickleball_operator import names
from pickleball_operator.decide.comparison import Comparison, compare
from pickleball_operator.errors import ReviewError
from pickleball_operator.kube import Kube, Ref
from pickleball_operator.render import report as report_of
from pickleball_operator.render import review
from pickleball_operator.text import clip

from . import stored
from .explain import explain as explained

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pickleball_operator.model import ModelDeployment

    from .stored import Stored


@dataclass
class Answer:
    """What a command has to say: lines for people, a document for programs."""

    code: int = 0
    lines: list[str] = field(default_factory=list)
    document: Any = None


def diff(kube: Kube, options: argparse.Namespace) -> Answer:
    """What the waiting policy changes; 1 when there is one, 0 when nothing waits."""
    found, _ = stored.deployment(kube, options.namespace, options.name)
    if options.policy is not None:
        new: Stored | None = stored.policy(kube, options.namespace, options.policy)
    else:
        new = stored.candidate(kube, found)
    if new is None:
        policy = found.status.policy
        stands = f"Policy {policy.name} is in force." if policy else "There is no policy yet."
        return Answer(0, [f"Nothing waits. {stands}"], {"policy": None})
    comparison = _against_force(kube, found, new)
    lines = [review.text(comparison, new.name).rstrip()]
    if found.status.candidate is not None and found.status.candidate.name == new.name:
        lines.append(_next_step(found, new))
    return Answer(1, lines, review.document(comparison, new.name))


def _next_step(found: ModelDeployment, new: Stored) -> str:
    """What brings the policy that waits into force."""
    approved = found.status.condition("Approved")
    if found.spec.policy.pin is not None:
        return f"It comes into force when the roll-back ends: kubectl pickleball rollback {found.name} --end"
    if approved is not None and approved.status == "True":
        word = f"kubectl annotate modeldeployment {found.name} {names.ROLL_OUT}={new.name} --overwrite"
        return f"It is approved, and joins at the next change of the template. Now: {word}"
    return f"Approve it: kubectl pickleball approve {found.name} {new.name}"


def approve(kube: Kube, options: argparse.Namespace) -> Answer:
    """Approve the policy that waits, under the name that the API server knows the person by."""
    found, manifest = stored.deployment(kube, options.namespace, options.name)
    new = stored.candidate(kube, found)
    if new is None:
        raise ReviewError(f"Nothing waits for approval: {_conditions(found)[-1]}")
    if options.policy not in (None, new.name):
        raise ReviewError(
            f"{options.policy} is not the policy that waits: that is {new.name} now. Read it:"
            f" kubectl pickleball diff {options.name}."
        )
    comparison = _against_force(kube, found, new)
    user = kube.whoami()
    version = manifest["metadata"]["resourceVersion"]
    annotations = {names.APPROVE: new.name, names.APPROVED_BY: user}
    patch = {"metadata": {"annotations": annotations, "resourceVersion": version}}
    kube.patch(Ref("ModelDeployment", found.namespace, found.name), patch)
    lines = [f"{new.name} is approved by {user}.", comparison.sentence]
    return Answer(0, lines, {"approved": new.name, "by": user})


def explain(kube: Kube | None, options: argparse.Namespace) -> Answer:
    """Why a policy has an entry, or why it has not; 1 when it has not."""
    chosen = _chosen(kube, options)
    has, lines = explained(chosen.content, options.entry)
    return Answer(0 if has else 1, [f"{chosen.name}:", *lines], {"policy": chosen.name, "has": has, "lines": lines})


def why(kube: Kube, options: argparse.Namespace) -> Answer:
    """Why a ModelDeployment is not Ready, and what was refused; 0 when it is Ready."""
    found, _ = stored.deployment(kube, options.namespace, options.name)
    lines = _conditions(found)
    status = found.status
    ready = status.condition("Ready")
    policy = stored.in_force(kube, found) if status.violations else None
    for violation in status.violations:
        where = f"{violation.path or 'a pickle'}, offset {violation.offset}, in {violation.pod}"
        lines.append(f"refused: {violation.sentence} ({violation.rule}; {where})")
        if policy is not None and violation.name:
            lines += explained(policy.content, violation.name)[1]
    lines += [_proposed(one) for one in status.proposals]
    document = status.dump()
    return Answer(0 if ready is not None and ready.status == "True" else 1, lines, document)


def proposals(kube: Kube, options: argparse.Namespace) -> Answer:
    """What models want and the policy lacks, as entries to paste into spec.policy.extra; 1 when there are any."""
    found, _ = stored.deployment(kube, options.namespace, options.name)
    extra = [{"list": one.list, "name": one.name, "reason": f"WHY? {one.because}"} for one in found.status.proposals]
    lines = [_proposed(one) for one in found.status.proposals] or ["Models want nothing that the policy lacks."]
    if extra:
        text = yaml.safe_dump({"spec": {"policy": {"extra": extra}}}, sort_keys=False, width=110).rstrip()
        lines += ["", "# Keep what you can explain, write the reason, and add it to the ModelDeployment:", text]
    return Answer(1 if extra else 0, lines, [one.model_dump(by_alias=True) for one in found.status.proposals])


def report(kube: Kube | None, options: argparse.Namespace) -> Answer:
    """Write the report of a policy: of files on this machine, or of the cluster."""
    chosen = _chosen(kube, options)
    comparison = None
    if options.policy_file is not None:
        if options.against_file is not None:
            comparison = compare(
                stored.files(options.against_file, None).content, chosen.content, options.against_file.name
            )
    elif kube is not None and options.name is not None:
        found, _ = stored.deployment(kube, options.namespace, options.name)
        if found.status.candidate is not None and found.status.candidate.name == chosen.name:
            comparison = _against_force(kube, found, chosen)
    output: Path = options.output
    output.write_text(report_of.render(chosen.content, chosen.name, comparison), encoding="utf-8")
    return Answer(0, [f"{output}: the report of {chosen.name}."], {"report": str(output), "policy": chosen.name})


def rollback(kube: Kube, options: argparse.Namespace) -> Answer:
    """Pin an earlier policy, or end that; without a name, list the policies that were in force."""
    found, _ = stored.deployment(kube, options.namespace, options.name)
    ref = Ref("ModelDeployment", found.namespace, found.name)
    if options.end:
        kube.patch(ref, {"spec": {"policy": {"pin": None}}})
        return Answer(0, [f"{found.name} follows its spec again."], {"pin": None})
    history = found.status.history
    if options.policy is None:
        lines = [f"{one.name}  until {one.until}{_approver(one.approval)}" for one in history]
        return Answer(0, lines or ["No other policy was in force."], [one.model_dump(by_alias=True) for one in history])
    back = stored.policy(kube, options.namespace, options.policy)
    if back.name not in {one.name for one in history}:
        known = ", ".join(one.name for one in history) or "none"
        raise ReviewError(f"{back.name} was not in force for {found.name}; these were: {known}.")
    kube.patch(ref, {"spec": {"policy": {"pin": back.name}}})
    lines = [
        f"{back.name} is in force until you end it: kubectl pickleball rollback {found.name} --end.",
        "Where the manifest comes from git, write spec.policy.pin there too.",
    ]
    return Answer(0, lines, {"pin": back.name})


def _against_force(kube: Kube, found: ModelDeployment, new: Stored) -> Comparison:
    old = stored.in_force(kube, found)
    if old is None or old.name == new.name:
        return compare(None, new.content, None)
    return compare(old.content, new.content, old.name)


def _chosen(kube: Kube | None, options: argparse.Namespace) -> Stored:
    """The policy that is meant: a file, the named one, the one that waits if that is asked for, or the one in force."""
    if options.policy_file is not None:
        return stored.files(options.policy_file, options.provenance_file)
    if kube is None or (options.name is None and options.policy is None):
        raise ReviewError("Name a ModelDeployment, or a file with --policy-file policy.json.")
    if options.policy is not None:
        return stored.policy(kube, options.namespace, options.policy)
    found, _ = stored.deployment(kube, options.namespace, options.name)
    waits, stands = stored.candidate(kube, found), stored.in_force(kube, found)
    chosen = waits if options.candidate or stands is None else stands
    if chosen is None:
        raise ReviewError(f"{found.name} has no such policy: {_conditions(found)[-1]}")
    return chosen


def _conditions(found: ModelDeployment) -> list[str]:
    """The conditions that do not hold, else that it is Ready."""
    conditions = found.status.conditions
    lines = [f"{one.type} is {one.status} ({one.reason}): {one.message}" for one in conditions if one.status != "True"]
    holding = [one.message for one in conditions if one.type == "Ready" and one.status == "True"]
    return list(dict.fromkeys(lines)) or holding or ["The controller has not looked at it yet."]


def _proposed(one: Any) -> str:
    effects = f" ({', '.join(one.effects)})" if one.effects else ""
    return clip(f"wanted: {one.name} in {one.list}: {one.decision}, grade {one.grade}{effects}; {one.because}", 1000)


def _approver(approval: Any) -> str:
    if approval is None:
        return ""
    said = {"Admission": "", "Claim": ", by their own word", "None": ""}[approval.proof]
    return f", approved by {approval.by or 'somebody'}{said}"


def dumps(answer: Answer) -> str:
    """The answer for programs."""
    return json.dumps(answer.document, indent=2)
