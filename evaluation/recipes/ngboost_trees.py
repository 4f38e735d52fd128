"""NGBoost: boosted distributions."""

from __future__ import annotations

from ngboost import NGBClassifier, NGBRegressor
from ngboost.distns import Exponential, LogNormal, k_categorical
from ngboost.scores import CRPScore

from evaluation.recipes.tables import LABELS, PATIENT_SAMPLE, PATIENTS, PROGRESS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(PATIENT_SAMPLE), pickled(4), joblibbed(0))


@RECIPE.model("ngboost.NGBRegressor")
def normal():
    return NGBRegressor(n_estimators=4, random_state=0, verbose=False).fit(PATIENTS, PROGRESS)


@RECIPE.model("ngboost.NGBRegressor", "ngboost.distns.LogNormal", "ngboost.scores.CRPScore")
def log_normal():
    return NGBRegressor(Dist=LogNormal, Score=CRPScore, n_estimators=4, verbose=False).fit(PATIENTS, PROGRESS)


@RECIPE.model("ngboost.NGBRegressor", "ngboost.distns.Exponential")
def exponential():
    return NGBRegressor(Dist=Exponential, n_estimators=4, verbose=False).fit(PATIENTS, PROGRESS)


@RECIPE.model("ngboost.NGBClassifier", predict=lambda model: model.predict(SAMPLE))
def classifier():
    return NGBClassifier(Dist=k_categorical(3), n_estimators=4, verbose=False).fit(ROWS, LABELS)


@RECIPE.model("ngboost.NGBClassifier", predict=lambda model: model.predict(SAMPLE))
def two_classes():
    return NGBClassifier(n_estimators=4, verbose=False).fit(ROWS, (LABELS > 1).astype(int))
