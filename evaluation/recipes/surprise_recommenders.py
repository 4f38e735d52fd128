"""Surprise: recommenders; saved by its own dump and by pickle."""

from __future__ import annotations

import pandas as pd
from surprise import NMF, SVD, Dataset, KNNBasic, Reader, SlopeOne, dump

from evaluation.specimens import Recipe, Way, pickled

OWN = Way("dump", ".dump", lambda model, path: dump.dump(str(path), algo=model), lambda path: dump.load(str(path))[1])
RATINGS = pd.DataFrame({
    "user": ["u1", "u1", "u2", "u2", "u3", "u3"] * 2, "item": ["a", "b", "a", "c", "b", "c"] * 2,
    "rating": [1, 2, 3, 4, 5, 3] * 2,
})  # fmt: skip
RECIPE = Recipe(lambda model: model.predict("u1", "c").est, OWN, pickled(4), pickled(2))


def trained(model):
    """Fit on the ratings."""
    return model.fit(Dataset.load_from_df(RATINGS, Reader()).build_full_trainset())


@RECIPE.model("surprise.SVD")
def svd():
    return trained(SVD(n_factors=3, random_state=0))


@RECIPE.model("surprise.NMF")
def nmf():
    return trained(NMF(n_factors=3, random_state=0))


@RECIPE.model("surprise.KNNBasic")
def neighbours():
    return trained(KNNBasic(verbose=False))


@RECIPE.model("surprise.SlopeOne")
def slope_one():
    return trained(SlopeOne())
