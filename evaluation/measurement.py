"""Measure one library: build its models, infer policies, load under them, attack them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from evaluation import attacks, generation, loading, poison
from evaluation.environments import named
from evaluation.loading import Load
from pickleball_enforce import verify
from pickleball_enforce.policy import Entry, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evaluation.attacks import Attack
    from evaluation.catalogue import Library
    from evaluation.environments import Environment
    from evaluation.generation import Generated

SAME = "same predictions"
ROUNDS = 8  # how often at most a person reads what a load was refused for, and allows it
Row = dict[str, Any]


class Measurement:
    """The models of one library and what became of them."""

    def __init__(self, library: Library, folder: Path) -> None:
        self.library = library
        self.environment: Environment = named(library.environment)
        self.folder = folder / library.name
        self.expected: dict[str, Row] = {}

    def run(self) -> Row:
        """Measure; a step that fails as a whole raises, a model that fails has its reason in its row."""
        self.environment.make()
        shutil.rmtree(self.folder, ignore_errors=True)
        saved = loading.build(self.environment, self.library.recipe, self.folder / "models")
        models = [row for row in saved if "error" not in row]
        unbuilt = [{"specimen": row["specimen"], "why": row["error"].strip()[-800:]} for row in saved if "error" in row]
        groups = _by_classes(models)
        poisoned = {classes: self._poison_each_way(group) for classes, group in groups.items()}
        attempts = [row for rows in poisoned.values() for row in rows]
        self.expected = self._load([*models, *attempts], self.folder / "unprotected")
        for row in attempts:  # an attack that stock does not run proves nothing
            row["runs_on_stock"] = row["attack"].marker.is_dir()
            shutil.rmtree(row["attack"].marker, ignore_errors=True)
        self._weights_only(models)
        policies: list[Row] = []
        for number, (classes, group) in enumerate(groups.items()):
            try:
                made = generation.generate(self.environment, classes, self.folder / f"policy-{number}")
            except generation.GenerationFailed as error:
                policies.append({"classes": list(classes), "error": str(error)})
                for model in group:
                    model["loads"] = {"classes": f"no policy: {error}"}
                attempts = [row for row in attempts if tuple(row["classes"]) != classes]
                continue
            policies.append(made.summary())
            self._needs(group, made)
            for row in [*group, *poisoned[classes]]:
                row["made"] = made
            attempts += self._abuse(group, made)
        ready = [model for model in models if "made" in model]
        said = self._load([*ready, *attempts], self.folder / "enforced")
        self._judge(ready, "classes", said)
        _judge_attacks(attempts, said)
        self._with_proposals(ready)
        self._with_approval(ready)
        return {
            "library": self.library.name,
            "version": self.environment.version(self.library.name),
            "environment": self.library.environment,
            "models": [self._public(model) for model in models],
            "unbuilt": unbuilt,
            "policies": policies,
            "attacks": [_told(row) for row in attempts],
        }

    def _load(self, rows: Sequence[Row], folder: Path) -> dict[str, Row]:
        """Load files in one process, each under the policy that was made for it; where there is none, unprotected.

        A process that ends before its time has said nothing of a file: that one failed, and the rest is tried again.
        """
        left = [Load(row["specimen"], row["way"], row["path"], _policy(row)) for row in rows]
        found: dict[str, Row] = {}
        while left:
            said = loading.load(self.environment, self.library.recipe, left, folder)
            found |= {row["path"]: row for row in said}
            left = left[len(said) :]
            if left:
                found[left[0].path] = {"error": "the process ended before it said anything", "kinds": []}
                left = left[1:]
        return found

    def _weights_only(self, models: Sequence[Row]) -> None:
        """Note which files of torch load with weights_only=True; the others are not torch's to load."""
        if "torch" not in self.environment.versions:
            return
        said = loading.weights_only(self.environment, [file for m in models for file in m["files"]], self.folder)
        for model in models:
            loads = [said[file] for file in model["files"] if said.get(file) is not None]
            model["weights_only"] = all(loads) if loads else None

    def _needs(self, group: Sequence[Row], made: Generated) -> None:
        """Note what each model needs, exactly, and what of it the policy lacks."""
        allowed = made.policy.globals | made.policy.reduces
        for model in group:
            needed = Policy({"m.M": Entry.union(verify(file, None).needed() for file in model["files"])})
            kept, called = needed.globals, needed.reduces
            model["needed"] = {"globals": sorted(kept - called), "reduces": sorted(called)}
            model["missing"] = {
                "globals": sorted((kept - called - allowed) | (kept - needed.instances & made.policy.instances)),
                "reduces": sorted(called - made.policy.reduces),
            }

    def _judge(self, group: Sequence[Row], how: str, loads: dict[str, Row]) -> None:
        """Compare the predictions of enforced loads with those of an unprotected load."""
        for model in group:
            said, expected = loads[model["path"]], self.expected[model["path"]]
            if "error" in expected:
                outcome = f"does not load unprotected: {expected['error']}"
            elif "error" in said:
                outcome = said["error"]
            else:
                outcome = SAME if said["prediction"] == expected["prediction"] else "other predictions"
            model.setdefault("loads", {})[how] = outcome
            model["lacking"] = [(listed, name) for listed, name in said.get("lacking", ())]

    def _with_proposals(self, models: Sequence[Row]) -> None:
        """Load again what did not load, with the inert proposals from its files; nothing helps what carries code."""
        failed = [model for model in models if model["loads"]["classes"] != SAME and not model["code"]]
        for group in _by_specimen(failed):
            self._extend(group, "inert", ())
        self._again(failed, "inert")

    def _with_approval(self, models: Sequence[Row]) -> None:
        """Load again what did not load, with the names that a person has to allow.

        Those that the files ask for first, then those that a load is refused for: of pickles inside pickles.
        """
        failed = [model for model in models if SAME not in model["loads"].values() and "asked" in model]
        for group in _by_specimen(failed):
            wanted = {item["name"] for model in group for item in model["asked"] if item["decision"] != "inert"}
            if wanted:
                self._extend(group, "approved", sorted(wanted))
        self._again([model for model in failed if model["extended"] == "approved"], "approved")
        for _ in range(ROUNDS):
            refused = [model for model in failed if SAME not in model["loads"].values() and model["lacking"]]
            if not refused:
                break
            for group in _by_specimen(refused):
                self._allow(group)
            for model in refused:
                model["loads"].pop("approved", None)
            self._again(refused, "approved")

    def _allow(self, group: Sequence[Row]) -> None:
        """Allow what the loads of one specimen were refused for."""
        entries = sorted({entry for model in group for entry in model["lacking"]})
        number = len(group[0].get("allowed", ()))
        path = self.folder / f"allowed-{group[0]['specimen']}" / f"policy-{number}.json"
        made = group[0]["made"].with_entries(path, entries)
        for model in group:
            model |= {"made": made, "allowed": sorted({*model.get("allowed", ()), *(name for _, name in entries)})}

    def _extend(self, group: Sequence[Row], how: str, allowed: Sequence[str]) -> None:
        """Generate the policy of one specimen again, with proposals from all of its files."""
        first = group[0]
        folder = self.folder / f"{how}-{first['specimen']}"
        files = [self._path(file) for model in group for file in model["files"]]
        try:
            more = generation.generate(self.environment, first["classes"], folder, files=files, allowed=allowed)
        except generation.GenerationFailed as error:
            for model in group:
                model["loads"][how] = f"no policy: {error}"
            return
        for model in group:
            model |= {"made": more, "extended": how, "asked": more.asked()}

    def _again(self, models: Sequence[Row], how: str) -> None:
        ready = [model for model in models if how not in model["loads"]]
        if ready:
            self._judge(ready, how, self._load(ready, self.folder / f"enforced-{how}"))

    def _poison_each_way(self, group: Sequence[Row]) -> list[Row]:
        """Poison one file of each way of saving with the attacks that have an effect of their own."""
        rows: list[Row] = []
        for model in {model["way"]: model for model in reversed(group) if model["files"]}.values():
            stem = self.folder / "attacks" / f"{model['specimen']}-{len(rows)}"
            stem.parent.mkdir(exist_ok=True)
            rows += [self._poisoned(model, attack, stem) for attack in attacks.with_effect(stem)]
        return rows

    def _abuse(self, group: Sequence[Row], made: Generated) -> list[Row]:
        """Poison a file with the attacks that use names of its policy."""
        model = next((model for model in group if model["files"]), None)
        stem = self.folder / "attacks" / made.path.parent.name
        return [self._poisoned(model, attack, stem) for attack in attacks.on_names_of(made.policy)] if model else []

    def _poisoned(self, model: Row, attack: Attack, stem: Path) -> Row:
        source = self._path(model["path"])
        number = len(list(stem.parent.glob("file-*")))
        target = stem.parent / f"file-{number}{source.suffix}"
        changed = poison.model(source, self._path(model["files"][0]), target, attack.fragment)
        kept: Row = {name: model[name] for name in ("specimen", "classes", "way", "made") if name in model}
        return {**kept, "path": str(target), "attack": attack, "changed": changed}

    def _path(self, path: str) -> Path:
        return self.folder / path

    def _public(self, model: Row) -> Row:
        """Leave paths of this machine out."""
        expected = self.expected[model["path"]]
        unprotected = expected.get("error", "loads")
        size = sum(self._path(file).stat().st_size for file in model["files"])
        hidden = {"path", "files", "made", "extended", "lacking"}
        return {**{k: v for k, v in model.items() if k not in hidden}, "unprotected": unprotected, "bytes": size}


