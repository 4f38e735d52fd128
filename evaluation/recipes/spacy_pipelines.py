"""spaCy: blank pipelines, documents and vocabularies.

A user knows the language of a vocabulary, whose functions stand in its class, and what `nlp.pipeline` lists.
"""

from __future__ import annotations

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import DocBin

from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, pickled

ENGLISH = "spacy.lang.en.English"
RECIPE = Recipe(lambda nlp: [token.text for token in nlp(TEXTS[0])], pickled(4), pickled(5))


@RECIPE.model(ENGLISH)
def blank():
    return spacy.blank("en")


@RECIPE.model(
    ENGLISH, "spacy.pipeline.Sentencizer", predict=lambda nlp: [str(span) for span in nlp("a dog. a cat.").sents]
)
def sentences():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


@RECIPE.model(
    ENGLISH, "spacy.pipeline.EntityRuler", predict=lambda nlp: [str(span.label_) for span in nlp("the cat").ents]
)
def rules():
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ANIMAL", "pattern": "cat"}])
    return nlp


@RECIPE.model(ENGLISH, "spacy.pipeline.TextCategorizer", predict=lambda nlp: nlp("the cat sat").cats)
def categories():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    pipe.add_label("ANIMALS")
    pipe.add_label("MONEY")
    nlp.initialize()
    return nlp


@RECIPE.model("spacy.tokens.Doc", ENGLISH, predict=lambda doc: [token.text for token in doc])
def document():
    return spacy.blank("en")(TEXTS[0])


@RECIPE.model("spacy.vocab.Vocab", ENGLISH, predict=lambda vocab: sorted(lexeme.text for lexeme in vocab)[:5])
def vocabulary():
    nlp = spacy.blank("en")
    nlp(TEXTS[0])
    return nlp.vocab


@RECIPE.model("spacy.matcher.PhraseMatcher", ENGLISH, predict=len)
def matcher():
    nlp = spacy.blank("en")
    found = PhraseMatcher(nlp.vocab)
    found.add("ANIMAL", [nlp("cat")])
    return found


@RECIPE.model("spacy.tokens.DocBin", predict=len)
def documents():
    nlp = spacy.blank("en")
    return DocBin(docs=[nlp(text) for text in TEXTS[:2]])
