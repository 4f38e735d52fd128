"""pysentimiento: an analyser over a saved classifier."""

from __future__ import annotations

import tempfile

from pysentimiento.analyzer import AnalyzerForSequenceClassification
from transformers import BertForSequenceClassification

from evaluation.recipes.small_transformers import bert, tokenizer
from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, Way, torched


def folder():
    """A classifier with three labels, weights in torch's format."""
    path = tempfile.mkdtemp(dir=".")
    labels = {0: "NEG", 1: "NEU", 2: "POS"}
    bert(BertForSequenceClassification, num_labels=3, id2label=labels).save_pretrained(path, safe_serialization=False)
    tokenizer().save_pretrained(path)
    return path


def opened(path):
    """Load an analyser from a folder."""
    return AnalyzerForSequenceClassification.from_model_name(str(path), "sentiment")


def copied(analyser, path):
    """Save the classifier that it wraps."""
    analyser.model.save_pretrained(path, safe_serialization=False)
    analyser.tokenizer.save_pretrained(path)


RECIPE = Recipe(
    lambda analyser: analyser.predict(TEXTS[0]).probas, Way("folder", "", copied, opened, "*.bin"), torched()
)


@RECIPE.model("pysentimiento.analyzer.AnalyzerForSequenceClassification")
def sentiment():
    return opened(folder())
