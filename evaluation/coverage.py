"""How much of a list of imports the policies of today's libraries cover.

The input has one JSON object a line, for each model file: `file`, `imports` (dotted names as the pickle writes them),
`library` (a guess), `truncated` (the list was cut). Nothing says which names are called, so a name counts as covered
when it stands in either list of the policy.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evaluation.catalogue import LIBRARIES, Library
from evaluation.environments import named
from pickleball_enforce.names import HELPERS, canonical
from pickleball_generate import inference, packs
from pickleball_generate.errors import ClassNotFound
from pickleball_generate.facts import Environment
from pickleball_generate.inference.names import definitions
from pickleball_generate.joern import Joern, cache_folder, default_jars
from pickleball_generate.model_files import ModelFile
from pickleball_generate.proposals import Judge, propose
from pickleball_generate.sources import Library as Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MEMORY = 3 * 2**30
MOST_CANDIDATES = 4
# What lists call these libraries, and the packages whose classes can be their models.
PACKAGES = {
    "sklearn": "scikit-learn", "lightgbm": "lightgbm", "xgboost": "xgboost", "catboost": "catboost", "gensim": "gensim",
    "statsmodels": "statsmodels", "imblearn": "imbalanced-learn", "category_encoders": "category-encoders",
    "pandas": "pandas", "nltk": "nltk", "spacy": "spacy", "umap": "umap-learn", "hdbscan": "hdbscan",
    "prophet": "prophet", "surprise": "scikit-surprise", "flair": "flair", "gliner": "gliner",
    "ultralytics": "ultralytics", "yolov5": "yolov5", "sentence_transformers": "sentence-transformers",
    "FlagEmbedding": "flagembedding", "pyannote": "pyannote-audio", "pysentimiento": "pysentimiento",
    "super_image": "super-image", "tner": "tner", "tweetnlp": "tweetnlp", "huggingsound": "huggingsound",
    "speechbrain": "speechbrain", "setfit": "setfit", "bertopic": "bertopic", "torchvision": "torchvision",
    "timm": "timm", "transformers": "transformers", "pytorch_lightning": "pytorch-lightning",
    "stable_baselines3": "stable-baselines3",
}  # fmt: skip
# The class of a file that holds nothing of its library but weights, and the state of its training.
PLAIN = {
    "transformers": ("transformers.PreTrainedModel", "transformers.TrainingArguments"),
    "pytorch-lightning": ("pytorch_lightning.LightningModule",),
}
WEIGHTS = ("torch.nn.Module",)


@dataclass
class Row:
    """One file of the list and what was found."""

    file: str
    library: str
    truncated: bool
    names: tuple[str, ...]
    classes: tuple[str, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)  # name: what a proposal, or a look at the sources, says

    @property
    def verdict(self) -> str:
        """Say what it takes to load the file."""
        if not self.missing:
            return "classes"
        return "proposals" if set(self.missing.values()) == {"inert"} else "missing"


def read(path: Path) -> list[dict[str, Any]]:
    """Read the list; a line that is none of its rows is refused with its number."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: no JSON object: {error}") from error
        if not isinstance(row, dict) or not isinstance(row.get("imports"), list) or "file" not in row:
            raise ValueError(f"{path}:{number}: a row has `file` and `imports`, a list of dotted names")
        rows.append(row)
    return rows


def modern(name: str) -> str:
    """Write a name as Python 3 does: lists have names of Python 2 as well."""
    module, _, last = name.rpartition(".")
    return ".".join(canonical(module, last, 2, fix_imports=True))


def library_of(row: dict[str, Any]) -> str | None:
    """Choose the library of a row: that of its label when it is measured here, else that of most of its names."""
    label = str(row.get("library", "")).lower().replace("_", "-").removesuffix("-trainer")
    known = {one.name: one.name for one in LIBRARIES} | {p.lower().replace("_", "-"): n for p, n in PACKAGES.items()}
    if label in known:
        return known[label]
    tops = Counter(PACKAGES[top] for name in row["imports"] if (top := name.partition(".")[0]) in PACKAGES)
    return tops.most_common(1)[0][0] if tops and not label else None


