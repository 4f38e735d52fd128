"""What a recipe says of its library: how models are built, saved, loaded and used.

This module and the recipes run in the library's own environment, where nothing of PickleBall is installed.
"""

from __future__ import annotations

import importlib
import pickle
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Way:
    """One way of saving a model and loading it again."""

    name: str
    suffix: str
    save: Callable[[Any, Path], object]
    load: Callable[[Path], Any]
    pickles: str = ""  # which files of a folder are pickles; "" when the way writes one file


@dataclass(frozen=True)
class Specimen:
    """One kind of model: the classes that a user would name, how it is built and what it predicts."""

    name: str
    classes: tuple[str, ...]
    build: Callable[[], Any]
    predict: Callable[[Any], Any]
    ways: tuple[Way, ...]
    code: str = ""  # the part of it that only code execution can load


class Recipe:
    """The specimens of one library."""

    def __init__(self, predict: Callable[[Any], Any], *ways: Way) -> None:
        self.predict = predict
        self.ways = ways
        self.specimens: list[Specimen] = []

    def model(
        self,
        *classes: str,
        predict: Callable[[Any], Any] | None = None,
        ways: tuple[Way, ...] | None = None,
        code: str = "",
    ) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """Register a function that builds a model of these classes."""

        def register(build: Callable[[], Any]) -> Callable[[], Any]:
            self.specimens.append(
                Specimen(build.__name__, classes, build, predict or self.predict, ways or self.ways, code)
            )
            return build

        return register


def pickled(protocol: int) -> Way:
    """Save with pickle itself."""
    return Way(
        f"pickle {protocol}",
        ".pkl",
        lambda model, path: path.write_bytes(pickle.dumps(model, protocol)),
        lambda path: pickle.loads(path.read_bytes()),
    )


def joblibbed(compress: int) -> Way:
    """Save with joblib."""
    return Way(
        "joblib, compressed" if compress else "joblib",
        ".joblib",
        lambda model, path: importlib.import_module("joblib").dump(model, path, compress=compress),
        lambda path: importlib.import_module("joblib").load(path),
    )


def torched(*, zipped: bool = True) -> Way:
    """Save the whole object with torch."""
    return Way(
        "torch.save" if zipped else "torch.save, old format",
        ".pt",
        lambda model, path: importlib.import_module("torch").save(model, path, _use_new_zipfile_serialization=zipped),
        lambda path: importlib.import_module("torch").load(path, weights_only=False),
    )


def weights(build: Callable[[], Any], *, zipped: bool = True) -> Way:
    """Save the state dictionary of a module with torch; `build` makes the module that it is loaded into."""

    def load(path: Path) -> Any:
        model = build()
        model.load_state_dict(importlib.import_module("torch").load(path, weights_only=False))
        return model

    return Way(
        "state dict" if zipped else "state dict, old format",
        ".pt",
        lambda model, path: importlib.import_module("torch").save(
            model.state_dict(), path, _use_new_zipfile_serialization=zipped
        ),
        load,
    )


def plain(value: Any) -> Any:
    """Turn a prediction into what JSON can hold; floats keep six significant digits."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, (str, int, bool, type(None))):
        return value
    return str(value)


def emptied(path: Path) -> Path:
    """Give a place that nothing lies at."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    return path


def files(way: Way, path: Path) -> Iterator[Path]:
    """List the pickles that a way wrote."""
    if way.pickles:
        yield from sorted(path.rglob(way.pickles))
    else:
        yield path
