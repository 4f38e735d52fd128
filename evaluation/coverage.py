"""How much of a list of imports the policies of today's libraries cover.

The input has one JSON object a line, for each model file: `file`, `imports` (dotted names as the pickle writes them),
`library` (a guess), `truncated` (the list was cut). Nothing says which names are called, so a name counts as covered
when it stands in either list of the policy.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evaluation.catalogue import LIBRARIES
from evaluation.environments import named
from pickleball_enforce.names import HELPERS, canonical
from pickleball_enforce.policy import LISTS
from pickleball_generate import inference, packs
from pickleball_generate.completion import Completion
from pickleball_generate.errors import ClassNotFound
from pickleball_generate.facts import Environment
from pickleball_generate.generation import inferred
from pickleball_generate.inference.names import definitions
from pickleball_generate.joern import Joern, cache_folder, default_jars
from pickleball_generate.judging import Judge
from pickleball_generate.sources import Library as Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pickleball_generate.proposals import Proposal

MEMORY = 3 * 2**30
MOST_CANDIDATES = 4
LIMIT = 120  # seconds of processor time for a policy, and for what proposals bring with them
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
# Names that the policy of no class can have.
OWN_PROGRAM = "of the user's own program"
NOT_MEASURED = "library not measured"
ABSENT = frozenset({"moved", "removed", "another package", OWN_PROGRAM})
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


class TooSlow(Exception):
    """A policy took longer than it may."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TooSlow in this thread, the main one, when what runs inside takes more processor time."""

    def ring(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Cover:
    """Policies of the classes of one environment, inferred once each, and what is said of names, judged once each."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.judge = Judge(environment, packs.load())
        self._policies: dict[str, tuple[frozenset[str], frozenset[str]] | None] = {}
        self._proposals: dict[str, Proposal] = {}

    def policy(self, name: str) -> tuple[frozenset[str], frozenset[str]] | None:
        """Give the names that the policy of a class has, and those of them that it has by inference.

        None where there is no such class, or it takes too long.
        """
        if name not in self._policies:
            try:
                with limited(LIMIT):
                    found = inference.infer(self.environment, [name], inference.Options())
            except (ClassNotFound, TooSlow, RecursionError):
                self._policies[name] = None
            else:
                allowed = found.policy.globals | found.policy.reduces
                self._policies[name] = (allowed, inferred(found.provenance))
        return self._policies[name]

    def cover(self, row: Row, own: Sequence[str], plain: Sequence[str]) -> None:
        """Choose the class of the file and say of each name that its policy lacks what a proposal would do.

        The model's class is the first imported class of the library whose policy is enough with proposals; where none
        is, the one whose policy lacks least.
        """
        wanted = {name for name in row.names if name not in HELPERS}
        best: tuple[int, int] | None = None
        for candidates in (own, plain):
            for name in candidates:
                policy = self.policy(name)
                if policy is None:
                    continue
                allowed, needed = policy
                missing = self.proposed(wanted, sorted(wanted - allowed), (wanted & allowed) - needed)
                lacking = (sum(fate != "inert" for fate in missing.values()), len(missing))
                if best is None or lacking < best:
                    best, row.classes, row.missing = lacking, (name,), missing
                if {*row.missing.values()} <= {"inert", *ABSENT}:  # no other class would give more
                    return
            if best is not None:
                return
        row.missing = dict.fromkeys(sorted(wanted), "no class")

    def proposed(self, wanted: set[str], names: Sequence[str], others: Iterable[str]) -> dict[str, str]:
        """Say what a proposal would do with each of the names that a policy lacks of a file's.

        And why nothing is known of those that are refused. What `others` need, the policy does not give yet.
        """
        for name in names:
            if name not in self._proposals:  # nobody knows which names are called
                kept, called = (self.judge.judge(name, listed, ()) for listed in LISTS)
                self._proposals[name] = called if called.decision == "inert" else kept
        found = [self._proposals[name] for name in names]
        if any(proposal.decision == "refuse" and self.fate(proposal.name) == "refuse" for proposal in found):
            try:
                with limited(LIMIT):
                    found = Completion(self.environment, self.judge.packs, wanted).complete(found, others)
            except (TooSlow, RecursionError):
                pass
        return {
            proposal.name: self.fate(proposal.name) if proposal.decision == "refuse" else proposal.decision
            for proposal in found
        }

    def fate(self, name: str) -> str:
        """Say why nothing is known of a name: it moved, it went, or its package is not there."""
        package, last = name.partition(".")[0], name.rpartition(".")[2]
        if package == "__main__":
            return OWN_PROGRAM
        if self.environment.library.package(package) is None:
            return "refuse" if package in {"builtins", "os", "posix", "sys"} else "another package"
        if definitions(self.judge.program, name) and not self._renamed(name):
            return "refuse"
        return "moved" if last in self.judge.program.definitions(package) else "removed"

    def _renamed(self, name: str) -> bool:
        """Tell whether machine code has only longer names that begin like this one (`Distance64`)."""
        extension = self.environment.extension(name.rpartition(".")[0])
        longer = {each for each in extension.names if each.startswith(name)} if extension is not None else set()
        return bool(longer) and not any(each == name or each.startswith(f"{name}.") for each in longer)


def run(path: Path, only: Sequence[str] = ()) -> list[Row]:
    """Cover every row of a list whose library is measured here, or those of some libraries."""
    known = {library.name: library for library in LIBRARIES}
    grouped: dict[str, list[tuple[Row, list[str]]]] = {}
    rows = []
    for raw in read(path):
        library = library_of(raw)
        if only and library not in only:
            continue
        names = tuple(sorted({modern(name) for name in raw["imports"]}))
        row = Row(raw["file"], library or str(raw.get("library", "")), bool(raw.get("truncated")), names)
        rows.append(row)
        if library is None:
            row.missing = {"": NOT_MEASURED}
            continue
        own = [name for name in names if PACKAGES.get(name.partition(".")[0]) == library and _is_class(name)]
        grouped.setdefault(library, []).append((row, own))
    joern = Joern(default_jars(), MEMORY)
    try:
        for library, members in grouped.items():
            installed = named(known[library].environment)
            installed.make()
            environment = Environment(Sources([installed.packages], []), joern, cache_folder())
            cover = Cover(environment)
            for row, own in members:
                cover.cover(row, _likely(own), (*PLAIN.get(library, ()), *WEIGHTS))
            environment.close()
            print(f"{library}: {len(members)} files", file=sys.stderr, flush=True)
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


def document(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give what was found as JSON holds it."""
    return [{**vars(row), "names": len(row.names), "verdict": row.verdict} for row in rows]
