"""Turn the results of the libraries into the figures of a report: pure functions over evaluation/results/*.json."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from evaluation.measurement import SAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]
NOT_ASKED = "not asked"  # of a stub that no load uses, of what carries code, or no policy was made
HOWS = ("classes", "inert", "approved")


@dataclass(frozen=True)
class Figures:
    """One library's row."""

    library: str
    version: str
    models: int
    coded: int  # carry code, and are not counted in the shares
    loaded: dict[str, int]  # by how the policy came about
    weights_only: tuple[int, int] | None  # of the files of torch
    needed: int
    missing: int
    allowed: tuple[int, int]  # median and maximum of the policies
    grades: dict[str, int]
    dangerous: tuple[str, ...]
    attacks: int
    stopped: int
    proven: int
    seconds: tuple[float, float]
    memory: int
    minutes: float
    broken: tuple[str, ...]


def of(result: Row) -> Figures:
    """Sum a library's result up."""
    models = [model for model in result["models"] if not model["code"]]
    policies = [policy for policy in result["policies"] if "error" not in policy]
    sizes = [policy["globals"] + policy["reduces"] for policy in policies] or [0]
    seconds = [policy["seconds"] for policy in policies] or [0.0]
    grades = Counter[str]()
    for policy in policies:
        grades.update(policy["grades"])
    return Figures(
        library=result["library"],
        version=result["version"],
        models=len(models),
        coded=len(result["models"]) - len(models),
        loaded={how: loaded(models, how) for how in HOWS},
        weights_only=_weights_only(models),
        needed=len(names(models, "needed")),
        missing=len(names(models, "missing")),
        allowed=(round(median(sizes)), max(sizes)),
        grades=dict(sorted(grades.items())),
        dangerous=tuple(sorted({name for policy in policies for name in policy["dangerous"]})),
        attacks=len(result["attacks"]),
        stopped=sum(attack["stopped"] for attack in result["attacks"]),
        proven=sum(attack.get("runs_on_stock", False) for attack in result["attacks"]),
        seconds=(round(median(seconds), 1), max(seconds)),
        memory=max((policy["peak_memory_mib"] for policy in policies), default=0),
        minutes=result["minutes"],
        broken=_broken(result),
    )


def loaded(models: Sequence[Row], how: str) -> int:
    """Count the models that load and predict alike; what loads with less needs nothing more."""
    enough = HOWS[: HOWS.index(how) + 1]
    return sum(any(model["loads"].get(step) == SAME for step in enough) for model in models)


def names(models: Iterable[Row], field: str) -> set[tuple[str, str]]:
    """List the names that models need or miss, with the list that they belong to."""
    return {
        (listed, name)
        for model in models
        for listed in ("globals", "reduces")
        for name in model.get(field, {}).get(listed, ())
    }


def missing(result: Row) -> list[Row]:
    """List what no policy gave: the name, its list, the models that asked for it, and what a proposal says of it."""
    found: dict[tuple[str, str], set[str]] = {}
    said: dict[str, str] = {}
    for model in result["models"]:
        said |= {item["name"]: item["decision"] for item in model.get("asked", ())}
        for key in names([model], "missing"):
            found.setdefault(key, set()).add(model["specimen"])
    return [
        {
            "library": result["library"],
            "name": name,
            "list": listed,
            "models": sorted(models),
            "proposal": said.get(name, NOT_ASKED),
        }
        for (listed, name), models in sorted(found.items())
    ]


def total(rows: Sequence[Figures], how: str) -> tuple[int, int]:
    """Count loaded models, and all of them."""
    return sum(row.loaded[how] for row in rows), sum(row.models for row in rows)


def share(part: int, whole: int) -> str:
    """Write a share with one digit."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def period(dates: list[str]) -> str:
    """Write when things were measured."""
    return "never" if not dates else dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _weights_only(models: Sequence[Row]) -> tuple[int, int] | None:
    tried = [model["weights_only"] for model in models if model.get("weights_only") is not None]
    return (sum(tried), len(tried)) if tried else None


def _broken(result: Row) -> tuple[str, ...]:
    """Say what makes a measurement void or the project's promise untrue."""
    said = [f"{row['specimen']} could not be built: {_last(row['why'])}" for row in result["unbuilt"]]
    said += [
        f"{row['specimen']} ({row['way']}) {row['unprotected']}"
        for row in result["models"]
        if row["unprotected"] != "loads"
    ]
    said += [f"no policy of {', '.join(p['classes'])}: {p['error']}" for p in result["policies"] if "error" in p]
    for attack in result["attacks"]:
        if not attack["stopped"]:
            said.append(f"NOT STOPPED: {attack['attack']} in {attack['specimen']} ({attack['way']}): {attack['said']}")
        if not attack.get("runs_on_stock", True):
            said.append(f"{attack['attack']} in {attack['specimen']} ({attack['way']}) does nothing on stock")
    return tuple(said)


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""
