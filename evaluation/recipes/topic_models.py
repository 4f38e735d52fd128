"""BERTopic: topics over embeddings, with umap and hdbscan and with parts of scikit-learn."""

from __future__ import annotations

import numpy as np
from bertopic import BERTopic
from hdbscan import HDBSCAN
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from umap import UMAP

from evaluation.recipes.tables import TEXTS, TOPICS
from evaluation.specimens import Recipe, Way

EMBEDDED = np.random.RandomState(0).rand(len(TEXTS), 8) + 3.0 * np.array(TOPICS)[:, None]
PICKLED = Way(
    "save, pickle", ".pkl",
    lambda model, path: model.save(str(path), serialization="pickle", save_embedding_model=False),
    lambda path: BERTopic.load(str(path)),
)  # fmt: skip
TORCHED = Way(
    "save, torch", "", lambda model, path: model.save(str(path), serialization="pytorch", save_ctfidf=True),
    lambda path: BERTopic.load(str(path)), "topic_embeddings.bin",  # it goes on without the others, whatever is in them
)  # fmt: skip
RECIPE = Recipe(lambda model: sorted(model.get_topics()), PICKLED)


@RECIPE.model("bertopic.BERTopic", "umap.UMAP", "hdbscan.HDBSCAN", code="functions that numba compiled, by value")
def default_parts():
    model = BERTopic(
        umap_model=UMAP(n_neighbors=3, n_components=2, n_epochs=5, random_state=0, init="random"),
        hdbscan_model=HDBSCAN(min_cluster_size=3, prediction_data=True), min_topic_size=3,
    )  # fmt: skip
    return model.fit(TEXTS, EMBEDDED)


@RECIPE.model("bertopic.BERTopic", "sklearn.decomposition.PCA", "sklearn.cluster.KMeans", ways=(PICKLED, TORCHED))
def own_parts():
    model = BERTopic(umap_model=PCA(2), hdbscan_model=KMeans(2, n_init=1, random_state=0), min_topic_size=3)
    return model.fit(TEXTS, EMBEDDED)
