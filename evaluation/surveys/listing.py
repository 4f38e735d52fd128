"""Which models of a hub are pickles: Section 3.1 of the paper, over stored listings of a hub's metadata.

A listing has one JSON object a line, for each model: `id`, `downloads` (of a month), `files` (names in the
repository), `library` (may be absent), `date` (of the listing, ISO; may be absent when all are of one day).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

POPULAR = 1000  # downloads a month, as in the paper
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".dill", ".p", ".pyt", ".mar")
FORMATS = {
    "safetensors": (".safetensors",), "gguf": (".gguf", ".ggml"), "onnx": (".onnx",),
    "tensorflow": (".h5", ".keras", ".pb", ".tflite"), "flax": (".msgpack",),
}  # fmt: skip
NOT_PICKLES = ("openvino_model.bin", "training_args.bin", "onnx/model.bin")  # a .bin that is no model, or no pickle
KINDS = ("pickle only", "pickle and safetensors", "safetensors only", "other formats", "no model file")


class BadListing(ValueError):
    """A line is no row of a listing; the message says which and what is expected."""


@dataclass(frozen=True)
class Model:
    """One model of a hub."""

    id: str
    downloads: int
    files: tuple[str, ...]
    library: str
    date: str

    @property
    def formats(self) -> frozenset[str]:
        """The formats of its model files."""
        return frozenset(found for name in self.files if (found := format_of(name)))

    @property
    def kind(self) -> str:
        """How a user can load it."""
        formats = self.formats
        if "pickle" in formats:
            return KINDS[1] if "safetensors" in formats else KINDS[0]
        if "safetensors" in formats:
            return KINDS[2]
        return KINDS[3] if formats else KINDS[4]


def format_of(name: str) -> str | None:
    """Tell the format of a model file by its name; None for any other file."""
    lowered = name.lower()
    if lowered.endswith(NOT_PICKLES):
        return None
    if lowered.endswith(PICKLES):
        return "pickle"
    return next((known for known, ends in FORMATS.items() if lowered.endswith(ends)), None)


def read(path: Path) -> list[Model]:
    """Read a listing."""
    models = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            row: Any = json.loads(line)
            models.append(Model(
                str(row["id"]), int(row["downloads"]), tuple(map(str, row["files"])),
                str(row.get("library") or "unknown"), str(row.get("date", "")),
            ))  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            expected = "a JSON object with id, downloads and files, and perhaps library and date"
            raise BadListing(f"{path}:{number}: {error!r}: a row is {expected}") from error
    return models


def popular(models: Iterable[Model], least: int = POPULAR) -> list[Model]:
    """Keep the models that many people download."""
    return [model for model in models if model.downloads >= least]


def kinds(models: Iterable[Model]) -> dict[str, int]:
    """Count models by how they can be loaded."""
    found = Counter(model.kind for model in models)
    return {kind: found[kind] for kind in KINDS}


def pickled(models: Sequence[Model]) -> int:
    """Count the models that hold a pickle."""
    return sum("pickle" in model.formats for model in models)


def by_date(models: Iterable[Model]) -> dict[str, list[Model]]:
    """Group models by the day of their listing."""
    return _grouped((model.date, model) for model in models)


def by_library(models: Iterable[Model]) -> dict[str, list[Model]]:
    """Group models by library, the largest first."""
    groups = _grouped((model.library, model) for model in models)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def _grouped(pairs: Iterable[tuple[str, Model]]) -> dict[str, list[Model]]:
    groups: defaultdict[str, list[Model]] = defaultdict(list)
    for key, model in pairs:
        groups[key].append(model)
    return dict(sorted(groups.items()))
