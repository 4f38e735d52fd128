"""SetFit: an embedder with a head of scikit-learn or torch."""

from __future__ import annotations

from sentence_transformers import SentenceTransformer, models
from setfit import SetFitHead, SetFitModel
from sklearn.linear_model import LogisticRegression

from evaluation.recipes.small_transformers import folder
from evaluation.recipes.tables import TEXTS, TOPICS
from evaluation.specimens import Recipe, Way, pickled, torched

SAVED = Way(
    "save_pretrained", "", lambda model, path: model.save_pretrained(path),
    lambda path: SetFitModel.from_pretrained(str(path), device="cpu"), "*.pkl",
)  # fmt: skip
RECIPE = Recipe(lambda model: model.predict(TEXTS[:4]), SAVED, pickled(4), torched())


def body():
    """A small embedder."""
    return SentenceTransformer(modules=[models.Transformer(folder()), models.Pooling(16)], device="cpu")


@RECIPE.model("setfit.SetFitModel", "sklearn.linear_model.LogisticRegression")
def logistic():
    embedder = body()
    head = LogisticRegression().fit(embedder.encode(TEXTS), TOPICS)
    return SetFitModel(model_body=embedder, model_head=head, labels=["animals", "money"])


@RECIPE.model("setfit.SetFitModel", ways=(torched(),))
def differentiable():
    return SetFitModel(model_body=body(), model_head=SetFitHead(in_features=16, out_features=2, device="cpu"))
