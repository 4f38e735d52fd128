"""LightGBM: its scikit-learn estimators and a raw booster."""

from __future__ import annotations

import lightgbm

from evaluation.recipes.tables import LABELS, PATIENT_SAMPLE, PATIENTS, PROGRESS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), pickled(2), joblibbed(3))


@RECIPE.model("lightgbm.LGBMClassifier")
def classifier():
    return lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, LABELS)


@RECIPE.model("lightgbm.LGBMRegressor", predict=lambda model: model.predict(PATIENT_SAMPLE))
def regressor():
    return lightgbm.LGBMRegressor(n_estimators=3, verbose=-1).fit(
        PATIENTS, PROGRESS, eval_set=[(PATIENTS, PROGRESS)], callbacks=[lightgbm.early_stopping(2, verbose=False)]
    )


@RECIPE.model("lightgbm.LGBMRanker")
def ranker():
    return lightgbm.LGBMRanker(n_estimators=3, verbose=-1).fit(ROWS, LABELS, group=[50, 50, 50])


@RECIPE.model("lightgbm.Booster")
def booster():
    settings = {"objective": "multiclass", "num_class": 3, "verbose": -1}
    return lightgbm.train(settings, lightgbm.Dataset(ROWS, LABELS), 3)
