"""sklearn-crfsuite: conditional random fields."""

from __future__ import annotations

import sklearn_crfsuite

from evaluation.specimens import Recipe, joblibbed, pickled

WORDS = [[{"word": "anna", "caps": True}, {"word": "runs", "caps": False}]] * 4
TAGS = [["NAME", "VERB"]] * 4
RECIPE = Recipe(lambda model: model.predict(WORDS[:1]), pickled(4), pickled(2), joblibbed(0))


@RECIPE.model("sklearn_crfsuite.CRF")
def tagger():
    return sklearn_crfsuite.CRF(max_iterations=5).fit(WORDS, TAGS)


@RECIPE.model("sklearn_crfsuite.CRF")
def verbose_tagger():
    return sklearn_crfsuite.CRF("l2sgd", max_iterations=5, all_possible_transitions=True).fit(WORDS, TAGS, WORDS, TAGS)
