"""Ranks the articles of one audience: three lists fused, the band, the passages worth reading of the best five."""

import logging
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base import fusion
from tools.knowledge_base.articles import Article, ArticleCategory
from tools.knowledge_base.band import Band, Thresholds, by_words
from tools.knowledge_base.dense import DenseIndex
from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError, Vectors, vector_of
from tools.knowledge_base.lexical import Asked, LexicalIndex, Terms
from tools.knowledge_base.packed import Packed
from tools.knowledge_base.words import DEFAULT

logger = logging.getLogger(__name__)

BEST = 5
"""Articles of a result."""
_WORDS, _MEANING, _TITLE = 0.50, 0.35, 0.15
"""Weights of the three lists; measured on public question sets, none of which they were tuned on alone."""
_NEAR = 0.25
"""Share of the best score by words below which an article is not worth reading, where words alone decide."""
_NAMED = 0.8
"""Share of the question's weight in one title from which on the question names the article."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found."""

    article: Article
    """Without its body."""
    passages: tuple[str, ...]
    """The best one and its neighbours, in reading order."""
    best: int
    """Which of them is the best one."""
    score: float
    """Comparable within one search only."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question."""

    band: Band
    hits: tuple[Hit, ...]
    """At most `BEST` or what was asked for, best first; none in band `none`."""


NOTHING = Found(Band.NONE, ())


@dataclass(frozen=True)
class Layout:
    """Articles and their passages, at least one each, in the order of the rows."""

    articles: tuple[Article, ...]
    passages: Packed
    """By row; those of further articles may follow."""
    sizes: Ints
    """How many passages each article has."""

    @cached_property
    def starts(self) -> Ints:
        """The first row of each article."""
        made: Ints = np.cumsum(self.sizes) - self.sizes
        return made

    @cached_property
    def article_of(self) -> NDArray[np.int32]:
        """Whose each row is."""
        return np.repeat(np.arange(len(self.articles), dtype=np.int32), self.sizes)

    def first(self, count: int) -> "Layout":
        """The first articles alone; shares the memory of the passages."""
        return Layout(self.articles[:count], self.passages, self.sizes[:count])


@dataclass(frozen=True, slots=True)
class Meaning:
    """Vectors, who makes them, and where the bands begin."""

    embedder: Embedder
    dense: DenseIndex
    thresholds: Thresholds

    def vector(self, query: str) -> Vectors | None:
        """None while the embedder does not answer: then the words decide."""
        try:
            return vector_of(self.embedder, query)
        except EmbedderUnavailableError as error:
            fields = {"embedder": self.embedder.name, "error": str(error)}
            logger.warning("knowledge.embedder_unavailable", extra={"fields": fields})
            return None

    def knows(self, article: Article) -> bool:
        """Whether a cosine says something certain about an article in this language."""
        return not self.embedder.languages or (article.language or DEFAULT) in self.embedder.languages


