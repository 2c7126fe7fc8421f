"""Finds articles by their words: BM25 over passages, in memory, the same answer to the same question."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import bm25s
import numpy as np

from tools.knowledge_base.articles import Article, ArticleCategory, Audience
from tools.knowledge_base.chunks import Passage, passages
from tools.knowledge_base.words import LONGEST_QUERY, terms

BEST = 5
"""Articles of a result."""
_TITLE_WEIGHT = 3
"""Times a title counts in each of its article's passages."""
_ENOUGH = 0.3
"""Share of the question's weight (rare words weigh more) that one article found must hold; below, nothing was found.

On three public sets it loses 0 to 2 % of the answerable questions (17 % where articles are two sentences long) and
refuses 8 to 80 % of the off-topic ones. It cannot tell "on topic, but not covered": the model reads and judges.
"""
_NEAR = 0.25
"""Share of the best score below which an article is not worth reading."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found."""

    article: Article
    passages: tuple[str, ...]
    """The best one and its neighbours, in reading order."""
    score: float
    """BM25 of the best passage; comparable within one search only."""


class ArticleIndex:
    """All articles, twice: what customers may read is ranked by itself, so that nothing internal can touch it.

    Never changes after it was built; a reload builds a new one and swaps, which needs no lock.
    """

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        every = sorted(articles, key=lambda article: article.slug)
        self._internal = _Ranking(every)
        self._public = _Ranking([article for article in every if article.audience is Audience.PUBLIC])

    def search(self, query: str, category: ArticleCategory | None, *, internal: bool) -> tuple[Hit, ...]:
        """At most `BEST` articles, best first; empty when nothing fits well enough."""
        return (self._internal if internal else self._public).search(query, category)


class _Ranking:
    def __init__(self, articles: Sequence[Article]) -> None:
        self._passages: dict[str, tuple[Passage, ...]] = {a.slug: passages(a) for a in articles}
        rows = [(article, passage) for article in articles for passage in self._passages[article.slug]]
        self._rows = rows
        title = {a.slug: terms(a.title) for a in articles}
        texts = [title[a.slug] * _TITLE_WEIGHT + terms(p.text) for a, p in rows]
        self._holds = {a.slug: set(title[a.slug]) for a in articles}
        for (article, _), words in zip(rows, texts, strict=True):
            self._holds[article.slug].update(words)
        self._weights = _weights(self._holds.values())
        self._unknown = math.log(1 + len(articles) * 2)
        self._bm25 = bm25s.BM25(k1=1.2, b=0.75)
        if any(texts):
            self._bm25.index(texts, show_progress=False)

    def search(self, query: str, category: ArticleCategory | None) -> tuple[Hit, ...]:
        asked = list(dict.fromkeys(terms(query)))[:LONGEST_QUERY]
        known = [term for term in asked if term in self._weights]
        if not known:
            return ()
        allowed = np.array([category in (None, article.category) for article, _ in self._rows], dtype=np.float32)
        scores = self._bm25.get_scores(known, weight_mask=allowed)
        best: dict[str, Hit] = {}
        top = float(scores.max())
        for row in np.argsort(-scores, kind="stable"):
            score = float(scores[row])
            if score <= 0 or len(best) == BEST or score < _NEAR * top:
                break
            article, passage = self._rows[row]
            if article.slug not in best:
                best[article.slug] = Hit(article, self._around(passage), score)
        return tuple(best.values()) if max(map(self._share(asked), best), default=0.0) >= _ENOUGH else ()

    def _share(self, asked: list[str]) -> Callable[[str], float]:
        """How much of the question's weight an article holds, 0 to 1."""
        weight = {term: self._weights.get(term, self._unknown) for term in asked}
        total = sum(weight.values())
        return lambda slug: sum(w for term, w in weight.items() if term in self._holds[slug]) / total

    def _around(self, passage: Passage) -> tuple[str, ...]:
        near = self._passages[passage.slug][max(0, passage.position - 1) : passage.position + 2]
        return tuple(p.text for p in near)


def _weights(holders: Iterable[set[str]]) -> dict[str, float]:
    """Inverse document frequency of every term."""
    documents = list(holders)
    counts: dict[str, int] = {}
    for words in documents:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return {word: math.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) for word, n in counts.items()}
