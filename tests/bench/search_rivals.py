"""Rankings of the same articles by other means, each fed as its users usually do, and by the parts of ours."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence

import bm25s
import numpy as np
import Stemmer

from tests.bench.search_sets import Ranker
from tools.knowledge_base import fusion
from tools.knowledge_base.articles import Article
from tools.knowledge_base.cutting import cut
from tools.knowledge_base.dense import DenseIndex, Stored, stacked
from tools.knowledge_base.embedder import Embedder, Vectors
from tools.knowledge_base.index import ArticleIndex
from tools.knowledge_base.ranking import Ranking

_MOST = 10
Rival = Callable[[Sequence[Article], Stored, "Embed"], Ranker]


class Embed:
    """An embedder that remembers the questions it has seen, which every ranking asks again."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}
        self.name, self.dimensions = embedder.name, embedder.dimensions
        self.languages, self.bounds = embedder.languages, embedder.bounds

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._embedder.embed(texts)

    def embed_query(self, text: str) -> Vectors:
        if text not in self._known:
            self._known[text] = self._embedder.embed_query(text)
        return self._known[text]


def fts5(articles: Sequence[Article], vectors: Stored, embed: Embed) -> Ranker:
    """SQLite's full-text search with stemming, any of the question's words: plain BM25 over whole articles."""
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table t using fts5(slug unindexed, title, body, tokenize = 'porter')")
    database.executemany("insert into t values (?, ?, ?)", [(a.slug, a.title, a.body) for a in articles])

    def rank(query: str) -> Sequence[str]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        rows = database.execute("select slug from t where t match ? order by rank limit ?", (words or '""', _MOST))
        return [slug for (slug,) in rows]

    return rank


def bm25s_articles(articles: Sequence[Article], vectors: Stored, embed: Embed) -> Ranker:
    """bm25s over whole articles, stems and stop words its own."""
    stemmer = Stemmer.Stemmer("english")
    texts = [f"{article.title}\n{article.body}" for article in articles]
    index = bm25s.BM25(k1=1.2, b=0.75)
    index.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)

    def rank(query: str) -> Sequence[str]:
        words = bm25s.tokenize([query], stopwords="en", stemmer=stemmer, show_progress=False, return_ids=False)[0]
        known = [word for word in words if word in index.vocab_dict]
        if not known:
            return []
        scores = index.get_scores(known)
        return [articles[place].slug for place in fusion.best(scores, _MOST)]

    return rank


def words_alone(articles: Sequence[Article], vectors: Stored, embed: Embed) -> Ranker:
    """Our index without an embedder."""
    return _of(ArticleIndex.build(articles))


def vectors_alone(articles: Sequence[Article], vectors: Stored, embed: Embed) -> Ranker:
    """The nearest passages."""
    parts = [cut(article).digests or (cut(article).title_digest,) for article in articles]
    starts = np.cumsum([0, *map(len, parts[:-1])])
    digests = [digest for digests in parts for digest in digests]
    dense = DenseIndex.of(stacked(vectors, digests, embed.dimensions), 0)

    def rank(query: str) -> Sequence[str]:
        scores = fusion.best_of_each(dense.cosines(embed.embed_query(query))[0], starts)
        return [articles[place].slug for place in fusion.best(scores, _MOST)]

    return rank


def both(articles: Sequence[Article], vectors: Stored, embed: Embed) -> Ranker:
    """Our index."""
    return _of(ArticleIndex.build(articles, vectors, embed))


def _of(index: ArticleIndex) -> Ranker:
    ranking = index.everything
    assert isinstance(ranking, Ranking)

    def rank(query: str) -> Sequence[str]:
        order = fusion.best(ranking.scored(query, None).articles, _MOST)
        return [ranking.layout.articles[place].slug for place in order]

    return rank


RIVALS: Mapping[str, Rival] = {
    "SQLite FTS5, any word (plain BM25)": fts5,
    "bm25s": bm25s_articles,
    "words alone": words_alone,
    "vectors alone": vectors_alone,
    "hybrid": both,
}
