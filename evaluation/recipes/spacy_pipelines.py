"""spaCy: blank pipelines, documents and vocabularies."""

from __future__ import annotations

import spacy
from spacy.matcher import PhraseMatcher
from spacy.tokens import DocBin

from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, pickled

RECIPE = Recipe(lambda nlp: [token.text for token in nlp(TEXTS[0])], pickled(4), pickled(5))


@RECIPE.model("spacy.lang.en.English")
def blank():
    return spacy.blank("en")


@RECIPE.model("spacy.lang.en.English", predict=lambda nlp: [str(span) for span in nlp("a dog. a cat.").sents])
def sentences():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


@RECIPE.model("spacy.lang.en.English", predict=lambda nlp: [str(span.label_) for span in nlp("the cat").ents])
def rules():
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ANIMAL", "pattern": "cat"}])
    return nlp


@RECIPE.model("spacy.lang.en.English", predict=lambda nlp: nlp("the cat sat").cats)
def categories():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    pipe.add_label("ANIMALS")
    pipe.add_label("MONEY")
    nlp.initialize()
    return nlp


@RECIPE.model("spacy.tokens.Doc", predict=lambda doc: [token.text for token in doc])
def document():
    return spacy.blank("en")(TEXTS[0])


@RECIPE.model("spacy.vocab.Vocab", predict=lambda vocab: sorted(lexeme.text for lexeme in vocab)[:5])
def vocabulary():
    nlp = spacy.blank("en")
    nlp(TEXTS[0])
    return nlp.vocab


@RECIPE.model("spacy.matcher.PhraseMatcher", predict=len)
def matcher():
    nlp = spacy.blank("en")
    found = PhraseMatcher(nlp.vocab)
    found.add("ANIMAL", [nlp("cat")])
    return found


@RECIPE.model("spacy.tokens.DocBin", predict=len)
def documents():
    nlp = spacy.blank("en")
    return DocBin(docs=[nlp(text) for text in TEXTS[:2]])
