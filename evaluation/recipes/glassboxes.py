"""InterpretML: explainable boosting machines and other glass boxes."""

from __future__ import annotations

from interpret.glassbox import (
    ClassificationTree,
    ExplainableBoostingClassifier,
    ExplainableBoostingRegressor,
    LogisticRegression,
)

from evaluation.recipes.tables import LABELS, PATIENT_SAMPLE, PATIENTS, PROGRESS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), joblibbed(0))


@RECIPE.model("interpret.glassbox.ExplainableBoostingClassifier")
def boosting():
    return ExplainableBoostingClassifier(max_rounds=5, n_jobs=1, outer_bags=2, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("interpret.glassbox.ExplainableBoostingRegressor", predict=lambda model: model.predict(PATIENT_SAMPLE))
def regressor():
    return ExplainableBoostingRegressor(max_rounds=5, n_jobs=1, outer_bags=2).fit(PATIENTS, PROGRESS)


@RECIPE.model("interpret.glassbox.LogisticRegression")
def linear():
    return LogisticRegression(max_iter=500).fit(ROWS, LABELS > 1)


@RECIPE.model("interpret.glassbox.ClassificationTree")
def tree():
    return ClassificationTree(max_depth=2).fit(ROWS, LABELS > 1)
