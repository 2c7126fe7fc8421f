"""Finds articles: by their words and by their meaning, in memory, the same answer to the same question.

Three rankings are made and fused: passages by words, passages by meaning, titles by meaning. Without an embedder the
words alone decide. The articles lie in one order, public ones first, so that what customers may read is a beginning of
everything: it has its own word statistics, and shares the memory of the vectors.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tools.knowledge_base.articles import Article, ArticleCategory, Audience
from tools.knowledge_base.band import Thresholds, calibrate
from tools.knowledge_base.chunks import Passage
from tools.knowledge_base.cutting import Cut, cut
from tools.knowledge_base.dense import DenseIndex, Stored, stacked
from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError, text_digest
from tools.knowledge_base.lexical import Text, terms_of
from tools.knowledge_base.packed import Packed
from tools.knowledge_base.ranking import BEST, NOTHING, Found, Layout, Meaning, Ranking

logger = logging.getLogger(__name__)


class ArticleIndex:
    """Never changes after it was built; a reload builds a new one and swaps, which needs no lock. Threads share it."""

    def __init__(self, everything: Ranking | None = None, public: Ranking | None = None) -> None:
        """Without rankings: empty. `build` makes those of articles."""
        self.everything = everything
        self.public = public

    @classmethod
    def build(
        cls,
        articles: Iterable[Article],
        vectors: Stored | None = None,
        embedder: Embedder | None = None,
        *,
        cuts: Mapping[str, Cut] | None = None,
        thresholds: Thresholds | None = None,
    ) -> "ArticleIndex":
        """The index of these articles. Blocks: about a second for ten thousand.

        `vectors`: by digest (see `cutting.texts_of`); a passage without one is found by its words only. `cuts`: by
        slug, as far as known; with its cut an article needs no body. `thresholds`: without, they are measured, which
        takes as long as embedding two hundred questions; an embedder that cannot leaves the words alone.
        """
        ordered = sorted(articles, key=lambda article: (article.audience is not Audience.PUBLIC, article.slug))
        if not ordered:
            return cls()
        parts = [_parts(article, cuts or {}) for article in ordered]
        layout = _layout(ordered, parts)
        terms = terms_of([Text(a.language, a.title, part.passages) for a, part in zip(ordered, parts, strict=True)])
        meaning = None
        if vectors is not None and embedder is not None:
            limits = thresholds or _measured(ordered, cuts or {}, vectors, embedder)
            meaning = Meaning(embedder, _dense(ordered, parts, vectors, embedder), limits) if limits else None
        everything = Ranking(layout, terms, meaning)
        public = sum(article.audience is Audience.PUBLIC for article in ordered)
        if public == len(ordered):
            return cls(everything, everything)
        return cls(everything, everything.first(public, terms) if public else None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be found."""
        return self.everything is None

    @property
    def thresholds(self) -> Thresholds | None:
        """Where the bands begin; None where words alone decide."""
        return self.everything.thresholds if self.everything else None

    def search(self, query: str, category: ArticleCategory | None, *, internal: bool, most: int = BEST) -> Found:
        """Articles about the question, only those of the category if there is one. Blocks for a few milliseconds."""
        ranking = self.everything if internal else self.public
        return ranking.search(query, category, most) if ranking else NOTHING


def calibrated(articles: Iterable[Article], cuts: Mapping[str, Cut], vectors: Stored, embedder: Embedder) -> Thresholds:
    """Where the bands of an index of these articles begin, as its customers see it.

    What `build` measures when it is not told. Raises EmbedderUnavailableError.
    """
    every = tuple(articles)
    public = [article for article in every if article.audience is Audience.PUBLIC] or every
    digests = [digest for article in public for digest in _parts(article, cuts).digests]
    return calibrate(DenseIndex.of(stacked(vectors, digests, embedder.dimensions), 0).nearest, embedder)


def _measured(
    articles: Sequence[Article], cuts: Mapping[str, Cut], vectors: Stored, embedder: Embedder
) -> Thresholds | None:
    try:
        return calibrated(articles, cuts, vectors, embedder)
    except EmbedderUnavailableError as error:
        fields = {"embedder": embedder.name, "error": str(error)}
        logger.warning("knowledge.bands_unmeasured", extra={"fields": fields})
        return None


def _parts(article: Article, cuts: Mapping[str, Cut]) -> Cut:
    """At least one passage of every article: one that is all headings is found by its title."""
    parts = cuts.get(article.slug) or cut(article)
    if parts.passages:
        return parts
    return Cut(parts.title_digest, (Passage(article.slug, 0, article.title),), (text_digest(article.title),))


def _layout(articles: Sequence[Article], parts: Sequence[Cut]) -> Layout:
    texts = Packed(passage.text for part in parts for passage in part.passages)
    sizes = np.array([len(part.passages) for part in parts], np.int64)
    return Layout(tuple(replace(article, body="") for article in articles), texts, sizes)


def _dense(articles: Sequence[Article], parts: Sequence[Cut], vectors: Stored, embedder: Embedder) -> DenseIndex:
    passages = [digest for part in parts for digest in part.digests]
    titles = [part.title_digest if article.title else "" for article, part in zip(articles, parts, strict=True)]
    return DenseIndex.of(stacked(vectors, passages + titles, embedder.dimensions), len(titles))
