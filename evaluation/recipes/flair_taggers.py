"""flair: taggers, classifiers and language models on embeddings that need no download."""

from __future__ import annotations

import flair
import torch
from flair.data import Dictionary, Sentence
from flair.embeddings import DocumentPoolEmbeddings, DocumentRNNEmbeddings, OneHotEmbeddings
from flair.models import LanguageModel, SequenceTagger, TextClassifier, TextRegressor

from evaluation.specimens import Recipe, Way, torched

flair.device = torch.device("cpu")
TEXT = "the cat sat on the mat"


def own(cls: type) -> Way:
    """Save and load with flair's own methods."""
    return Way("save", ".pt", lambda model, path: model.save(path), cls.load)


def tagged(model):
    """Predict and print what was found."""
    sentence = Sentence(TEXT)
    model.predict(sentence)
    return [(label.value, round(label.score, 4)) for label in sentence.get_labels()]


def dictionary(*items: str, unknown: bool = False) -> Dictionary:
    """A dictionary of these items."""
    made = Dictionary(add_unk=unknown)
    for item in items:
        made.add_item(item)
    return made


def words():
    """Embeddings by one-hot vectors."""
    flair.set_seed(0)
    return OneHotEmbeddings(dictionary(*TEXT.split(), unknown=True), field="text", embedding_length=8)


RECIPE = Recipe(tagged, torched(), torched(zipped=False))


@RECIPE.model("flair.models.SequenceTagger", ways=(own(SequenceTagger), torched()))
def tagger():
    tags = dictionary("NOUN", "VERB", "OTHER")
    return SequenceTagger(words(), tag_dictionary=tags, tag_type="pos", hidden_size=8).eval()


@RECIPE.model("flair.models.SequenceTagger", ways=(own(SequenceTagger),))
def tagger_without_crf():
    tags = dictionary("S-PER", "O")
    return SequenceTagger(words(), tag_dictionary=tags, tag_type="ner", use_crf=False, use_rnn=False).eval()


@RECIPE.model("flair.models.TextClassifier", ways=(own(TextClassifier), torched()))
def classifier():
    labels = dictionary("animals", "money")
    embeddings = DocumentPoolEmbeddings([words()])
    return TextClassifier(embeddings, label_type="topic", label_dictionary=labels).eval()


@RECIPE.model("flair.models.TextClassifier", ways=(own(TextClassifier),))
def recurrent_classifier():
    labels = dictionary("animals", "money")
    embeddings = DocumentRNNEmbeddings([words()], hidden_size=8)
    return TextClassifier(embeddings, label_type="topic", label_dictionary=labels).eval()


@RECIPE.model("flair.models.TextRegressor", ways=(own(TextRegressor),))
def regressor():
    return TextRegressor(DocumentPoolEmbeddings([words()]), label_name="score").eval()


@RECIPE.model(
    "flair.models.LanguageModel",
    predict=lambda model: round(model.calculate_perplexity("the cat"), 3),
    ways=(Way("save", ".pt", lambda model, path: model.save(path), LanguageModel.load_language_model),),
)
def language_model():
    flair.set_seed(0)
    return LanguageModel(Dictionary.load_from_file(letters()), is_forward_lm=True, hidden_size=8, nlayers=1).eval()


def letters() -> str:
    """Save a dictionary of letters, as flair's own is."""
    dictionary(*"abcdefghijklmnopqrstuvwxyz \n", unknown=True).save("letters")
    return "letters"


@RECIPE.model("flair.data.Dictionary", predict=lambda made: made.get_items(), ways=(torched(),))
def tags():
    return dictionary("NOUN", "VERB")
