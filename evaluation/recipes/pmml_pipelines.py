"""sklearn2pmml: pipelines as they are saved for its converter."""

from __future__ import annotations

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier
from sklearn2pmml.decoration import CategoricalDomain, ContinuousDomain
from sklearn2pmml.ensemble import GBDTLRClassifier
from sklearn2pmml.pipeline import PMMLPipeline
from sklearn2pmml.preprocessing import ExpressionTransformer, PMMLLabelEncoder

from evaluation.recipes.tables import LABELS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

FRAME = pd.DataFrame(ROWS, columns=["a", "b", "c", "d"]).assign(kind=["x", "y", "z"] * 50)
RECIPE = Recipe(lambda made: made.predict(SAMPLE), pickled(4), joblibbed(0))


@RECIPE.model(
    "sklearn2pmml.pipeline.PMMLPipeline", "sklearn2pmml.decoration.ContinuousDomain",
    "sklearn.tree.DecisionTreeClassifier",
)  # fmt: skip
def tree():
    return PMMLPipeline([("domain", ContinuousDomain()), ("tree", DecisionTreeClassifier())]).fit(ROWS, LABELS)


@RECIPE.model(
    "sklearn2pmml.pipeline.PMMLPipeline", "sklearn.compose.ColumnTransformer",
    "sklearn2pmml.decoration.ContinuousDomain", "sklearn2pmml.decoration.CategoricalDomain",
    "sklearn.preprocessing.OneHotEncoder", "sklearn.linear_model.LogisticRegression",
    predict=lambda made: made.predict(FRAME[:7]),
)  # fmt: skip
def columns():
    kinds = PMMLPipeline([("domain", CategoricalDomain()), ("encode", OneHotEncoder())])
    mapped = ColumnTransformer([("numbers", ContinuousDomain(), ["a", "b"]), ("kinds", kinds, ["kind"])])
    return PMMLPipeline([("map", mapped), ("classify", LogisticRegression(max_iter=500))]).fit(FRAME, LABELS)


@RECIPE.model(
    "sklearn2pmml.pipeline.PMMLPipeline", "sklearn2pmml.preprocessing.ExpressionTransformer",
    "sklearn.linear_model.LinearRegression",
)  # fmt: skip
def expression():
    steps = [("ratio", ExpressionTransformer("X[0] / X[1]")), ("line", LinearRegression())]
    return PMMLPipeline(steps).fit(ROWS, ROWS[:, 3])


@RECIPE.model(
    "sklearn2pmml.ensemble.GBDTLRClassifier", "sklearn.ensemble.GradientBoostingClassifier",
    "sklearn.linear_model.LogisticRegression",
)  # fmt: skip
def boosted():
    trees = GradientBoostingClassifier(n_estimators=3, random_state=0)
    return GBDTLRClassifier(trees, LogisticRegression()).fit(ROWS, (LABELS > 0).astype(int))


@RECIPE.model("sklearn2pmml.preprocessing.PMMLLabelEncoder", predict=lambda made: made.transform(["x", "y"]))
def labels():
    return PMMLLabelEncoder().fit(FRAME["kind"])
