"""From what the database holds to an index that can be searched."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.knowledge_base.articles import Article
from tools.knowledge_base.band import Thresholds
from tools.knowledge_base.cutting import Cut, texts_of
from tools.knowledge_base.dense import Stored
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.index import ArticleIndex, calibrated


@dataclass(frozen=True, slots=True)
class Shelf:
    """Articles with their parts."""

    articles: tuple[Article, ...]
    """By slug."""
    cuts: Mapping[str, Cut]
    """By slug, of each of them."""

    def texts(self) -> dict[str, str]:
        """Everything that is to have a vector, by its digest."""
        return {digest: text for a in self.articles for digest, text in texts_of(a, self.cuts[a.slug])}

    def digests(self) -> frozenset[str]:
        """Of everything that is to have a vector."""
        return frozenset(d for parts in self.cuts.values() for d in (parts.title_digest, *parts.digests))


def built(shelf: Shelf, vectors: Stored, embedder: Embedder | None, thresholds: str) -> ArticleIndex:
    """The index of a shelf; by words alone as long as nothing was embedded. Blocks: seconds for ten thousand articles.

    `thresholds`: as `bands` gave them; empty: they are measured again.
    """
    if not vectors or embedder is None:
        return ArticleIndex.build(shelf.articles, cuts=shelf.cuts)
    limits = Thresholds.parse(thresholds)
    return ArticleIndex.build(shelf.articles, vectors, embedder, cuts=shelf.cuts, thresholds=limits)


def bands(shelf: Shelf, vectors: Stored, embedder: Embedder) -> str:
    """Where the bands of this very index lie, for storage. Blocks."""
    return calibrated(shelf.articles, shelf.cuts, vectors, embedder).json()
