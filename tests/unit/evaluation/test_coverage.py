"""How rows of an import list are read and given to libraries; the policies themselves are measured elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation import coverage, covered

SAMPLE = Path(__file__).parent / "samples" / "imports.jsonl"


def test_names_of_python_2_are_those_of_python_3() -> None:
    """What a list calls __builtin__.set stands in a policy as builtins.set."""
    assert coverage.modern("__builtin__.set") == "builtins.set"
    assert coverage.modern("sklearn.pipeline.Pipeline") == "sklearn.pipeline.Pipeline"


@pytest.mark.parametrize(
    ("label", "imports", "expected"),
    [
        ("scikit-learn", [], "scikit-learn"),
        ("pyannote", [], "pyannote-audio"),
        ("transformers-trainer", [], "transformers"),
        ("some-other-library", ["sklearn.pipeline.Pipeline"], None),
        ("", ["sklearn.svm._classes.SVC", "xgboost.core.Booster", "xgboost.sklearn.XGBClassifier"], "xgboost"),
        ("", ["torch.FloatStorage"], None),
    ],
)
def test_a_row_goes_to_the_library_of_its_label_else_of_its_names(
    label: str, imports: list[str], expected: str | None
) -> None:
    """A label that is not measured here is not guessed away."""
    assert coverage.library_of({"library": label, "imports": imports}) == expected


def test_the_report_counts_cut_lists_apart_and_says_what_is_missing() -> None:
    """Shares are over complete lists of measured libraries."""
    rows = [
        coverage.Row("a", "flair", truncated=False, names=("x.A",)),
        coverage.Row("b", "flair", truncated=False, names=("x.A",), missing={"x.A": "inert"}),
        coverage.Row("c", "flair", truncated=False, names=("x.A",), missing={"x.A": "inert", "x.B": "moved"}),
        coverage.Row("d", "flair", truncated=True, names=("x.A",), missing={"x.A": "removed"}),
        coverage.Row("e", "other", truncated=False, names=("x.A",), missing={"": "library not measured"}),
    ]
    said = covered.page(covered.figures(rows))
    assert "4 files of 1 libraries, 1 of them truncated" in said
    assert "| flair | - | 3 | 1 (33.3 %) | 2 (66.7 %) | 2 (66.7 %) | 1 | 0 | 1 |" in said
    assert "2 of 3 are covered with proposals (66.7 %)" in said
    assert "- moved: 1" in said
    assert "- flair: `x.B`" in said
    assert "## Removed" not in said
    assert "1 files name what no policy" in said
    assert "of the others, 2 of 2 are covered with proposals (100.0 %)" in said
    assert "`__main__`), which" not in said
    rows.append(
        coverage.Row("f", "flair", truncated=False, names=("x.A",), missing={"__main__.A": coverage.OWN_PROGRAM})
    )
    rows.append(coverage.Row("g", "flair", truncated=False, names=("x.A",), missing={"x.A": "inert", "x.C": "ask"}))
    said = covered.page(covered.figures(rows))
    assert "of the others, 2 of 4 are covered with proposals (50.0 %)" in said
    assert "3 of 5 are covered with approval (60.0 %)" in said


def test_a_line_that_is_no_row_is_refused_with_its_number(tmp_path: Path) -> None:
    """The error names the file and the line."""
    assert len(coverage.read(SAMPLE)) == 4
    bad = tmp_path / "bad.jsonl"
    bad.write_text(SAMPLE.read_text() + '{"file": "x", "imports": "y"}\n')
    with pytest.raises(ValueError, match=r"bad\.jsonl:5: a row has `file` and `imports`"):
        coverage.read(bad)
