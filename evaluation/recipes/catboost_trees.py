"""CatBoost: its estimators."""

from __future__ import annotations

import catboost

from evaluation.recipes.tables import LABELS, PATIENT_SAMPLE, PATIENTS, PROGRESS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), pickled(2), joblibbed(3))
SETTINGS = {"iterations": 3, "depth": 2, "verbose": False, "allow_writing_files": False, "thread_count": 1}


@RECIPE.model("catboost.CatBoostClassifier")
def classifier():
    return catboost.CatBoostClassifier(**SETTINGS).fit(ROWS, LABELS)


@RECIPE.model("catboost.CatBoostRegressor", predict=lambda model: model.predict(PATIENT_SAMPLE))
def regressor():
    return catboost.CatBoostRegressor(**SETTINGS).fit(PATIENTS, PROGRESS)


@RECIPE.model("catboost.CatBoost")
def plain():
    return catboost.CatBoost({**SETTINGS, "loss_function": "MultiClass"}).fit(ROWS, LABELS)
