"""NLTK: classifiers, taggers, language models and sentence splitters trained on a few sentences."""

from __future__ import annotations

from nltk.classify import NaiveBayesClassifier
from nltk.lm import Laplace
from nltk.lm.preprocessing import padded_everygram_pipeline
from nltk.probability import ConditionalFreqDist, FreqDist
from nltk.tag import BigramTagger, DefaultTagger, PerceptronTagger, UnigramTagger
from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTrainer

from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, pickled

TAGGED = [[(word, "NOUN" if len(word) > 3 else "OTHER") for word in text.split()] for text in TEXTS]
RECIPE = Recipe(lambda tagger: tagger.tag("the cat sleeps".split()), pickled(4), pickled(2))


def features(text):
    """The words of a text as features."""
    return dict.fromkeys(text.split(), True)


@RECIPE.model("nltk.tag.UnigramTagger")
def unigrams():
    return UnigramTagger(TAGGED, backoff=DefaultTagger("OTHER"))


@RECIPE.model("nltk.tag.BigramTagger")
def bigrams():
    return BigramTagger(TAGGED, backoff=UnigramTagger(TAGGED))


@RECIPE.model("nltk.tag.PerceptronTagger")
def perceptron():
    tagger = PerceptronTagger(load=False)
    tagger.train(TAGGED, nr_iter=1)
    return tagger


@RECIPE.model(
    "nltk.classify.NaiveBayesClassifier", predict=lambda model: [model.classify(features(text)) for text in TEXTS[:8]]
)
def naive_bayes():
    return NaiveBayesClassifier.train([(features(text), at % 8 // 4) for at, text in enumerate(TEXTS)])


@RECIPE.model("nltk.lm.Laplace", predict=lambda model: [model.score("cat", ["the"]), model.score("dog", ["the"])])
def language_model():
    model = Laplace(2)
    model.fit(*padded_everygram_pipeline(2, [text.split() for text in TEXTS]))
    return model


@RECIPE.model("nltk.tokenize.punkt.PunktSentenceTokenizer", predict=lambda model: model.tokenize("One. Two. Three."))
def sentences():
    trainer = PunktTrainer()
    trainer.train(". ".join(TEXTS))
    return PunktSentenceTokenizer(trainer.get_params())


@RECIPE.model("nltk.probability.ConditionalFreqDist", predict=lambda counts: counts["NOUN"].most_common(3))
def frequencies():
    return ConditionalFreqDist((tag, word) for text in TAGGED for word, tag in text)


@RECIPE.model("nltk.probability.FreqDist", predict=lambda counts: counts.most_common(3))
def frequency():
    return FreqDist(word for text in TEXTS for word in text.split())
