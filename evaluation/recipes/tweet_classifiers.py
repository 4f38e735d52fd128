"""tweetnlp: a classifier over a saved model."""

from __future__ import annotations

import tempfile

import tweetnlp
from transformers import BertForSequenceClassification

from evaluation.recipes.small_transformers import bert, tokenizer
from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, Way


def folder():
    """A classifier with two labels, weights in torch's format."""
    path = tempfile.mkdtemp(dir=".")
    labels = {0: "no", 1: "yes"}
    numbers = {label: at for at, label in labels.items()}
    model = bert(BertForSequenceClassification, num_labels=2, id2label=labels, label2id=numbers)
    model.save_pretrained(path, safe_serialization=False)
    tokenizer().save_pretrained(path)
    return path


def opened(path):
    """Load a classifier from a folder."""
    return tweetnlp.Classifier(str(path), max_length=16)


def copied(classifier, path):
    """Save the model that it wraps."""
    classifier.model.save_pretrained(path, safe_serialization=False)
    classifier.tokenizer.save_pretrained(path)


RECIPE = Recipe(
    lambda classifier: classifier.predict(TEXTS[0], return_probability=True)["probability"],
    Way("folder", "", copied, opened, "*.bin"),
)  # fmt: skip


@RECIPE.model("tweetnlp.Classifier")
def irony():
    return opened(folder())
