"""gensim: word and document vectors, topics, phrases, similarity; saved by its own `save`."""

from __future__ import annotations

from gensim.corpora import Dictionary
from gensim.models import Doc2Vec, FastText, LdaModel, LsiModel, Phrases, TfidfModel, Word2Vec
from gensim.models.doc2vec import TaggedDocument
from gensim.similarities import MatrixSimilarity

from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, Way, pickled

WORDS = [text.split() for text in TEXTS]
SMALL = {"vector_size": 8, "min_count": 1, "workers": 1, "seed": 1, "epochs": 2}


def own(cls: type) -> Way:
    """Save and load with gensim's SaveLoad."""
    return Way("save", ".model", lambda model, path: model.save(str(path)), lambda path: cls.load(str(path)))


RECIPE = Recipe(lambda model: model.wv["cat"], pickled(4))


@RECIPE.model("gensim.models.Word2Vec", ways=(own(Word2Vec), pickled(4)))
def word_vectors():
    return Word2Vec(WORDS, **SMALL)


@RECIPE.model("gensim.models.FastText", ways=(own(FastText), pickled(4)))
def subword_vectors():
    return FastText(WORDS, bucket=100, **SMALL)


@RECIPE.model("gensim.models.Doc2Vec", predict=lambda model: model.dv[0], ways=(own(Doc2Vec), pickled(4)))
def document_vectors():
    return Doc2Vec([TaggedDocument(words, [at]) for at, words in enumerate(WORDS)], **SMALL)


@RECIPE.model(
    "gensim.models.KeyedVectors", predict=lambda model: model["cat"], ways=(own(type(Word2Vec().wv)), pickled(2))
)
def keyed_vectors():
    return Word2Vec(WORDS, **SMALL).wv


@RECIPE.model("gensim.models.LdaModel", predict=lambda model: model.get_topics()[0][:3], ways=(own(LdaModel),))
def topics():
    words = Dictionary(WORDS)
    return LdaModel([words.doc2bow(text) for text in WORDS], id2word=words, num_topics=2, random_state=0)


@RECIPE.model("gensim.models.LsiModel", predict=lambda model: model.num_topics, ways=(own(LsiModel),))
def latent_topics():
    words = Dictionary(WORDS)
    return LsiModel([words.doc2bow(text) for text in WORDS], id2word=words, num_topics=2, random_seed=0)


@RECIPE.model("gensim.models.TfidfModel", predict=lambda model: model[[(0, 1), (1, 2)]], ways=(own(TfidfModel),))
def tf_idf():
    words = Dictionary(WORDS)
    return TfidfModel([words.doc2bow(text) for text in WORDS], id2word=words)


@RECIPE.model("gensim.models.Phrases", predict=lambda model: model[WORDS[0]], ways=(own(Phrases),))
def phrases():
    return Phrases(WORDS, min_count=1, threshold=1)


@RECIPE.model("gensim.corpora.Dictionary", predict=lambda words: sorted(words.token2id)[:5], ways=(own(Dictionary),))
def dictionary():
    return Dictionary(WORDS)


@RECIPE.model(
    "gensim.similarities.MatrixSimilarity", predict=lambda index: index[[(0, 1.0)]][:4], ways=(own(MatrixSimilarity),)
)
def similarity():
    words = Dictionary(WORDS)
    return MatrixSimilarity([words.doc2bow(text) for text in WORDS], num_features=len(words))
