"""UMAP: embeddings into the plane."""

from __future__ import annotations

import umap

from evaluation.recipes.tables import LABELS, ROWS
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.embedding_[:5], pickled(4), joblibbed(3))
COMPILED = "functions that numba compiled, by value"
SMALL = {"n_neighbors": 5, "n_epochs": 5, "random_state": 0, "n_jobs": 1}


@RECIPE.model("umap.UMAP", code=COMPILED)
def plane():
    return umap.UMAP(**SMALL).fit(ROWS)


@RECIPE.model("umap.UMAP", code=COMPILED)
def supervised():
    return umap.UMAP(**SMALL).fit(ROWS, LABELS)
