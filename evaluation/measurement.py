"""Measure one library: build its models, infer policies, load under them, attack them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from evaluation import attacks, generation, loading, poison
from evaluation.environments import named
from evaluation.loading import Load
from pickleball_enforce import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evaluation.attacks import Attack
    from evaluation.catalogue import Library
    from evaluation.environments import Environment
    from evaluation.generation import Generated

SAME = "same predictions"
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
        self.expected = self._load([*models, *attempts], self.folder / "unprotected", None)
        for row in attempts:  # an attack that stock does not run proves nothing
            row["runs_on_stock"] = row["attack"].marker.is_dir()
            shutil.rmtree(row["attack"].marker, ignore_errors=True)
        self._weights_only(models)
        policies: list[Row] = []
        tried: list[Row] = []
        for number, (classes, group) in enumerate(groups.items()):
            try:
                made = generation.generate(self.environment, classes, self.folder / f"policy-{number}")
            except generation.GenerationFailed as error:
                policies.append({"classes": list(classes), "error": str(error)})
                for model in group:
                    model["loads"] = {"classes": f"no policy: {error}"}
                continue
            policies.append(made.summary())
            self._needs(group, made)
            attacked = [*poisoned[classes], *self._abuse(group, made)]
            said = self._load([*group, *attacked], made.path.parent / "loads-classes", made.path)
            self._judge(group, "classes", said)
            _judge_attacks(attacked, said, made)
            self._with_proposals(group, classes, made)
            tried += attacked
        return {
            "library": self.library.name,
            "version": self.environment.versions.get(self.library.name.lower().replace(".", "-"), "unknown"),
            "environment": self.library.environment,
            "models": [self._public(model) for model in models],
            "unbuilt": unbuilt,
            "policies": policies,
            "attacks": [_told(row) for row in tried],
        }

    def _load(self, models: Sequence[Row], folder: Path, policy: Path | None) -> dict[str, Row]:
        wanted = [Load(model["specimen"], model["way"], model["path"]) for model in models]
        said = {row["path"]: row for row in loading.load(self.environment, self.library.recipe, wanted, folder, policy)}
        ended = {"error": "the process ended before it said anything", "kinds": []}
        return {item.path: said.get(item.path, {"path": item.path, **ended}) for item in wanted}

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
            kept, called = set[str](), set[str]()
            for file in model["files"]:
                found = verify(file, None).needed()
                kept |= set(found[0])
                called |= set(found[1])
            model["needed"] = {"globals": sorted(kept - called), "reduces": sorted(called)}
            model["missing"] = {
                "globals": sorted(kept - called - allowed),
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

    def _with_proposals(self, group: Sequence[Row], classes: tuple[str, ...], made: Generated) -> None:
        """Load again what did not load: with inert proposals from the files, then with what a person has to allow."""
        failed = [model for model in group if model["loads"]["classes"] != SAME]
        for name in dict.fromkeys(model["specimen"] for model in failed):
            models = [model for model in failed if model["specimen"] == name]
            files = [self._path(file) for model in models for file in model["files"]]
            asked = self._again(models, "inert", classes, made.path.parent / f"inert-{name}", files, ())
            left = [model for model in models if model["loads"]["inert"] != SAME]
            wanted = sorted({item["name"] for item in asked if item["decision"] != "inert"})
            for model in models:
                model["asked"] = asked
            if left and wanted:
                self._again(left, "approved", classes, made.path.parent / f"approved-{name}", files, wanted)

    def _again(
        self, models: Sequence[Row], how: str, classes: tuple[str, ...], folder: Path, files: list[Path],
        allowed: Sequence[str],
    ) -> list[Row]:  # fmt: skip
        try:
            more = generation.generate(self.environment, classes, folder, files=files, allowed=allowed)
        except generation.GenerationFailed as error:
            for model in models:
                model["loads"][how] = f"no policy: {error}"
            return []
        self._judge(models, how, self._load(models, more.path.parent / "loads", more.path))
        return more.asked()

    def _poison_each_way(self, group: Sequence[Row]) -> list[Row]:
        """Poison one file of each way of saving with the attacks that have an effect of their own."""
        rows = []
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
        return {**model, "path": str(target), "attack": attack, "changed": changed}

    def _path(self, path: str) -> Path:
        return self.folder / path

    def _public(self, model: Row) -> Row:
        """Leave paths of this machine out."""
        expected = self.expected[model["path"]]
        unprotected = expected.get("error", "loads")
        size = sum(self._path(file).stat().st_size for file in model["files"])
        hidden = {"path", "files"}
        return {**{k: v for k, v in model.items() if k not in hidden}, "unprotected": unprotected, "bytes": size}


def _by_classes(models: Sequence[Row]) -> dict[tuple[str, ...], list[Row]]:
    groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for model in models:
        groups[tuple(model["classes"])].append(model)
    return dict(groups)


def _judge_attacks(tried: Sequence[Row], said: dict[str, Row], made: Generated) -> None:
    """An attack is stopped when the load is refused and nothing of it ran; the rules are those of the verifier."""
    for row in tried:
        attack: Attack = row["attack"]
        end = 2 + len(attack.fragment)
        row["rules"] = sorted({v.rule for v in verify(row["changed"], made.policy).violations if v.offset < end})
        row["said"] = said[row["path"]].get("error", "it loaded")[:300]
        row["ran"] = attack.marker is not None and attack.marker.exists()
        row["stopped"] = "error" in said[row["path"]] and not row["ran"]


def _told(row: Row) -> Row:
    kept = ("specimen", "way", "rules", "said", "stopped", "ran", "runs_on_stock")
    return {"attack": row["attack"].name, **{name: row[name] for name in kept if name in row}}
