"""`kubectl pickleball` against the in-memory API server: what each command says, writes and refuses."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.emulated.test_review import INERT, MAKE, OTHERS, REVIEW, audit_record, proposing, rolled, waiting
from tests.emulated.world import POLICY, PROVENANCE, World, model_deployment

from pickleball_operator.kube import Ref
from pickleball_operator.local.node import Exit
from pickleball_operator.plugin.cli import main, parser


class Shell:
    """Runs the plugin as a person would."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self.capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run it, expect this exit code, and give what it printed (on stderr when it refused)."""
        self.capsys.readouterr()
        assert main([*words, "-n", "team"], connect=lambda _: self.world.kube) == code
        printed = self.capsys.readouterr()
        return printed.err if code == 2 else printed.out


@pytest.fixture
def shell(world: World, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell in the world."""
    return Shell(world, capsys)


def test_a_person_reads_and_approves(world: World, shell: Shell) -> None:
    """Diff shows what waits and how to approve it, approve writes the policy's name and the person's."""
    name = waiting(world, MAKE)
    world.kube.user = "ada@example.com"
    shown = shell("diff", "iris", code=1)
    assert "+ reduces lib.make  [not graded; extra]" in shown
    assert f"kubectl pickleball approve iris {name}" in shown
    assert shell("approve", "iris", name).startswith(f"{name} is approved by ada@example.com.")
    world.settle()
    assert world.status()["policy"]["name"] == name
    assert world.status()["policy"]["approval"]["by"] == "ada@example.com"
    assert shell("diff", "iris") == f"Nothing waits. Policy {name} is in force.\n"
    assert "Nothing waits for approval" in shell("approve", "iris", code=2)


def test_diff_says_what_an_approved_policy_waits_for(world: World, shell: Shell) -> None:
    """For the next roll-out, or for the end of a roll-back."""
    name = waiting(world, MAKE, rollout="WithTemplate")
    first = world.status()["policy"]["name"]
    shell("approve", "iris")
    world.settle()
    assert f"Now: kubectl annotate modeldeployment iris pickleball.dev/roll-out={name}" in shell("diff", "iris", code=1)
    world.annotate(roll_out=name)
    world.settle()
    shell("rollback", "iris", first)
    world.settle()
    assert "when the roll-back ends: kubectl pickleball rollback iris --end" in shell("diff", "iris", code=1)


def test_another_policy_than_the_one_that_was_read_is_not_approved(world: World, shell: Shell) -> None:
    """A candidate that changed between reading and approving is named, and nothing is written."""
    old = waiting(world, MAKE)
    world.edit(lambda manifest: manifest["spec"]["policy"].update(extra=[MAKE, {**MAKE, "name": "lib.evil"}]))
    world.settle()
    before = len(world.kube.writes)
    assert "is not the policy that waits" in shell("approve", "iris", old, code=2)
    assert len(world.kube.writes) == before


def test_a_change_during_the_approval_is_a_conflict(world: World, shell: Shell) -> None:
    """The annotation is written on exactly the object that was read."""
    waiting(world, MAKE)

    def meanwhile(verb: str, ref: Ref) -> None:
        world.kube.before = lambda *_: None
        world.kube.patch(ref, {"metadata": {"labels": {"a": "b"}}})

    world.kube.before = meanwhile
    assert "changed meanwhile" in shell("approve", "iris", code=2)
    assert "pickleball.dev/approved-by" not in world.get("ModelDeployment", "iris")["metadata"]["annotations"]


def test_a_forged_policy_is_not_shown(world: World, shell: Shell) -> None:
    """A ConfigMap that does not hold what its name says is an error for every command that reads it."""
    name = waiting(world, MAKE)
    ref = Ref("ConfigMap", "team", name)
    forged = world.get("ConfigMap", name)
    forged["data"]["policy.json"] = json.dumps(POLICY)
    world.kube.delete(ref)
    world.add(forged)
    for words in (["diff", "iris"], ["approve", "iris"], ["explain", "iris", "lib.make", "--candidate"]):
        assert "does not hold what its name says" in shell(*words, code=2)
    assert "does not hold" in shell("report", "iris", "--candidate", code=2)


def test_a_forged_review_deceives_nobody_who_uses_the_plugin(world: World, shell: Shell) -> None:
    """Diff compares the policies themselves."""
    waiting(world, MAKE)
    world.kube.patch(Ref("ConfigMap", "team", REVIEW), {"data": {"diff.txt": "nothing", "diff.json": "{}"}})
    assert "lib.make" in shell("diff", "iris", code=1)


def test_explain_shows_the_chain_and_the_path_of_an_effect(world: World, shell: Shell) -> None:
    """An entry: list, grade, chain, source line, effects; a missing one: refused, proposed, or near names."""
    proposing(world, INERT, *OTHERS)
    world.add(model_deployment(policy={"extra": [MAKE]}))
    world.settle()
    shown = shell("explain", "iris", "lib.Model")
    assert "in globals for lib.Model (may be kept and instantiated): needed, grade effects" in shown
    assert "asks for it: the class of the model, lib/__init__.py:1" in shown
    assert "can reach file\n      lib/__init__.py:7 lib.Model.__setstate__" in shown
    assert "a factory, spec.policy.extra" in shell("explain", "iris", "lib.make")
    assert "is refused for lib.Model: it is a callable with an effect (process)" in shell(
        "explain", "iris", "posix.system", code=1
    )
    assert "is proposed for globals, ask" in shell("explain", "iris", "app.steps.Opens", code=1)
    assert "Near it: lib.Model" in shell("explain", "iris", "lib.Modle", code=1)
    assert "the type of other" in shell("explain", "iris", "x.fit", code=1)
    assert json.loads(shell("explain", "iris", "lib.Model", "--json"))["has"] is True


def test_why_says_what_is_in_the_way_and_what_was_refused(world: World, shell: Shell) -> None:
    """Conditions that do not hold, each violation with what the policy says of its name; 0 when it is Ready."""
    world.add(model_deployment())
    world.settle()
    assert shell("why", "iris").startswith("1 of 1 pods are ready.")
    record = {**json.loads(audit_record("posix.system")), "mode": "enforce", "offset": 41}
    world.script.ends = {"app": Exit(1, json.dumps(record) + "\n")}
    world.edit(lambda manifest: manifest["spec"]["template"]["spec"]["containers"][0].update(args=["x"]))
    world.settle()
    shown = shell("why", "iris", code=1)
    assert shown.startswith("Ready is False (ModelRefused)")
    assert "refused: The stream calls posix.system." in shown
    assert "is refused for lib.Model: it is a callable with an effect (process)" in shown


def test_proposals_can_be_pasted_into_the_spec(world: World, shell: Shell) -> None:
    """What models want comes with decision and grade, and as extra entries whose reason is left to the person."""
    proposing(world, INERT, *OTHERS[:3])
    world.add(model_deployment())
    world.settle()
    shown = shell("proposals", "iris", code=1)
    assert "wanted: app.steps.Opens in globals: ask, grade effects (file)" in shown
    pasted = yaml.safe_load(shown[shown.index("spec:") :])["spec"]["policy"]["extra"]
    world.edit(lambda manifest: manifest["spec"].update(policy={"extra": pasted}))
    world.settle()
    assert shell("proposals", "iris") == "Models want nothing that the policy lacks.\n"


def test_rollback_lists_pins_and_ends(world: World, shell: Shell) -> None:
    """Without a name it lists, with one it pins, --end takes the pin away; others are refused by name."""
    world.add(model_deployment())
    first, second = rolled(world, 2)
    assert shell("rollback", "iris").splitlines()[0].startswith(f"{first}  until 2026-")
    assert first in shell("rollback", "iris", first)
    world.settle()
    assert world.status()["policy"]["name"] == first
    assert "was not in force" in shell("rollback", "iris", first, code=2)
    shell("rollback", "iris", "--end")
    world.settle()
    assert world.status()["policy"]["name"] == second


def test_a_report_of_the_cluster_and_of_files(world: World, shell: Shell, tmp_path: Path) -> None:
    """Of the policy in force, of the one that waits with marks, and of policy.json on a laptop without a cluster."""
    waiting(world, MAKE)
    out = tmp_path / "r.html"
    shell("report", "iris", "-o", str(out))
    assert "lib.make" not in out.read_text()
    shell("report", "iris", "--candidate", "-o", str(out))
    assert '<span class="mark">new</span>' in out.read_text()
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    (tmp_path / "provenance.json").write_text(json.dumps(PROVENANCE))

    def never(_: Any) -> Any:
        raise AssertionError("a cluster was asked")

    assert main(["report", "--policy-file", str(policy), "-o", str(out)], connect=never) == 0
    assert "lib/__init__.py:7 lib.Model.__setstate__" in out.read_text()
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"lib.Model": {"globals": ["lib.Model"], "reduces": []}}))
    shell("report", "--policy-file", str(policy), "--against-file", str(old), "-o", str(out))
    assert '<span class="mark">new</span>' in out.read_text()
    assert "can reach file" in shell("explain", "--policy-file", str(policy), "lib.Model")
    (tmp_path / "provenance.json").write_text(json.dumps({**PROVENANCE, "policy": "0" * 64}))
    assert "belongs to another policy" in shell("report", "--policy-file", str(policy), "-o", str(out), code=2)
    (tmp_path / "provenance.json").unlink()
    policy.write_text("{}")
    assert "policy.json" in shell("report", "--policy-file", str(policy), "-o", str(out), code=2)


def test_what_is_not_there_is_named(world: World, shell: Shell) -> None:
    """A wrong name gets the ones that there are."""
    world.add(model_deployment())
    assert "There is no ModelDeployment irsi in namespace team; there are: iris." in shell("diff", "irsi", code=2)
    assert "has no such policy" in shell("report", "iris", code=2)
    assert "There is no ConfigMap nothing" in shell("diff", "iris", "--policy", "nothing", code=2)
    for words in (["report"], ["explain", "lib.Model"]):
        assert "Name a ModelDeployment, or a file" in shell(*words, code=2)


ROOT = Path(__file__).parents[2]
WRITTEN = [
    match[1]
    for page in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    for match in re.finditer(r"^ {4}kubectl[ -]pickleball (.+)$", page.read_text(), re.MULTILINE)
]


def test_the_commands_of_the_pages_are_ones() -> None:
    """Every command line of the documentation is read by the plugin."""
    assert len(WRITTEN) > 10
    for words in set(WRITTEN) - {"--help"}:
        parser().parse_args(shlex.split(words, comments=True))


HOSTILE = "x\x1b[2J\u202e\n<b>&\"'"


def test_hostile_texts_cannot_steer_a_terminal(world: World, shell: Shell) -> None:
    """Control characters of names, rules and paths are gone from what is printed."""
    entry = {"kind": HOSTILE, "rule": HOSTILE, "at": HOSTILE, "chain": [{"holds": HOSTILE, "rule": HOSTILE}]}
    classes = {"lib.Model": {"globals": {"lib.Model": {**entry, "grade": HOSTILE, "effects": {HOSTILE: [HOSTILE]}}}}}
    world.script.provenance = {"classes": classes}
    world.add(model_deployment(policy={"approval": "Manual"}))
    world.settle()
    for words, code in ((["diff", "iris"], 1), (["explain", "iris", "lib.Model"], 0), (["why", "iris"], 1)):
        shown = shell(*words, code=code)
        assert all(letter.isprintable() or letter == "\n" for letter in shown)
        assert "\n<b>" not in shown
    assert not {"\x1b", "\u202e"} & set(world.get("ConfigMap", REVIEW)["data"]["report.html"])
