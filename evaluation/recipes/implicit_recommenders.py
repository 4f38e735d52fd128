"""implicit: recommenders by factors and by neighbours."""

from __future__ import annotations

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.lmf import LogisticMatrixFactorization
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy.sparse import csr_matrix

from evaluation.specimens import Recipe, joblibbed, pickled

SEEN = csr_matrix(np.random.RandomState(0).poisson(0.5, (20, 15)).astype(np.float32))
RECIPE = Recipe(lambda model: model.recommend(2, SEEN[2], N=3)[0], pickled(4), joblibbed(0))


def fitted(model):
    """The model after a little training."""
    model.fit(SEEN, show_progress=False)
    return model


@RECIPE.model("implicit.cpu.als.AlternatingLeastSquares")
def least_squares():
    return fitted(AlternatingLeastSquares(4, iterations=2, random_state=0, use_gpu=False))


@RECIPE.model("implicit.cpu.bpr.BayesianPersonalizedRanking")
def ranking():
    return fitted(BayesianPersonalizedRanking(4, iterations=2, random_state=0, use_gpu=False))


@RECIPE.model("implicit.cpu.lmf.LogisticMatrixFactorization")
def logistic():
    return fitted(LogisticMatrixFactorization(4, iterations=2, random_state=0))


@RECIPE.model("implicit.nearest_neighbours.CosineRecommender")
def cosine():
    return fitted(CosineRecommender(3))


@RECIPE.model("implicit.nearest_neighbours.BM25Recommender")
def okapi():
    return fitted(BM25Recommender(3))