def _by_classes(models: Sequence[Row]) -> dict[tuple[str, ...], list[Row]]:
    groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for model in models:
        groups[tuple(model["classes"])].append(model)
    return dict(groups)


def _policy(row: Row) -> str | None:
    made: Generated | None = row.get("made")
    return str(made.path) if made else None


def _by_specimen(models: Sequence[Row]) -> list[list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for model in models:
        groups[model["specimen"]].append(model)
    return list(groups.values())


def _judge_attacks(tried: Sequence[Row], said: dict[str, Row]) -> None:
    """An attack is stopped when the load is refused and nothing of it ran; the rules are those of the verifier."""
    for row in tried:
        attack: Attack = row["attack"]
        end = 2 + len(attack.fragment)
        row["rules"] = sorted({v.rule for v in verify(row["changed"], row["made"].policy).violations if v.offset < end})
        row["said"] = said[row["path"]].get("error", "it loaded")[:300]
        row["ran"] = attack.marker is not None and attack.marker.exists()
        row["stopped"] = "error" in said[row["path"]] and not row["ran"]


def _told(row: Row) -> Row:
    kept = ("specimen", "way", "rules", "said", "stopped", "ran", "runs_on_stock")
    return {"attack": row["attack"].name, **{name: row[name] for name in kept if name in row}}
