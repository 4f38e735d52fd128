"""FlagEmbedding: embedder and reranker over saved encoders, and the modules of its trainers."""

from __future__ import annotations

import torch
from FlagEmbedding import FlagModel, FlagReranker
from transformers import BertForSequenceClassification

from evaluation.recipes.small_transformers import bert, folder, tokenizer
from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, Way, torched


def copied(model, path):
    """Save the encoder that it wraps, weights in torch's format, with its tokenizer."""
    model.model.save_pretrained(path, safe_serialization=False)
    model.tokenizer.save_pretrained(path)


def opened(path):
    """Load an embedder from a folder."""
    return FlagModel(str(path), use_fp16=False, devices="cpu")


def ranker(path):
    """Load a reranker from a folder."""
    return FlagReranker(str(path), use_fp16=False, devices="cpu")


RECIPE = Recipe(
    lambda model: model.encode_single_device(TEXTS[:2], device="cpu")[:, :6],
    Way("folder", "", copied, opened, "*.bin"), torched(),
)  # fmt: skip


@RECIPE.model("FlagEmbedding.FlagModel")
def embedder():
    torch.manual_seed(0)
    return opened(folder())


@RECIPE.model(
    "FlagEmbedding.FlagReranker",
    predict=lambda model: model.compute_score_single_gpu([tuple(TEXTS[:2])], device="cpu"),
    ways=(Way("folder", "", copied, ranker, "*.bin"), torched()),
)
def reranker():
    path = folder()
    bert(BertForSequenceClassification, num_labels=1).save_pretrained(path, safe_serialization=False)
    tokenizer().save_pretrained(path)
    return ranker(path)