class Cover:
    """Policies of the classes of one environment, inferred once each."""

    def __init__(self, library: Library, joern: Joern) -> None:
        environment = named(library.environment)
        environment.make()
        self.environment = Environment(Sources([environment.packages], []), joern, cache_folder())
        self.judge = Judge(self.environment, packs.load())
        self._policies: dict[str, inference.Result | None] = {}

    def policy(self, name: str) -> inference.Result | None:
        """Infer the policy of a class; None where the sources define no such class."""
        if name not in self._policies:
            try:
                self._policies[name] = inference.infer(self.environment, [name], inference.Options())
            except ClassNotFound:
                self._policies[name] = None
        return self._policies[name]

    def cover(self, row: Row, own: Sequence[str], plain: Sequence[str]) -> None:
        """Choose the class of the file and say of each name that its policy lacks what a proposal would do.

        The model's class is the imported class of the library whose policy covers most: the outermost one.
        """
        wanted = {name for name in row.names if name not in HELPERS}
        tried = [(name, found) for name in own if (found := self.policy(name))]
        if not tried:
            tried = [(name, found) for name in plain if (found := self.policy(name))]
        if not tried:
            row.missing = dict.fromkeys(sorted(wanted), "no class")
            return
        left, name, result = min(
            (len(wanted - found.policy.globals - found.policy.reduces), name, found) for name, found in tried
        )
        row.classes = (name,)
        if not left:
            return
        file = ModelFile(row.file, "", "", tuple(sorted(wanted)), ())
        for proposal in propose([file], result.policy, self.judge):
            row.missing[proposal.name] = proposal.decision
            if proposal.decision == "refuse":
                row.missing[proposal.name] = self.fate(proposal.name)

    def fate(self, name: str) -> str:
        """Say why nothing is known of a name: it moved, it went, or its package is not there."""
        package, last = name.partition(".")[0], name.rpartition(".")[2]
        if package == "__main__":
            return "of the user's own program"
        if self.environment.library.package(package) is None:
            return "refuse" if package in {"builtins", "os", "posix", "sys"} else "another package"
        if definitions(self.judge.program, name):
            return "refuse"
        return "moved" if last in self.judge.program.definitions(package) else "removed"


def run(path: Path) -> list[Row]:
    """Cover every row of a list whose library is measured here."""
    known = {library.name: library for library in LIBRARIES}
    grouped: dict[str, list[tuple[Row, list[str]]]] = {}
    rows = []
    for raw in read(path):
        library = library_of(raw)
        names = tuple(sorted({modern(name) for name in raw["imports"]}))
        row = Row(raw["file"], library or str(raw.get("library", "")), bool(raw.get("truncated")), names)
        rows.append(row)
        if library is None:
            row.missing = {"": "library not measured"}
            continue
        own = [name for name in names if PACKAGES.get(name.partition(".")[0]) == library and _is_class(name)]
        grouped.setdefault(known[library].environment, []).append((row, own))
    joern = Joern(default_jars(), MEMORY)
    try:
        for members in grouped.values():
            cover = Cover(known[members[0][0].library], joern)
            for row, own in members:
                cover.cover(row, _likely(own), (*PLAIN.get(row.library, ()), *WEIGHTS))
            cover.environment.close()
    finally:
        joern.close()
    return rows


def _is_class(name: str) -> bool:
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def _likely(own: Iterable[str]) -> list[str]:
    """Put classes that hold others first: compositions, then the shorter module paths."""
    outer = ("Pipeline", "SearchCV", "Model", "Classifier", "Regressor")
    ranked = sorted(own, key=lambda name: (-max(name.endswith(end) for end in outer), name.count("."), name))
    return ranked[:MOST_CANDIDATES]


def report(rows: Sequence[Row]) -> str:
    """Write the shares, truncated rows apart, and the causes of what is missing."""
    here = [row for row in rows if "library not measured" not in row.missing.values()]
    whole = [row for row in here if not row.truncated]
    lines = [
        f"{len(rows)} files, {len(here)} of libraries that are measured here, {len(here) - len(whole)} truncated.",
        "",
    ]
    lines += ["| library | files | from classes | with proposals | missing |", "|---|---|---|---|---|"]
    for library in [*sorted({row.library for row in whole}), "all"]:
        mine = [row for row in whole if library in {row.library, "all"}]
        found = Counter(row.verdict for row in mine)
        covered = found["classes"] + found["proposals"]
        lines.append(
            f"| {library} | {len(mine)} | {found['classes']} | {covered} ({100 * covered / len(mine):.1f} %) | "
            f"{found['missing']} |"
        )
    causes = Counter(cause for row in whole if row.verdict == "missing" for cause in set(row.missing.values()))
    causes.pop("inert", None)
    lines += ["", "Files by what keeps them from being covered (a file can have several):", ""]
    lines += [f"- {cause}: {count}" for cause, count in causes.most_common()]
    return "\n".join(lines) + "\n"


def document(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give what was found as JSON holds it."""
    return [{**vars(row), "names": len(row.names), "verdict": row.verdict} for row in rows]
