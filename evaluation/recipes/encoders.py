"""category_encoders: encoders of tables with categories."""

from __future__ import annotations

import category_encoders
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from evaluation.recipes.tables import LABELS
from evaluation.specimens import Recipe, joblibbed, pickled

FRAME = pd.DataFrame({"colour": ["red", "blue", "green"] * 50, "shape": ["round", "flat"] * 75})
RECIPE = Recipe(lambda model: model.transform(FRAME[:6]), pickled(4), pickled(2), joblibbed(3))


@RECIPE.model("category_encoders.TargetEncoder")
def target():
    return category_encoders.TargetEncoder().fit(FRAME, LABELS)


@RECIPE.model("category_encoders.OrdinalEncoder")
def ordinal():
    return category_encoders.OrdinalEncoder().fit(FRAME)


@RECIPE.model("category_encoders.BinaryEncoder")
def binary():
    return category_encoders.BinaryEncoder().fit(FRAME)


@RECIPE.model("category_encoders.OneHotEncoder")
def one_hot():
    return category_encoders.OneHotEncoder().fit(FRAME)


@RECIPE.model("category_encoders.HashingEncoder")
def hashing():
    return category_encoders.HashingEncoder(n_components=4, max_process=1).fit(FRAME)


@RECIPE.model(
    "sklearn.pipeline.Pipeline", "category_encoders.CatBoostEncoder", "sklearn.linear_model.LogisticRegression",
    predict=lambda model: model.predict(FRAME[:6]),
)  # fmt: skip
def pipeline():
    steps = [("encode", category_encoders.CatBoostEncoder()), ("classify", LogisticRegression())]
    return Pipeline(steps).fit(FRAME, LABELS)
