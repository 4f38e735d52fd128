"""The surveys over small listings that were made for these tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from evaluation.surveys import __main__ as command
from evaluation.surveys import listing, traces

SAMPLES = Path(__file__).parent / "samples"
HUB, IMPORTS = SAMPLES / "hub.jsonl", SAMPLES / "imports.jsonl"


def survey(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Run the command."""
    monkeypatch.setattr(sys, "argv", ["surveys", *map(str, words)])
    return command.main()


def test_popular_models_are_counted_by_how_they_can_be_loaded() -> None:
    """Downloads decide what is popular; a Trainer's arguments are no model."""
    chosen = listing.popular(listing.read(HUB))
    assert len(chosen) == 7
    assert listing.pickled(chosen) == 4
    assert list(listing.kinds(chosen).values()) == [3, 1, 2, 1, 0]
    assert list(listing.by_date(chosen)) == ["2026-01-01", "2026-02-01"]
    assert next(iter(listing.by_library(chosen))) == "transformers"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pytorch_model-00001-of-00002.bin", "pickle"), ("weights/best.PT", "pickle"), ("tf_model.h5", "tensorflow"),
        ("model.safetensors", "safetensors"), ("training_args.bin", None), ("openvino_model.bin", None),
        ("README.md", None),
    ],
)  # fmt: skip
def test_the_name_of_a_file_tells_its_format(name: str, expected: str | None) -> None:
    """Endings decide, whatever their case; files that are no models count for nothing."""
    assert listing.format_of(name) == expected


def test_weights_only_loads_what_imports_nothing_else() -> None:
    """A state dict is inside, a whole network and a pipeline are not; names of Python 2 are read as those of 3."""
    allowed = traces.weights_only()
    found = {trace.file: trace for trace in traces.read(IMPORTS)}
    assert [file for file, trace in found.items() if allowed.loads(trace)] == ["pytorch_model.bin", "cut.bin"]
    assert "builtins.set" in found["best.pt"].imports


def test_a_survey_of_a_hub_is_a_page_with_tables_and_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The share of pickles stands in the page, and each plot that it names exists."""
    assert survey(monkeypatch, "hub", HUB, "--output", tmp_path) == 0
    page = Path(capsys.readouterr().out.strip()).read_text()
    assert "4 of them (57.1 %) hold a pickle" in page
    assert {path.name for path in tmp_path.glob("*.svg")} == {"days.svg", "libraries.svg"}


def test_a_survey_of_imports_leaves_cut_lists_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shares are over complete lists; equal figures give equal plots."""
    for folder in ("one", "two"):
        assert survey(monkeypatch, "imports", IMPORTS, "--output", tmp_path / folder) == 0
    page = Path(capsys.readouterr().out.split()[0]).read_text()
    assert "would load 1 of 3 (33.3 %)" in page
    assert "`ultralytics.nn.tasks.DetectionModel` | 1" in page
    for plot in (tmp_path / "one").glob("*.svg"):
        assert plot.read_bytes() == (tmp_path / "two" / plot.name).read_bytes()


@pytest.mark.parametrize("line", ["{", '{"id": "a", "downloads": "many", "files": []}', '{"file": "x"}', "[]"])
def test_a_line_that_is_no_row_is_refused_with_its_number(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the file, the line and what a row has."""
    bad = tmp_path / "bad.jsonl"
    for kind, good in (("hub", HUB), ("imports", IMPORTS)):
        bad.write_text(good.read_text() + line + "\n")
        assert survey(monkeypatch, kind, bad, "--output", tmp_path) == 2
        number = len(good.read_text().splitlines()) + 1
        said = capsys.readouterr().err
        assert f"bad.jsonl:{number}: " in said
        assert "a row is a JSON object with" in said
