"""Entries that join a policy beside what was inferred: proposals that were accepted, names that a person allows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import INSTANCES, Policy
from pickleball_generate.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pickleball_generate.inference import Result
    from pickleball_generate.model_files import ModelFile
    from pickleball_generate.proposals import Proposal

Joining = dict[tuple[str, str], dict[str, Any]]


def extend(
    result: Result, files: Sequence[ModelFile], proposals: Sequence[Proposal], accept: str, allowed: Mapping[str, str]
) -> Result:
    """Add the inert proposals, where they are accepted, and the allowed names; the provenance says which is which.

    The entries join the first class of the run.
    """
    joining = {} if accept == "none" else accepted(files, proposals)
    joining |= approved(result, files, proposals, allowed)
    model, *_ = result.provenance["classes"]
    policy = Policy({**result.policy.entries, model: result.policy.entries[model].joined(joining)})
    classes = dict(result.provenance["classes"])
    described = classes[model]
    for (listed, name), why in sorted(joining.items()):
        where, use = ("globals", {"use": INSTANCES}) if listed == INSTANCES else (listed, {})
        described = described | {where: dict(sorted({**described[where], name: why | use}.items()))}
    provenance = result.provenance | {"policy": policy.digest, "classes": classes | {model: described}}
    if files:
        provenance["proposals"] = {
            "accept": accept,
            "files": [{"path": file.path, "sha256": file.sha256, "format": file.format} for file in files],
            "names": [proposal.to_dict() for proposal in proposals],
        }
    return replace(result, policy=policy, provenance=provenance)


def accepted(files: Sequence[ModelFile], proposals: Sequence[Proposal]) -> Joining:
    """Give the entries that inert proposals make."""
    return {
        (proposal.listed, proposal.name): _entry("proposed", proposal.because, files, proposal)
        for proposal in proposals
        if proposal.decision == "inert"
    }


def approved(
    result: Result, files: Sequence[ModelFile], proposals: Sequence[Proposal], allowed: Mapping[str, str]
) -> Joining:
    """Give the entries that a person allows; only what the sources or the files ask for can be allowed."""
    found: Joining = {}
    for name, reason in allowed.items():
        asked = [proposal for proposal in proposals if proposal.name == name]
        for proposal in asked:
            found[proposal.listed, name] = _entry("allowed", reason, files, proposal)
        for described in result.provenance["classes"].values():
            if name in described["refused"]:
                refused = described["refused"][name]
                found[refused["list"], name] = {
                    "kind": "allowed", "rule": reason, "at": refused["at"], "chain": refused["chain"],
                    "grade": "effects", "effects": {f"{refused['effect']}: {name}": []},
                }  # fmt: skip
        if not any(known == name for _, known in found):
            raise BadInput(
                f"--allow {name}: neither the sources nor the model files ask for it, or the policy gives it already.",
                reason="not-asked-for",
            )
    return found


def _entry(kind: str, rule: str, files: Sequence[ModelFile], proposal: Proposal) -> dict[str, Any]:
    """Describe an entry as the provenance holds it, tied to the files that ask for it."""
    grade = proposal.grade.to_dict() if proposal.grade else {"grade": "no source"}
    asking = [{"path": file.path, "sha256": file.sha256} for file in files if file.path in proposal.files]
    return {"kind": kind, "rule": rule, "at": proposal.at, "chain": list(proposal.chain), "files": asking, **grade}
