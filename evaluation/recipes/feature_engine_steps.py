"""Feature-engine: transformers of tables, alone and in a pipeline."""

from __future__ import annotations

import pandas as pd
from feature_engine.creation import CyclicalFeatures
from feature_engine.discretisation import DecisionTreeDiscretiser, EqualFrequencyDiscretiser
from feature_engine.encoding import OneHotEncoder, RareLabelEncoder
from feature_engine.imputation import MeanMedianImputer
from feature_engine.selection import DropCorrelatedFeatures
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from evaluation.recipes.tables import LABELS, ROWS
from evaluation.specimens import Recipe, joblibbed, pickled

FRAME = pd.DataFrame(ROWS, columns=["a", "b", "c", "d"]).assign(kind=["x", "y", "z"] * 50)
RECIPE = Recipe(lambda made: made.transform(FRAME[:7]), pickled(4), joblibbed(0))


@RECIPE.model("feature_engine.imputation.MeanMedianImputer")
def imputer():
    return MeanMedianImputer().fit(FRAME)


@RECIPE.model("feature_engine.encoding.RareLabelEncoder")
def rare_labels():
    return RareLabelEncoder(n_categories=2).fit(FRAME)


@RECIPE.model("feature_engine.discretisation.DecisionTreeDiscretiser")
def trees():
    return DecisionTreeDiscretiser(cv=2, regression=False, random_state=0).fit(FRAME, LABELS)


@RECIPE.model("feature_engine.creation.CyclicalFeatures")
def cyclical():
    return CyclicalFeatures(["a"]).fit(FRAME)


@RECIPE.model(
    "sklearn.pipeline.Pipeline", "feature_engine.encoding.OneHotEncoder",
    "feature_engine.discretisation.EqualFrequencyDiscretiser", "feature_engine.selection.DropCorrelatedFeatures",
    "sklearn.linear_model.LogisticRegression", predict=lambda made: made.predict(FRAME[:7]),
)  # fmt: skip
def pipeline():
    steps = [
        ("encode", OneHotEncoder()), ("bins", EqualFrequencyDiscretiser(variables=["a", "b"])),
        ("drop", DropCorrelatedFeatures()), ("classify", LogisticRegression(max_iter=500)),
    ]  # fmt: skip
    return Pipeline(steps).fit(FRAME, LABELS)
