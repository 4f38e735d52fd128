"""The figures of a report, and what makes a measurement void."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evaluation import figures, report
from evaluation.__main__ import worse
from evaluation.catalogue import LEFT_OUT, LIBRARIES
from evaluation.environments import named

SAME = figures.SAME


def model(name: str, **loads: str) -> dict[str, Any]:
    """What a measurement says of one model file."""
    needed = {"globals": ["a.B", "a.C"], "reduces": ["a.f"]}
    missing = {"globals": [], "reduces": []} if loads["classes"] == SAME else {"globals": ["a.C"], "reduces": ["a.f"]}
    return {"specimen": name, "way": "pickle 4", "code": "", "loads": loads, "needed": needed, "missing": missing,
            "unprotected": "loads", "weights_only": None}  # fmt: skip


@pytest.fixture
def result() -> dict[str, Any]:
    """A result as a measurement writes it."""
    policy = {"classes": ["a.B"], "globals": 3, "reduces": 1, "grades": {"trivial": 3, "effects": 1}, "kinds": {},
              "dangerous": [], "refused": [], "seconds": 1.5, "peak_memory_mib": 60, "notes": []}  # fmt: skip
    attack = {"attack": "posix.system by REDUCE", "specimen": "one", "way": "pickle 4", "said": "no", "stopped": True,
              "ran": False, "runs_on_stock": True}  # fmt: skip
    return {
        "library": LIBRARIES[0].name, "version": "1", "date": "2026-01-01", "minutes": 1.0, "unbuilt": [],
        "models": [model("one", classes=SAME), model("two", classes="refused", inert=SAME),
                   model("three", classes="refused", inert="refused", approved=SAME)],
        "policies": [policy], "attacks": [attack],
    }  # fmt: skip


def test_what_loads_with_less_counts_for_more(result: dict[str, Any]) -> None:
    """A model that loads from classes alone is one that loads with proposals, and with approval."""
    assert figures.of(result).loaded == {"classes": 1, "inert": 2, "approved": 3}
    assert figures.of(result).missing == 2


def test_models_that_carry_code_are_counted_apart(result: dict[str, Any]) -> None:
    """The shares are over models that need no code of the file's."""
    result["models"][2]["code"] = "a lambda"
    row = figures.of(result)
    assert (row.models, row.coded, row.loaded["approved"]) == (2, 1, 2)


def test_an_attack_that_got_through_or_proves_nothing_is_said(result: dict[str, Any]) -> None:
    """An attack that loads, and one that stock does not run either, stand among what went wrong."""
    assert figures.of(result).broken == ()
    result["attacks"][0] |= {"stopped": False, "said": "it loaded", "runs_on_stock": False}
    said = figures.of(result).broken
    assert [sentence.partition(" ")[0] for sentence in said] == ["NOT", "posix.system"]


def test_a_missing_name_says_what_a_proposal_says_of_it(result: dict[str, Any], tmp_path: Path) -> None:
    """What no policy gave is sorted by whether it could be added, and by whom."""
    result["models"][1]["asked"] = [{"name": "a.C", "list": "globals", "decision": "inert"}]
    (tmp_path / f"{result['library']}.json").write_text(json.dumps(result))
    report.write(tmp_path)
    said = (tmp_path / "summary.md").read_text().splitlines()[-2:]
    assert said == [f"- {result['library']}, inert: `a.C`", f"- {result['library']}, not asked: `a.f` (called)"]


def test_libraries_apart_are_summed_up_by_themselves(result: dict[str, Any], tmp_path: Path) -> None:
    """The figures say how much loads of libraries that rules were made with, and of those that were chosen apart."""
    for library in (next(one for one in LIBRARIES if one.apart is apart) for apart in (False, True)):
        here = [model("one", classes=SAME)] if library.apart else result["models"]
        (tmp_path / f"{library.name}.json").write_text(json.dumps(result | {"library": library.name, "models": here}))
    report.write(tmp_path)
    first = next(line for line in (tmp_path / "summary.md").read_text().splitlines() if line.startswith("- "))
    groups = "1 of 3 (33.3 %) without the libraries apart, 1 of 1 (100.0 %) of those."
    assert first == f"- 2 of 4 (50.0 %) models load from classes alone: {groups}"


def test_the_report_names_every_library_measured_or_not(result: dict[str, Any], tmp_path: Path) -> None:
    """Markdown and HTML have a row for what was measured and a reason for everything else."""
    (tmp_path / f"{result['library']}.json").write_text(json.dumps(result))
    report.write(tmp_path)
    for page in ("summary.md", "summary.html"):
        text = (tmp_path / page).read_text()
        assert [name for name in [*(one.name for one in LIBRARIES), *LEFT_OUT] if name not in text] == []
    assert [item["name"] for item in json.loads((tmp_path / "missing.json").read_text())] == ["a.C", "a.f"]


def test_every_library_has_its_recipe_and_its_lock() -> None:
    """The catalogue names files that exist."""
    root = Path(report.__file__).parent
    assert [one.name for one in LIBRARIES if not (root / "recipes" / f"{one.recipe}.py").is_file()] == []
    assert [one.name for one in LIBRARIES if not named(one.environment).lock.is_file()] == []


def test_a_measurement_is_compared_with_the_one_before(result: dict[str, Any]) -> None:
    """Fewer models of the same version that load are said; another version is another matter."""
    after = json.loads(json.dumps(result))
    assert worse(result, after) == []
    after["models"][0]["loads"]["classes"] = "refused"
    assert worse(None, after) == []
    assert [sentence.partition(" models")[0] for sentence in worse(result, after)] == ["0 of 3", "1 of 3", "2 of 3"]
    assert worse({**result, "version": "0"}, after) == []
