"""hmmlearn: hidden Markov models."""

from __future__ import annotations

import numpy as np
from hmmlearn.hmm import GMMHMM, CategoricalHMM, GaussianHMM

from evaluation.recipes.tables import ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), pickled(2), joblibbed(0))


@RECIPE.model("hmmlearn.hmm.GaussianHMM")
def gaussian():
    return GaussianHMM(2, n_iter=5, random_state=0).fit(ROWS)


@RECIPE.model("hmmlearn.hmm.GMMHMM")
def mixtures():
    return GMMHMM(2, 2, n_iter=3, random_state=np.random.RandomState(0)).fit(ROWS)


@RECIPE.model("hmmlearn.hmm.CategoricalHMM", predict=lambda model: model.predict([[0], [1], [1]]))
def categories():
    return CategoricalHMM(2, n_iter=3, random_state=0).fit([[0], [1], [0], [1], [1], [0]])