class Ranking:
    """The first articles of a layout, ranked as if there were no others."""

    def __init__(self, layout: Layout, terms: Terms, meaning: Meaning | None) -> None:
        self.layout = layout
        self._meaning = meaning
        self._lexical = LexicalIndex(terms, len(layout.article_of))
        self._categories = np.array([article.category for article in layout.articles])

    def first(self, articles: int, terms: Terms) -> "Ranking":
        """The same for fewer articles, with word statistics of their own."""
        layout, meaning = self.layout.first(articles), self._meaning
        if meaning is not None:
            meaning = replace(meaning, dense=meaning.dense.first(len(layout.article_of), articles))
        return Ranking(layout, terms, meaning)

    @property
    def thresholds(self) -> Thresholds | None:
        """Where the bands begin; None where words alone decide."""
        return self._meaning.thresholds if self._meaning else None

    def search(self, query: str, category: ArticleCategory | None, most: int = BEST) -> Found:
        """The best articles of the category, or of all; the band is that of the first five, however many are given."""
        scored = self.scored(query, category)
        order = fusion.best(scored.articles, most)
        if scored.cosine is None:
            order = order[scored.articles[order] >= _NEAR * scored.articles.max(initial=0.0)]
        band = self._band(query, scored, order[:BEST]) if len(order) else Band.NONE
        return NOTHING if band is Band.NONE else Found(band, self._hits(order, scored))

    def scored(self, query: str, category: ArticleCategory | None) -> "Scored":
        """Every article's score: 0 for those that do not count."""
        allowed = (self._categories == category) if category else np.ones(len(self._categories), bool)
        asked = self._lexical.ask(query)
        words = self._lexical.scores(asked)
        of_words = self._of_articles(words, allowed)
        vector = self._meaning.vector(query) if self._meaning else None
        if self._meaning is None or vector is None:
            return Scored(asked, of_words, words, None)
        near, titles = self._meaning.dense.cosines(vector)
        of_near = self._of_articles(near, allowed)
        articles = fusion.fused([(_WORDS, of_words), (_MEANING, of_near), (_TITLE, titles * allowed)])
        return Scored(asked, articles, _WORDS * _shares(words) + _MEANING * _shares(near), float(of_near.max()))

    def _band(self, query: str, scored: "Scored", order: Ints) -> Band:
        """A question that names an article, or a code in one, is never off the subject."""
        band = self._measured(scored, order)
        if band is not Band.NONE:
            return band
        return Band.WEAK if self._lexical.holds_code(query) or self._is_named(scored.asked, order) else Band.NONE

    def _measured(self, scored: "Scored", order: Ints) -> Band:
        """By the cosine, and by the words where it says nothing."""
        first = self.layout.articles[order[0]]
        if self._meaning is None or scored.cosine is None or not self._meaning.knows(first):
            return by_words(self._share(scored.asked, order))
        band = self._meaning.thresholds.band(scored.cosine)
        if band is not Band.NONE or self._have_vectors(self._meaning.dense, order):
            return band
        return by_words(self._share(scored.asked, order))

    def _have_vectors(self, dense: DenseIndex, order: Ints) -> bool:
        """False while what was found is still to be embedded: then a cosine says nothing about it."""
        starts, sizes = self.layout.starts[order], self.layout.sizes[order]
        return all(dense.holds(int(start), int(start + size)) for start, size in zip(starts, sizes, strict=True))

    def _share(self, asked: Asked, order: Ints) -> float:
        return float(self._lexical.shares(asked, order, self.layout.article_of).max(initial=0.0))

    def _is_named(self, asked: Asked, order: Ints) -> bool:
        titles = (self.layout.articles[place] for place in order)
        return any(self._lexical.share_of_title(asked, a.title, a.language) >= _NAMED for a in titles)

    def _of_articles(self, rows: Floats, allowed: NDArray[np.bool_]) -> Floats:
        made: Floats = fusion.best_of_each(rows, self.layout.starts) * allowed
        return made

    def _hits(self, order: Ints, scored: "Scored") -> tuple[Hit, ...]:
        return tuple(
            Hit(self.layout.articles[place], *self._around(place, scored.rows), float(scored.articles[place]))
            for place in order
        )

    def _around(self, place: int, rows: Floats) -> tuple[tuple[str, ...], int]:
        """The best passage among its neighbours, and which it is."""
        start = int(self.layout.starts[place])
        end = start + int(self.layout.sizes[place])
        best = start + int(rows[start:end].argmax())
        shown = range(max(start, best - 1), min(end, best + 2))
        return self.layout.passages.some(shown), shown.index(best)


@dataclass(frozen=True, slots=True)
class Scored:
    """A question's scores."""

    asked: Asked
    articles: Floats
    rows: Floats
    """By which the best passage of an article is chosen."""
    cosine: float | None
    """Of the nearest passage; None where the words decided."""


def _shares(rows: Floats) -> Floats:
    """Of the best row, so that lists of different kinds can be added."""
    top = rows.max(initial=0.0)
    return rows / top if top > 0 else rows
