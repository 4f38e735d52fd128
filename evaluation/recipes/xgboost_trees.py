"""XGBoost: its scikit-learn estimators and a raw booster."""

from __future__ import annotations

import xgboost

from evaluation.recipes.tables import LABELS, PATIENT_SAMPLE, PATIENTS, PROGRESS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), pickled(2), joblibbed(3))


@RECIPE.model("xgboost.XGBClassifier")
def classifier():
    return xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(ROWS, LABELS)


@RECIPE.model("xgboost.XGBRegressor", predict=lambda model: model.predict(PATIENT_SAMPLE))
def regressor():
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=2, early_stopping_rounds=2)
    return model.fit(PATIENTS, PROGRESS, eval_set=[(PATIENTS, PROGRESS)], verbose=False)


@RECIPE.model("xgboost.XGBRFClassifier")
def forest():
    return xgboost.XGBRFClassifier(n_estimators=3).fit(ROWS, LABELS)


@RECIPE.model("xgboost.XGBRanker")
def ranker():
    return xgboost.XGBRanker(n_estimators=3).fit(ROWS, LABELS, group=[50, 50, 50])


@RECIPE.model("xgboost.Booster", predict=lambda model: model.predict(xgboost.DMatrix(SAMPLE)))
def booster():
    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(ROWS, LABELS), 3)
