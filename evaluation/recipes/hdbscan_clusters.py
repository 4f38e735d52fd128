"""hdbscan: clusterings, with and without what predicts for new rows."""

from __future__ import annotations

import hdbscan

from evaluation.recipes.tables import ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.labels_[::15], pickled(4), pickled(2), joblibbed(3))


@RECIPE.model("hdbscan.HDBSCAN")
def clusters():
    return hdbscan.HDBSCAN(min_cluster_size=10).fit(ROWS)


@RECIPE.model("hdbscan.HDBSCAN", predict=lambda model: hdbscan.approximate_predict(model, SAMPLE)[0])
def predicting():
    return hdbscan.HDBSCAN(min_cluster_size=10, prediction_data=True).fit(ROWS)
