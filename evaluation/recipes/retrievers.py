"""LangChain: documents in a store, as an index keeps them, and retrievers."""

from __future__ import annotations

from langchain_community.docstore.in_memory import InMemoryDocstore
from langchain_community.retrievers import BM25Retriever, TFIDFRetriever
from langchain_core.documents import Document

from evaluation.recipes.tables import TEXTS
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda made: [found.page_content for found in made.invoke("the dog")], pickled(4), joblibbed(0))


@RECIPE.model("langchain_community.docstore.in_memory.InMemoryDocstore",
              predict=lambda made: made[0].search("1").page_content)  # fmt: skip
def index():
    stored = {str(at): Document(page_content=text, metadata={"line": at}) for at, text in enumerate(TEXTS)}
    return InMemoryDocstore(stored), dict(enumerate(stored))


@RECIPE.model("langchain_core.documents.Document", predict=lambda made: [found.page_content for found in made])
def documents():
    return [Document(page_content=text, metadata={"source": "here"}) for text in TEXTS]


@RECIPE.model("langchain_community.retrievers.BM25Retriever")
def words():
    return BM25Retriever.from_texts(TEXTS)


@RECIPE.model("langchain_community.retrievers.TFIDFRetriever")
def weighed_words():
    return TFIDFRetriever.from_texts(TEXTS)
