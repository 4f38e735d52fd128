"""sentence-transformers: embedders, cross encoders and their parts."""

from __future__ import annotations

from sentence_transformers import CrossEncoder, SentenceTransformer, models
from transformers import BertForSequenceClassification

from evaluation.recipes.small_transformers import bert, folder, tokenizer
from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, Way, pickled, torched

SAVED = Way(
    "save_pretrained", "", lambda model, path: model.save_pretrained(str(path), safe_serialization=False),
    lambda path: SentenceTransformer(str(path), device="cpu"), "*.bin",
)  # fmt: skip
RECIPE = Recipe(lambda model: model.encode(TEXTS[:2])[:, :6], SAVED, torched(), pickled(4))


@RECIPE.model("sentence_transformers.SentenceTransformer")
def pooled():
    encoder = models.Transformer(folder())
    return SentenceTransformer(modules=[encoder, models.Pooling(16)], device="cpu")


@RECIPE.model("sentence_transformers.SentenceTransformer")
def dense():
    parts = [models.Transformer(folder()), models.Pooling(16), models.Dense(16, 8), models.Normalize()]
    return SentenceTransformer(modules=parts, device="cpu")


@RECIPE.model(
    "sentence_transformers.CrossEncoder", predict=lambda model: model.predict([TEXTS[:2]]), ways=(torched(), pickled(4))
)
def cross():
    path = folder()
    bert(BertForSequenceClassification, num_labels=1).save_pretrained(path, safe_serialization=False)
    tokenizer().save_pretrained(path)
    return CrossEncoder(path, device="cpu")
