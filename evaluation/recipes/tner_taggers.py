"""tner: a tagger over a saved model."""

from __future__ import annotations

import tempfile

from tner import TransformersNER
from transformers import BertForTokenClassification

from evaluation.recipes.small_transformers import bert, tokenizer
from evaluation.specimens import Recipe, Way, torched


def folder():
    """A tagger with three tags, weights in torch's format."""
    path = tempfile.mkdtemp(dir=".")
    tags = {0: "O", 1: "B-animal", 2: "I-animal"}
    numbers = {tag: at for at, tag in tags.items()}
    made = bert(BertForTokenClassification, num_labels=3, id2label=tags, label2id=numbers)
    made.save_pretrained(path, safe_serialization=False)
    words = tokenizer()
    words.add_tokens(["get", "sent1", "sent2"])  # by which the library finds out how the tokenizer marks words
    words.save_pretrained(path)
    return path


def opened(path):
    """Load a tagger from a folder."""
    return TransformersNER(str(path), max_length=16)


def copied(tagger, path):
    """Save the model that it wraps."""
    tagger.model.save_pretrained(path, safe_serialization=False)
    tagger.tokenizer.tokenizer.save_pretrained(path)


RECIPE = Recipe(
    lambda tagger: tagger.predict([["the", "cat", "sat"]])["prediction"], Way("folder", "", copied, opened, "*.bin"),
    torched(),
)  # fmt: skip


@RECIPE.model("tner.TransformersNER")
def tagger():
    return opened(folder())
